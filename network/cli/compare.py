"""``bgnest compare``: what differs between two runs, in parameters and in results; needs no NEST."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..runs.reader import Run
from .options import AsJson, RunArgument
from .output import print_json, records


def compare(
    first: RunArgument,
    second: RunArgument,
    limit: Annotated[int, typer.Option(min=0, help="Parameter differences shown; 0 for all.")] = 40,
    as_json: AsJson = False,
) -> None:
    """Show the parameter differences of two runs and their statistics side by side."""
    from ..analysis.comparison import parameter_differences, render_statistics, statistics
    from ..analysis.targets.verdict import aligned

    runs = [Run.open(first), Run.open(second)]
    if as_json:
        sides: dict[str, Any] = {letter: _about(run) for letter, run in zip("AB", runs, strict=True)}
        names = ("parameter", "A", "B")
        changes = [dict(zip(names, row, strict=True)) for row in parameter_differences(*runs)]
        print_json({**sides, "parameters": changes, "populations": records(statistics(*runs))})
        return
    for letter, run in zip("AB", runs, strict=True):
        start, stop = run.window
        about = f"{sum(run.populations.values()):,} neurons, seed {run.plan['seed']}, {start:g} - {stop:g} ms"
        print(f"{letter}  {run.path}: {run.name}, {about}")
    print()
    differences = parameter_differences(*runs)
    if not differences:
        print("no parameter differs")
    else:
        rows = [list(row) for row in differences[: limit or None]]
        print("\n".join(aligned(["parameter", "A", "B"], rows, left={"parameter"})))
        if len(rows) < len(differences):
            print(f"... and {len(differences) - len(rows)} more (--limit 0 shows all)")
    print()
    print(render_statistics(*runs))


def _about(run: Run) -> dict[str, Any]:
    size = sum(run.populations.values())
    return {"run": run.path, "name": run.name, "n_neurons": size, "seed": run.plan["seed"], "window_ms": run.window}
