"""``bgnest batch``: several experiments one after the other, sharing the building of a network where that can be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ..door.progress import TerminalReporter
from ..errors import SpecError
from .options import Changes, Quiet, Regardless, TakeOver, Threads, with_changes


@with_changes
def batch(
    changes: Changes,
    experiments: Annotated[
        list[str],
        typer.Argument(help="YAML files or names of experiments; each runs into OUT/NAME, NAME without .yaml."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run folders.")] = Path("runs"),
    threads: Threads = 1,
    share: Annotated[
        bool, typer.Option(help="Build a network that several experiments have in common only once (one thread).")
    ] = True,
    workers: Annotated[int, typer.Option(min=1, help="Runs at the same time that share a build.")] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace complete runs of other simulations in those folders.")
    ] = False,
    take_over: TakeOver = False,
    regardless: Regardless = False,
    quiet: Quiet = False,
) -> None:
    """Run several experiments; those that are complete already are left alone.

    Experiments with the same cells, wiring and seed that differ in input, times or recordings share one build: it
    happens once, and each run is a forked process, with the same spikes as `bgnest run` gives. A run that fails or
    explodes does not stop the others. One that another process is running already is waited for.

    Exit code 0 if all are complete, 3 if activity exploded in those that are not, otherwise 1.
    """
    from ..engine.batch import run_all

    names = [Path(name).stem if name.endswith((".yaml", ".yml")) else name.rpartition("/")[2] for name in experiments]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise SpecError([f"two experiments would run into {out / twice[0]}; give the files different names"])
    specs = {name: changes.load(experiment).spec for name, experiment in zip(names, experiments, strict=True)}
    runs = run_all(
        specs,
        out,
        threads=threads,
        share_builds=share,
        workers=workers,
        overwrite=overwrite,
        take_over=take_over,
        regardless=regardless,
        reporter=TerminalReporter(quiet),
    )
    for run in runs.values():
        print(run.path)
