"""``bgnest run``: from an experiment to a run folder with a table of rates and figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..cluster import launch
from ..cluster.ranks import present
from ..door import Experiment, Run
from .options import (
    DEFAULT_EXPERIMENT,
    AsJson,
    Changes,
    ExperimentArgument,
    NewRun,
    Pdf,
    Quiet,
    Ranks,
    Regardless,
    Svg,
    TakeOver,
    Threads,
    tell_code,
    with_changes,
)
from .output import print_json, records
from .plan import show_plan
from .plot import name_figures
from .rates import show_rates
from .validate import beside_network
from .verdict import verdict_of


@with_changes
def run(
    changes: Changes,
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    threads: Threads = 1,
    ranks: Ranks = 1,
    target: Annotated[
        str | None,
        typer.Option(
            help="Code of the cells: auto (vectorised where that can express a model, else plain), "
            "vectorised, plain or reference (see `bgnest models build`)."
        ),
    ] = None,
    drive: Annotated[
        str | None,
        typer.Option(
            help="Poisson input: internal (drawn by the cells; target vectorised only) or "
            "device (NEST's generators; taken by itself with other targets)."
        ),
    ] = None,
    out: NewRun = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a complete run in that folder.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Do nothing if the folder holds this run complete; else run it.")
    ] = False,
    take_over: TakeOver = False,
    regardless: Regardless = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be built and its cost, as `bgnest plan`; run nothing.")
    ] = False,
    figures: Annotated[bool, typer.Option(help="Draw the standard figures.")] = True,
    pdf: Pdf = False,
    svg: Svg = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build and simulate an experiment; print the rates beside their targets; draw the figures.

    The published size takes about a minute and 4 GB on a laptop; try `--n-neurons 10000` first.

    A network that needs more memory or disk than there is is refused before anything is compiled, with the size that
    would fit (`--regardless` starts it).

    Exit code 3: activity exploded (`simulation.guard`), or the state of a cell is no longer finite, and the run was
    stopped with what it had recorded.
    """
    code = [f"simulation.{key}={value}" for key, value in (("target", target), ("drive", drive)) if value]
    chosen = changes.load(experiment, *code)
    if present().first:
        beside_network(chosen.spec)
        tell_code(chosen.plan(threads=threads), chosen.spec)
    if dry_run:
        show_plan(chosen.plan(threads=threads, ranks=ranks), as_json=as_json)
        return
    done = chosen.run(
        threads=threads,
        ranks=_ranks(chosen, ranks, threads, out),
        out=out,
        overwrite=overwrite,
        resume=resume,
        take_over=take_over,
        regardless=regardless,
        progress=not (quiet or as_json),
    )
    if not present().first:
        return
    if as_json:
        made = done.plot.all(pdf=pdf, svg=svg) if figures else []
        populations = {"window_ms": done.window, "populations": records(done.rates())}
        print_json({"run": done.path, **verdict_of(done.verdict().judgement), **populations, "figures": made})
        return
    _show(done, figures=figures, pdf=pdf, svg=svg)


def _show(done: Run, *, figures: bool, pdf: bool, svg: bool) -> None:
    """Print the rates while helpers begin to draw the figures, then draw with them."""
    print()
    if not figures:
        show_rates(done)
    else:
        notes: list[str] = []
        with done.plot.begin(pdf=pdf, svg=svg, tell=notes.append) as drawing:
            show_rates(done)
            sys.stdout.flush()
            name_figures(drawing.finish(), notes)
    print(f"\nrun folder: {done.path}")


def _ranks(experiment: Experiment, asked: int, threads: int, out: Path | None) -> int:
    """Ranks of the present MPI job; starts one if ranks are asked for outside of a job, and ends with it."""
    here = present()
    if here.size > 1:
        if asked not in (1, here.size):
            raise typer.BadParameter(
                f"{asked}, but the launcher has started {here.size}; leave it out", param_hint="--ranks"
            )
        launch.become_rank(sys.argv[1:])
    elif asked > 1:
        from ..engine.ranks import start
        from ..engine.run import default_folder

        path = out or default_folder(experiment.plan(threads=threads, ranks=asked))
        raise typer.Exit(start(sys.argv[1:], path=path, ranks=asked, threads=threads))
    return here.size
