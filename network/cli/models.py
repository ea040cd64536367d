"""``bgnest models``: compile the NESTML models, list what there is."""

from __future__ import annotations

from typing import Annotated

import typer

from network.cli.progress import TerminalReporter

app = typer.Typer(no_args_is_help=True, help="Compile and list NESTML neuron models.")

Target = Annotated[
    str,
    typer.Option(
        help="vectorised (fast, default), plain (NESTML's per-cell code with our solver), "
        "reference (NESTML's default solver; needs GSL)."
    ),
]


@app.command("build")
def build(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Models by name or .nestml file; all that are known by default."),
    ] = None,
    target: Target = "vectorised",
    march: Annotated[
        str | None,
        typer.Option(
            help="native (default): tuned to this processor; portable: for clusters of mixed processors. The variable "
            "BGNEST_MARCH says the same to all commands."
        ),
    ] = None,
) -> None:
    """Compile models ahead of a run (a run does it by itself); what is in the cache is not compiled again."""
    from network import codegen
    from network.resources import list_models as model_files

    names = list(models or model_files())
    with TerminalReporter().phase("models", len(names), "") as phase:
        built = codegen.build(names, target=target, march=march, progress=lambda note: phase.advance(0, note))
    print(f"{built.path}.so")


@app.command("list")
def list_models() -> None:
    """List the models with their ports, parameters and states."""
    from network.spec.nestml import model_interfaces

    for name, model in model_interfaces().items():
        print(name)
        print(f"  ports       {', '.join(model.ports)}")
        print(f"  states      {', '.join(model.states)}")
        print(f"  parameters  {', '.join(model.parameters)}")
