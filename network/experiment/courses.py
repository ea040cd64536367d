"""Courses over time, exact between their knots: rates of inputs, levels of dopamine, amplitudes of currents."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from .limits import MAX_CHANGES

_SINE_KNOTS = 96
"""Knots per cycle of a sine; the piecewise-linear wave stays within 0.06 % of the amplitude."""


@dataclass(frozen=True)
class Waveform:
    """Piecewise-linear factor on the rate of an input.

    Times are in ms since the start of the simulation (warm-up included); two equal successive times make a
    jump, the value at the jump being the later one.  Before the first knot the first value holds, after the
    last knot the last one, unless ``period`` repeats the knots (which then span exactly one period from 0).
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    period: float | None = None

    def value(self, t: float) -> float:
        """Factor at time ``t`` (ms)."""
        if self.period is not None:
            t = t % self.period
        times, values = self.times, self.values
        if t < times[0]:
            return values[0]
        if t >= times[-1]:
            return values[-1]
        # last knot at or before t: with equal times this is the later one, i.e. the value after the jump
        lo, hi = 0, len(times) - 1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            lo, hi = (mid, hi) if times[mid] <= t else (lo, mid)
        width = times[lo + 1] - times[lo]
        part = (t - times[lo]) / width if width > 0.0 else 1.0
        return values[lo] + part * (values[lo + 1] - values[lo])

    @property
    def onset(self) -> float | None:
        """Time (ms) at which the factor first leaves its first value; None if it is constant."""
        changed = next((i for i, value in enumerate(self.values) if value != self.values[0]), None)
        return None if changed is None else self.times[changed - 1]

    def mean(self, start: float, stop: float) -> float:
        """Exact time average of the factor between ``start`` and ``stop`` (ms)."""
        if stop <= start:
            raise ValueError(f"the window must not be empty: start {start} ms, stop {stop} ms")
        return (self._integral(stop) - self._integral(start)) / (stop - start)

    def _integral(self, t: float) -> float:
        if self.period is None:
            return self._integral_once(t)
        cycles = math.floor(t / self.period)
        return cycles * self._integral_once(self.period) + self._integral_once(t - cycles * self.period)

    def _integral_once(self, t: float) -> float:
        after = bisect.bisect_left(self.times, t)
        last_t, last_v = (self.times[after - 1], self.values[after - 1]) if after else (0.0, self.values[0])
        total = self._areas[after]
        if after == len(self.times):
            return total + (t - last_t) * last_v
        knot, value = self.times[after], self.values[after]
        part = (t - last_t) / (knot - last_t) if knot > last_t else 0.0
        return total + (t - last_t) * (last_v + 0.5 * part * (value - last_v))

    @cached_property
    def _areas(self) -> list[float]:
        """Integrals from 0 to each of the knots, 0 before them."""
        total, last_t, last_v = 0.0, 0.0, self.values[0]
        areas = [total]
        for knot, value in zip(self.times, self.values, strict=True):
            total += (knot - last_t) * 0.5 * (last_v + value)
            last_t, last_v = knot, value
            areas.append(total)
        return areas


def square_wave(level: float, amplitude: float, frequency: float, *, low_first: bool = True) -> Waveform:
    """Factor ``max(0, level - amplitude)`` and ``level + amplitude`` in alternating half-cycles from time 0.

    Parameters
    ----------
    level, amplitude : float
        Dimensionless.
    frequency : float
        Hz.
    """
    period = 1000.0 / frequency
    low, high = max(0.0, level - amplitude), level + amplitude
    first, second = (low, high) if low_first else (high, low)
    return Waveform((0.0, period / 2, period / 2, period), (first, first, second, second), period)


def sine_wave(level: float, amplitude: float, frequency: float, phase: float = 0.0) -> Waveform:
    """Build ``max(0, level + amplitude sin(2 pi (f t + phase)))``; ``phase`` in cycles.

    Piecewise linear with 96 even pieces per cycle, at most 0.0006 times the amplitude off, and exactly 0 where the
    sine is cut.
    """
    period = 1000.0 / frequency
    knots = {i / _SINE_KNOTS for i in range(_SINE_KNOTS + 1)}
    cuts: set[float] = set()
    if amplitude > level:
        first = math.asin(-level / amplitude) / (2 * math.pi)
        cuts = {(place - phase) % 1.0 for place in (first, 0.5 - first)}

    def value(cycle: float) -> float:
        return 0.0 if cycle in cuts else max(0.0, level + amplitude * math.sin(2 * math.pi * (cycle + phase)))

    cycles = sorted(knots | cuts)
    return Waveform(tuple(period * cycle for cycle in cycles), tuple(map(value, cycles)), period)


def pulse_wave(level: float, factor: float, start: float, duration: float, period: float | None = None) -> Waveform:
    """Factor ``level``, and ``level * factor`` from ``start`` for ``duration`` ms, repeated with ``period``.

    Raises
    ------
    ValueError
        If a repeated pulse does not end within its period.
    """
    stop = start + duration
    if period is not None and stop > period:
        raise ValueError(f"the pulse ends at {stop:g} ms, after its period of {period:g} ms")
    high = level * factor
    times, values = [0.0, start, start, stop, stop], [level, level, high, high, level]
    if period is not None:
        times.append(period)
        values.append(level)
    return Waveform(tuple(times), tuple(values), period)


def piecewise_wave(
    level: float, times: tuple[float, ...], factors: tuple[float, ...], period: float | None = None
) -> Waveform:
    """``level`` times a piecewise-linear factor given at ``times`` (ms); the last factor holds afterwards.

    Raises
    ------
    ValueError
        If the lists differ in length, times go backwards, or a repeated wave does not fill its period.
    """
    if len(times) != len(factors) or not times:
        raise ValueError(f"{len(times)} times and {len(factors)} factors; there must be as many, at least one")
    if any(later < earlier for earlier, later in pairwise(times)):
        raise ValueError("times must not go backwards")
    if period is not None and (times[0] != 0.0 or times[-1] != period):
        raise ValueError(f"with a period the times must go from 0 to {period:g} ms")
    return Waveform(tuple(times), tuple(level * factor for factor in factors), period)


def pulse_train(
    level: float,
    factors: tuple[float, ...],
    start: float,
    duration: float,
    interval: float,
    period: float | None = None,
) -> Waveform:
    """Factor ``level``, and ``level * factors[k]`` from ``start + k interval`` for ``duration`` ms.

    All pulses are repeated with ``period``, if there is one.

    Raises
    ------
    ValueError
        If a pulse does not end before the next one, there is none, or they do not fit into the period.
    """
    if not factors:
        raise ValueError("there must be at least one factor")
    if duration > interval:
        raise ValueError(f"a pulse of {duration:g} ms does not fit the interval of {interval:g} ms")
    times, values = [0.0], [level]
    for k, factor in enumerate(factors):
        on = start + k * interval
        times += [on, on, on + duration, on + duration]
        values += [level, level * factor, level * factor, level]
    if period is not None:
        if times[-1] > period:
            raise ValueError(f"the last pulse ends at {times[-1]:g} ms, after its period of {period:g} ms")
        times.append(period)
        values.append(level)
    return Waveform(tuple(times), tuple(values), period)


def check_steps(times: tuple[float, ...], values: tuple[float, ...], what: str) -> None:
    """Raise ValueError unless there are as many values as times and the times increase."""
    if len(times) != len(values) or not times:
        raise ValueError(f"{len(times)} times and {len(values)} {what}; there must be as many, at least one")
    _check_number(len(times), "fewer times")
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise ValueError("times must increase")


def _check_number(number: float, remedy: str) -> None:
    if number > MAX_CHANGES:
        raise ValueError(f"{number:.6g} changes during the run; {MAX_CHANGES:,} are possible: choose {remedy}")


def repeated_steps(
    start: float, duration: float, period: float, value: float, base: float, stop: float
) -> list[tuple[float, float]]:
    """Steps to ``value`` and back to ``base`` every ``period`` from ``start`` to ``stop``, as (time, value).

    Raises ValueError if there are too many.

    >>> repeated_steps(100.0, 50.0, 200.0, 1.0, 0.8, 400.0)
    [(100.0, 1.0), (150.0, 0.8), (300.0, 1.0), (350.0, 0.8)]
    """
    _check_number(2.0 * (stop - start) / period, "a longer period")
    steps = []
    k = 0
    while start + k * period < stop:
        steps += [(start + k * period, value), (start + k * period + duration, base)]
        k += 1
    return steps


def sampled_steps(times: tuple[float, ...], values: tuple[float, ...], interval: float) -> list[tuple[float, float]]:
    """Steps of ``interval`` ms that follow a piecewise-linear course, as (time, value).

    Each step has the mean of the course over the step, so that nothing is lost or gained on average; the last
    value holds from the last time on.

    Raises
    ------
    ValueError
        If the lists differ in length, times go backwards, or there are too many steps.

    Examples
    --------
    >>> sampled_steps((0.0, 200.0), (1.0, 0.0), 100.0)
    [(0.0, 0.75), (100.0, 0.25), (200.0, 0.0)]
    """
    course = piecewise_wave(1.0, times, values)
    start, stop = times[0], times[-1]
    _check_number((stop - start) / interval, "a longer interval")
    steps = []
    for k in range(math.ceil((stop - start) / interval - 1e-9)):
        begin, end = start + k * interval, min(start + (k + 1) * interval, stop)
        steps.append((begin, course.mean(begin, end)))
    return [*steps, (stop, values[-1])]
