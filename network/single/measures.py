"""Measures of a cell from what it did at steps of current; their definitions are these functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .protocol import END, Record, Steps, steady_rate

Floats = NDArray[np.float64]

REBOUND = 200.0
"""Time in ms after a step in which spikes are rebound."""
ADAPTED = 20.0
"""Rate (spikes/s) near which adaptation is measured."""
GAIN = (10.0, 50.0)
"""Rates (spikes/s) between which the curve of rates is taken for a line."""
PASSIVE = {"input resistance": "MOhm", "time constant": "ms"}
"""Measures of a small step, and their units."""


@dataclass(frozen=True)
class Measure:
    """A number with its unit and how it was got; NaN where there is nothing to measure, and the reason."""

    name: str
    value: float
    unit: str
    how: str


@dataclass(frozen=True, eq=False)
class Curve:
    """Rates at constant currents: steady, and that of the first interval (NaN below two spikes)."""

    current: Floats
    steady: Floats
    first: Floats


NOTHING = float("nan")


def curve(steps: Steps) -> Curve:
    """Rate over current, from the lowest current up."""
    order = np.argsort(steps.current, kind="stable")
    steady = np.array([steady_rate(steps, int(cell)) for cell in order])
    first = np.array([_first_rate(steps.during(int(cell))) for cell in order])
    return Curve(steps.current[order], steady, first)


def _first_rate(spikes: Floats) -> float:
    return float(1000.0 / (spikes[1] - spikes[0])) if spikes.size >= 2 else NOTHING


def measures(record: Record) -> list[Measure]:
    """All measures, in the order of a table."""
    found = record.range
    spontaneous = steady_rate(record.own, 0)
    active = record.own.during(0).size > 0
    at = f"at {found.held:.4g} pA" + (", the highest silent current of the search" if active else ", its own current")
    rest = float(record.small.potential(-END, 0.0)[0])
    fires = found.firing is not None
    holding = Measure("potential held silent", rest, "mV", at)
    resting = Measure("resting potential", rest, "mV", at)
    if active and found.silent is None:
        holding = Measure("potential held silent", NOTHING, "mV", "it fires at all currents")
    table = [
        Measure("resting potential", NOTHING, "mV", "none: it fires by itself") if active else resting,
        *([holding] if active else []),
        Measure("rate by itself", spontaneous, "spikes/s", f"at its own current, {found.own:.4g} pA"),
        *_irregular(record),
        *(_passive(record) if found.silent is not None or not fires else []),
        rheobase(record),
        gain(curve(record.rates)),
        Measure("highest rate", float(curve(record.rates).steady.max()), "spikes/s", f"up to {found.top:.4g} pA"),
        adaptation(record.rates),
        *_rebound(record, spontaneous),
    ]
    return table


def _irregular(record: Record) -> list[Measure]:
    intervals = np.diff(record.own.during(0))
    if intervals.size < 3:
        return []
    value = float(intervals.std() / intervals.mean())
    return [Measure("CV of intervals", value, "1", "at its own current; regular 0, bursts above 0.5")]


def _passive(record: Record) -> list[Measure]:
    """Input resistance, time constant and sag."""
    small = record.small
    height = float(small.current[0] - small.before[0])
    before = float(small.potential(-END, 0.0)[0])
    after = float(small.potential(small.duration - END, small.duration)[0])
    fall = after - before
    if fall * height <= 0.0:  # what moves the potential is not the step
        drift = before - float(small.potential(-5.0 * END, -4.0 * END)[0])
        why = f"none: the potential still drifts, {drift:.2g} mV in the {4.0 * END:g} ms before the step"
        passive = [Measure(name, NOTHING, unit, why) for name, unit in PASSIVE.items()]
        return [*passive, _sag(record.deep, before)]
    how = f"step of {height:.3g} pA, {fall:.2g} mV at its end"
    return [
        Measure("input resistance", 1000.0 * fall / height, PASSIVE["input resistance"], how),
        Measure("time constant", time_constant(small, before, fall), PASSIVE["time constant"], "63 % of that step"),
        _sag(record.deep, before),
    ]


def time_constant(small: Steps, before: float, fall: float) -> float:
    """Time in ms at which a small step has come to 1 - 1/e of its end."""
    inside = (small.times > 0.0) & (small.times <= small.duration)
    share = (small.values[inside, 0] - before) / fall if fall else np.zeros(int(inside.sum()))
    wanted = 1.0 - np.exp(-1.0)
    past = np.flatnonzero(share >= wanted)
    if not past.size:
        return NOTHING
    times = np.concatenate([[0.0], small.times[inside]])
    values = np.concatenate([[0.0], share])
    end = int(past[0]) + 1
    return float(np.interp(wanted, values[end - 1 : end + 1], times[end - 1 : end + 1]))


def _sag(deep: Steps, before: float) -> Measure:
    inside = (deep.times > 0.0) & (deep.times <= deep.duration)
    lowest = float(deep.values[inside, 0].min())
    end = float(deep.potential(deep.duration - END, deep.duration)[0])
    value = round((end - lowest) / (before - lowest), 4) if before > lowest else NOTHING
    return Measure("sag", value, "1", f"part of {before - lowest:.3g} mV that is taken back within the deepest step")


def rheobase(record: Record) -> Measure:
    """Lowest current at which there is a spike within a step; the half of the distance to the next is uncertain."""
    found, fine = record.range, record.fine
    if found.firing is None:
        highest = float(record.rates.current.max())
        return Measure("rheobase", NOTHING, "pA", f"no spike at up to {highest:.4g} pA")
    if found.silent is None:
        return Measure("rheobase", NOTHING, "pA", "it fires at all currents")
    fires = np.array([fine.during(cell).size > 0 for cell in range(len(fine.current))])
    first = int(np.argmax(fires)) if fires.any() else len(fires) - 1
    low = float(fine.current[max(0, first - 1)])
    high = float(fine.current[first])
    return Measure("rheobase", 0.5 * (low + high), "pA", f"between {low:.4g} and {high:.4g} pA, in all")


def gain(found: Curve) -> Measure:
    """Slope of the curve of rates."""
    inside = (found.steady >= GAIN[0]) & (found.steady <= GAIN[1])
    low, high = GAIN
    if inside.sum() < 3:
        return Measure("gain", NOTHING, "spikes/s/pA", f"fewer than three steps with {low:g} - {high:g} spikes/s")
    slope = float(np.polyfit(found.current[inside], found.steady[inside], 1)[0])
    return Measure("gain", slope, "spikes/s/pA", f"line through {low:g} - {high:g} spikes/s")


def adaptation(steps: Steps) -> Measure:
    """(last - first interval) / (last + first): 0 without adaptation, above 0 where it slows down."""
    cells = [cell for cell in range(len(steps.current)) if steps.during(cell).size >= 4]
    if not cells:
        return Measure("adaptation index", NOTHING, "1", "no step with four spikes")
    cell = min(cells, key=lambda cell: abs(steady_rate(steps, cell) - ADAPTED))
    intervals = np.diff(steps.during(cell))
    value = float((intervals[-1] - intervals[0]) / (intervals[-1] + intervals[0]))
    how = f"(last - first) / (last + first interval) at {steps.current[cell]:.4g} pA"
    return Measure("adaptation index", value, "1", how)


def _rebound(record: Record, spontaneous: float) -> list[Measure]:
    """Spikes after the deepest step, beyond those that there would be anyway."""
    deep = record.deep
    since = deep.spikes[0] - deep.duration
    after = since[(since > 0.0) & (since <= REBOUND)]
    drop = float(deep.potential(deep.duration - END, deep.duration)[0])
    what = f"{REBOUND:g} ms after a step to {drop:.3g} mV"
    extra = after.size - spontaneous * REBOUND / 1000.0
    table = [Measure("rebound spikes", float(extra), "1", f"{what}, beyond its own rate")]
    if after.size:
        return [*table, Measure("rebound latency", float(after[0]), "ms", "first spike after the step")]
    window = (deep.times > deep.duration) & (deep.times <= deep.duration + REBOUND)
    rest = float(deep.potential(-END, 0.0)[0])
    over = float(deep.values[window, 0].max()) - rest
    return [*table, Measure("rebound depolarisation", max(0.0, over), "mV", f"above rest, {what}")]
