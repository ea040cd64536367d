"""``bgnest compare``: what differs between two runs, or groups of them, in parameters and results; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from ..runs.reader import Run
from .options import AsJson
from .output import print_json, records


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Two run folders; or, with --with, the runs of group A (other seeds)."),
    ],
    others: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="RUN", help="Run of group B. Repeatable; a pattern such as 'runs/b-*' is one."),
    ] = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="Compare runs of equal seeds one by one; finds smaller differences.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="Parameter differences shown; 0 for all.")] = 40,
    csv: Annotated[Path | None, typer.Option(help="Also write the table of the groups as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the parameter differences of two runs, or groups of runs, and their statistics side by side.

    Two runs: `bgnest compare A B`. Whether a difference is larger than the scatter between seeds only several runs of
    each can tell: `bgnest compare a-1 a-2 a-3 --with b-1 --with b-2 --with b-3`, or `--with 'b-*'`. Then each rate, CV
    and synchrony is compared by Welch's test on one value per run.
    """
    from ..analysis.comparison import parameter_differences, render_statistics, statistics
    from ..analysis.replicates import Group, compare_groups, render_groups

    first, second = _sides(runs, others)
    a, b = ([Run.open(path) for path in side] for side in (first, second))
    two = others is None and csv is None and not paired
    if as_json:
        names = ("parameter", "A", "B")
        changes = [dict(zip(names, row, strict=True)) for row in parameter_differences(a[0], b[0])]
        about: dict[str, Any] = {"A": _about(a[0]), "B": _about(b[0])} if two else {}
        about |= {} if two else {letter: [_about(run) for run in side] for letter, side in (("A", a), ("B", b))}
        compared = statistics(a[0], b[0]) if two else compare_groups(Group.of(a, "A"), Group.of(b, "B"), paired=paired)
        print_json({**about, "parameters": changes, "populations": records(compared)})
        return
    for letter, side in (("A", a), ("B", b)):
        for run in side:
            start, stop = run.window
            size = f"{sum(run.populations.values()):,} neurons, seed {run.plan['seed']}, {start:g} - {stop:g} ms"
            print(f"{letter}  {run.path}: {run.name}, {size}")
    print()
    _parameters(a[0], b[0], limit, seeds=others is None)
    print()
    if two:
        print(render_statistics(a[0], b[0]))
        return
    groups = Group.of(a, "A"), Group.of(b, "B")
    print(render_groups(*groups, paired=paired))
    if csv is not None:
        csv.parent.mkdir(parents=True, exist_ok=True)
        compare_groups(*groups, paired=paired).to_csv(csv, index=False)


def _about(run: Run) -> dict[str, Any]:
    size = sum(run.populations.values())
    return {"run": run.path, "name": run.name, "n_neurons": size, "seed": run.plan["seed"], "window_ms": run.window}


def _sides(runs: list[Path], others: list[Path] | None) -> tuple[list[Path], list[Path]]:
    """Folders of both groups; patterns in them are filled in."""
    if others is None:
        if len(runs) != 2:
            raise SpecError([f"{len(runs)} runs; name two, or those of a second group with --with"])
        return runs[:1], runs[1:]
    return _expanded(runs), _expanded(others)


def _expanded(paths: list[Path]) -> list[Path]:
    """Patterns as the folders that match; a pattern that matches nothing stays, and is told as missing."""
    return [found for path in paths for found in _matching(path) or [path]]


def _matching(path: Path) -> list[Path]:
    pattern = str(path.relative_to(path.anchor))
    return sorted(Path(path.anchor).glob(pattern)) if any(sign in pattern for sign in "*?[") else []


def _parameters(first: Run, second: Run, limit: int, *, seeds: bool) -> None:
    """Print what differs between the parameters of two runs."""
    from ..analysis.comparison import parameter_differences
    from ..analysis.replicates import SEED
    from ..analysis.targets.verdict import aligned

    differences = [found for found in parameter_differences(first, second) if seeds or found[0] != SEED]
    if not differences:
        print("no parameter differs")
        return
    rows = [list(row) for row in differences[: limit or None]]
    print("\n".join(aligned(["parameter", "A", "B"], rows, left={"parameter"})))
    if len(rows) < len(differences):
        print(f"... and {len(differences) - len(rows)} more (--limit 0 shows all)")
