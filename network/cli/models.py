"""``bgnest models``: compile the NESTML models, list what there is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..door.progress import TerminalReporter
from ..errors import SpecError, choices
from ..experiment.cell_code import DEFAULT_TARGET
from ..experiment.nestml import ModelInterface
from ..resources import missing_folders
from .options import AsJson
from .output import print_json

app = typer.Typer(no_args_is_help=True, help="Compile and list NESTML neuron models.")

Target = Annotated[
    str,
    typer.Option(
        help="auto (default): vectorised where that can express a model, else plain; vectorised (fast); plain "
        "(NESTML's per-cell code with our solver); reference (NESTML's default solver; needs GSL)."
    ),
]


@app.command("build")
def build(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Models by name or .nestml file; all that are known by default."),
    ] = None,
    target: Target = DEFAULT_TARGET,
    march: Annotated[
        str | None,
        typer.Option(
            help="native (default): tuned to this processor; portable: for clusters of mixed processors. The variable "
            "BGNEST_MARCH says the same to all commands."
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Models at a time; by default as many as there are cores, 880 MB for each."),
    ] = None,
) -> None:
    """Compile models ahead of a run (a run does it by itself); what is in the cache is not compiled again."""
    from .. import codegen
    from ..experiment.nestml import model_interfaces

    names = list(models or [])
    for name, model in ({} if names else model_interfaces()).items():
        if model.problem:
            print(f"bgnest: left out: {model.problem}", file=sys.stderr)
        else:
            names.append(name)
    with TerminalReporter().phase("models", len(names), "") as phase:
        built = codegen.build_all(
            names,
            target,
            march=march,
            jobs=jobs,
            progress=lambda note: phase.advance(0, note),
            tell=lambda note: print(f"bgnest: {note}", file=sys.stderr),
        )
    for part in built.parts:
        print(f"{part.path}.so")


@app.command("example")
def example(
    model: Annotated[str, typer.Argument(help="Model by name, see `bgnest models list`.")],
    out: Annotated[Path | None, typer.Option(help="File to write; printed if not given.")] = None,
) -> None:
    """Write an experiment with two small populations of a model that uses all its ports: a file to start from."""
    from ..experiment.example import example_of
    from ..experiment.nestml import model_interfaces

    models = model_interfaces()
    if model not in models:
        raise SpecError(
            [f"no NESTML model {model!r}; {choices(model, models, 'models')}{missing_folders('BGNEST_MODELS')}"]
        )
    text = example_of(model, models[model])
    if out is None:
        print(text, end="")
    elif out.exists():
        raise SpecError([f"{out}: is there already; name another file"])
    else:
        out.write_text(text, encoding="utf-8")


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models with their files, ports, parameters and states, and files that cannot be used with the reason."""
    from ..experiment.nestml import model_interfaces
    from ..resources import model_files

    if as_json:
        print_json({name: _facts(model) for name, model in model_interfaces().items()})
        return
    files = model_files()
    for name, model in model_interfaces().items():
        print(name)
        if model.problem:
            print(f"  unusable    {model.problem}")
            continue
        called = "" if model.name == name else f" (calls its model {model.name}; here it is {name})"
        print(f"  file        {model.file}{called}")
        for hidden in files[name][1:]:
            print(f"  hides       {hidden}")
        print(f"  ports       {', '.join(_port(model, port) for port in model.ports)}")
        if model.currents:
            print(f"  currents    {', '.join(model.currents)}")
        print(f"  states      {', '.join(model.states)}")
        print(f"  parameters  {', '.join(model.parameters)}")
        if not model.unsupported:
            print(f"  scheme      {_scheme(model)}")
        for found in model.unsupported:
            print(f"  built with `plain`: {found.place(model.file)}")


def _scheme(model: ModelInterface) -> str:
    """How the fast code integrates a model, as its generator has said."""
    from ..refusals import scheme_before

    known = scheme_before(model.digest)
    if known is None:
        return "known when the model has been built"
    name, why = known
    return f"{name}; no expansion: {why}" if why else name


def _port(model: ModelInterface, port: str) -> str:
    """Port with what a spike is there, as far as the model tells."""
    from ..experiment.receptors import KINDS, kind_of

    kind = kind_of(port, {}, model)
    return port if kind is None else f"{port} ({KINDS[kind].what}, {KINDS[kind].unit})"


def _facts(model: ModelInterface) -> dict[str, Any]:
    """What is known of a model, for programs."""
    if model.problem:
        return {"file": model.file, "problem": model.problem}
    names = ("file", "ports", "currents", "states", "parameters")
    return {name: getattr(model, name) for name in names} | {"scheme": None if model.unsupported else _scheme(model)}
