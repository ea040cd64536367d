"""The currents by which a cell is characterised: a search for the range, then all steps at once, a cell for each.

Each part is a simulation of isolated copies of the cell. In the search every copy gets another step of current, a
factor of two apart: where does it fire, how fast, how far do negative currents pull it down? In the other there are
steps for the curve of rates, for the rheobase, down to deep hyperpolarisation, and a small one from rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..engine.responses import Laboratory, Responses
from ..errors import EngineError
from ..plans.isolated import Course
from ..plans.plan import Plan

Floats = NDArray[np.float64]

OCTAVES = (range(-3, 9), range(9, 12), range(12, 14))
"""Steps of the search are 2^k pA for each 100 pF of membrane; the later ones only if the first were not enough."""
SETTLE, STEP, AFTER = 1000.0, 2000.0, 600.0
"""Times in ms before, during and after a step."""
SEARCH = 1500.0
"""Duration of a step of the search in ms."""
ONSET, ONSET_SHARE = 300.0, 0.2
"""A spike that comes within this time (ms), and part of a step, after a current has fallen belongs to before."""
TOP_RATE = 100.0
"""The curve of rates ends about here (spikes/s)."""
DEEP, SMALL = 30.0, 2.0
"""Hyperpolarisation in mV of the deepest step and of that for resistance and time constant."""
N_RATES, N_FINE, N_DEEP = 40, 24, 6
END = 100.0
"""The last part of a step in ms, over which a potential is taken."""

MakePlan = Callable[[Course, float], Plan]
"""Plan of isolated cells from their currents and the interval of samples."""


@dataclass(frozen=True, eq=False)
class Range:
    """What the search found: currents in pA, in all.

    Attributes
    ----------
    own : float
        Current of the cell itself.
    silent, firing : float or None
        Highest current at which it is silent below the lowest at which it fires; None if there is none.
    top : float
        End of the curve of rates.
    held : float
        Current at which resistance and time constant are taken: its own if it is silent then.
    deep, small : float
        Currents of the deepest and of the smallest step.
    """

    own: float
    silent: float | None
    firing: float | None
    top: float
    held: float
    deep: float
    small: float


@dataclass(frozen=True, eq=False)
class Steps:
    """Cells with the same course of current but for its height.

    Attributes
    ----------
    before, current : ndarray
        Before and after the step, and during it (pA).
    times : ndarray
        Of the samples, in ms; 0 is the start of the step.
    values : ndarray
        Potential, (n_times, n_cells).
    spikes : tuple of ndarray
        In ms after the start of the step.
    duration : float
        Of the step in ms.
    """

    before: Floats
    current: Floats
    times: Floats
    values: Floats
    spikes: tuple[Floats, ...]
    duration: float

    def part(self, which: slice) -> Steps:
        """Some of the cells."""
        return Steps(
            self.before[which],
            self.current[which],
            self.times,
            self.values[:, which],
            self.spikes[which],
            self.duration,
        )

    def beside(self, other: Steps) -> Steps:
        """These cells and others, by current."""
        current = np.concatenate([self.current, other.current])
        order = np.argsort(current)
        spikes = (*self.spikes, *other.spikes)
        return Steps(
            np.concatenate([self.before, other.before])[order],
            current[order],
            self.times,
            np.concatenate([self.values, other.values], axis=1)[:, order],
            tuple(spikes[cell] for cell in order),
            self.duration,
        )

    def during(self, cell: int) -> Floats:
        """Spikes during the step; not those that were under way when the current fell."""
        first = min(ONSET, ONSET_SHARE * self.duration) if self.current[cell] < self.before[cell] else 0.0
        found = self.spikes[cell]
        kept: Floats = found[(found > first) & (found <= self.duration)]
        return kept

    def potential(self, start: float, stop: float) -> Floats:
        """Mean potential of every cell in a window (ms after the start of the step)."""
        inside = (self.times > start) & (self.times <= stop)
        mean: Floats = self.values[inside].mean(axis=0)
        return mean


@dataclass(frozen=True, eq=False)
class Record:
    """All steps of a cell: for the curve of rates, within the rheobase, downwards, small, known, and none."""

    range: Range
    rates: Steps
    fine: Steps
    deep: Steps
    small: Steps
    known: Steps
    own: Steps


def record(
    laboratory: Laboratory,
    make: MakePlan,
    own: float,
    capacitance: float,
    known: Sequence[float] = (),
    *,
    step: float = STEP,
    interval: float = 0.1,
) -> Record:
    """Carry out the protocol.

    Parameters
    ----------
    laboratory : Laboratory
    make : callable
    own : float
        Current that the cell has by itself in pA.
    capacitance : float
        In pF; scales the currents of the search.
    known : sequence of float
        Currents (pA) at which the rate is known from elsewhere.
    step : float
        Duration of the steps in ms.
    interval : float
        Time between two samples in ms.
    """
    found = _range(_search(laboratory, make, own, capacitance / 100.0), own)
    low = found.held if found.silent is None else found.silent
    rates = np.linspace(low, found.top, N_RATES)
    fine = np.array([])
    if found.silent is not None and found.firing is not None:
        fine = np.linspace(found.silent, found.firing, N_FINE + 2)
    deep = found.held + (found.deep - found.held) * np.arange(N_DEEP, 0, -1) / N_DEEP
    groups = [rates, fine, deep, np.array([found.small]), np.array(known, dtype=float), np.array([own])]
    before = [np.full(len(group), own) for group in groups]
    before[3] = np.array([found.held])
    all_ = _steps(laboratory, make, np.concatenate(before), np.concatenate(groups), step, AFTER, interval, "all steps")
    ends = np.cumsum([0, *(len(group) for group in groups)])
    parts = [all_.part(slice(start, stop)) for start, stop in itertools.pairwise(ends)]
    return Record(found, *parts)


def _search(laboratory: Laboratory, make: MakePlan, own: float, unit: float) -> Steps:
    """Responses to steps of all heights, up and down, as far as is needed and the equations bear it."""
    found: Steps | None = None
    up = down = True
    for octaves in OCTAVES:
        height = unit * 2.0 ** np.array(octaves, dtype=float)
        heights = [*(-height if down else ()), *([0.0] if found is None else ()), *(height if up else ())]
        probes = own + np.sort(np.array(heights))
        try:
            seen = _steps(laboratory, make, np.full(len(probes), own), probes, SEARCH, 0.0, 1.0, "search")
        except EngineError:
            if found is None:
                raise
            break  # beyond what the model was made for
        found = seen if found is None else found.beside(seen)
        up = max(steady_rate(found, cell) for cell in range(len(found.current))) < TOP_RATE
        ends = found.potential(SEARCH - END, SEARCH)
        own_or_less = ends[found.current <= own]
        down = float(own_or_less.max() - own_or_less.min()) < DEEP + SMALL
        if not (up or down):
            break
    assert found is not None
    return found


def _steps(
    laboratory: Laboratory,
    make: MakePlan,
    before: Floats,
    current: Floats,
    duration: float,
    after: float,
    interval: float,
    name: str,
) -> Steps:
    times = (0.0, SETTLE, SETTLE + duration) if after else (0.0, SETTLE)
    currents = (tuple(before), tuple(current), tuple(before))[: len(times)]
    course = Course(times, currents, SETTLE + duration + after)
    seen: Responses = laboratory.respond(lambda: make(course, interval), name)
    spikes = tuple(times - SETTLE for times in seen.spikes)
    return Steps(before, current, seen.times - SETTLE, seen.values, spikes, duration)


def _range(searched: Steps, own: float) -> Range:
    """Read the search."""
    current = searched.current
    fires = np.array([searched.during(cell).size > 0 for cell in range(len(current))])
    rates = np.array([steady_rate(searched, cell) for cell in range(len(current))])
    ends = searched.potential(SEARCH - END, SEARCH)
    first = int(np.argmax(fires)) if fires.any() else None
    silent = None if first is None or first == 0 else float(current[first - 1])
    firing = None if first is None else float(current[first])
    at_own = int(np.flatnonzero(current == own)[0])
    held = own if not fires[at_own] or silent is None else silent
    below = np.flatnonzero(current <= held)[::-1]
    drop = ends[below[0]] - ends[below]
    deep = _reached(held - current[below], drop, DEEP)
    small = min(_reached(held - current[below], drop, SMALL), deep)
    return Range(own, silent, firing, _top(current, rates, first), held, held - deep, held - small)


def _top(current: Floats, rates: Floats, first: int | None) -> float:
    """Current of the highest rate that is looked at: about `TOP_RATE`, or behind the highest that there is."""
    if first is None:
        return float(current[-1])
    fast = np.flatnonzero(rates >= TOP_RATE)
    fast = fast[fast >= first]
    if not fast.size:
        return float(current[min(int(np.argmax(rates)) + 1, len(current) - 1)])
    end = int(fast[0])
    if end == first:
        return float(current[end])
    return float(np.interp(TOP_RATE, rates[end - 1 : end + 1], current[end - 1 : end + 1]))


def _reached(height: Floats, drop: Floats, wanted: float) -> float:
    """Height of the step whose potential falls by so much; of all steps the highest, if none does."""
    beyond = np.flatnonzero(drop >= wanted)
    if not beyond.size:
        return float(height[-1])
    end = int(beyond[0])
    return float(np.interp(wanted, drop[end - 1 : end + 1], height[end - 1 : end + 1]))


IRREGULAR = 0.3
"""CV of intervals above which spikes are counted: in bursts a mean interval depends on where it is cut."""


def steady_rate(steps: Steps, cell: int) -> float:
    """Rate in the second half of a step: the inverse of the mean interval, 0 where it has fallen silent.

    Where intervals differ much, the number of spikes in all but the first quarter.
    """
    spikes = steps.during(cell)
    late = spikes[spikes > steps.duration / 2.0]
    if late.size >= 3:
        intervals = np.diff(late)
        if intervals.std() > IRREGULAR * intervals.mean():
            return float(1000.0 * (spikes > steps.duration / 4.0).sum() / (0.75 * steps.duration))
        return float(1000.0 * (late.size - 1) / (late[-1] - late[0]))
    if not late.size:
        return 0.0
    if spikes.size >= 2:
        return float(1000.0 * (spikes.size - 1) / (spikes[-1] - spikes[0]))
    return 1000.0 * spikes.size / steps.duration
