"""``bgnest run``: from an experiment to a run folder with a table of rates and figures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from ..cluster import launch
from ..cluster.ranks import present
from ..experiment import Experiment
from ..plans import make_plan
from .options import (
    DEFAULT_EXPERIMENT,
    Changes,
    ExperimentArgument,
    NewRun,
    Quiet,
    Ranks,
    TakeOver,
    Threads,
    tell_drive,
    with_changes,
)
from .plot import draw
from .progress import TerminalReporter
from .rates import show_rates
from .validate import beside_network


@with_changes
def run(
    changes: Changes,
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    threads: Threads = 1,
    ranks: Ranks = 1,
    target: Annotated[
        str | None,
        typer.Option(help="Code of the cells: vectorised, plain or reference (see `bgnest models build`)."),
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
    figures: Annotated[bool, typer.Option(help="Draw the standard figures.")] = True,
    quiet: Quiet = False,
) -> None:
    """Build and simulate an experiment; print the rates beside their targets; draw the figures.

    The published size takes about a minute and 4 GB on a laptop; try `--n-neurons 10000` first.

    Exit code 3: activity exploded, and the run was stopped with what it had recorded (`simulation.guard`).
    """
    code = [f"simulation.{key}={value}" for key, value in (("target", target), ("drive", drive)) if value]
    spec = changes.load(experiment, *code)
    if present().first:
        beside_network(spec)
        tell_drive(spec)
    from ..engine.run import run as run_experiment

    ranks = _ranks(spec, ranks, threads, out)

    done = run_experiment(
        spec,
        threads=threads,
        ranks=ranks,
        out=out,
        overwrite=overwrite,
        resume=resume,
        take_over=take_over,
        reporter=TerminalReporter(quiet),
    )
    if not present().first:
        return
    print()
    show_rates(done)
    if figures:
        draw(done)
    print(f"\nrun folder: {done.path}")


def _ranks(spec: Experiment, asked: int, threads: int, out: Path | None) -> int:
    """Ranks of the present MPI job; starts one if ranks are asked for outside of a job, and ends with it."""
    from ..engine.restart import mark_interrupted
    from ..engine.run import default_folder
    from ..errors import RunawayError

    here = present()
    if here.size > 1:
        if asked not in (1, here.size):
            raise typer.BadParameter(
                f"{asked}, but the launcher has started {here.size}; leave it out", param_hint="--ranks"
            )
        launch.become_rank(sys.argv[1:])
    elif asked > 1:
        path = out or default_folder(make_plan(spec, threads=threads, ranks=asked))
        job = uuid4().hex
        code = launch.start(sys.argv[1:], ranks=asked, threads=threads, name=job)
        if code not in (0, 1, 2, RunawayError.exit_code):  # these have been explained by the job itself
            interrupted = code == launch.INTERRUPTED
            reason = "interrupted" if interrupted else f"the MPI job ended with code {code}"
            marked = mark_interrupted(path, job, reason)
            hint = "" if interrupted else " (137: a rank was killed, perhaps for want of memory)"
            left = f"; the run in {path} is marked incomplete" if marked else ""
            print(f"bgnest: {reason}{hint}{left}", file=sys.stderr)
        raise typer.Exit(code)
    return here.size
