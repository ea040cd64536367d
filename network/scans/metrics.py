"""What the table of a scan says about one run, kept beside the runs so that collecting again is quick."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.look import presentation_of
from ..analysis.targets.judge import run_targets
from ..analysis.targets.measures import NotMeasuredError, PopulationMeasure, RunData, family
from ..analysis.targets.verdict import judge
from ..plans.identity import digest
from ..processes import end_with_parent
from ..runs import Run
from ..runs.code import code_digest
from ..runs.layout import MANIFEST, to_json, write_atomic
from ..sealing import seal_holds, sealed

IN_PROCESSES = 16
"""Runs from which on several processes analyse."""

Row = dict[str, Any]


def metrics() -> tuple[str, ...]:
    """Columns of numbers of every population: its size, its spikes, and all measures of populations."""
    return ("size", "n_spikes", *family(PopulationMeasure))


def population_rows(run: Run) -> list[Row]:
    """One row per population and group of a complete run.

    Returns
    -------
    list of dict
        ``population``, ``size`` (cells), ``n_spikes``, a value per measure of populations
        (`network.analysis.targets.measures`) and ``verdict`` on the rate. None where a quantity does not exist.
    """
    targets = run_targets(run)
    data = RunData(run)
    verdicts = judge(data.table, targets.bands if targets else {})["verdict"]
    rows = []
    for name, values in data.table.iterrows():
        row: Row = {"population": str(name), "size": int(values["n_neurons"]), "n_spikes": int(values["n_spikes"])}
        row |= {key: _value(measure, data, str(name)) for key, measure in family(PopulationMeasure).items()}
        row["verdict"] = str(verdicts[str(name)])
        rows.append({key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in row.items()})
    return rows


def _value(measure: PopulationMeasure, data: RunData, name: str) -> float:
    """Value of a measure, NaN where the run has not what it takes."""
    try:
        return measure.value(data, name)
    except NotMeasuredError:
        return float("nan")


def run_rows(path: Path, cache: Path) -> list[Row]:
    """`population_rows` of a run folder with ``rtf`` (real-time factor of the recording).

    Taken from the file ``cache`` if that was made from this very run by this very analysis.
    """
    run = Run.open(path)
    key = _key(run)
    try:
        kept = json.loads(cache.read_text(encoding="utf-8"))
        if seal_holds(kept) and kept["key"] == key:
            return list(kept["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    rows = [{**row, "rtf": float(run.timers["real_time_factor"])} for row in population_rows(run)]
    write_atomic(cache, to_json(sealed(json.loads(to_json({"key": key, "rows": rows})))))
    return rows


def all_rows(runs: Sequence[tuple[Path, Path]], n_processes: int) -> list[list[Row]]:
    """`run_rows` of many (run folder, file to keep the rows in)."""
    if len(runs) < IN_PROCESSES or n_processes < 2:
        return [run_rows(path, cache) for path, cache in runs]
    with ProcessPoolExecutor(n_processes, initializer=end_with_parent) as pool:
        return list(pool.map(run_rows, *zip(*runs, strict=True), chunksize=4))


def _key(run: Run) -> str:
    """What the rows depend on: the run by its manifest, the analysis, the targets and the bands of the network."""
    manifest = hashlib.sha256((run.path / MANIFEST).read_bytes()).hexdigest()
    about = [repr(run_targets(run)), repr(presentation_of(run.plan).bands)]
    return digest([manifest, code_digest(("analysis",)), Path(__file__).read_text(encoding="utf-8"), *about])
