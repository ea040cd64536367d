"""A run as a block of Neo, for Elephant and whatever else reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RunMissingError

if TYPE_CHECKING:
    import neo

    from .exports import Exports


def block(run: Exports, names: Sequence[str] | None = None) -> neo.Block:
    """Make a block: a spike train per cell, silent ones included, a signal per recorded variable.

    Raises
    ------
    RunMissingError
        If Neo is not installed.
    """
    try:
        import neo
        import quantities as pq
    except ImportError as error:
        raise RunMissingError("Neo is not installed: pip install neo") from error
    start, stop = run.window
    made = neo.Block(name=run.name, file_origin=str(run.path))
    segment = neo.Segment(name=run.name)
    made.segments.append(segment)
    for name in run.reader.recorded if names is None else names:
        spikes = run.spike_arrays(name).between(start, stop)
        order = np.argsort(spikes.node_ids, kind="stable")
        ends = np.searchsorted(spikes.node_ids[order], np.arange(1, spikes.n_neurons))
        group = neo.Group(name=name)
        for cell, times in enumerate(np.split(spikes.times[order], ends)):
            train = neo.SpikeTrain(times, units=pq.ms, t_start=start, t_stop=stop, population=name, cell=cell)
            segment.spiketrains.append(train)
            group.add(train)
        made.groups.append(group)
    for key in run.reader.traces:
        if names is not None and key.population not in names:
            continue
        report = run.reader.report(*key)
        step = float(np.diff(report.times[:2])[0]) if len(report.times) > 1 else 1.0
        signal = neo.AnalogSignal(
            report.values,
            units=_unit(report.units),
            t_start=float(report.times[0]) * pq.ms if len(report.times) else start * pq.ms,
            sampling_period=step * pq.ms,
            name=f"{report.population}.{report.variable}",
            trace=report.trace,
        )
        signal.array_annotate(cell=report.node_ids)
        segment.analogsignals.append(signal)
    return made


def _unit(name: str) -> str:
    """Unit as the package quantities calls it."""
    return "dimensionless" if name in ("", "1") else name
