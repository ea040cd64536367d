"""What the table of a scan says about one run, kept beside the runs so that collecting again is quick."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.oscillations import BETA
from ..analysis.spectra import oscillation_index, rate_spectrum
from ..analysis.statistics import Floats, run_spikes
from ..analysis.targets.judge import judge_run, run_targets
from ..plans.identity import digest
from ..processes import end_with_parent
from ..runs import Run
from ..runs.code import code_digest
from ..runs.layout import MANIFEST, to_json, write_atomic
from ..sealing import seal_holds, sealed

HIGHEST = 100.0
"""Hz up to which spectra are looked at."""
IN_PROCESSES = 16
"""Runs from which on several processes analyse."""

Row = dict[str, Any]


def population_rows(run: Run) -> list[Row]:
    """One row per population and group of a complete run.

    Returns
    -------
    list of dict
        ``population``, ``size`` (cells), ``n_spikes``, ``rate`` (spikes/s), ``cv`` (of the inter-spike intervals),
        ``active`` (fraction of cells that fired), ``synchrony`` (variance over mean of the population rate,
        spikes/s); of the power spectrum of the population rate ``peak_frequency`` (Hz, above 0), ``beta_share``
        (15-25 Hz in the power up to 100 Hz; about 0.11 for a flat spectrum) and ``beta_power`` (15-25 Hz,
        (spikes/s)^2); ``verdict`` on the rate. None where a quantity does not exist.
    """
    judgement = judge_run(run, run_targets(run), pairs=False)
    spikes = run_spikes(run)
    rows = []
    for name, values in judgement.table.iterrows():
        row: Row = {"population": str(name), "size": int(values["n_neurons"]), "n_spikes": int(values["n_spikes"])}
        row |= {key: float(values[key]) for key in ("rate", "cv", "active", "synchrony")}
        train = spikes[str(name)]
        row |= _spectral(*rate_spectrum(train.times, train.n_neurons, *run.window))
        row["verdict"] = str(judgement.rates["verdict"].get(name, "-"))
        rows.append({key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in row.items()})
    return rows


def _spectral(frequencies: Floats, power: Floats) -> Row:
    looked_at = (frequencies > 0) & (frequencies <= HIGHEST)
    inside = (frequencies >= BETA.low) & (frequencies <= BETA.high)
    if not power[looked_at].any():
        return {"peak_frequency": np.nan, "beta_share": np.nan, "beta_power": np.nan}
    return {
        "peak_frequency": float(frequencies[looked_at][np.argmax(power[looked_at])]),
        "beta_share": oscillation_index(frequencies, power, BETA.limits, HIGHEST),
        "beta_power": float(power[inside].sum() * (frequencies[1] - frequencies[0])),
    }


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
    """What the rows depend on: the run by its manifest, the analysis, the targets."""
    manifest = hashlib.sha256((run.path / MANIFEST).read_bytes()).hexdigest()
    targets = run_targets(run) if run.plan.get("meta", {}).get("state") else None
    return digest([manifest, code_digest(("analysis",)), Path(__file__).read_text(encoding="utf-8"), repr(targets)])
