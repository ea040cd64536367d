"""Hand on what a run has recorded: as tables of text, to Neo, as NWB, or as SONATA with its configurations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RunExistsError, RunMissingError, SpecError, choices
from ..runs.snap import write_snap

if TYPE_CHECKING:
    from .exports import Exports


def export_activity(run: Exports, out: Path | None, format: str) -> Path:
    """Write spikes and traces of a run; see `network.door.runs.Run.export_activity`."""
    if format not in FORMATS:
        raise SpecError([f"format {format!r}; {choices(format, list(FORMATS), 'formats')}"])
    if format == "sonata":
        if out is not None:
            raise SpecError(
                ["SONATA is what the run folder holds: its configurations are written there, without 'out'"]
            )
        return write_snap(run.reader, run.plan.seed, dict(run.groups))
    if out is None:
        raise SpecError([f"format {format}: say where to, 'out'"])
    if out.exists():
        raise RunExistsError(f"{out}: exists already; choose another name")
    out.parent.mkdir(parents=True, exist_ok=True)
    FORMATS[format](run, out)
    return out


def _tables(run: Exports, out: Path) -> None:
    """A folder: a line per spike of each population, a line per sample of each trace and a column per cell."""
    import pandas as pd

    out.mkdir()
    for name in run.recorded:
        found = run.spike_arrays(name)
        table = pd.DataFrame({"cell": found.node_ids, "time_ms": found.times})
        table.to_csv(out / f"spikes_{name}.csv", index=False)
    for key in run.reader.traces:
        report = run.reader.report(*key)
        columns: dict[str, Any] = {"time_ms": report.times}
        columns |= {f"cell_{cell}_{report.units}": report.values[:, k] for k, cell in enumerate(report.node_ids)}
        pd.DataFrame(columns).to_csv(out / f"{Path(run.reader.report_file(key)).stem}.csv", index=False)


def _neo(run: Exports, out: Path) -> None:
    """A file of a kind that Neo writes, by the end of its name: ``.mat``, ``.nix``, ``.pkl``, ..."""
    block = run.to_neo()
    import neo

    try:
        neo.io.get_io(str(out)).write_block(block)
    except Exception as error:  # whatever a writer of Neo needs or cannot do
        raise RunMissingError(f"{out}: Neo does not write it: {str(error) or type(error).__name__}") from error


def _nwb(run: Exports, out: Path) -> None:
    """Units with their spikes in s, a time series per trace; by PyNWB."""
    try:
        import pynwb
    except ImportError as error:
        raise RunMissingError("PyNWB is not installed: pip install pynwb") from error
    started = datetime.fromisoformat(str(run.record.get("started") or run.record["created"])).astimezone()
    file = pynwb.NWBFile(
        session_description=f"simulation {run.name}", identifier=run.plan.simulation_hash, session_start_time=started
    )
    file.add_unit_column("population", "population of the cell")
    file.add_unit_column("cell", "number of the cell in its population, from 0 on")
    _, stop = run.window
    for name in run.recorded:
        found = run.spike_arrays(name)
        order = np.argsort(found.node_ids, kind="stable")
        ends = np.searchsorted(found.node_ids[order], np.arange(1, found.n_neurons))
        for cell, times in enumerate(np.split(found.times[order], ends)):
            file.add_unit(spike_times=times / 1e3, obs_intervals=[[0.0, stop / 1e3]], population=name, cell=cell)
    for key in run.reader.traces:
        report = run.reader.report(*key)
        if len(report.times) < 2:
            continue
        step = float(report.times[1] - report.times[0])
        series = pynwb.TimeSeries(
            name=Path(run.reader.report_file(key)).stem,
            data=report.values,
            unit=report.units or "1",
            starting_time=float(report.times[0]) / 1e3,
            rate=1e3 / step,
            comments=f"cells of {key.population}: {', '.join(map(str, report.node_ids))}",
            description=f"{key.variable} of {key.population}",
        )
        file.add_acquisition(series)
    with pynwb.NWBHDF5IO(str(out), "w") as writer:
        writer.write(file)


FORMATS: dict[str, Callable[[Any, Path], None]] = {
    "csv": _tables,
    "neo": _neo,
    "nwb": _nwb,
    "sonata": lambda run, out: None,
}
"""What each of the formats is written by; SONATA is in the run folder already."""
