"""Run several experiments one after the other, and only those that are not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from network.engine.progress import Reporter
from network.engine.run import run
from network.results.errors import ResultsError
from network.results.run import Run
from network.spec import Experiment, make_plan


def run_all(
    experiments: Mapping[str, Experiment],
    out: str | Path,
    *,
    threads: int = 1,
    reporter: Reporter | None = None,
) -> dict[str, Run]:
    """Run each experiment into ``out/<key>``; a complete run of the same simulation is used again.

    Parameters
    ----------
    experiments : mapping of str to Experiment
    out : path
        Folder of the run folders.
    threads : int
    reporter : Reporter, optional
        Shows the progress; silent by default.

    Returns
    -------
    dict of str to Run
    """
    runs = {}
    for key, experiment in experiments.items():
        folder = Path(out) / key
        found = _complete(folder)
        if found is not None and found.record.get("simulation_hash") == _hash(experiment, threads):
            runs[key] = found
            continue
        runs[key] = run(experiment, threads=threads, out=folder, overwrite=found is not None, reporter=reporter)
    return runs


def _hash(experiment: Experiment, threads: int) -> str:
    return make_plan(experiment, threads=threads).simulation_hash


def _complete(folder: Path) -> Run | None:
    try:
        return Run.open(folder)
    except ResultsError:
        return None
