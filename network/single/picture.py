"""What the figure of a cell shows of its record: which steps, which intervals, which potentials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..analysis.plots.cells import CellFigure, Trace
from .measures import Measure, curve
from .protocol import END, Record, Steps, steady_rate

SHOWN_RATES = (5.0, 20.0, 60.0)
"""Steps upwards are shown whose rates (spikes/s) come closest to these."""
BEFORE, THEN = 200.0, 500.0
"""Time in ms that is shown before and after a step."""
RESOLVED = 8.0
"""The small step is shown for as many time constants."""


def figure_of(
    record: Record, measures: Sequence[Measure], peak: float | None, known: Sequence[tuple[float, float]]
) -> CellFigure:
    """Content of the figure."""
    value = {measure.name: measure.value for measure in measures}
    rates = curve(record.rates)
    chosen = _chosen(record.rates)
    silent = _silent(record)
    tau = value.get("time constant", float("nan"))
    shown = min(record.small.duration, RESOLVED * tau) if np.isfinite(tau) else 200.0
    height = float(record.small.current[0] - record.small.before[0])
    return CellFigure(
        steps=[_trace(record.rates, cell, peak) for cell in chosen],
        rebound=[_trace(record.deep, cell, peak) for cell in sorted({0, len(record.deep.current) // 2})],
        duration=record.rates.duration,
        current=rates.current,
        steady=rates.steady,
        first=rates.first,
        known=known,
        own=record.range.own,
        held=record.range.held,
        rheobase=value.get("rheobase", float("nan")),
        rest_current=silent[0],
        rest_potential=silent[1],
        onset=_cut(record.small, 0, -0.25 * shown, shown, f"step of {height:.3g} pA"),
        time_constant=tau,
        resistance=value.get("input resistance", float("nan")),
        intervals=[_intervals(record.rates, cell) for cell in chosen if record.rates.during(cell).size >= 3],
    )


def _chosen(rates: Steps) -> list[int]:
    """Cells of the curve of rates that are shown, from slow to fast."""
    found = np.array([steady_rate(rates, cell) for cell in range(len(rates.current))])
    fires = [cell for cell in range(len(found)) if rates.during(cell).size]
    if not fires:
        return []
    nearest = (min(fires, key=lambda cell: abs(found[cell] - wanted)) for wanted in SHOWN_RATES)
    return sorted(dict.fromkeys(nearest), key=lambda cell: float(rates.current[cell]))


def _silent(record: Record) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Currents and steady potentials of all steps without spikes."""
    currents, potentials = [], []
    for steps in (record.deep, record.small, record.fine, record.rates):
        if not steps.current.size:
            continue
        ends = steps.potential(steps.duration - END, steps.duration)
        quiet = [cell for cell in range(len(steps.current)) if not steps.during(cell).size]
        currents += [float(steps.current[cell]) for cell in quiet]
        potentials += [float(ends[cell]) for cell in quiet]
    return np.array(currents), np.array(potentials)


def _trace(steps: Steps, cell: int, peak: float | None) -> Trace:
    shown = _cut(steps, cell, -BEFORE, steps.duration + THEN, f"{steps.current[cell]:.4g} pA")
    return Trace(shown.name, shown.times, shown.values, steps.spikes[cell], peak)


def _cut(steps: Steps, cell: int, start: float, stop: float, name: str) -> Trace:
    inside = (steps.times >= start) & (steps.times <= stop)
    return Trace(name, steps.times[inside], steps.values[inside, cell])


def _intervals(steps: Steps, cell: int) -> tuple[str, NDArray[np.float64], NDArray[np.float64]]:
    spikes = steps.during(cell)
    return f"{steps.current[cell]:.4g} pA", spikes[1:], np.diff(spikes)
