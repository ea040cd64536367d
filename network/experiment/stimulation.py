"""Electrical stimulation of a nucleus, as it is written in the YAML files: trains of short pulses of current.

A pulse acts on the cells as a current, and if wanted on their axons, which it excites at once whatever the cells do
(McIntyre et al. 2004, doi 10.1152/jn.00989.2003): such a spike takes the synapses of its cell, with their weights,
delays and short-term plasticity, and is none of the spikes of the cell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from .limits import MAX_CHANGES
from .quantities import (
    Fraction,
    NonNegative,
    NonNegativeMilliseconds,
    Picoamperes,
    PositiveMilliseconds,
    PulseFrequency,
    Spec,
)
from .stimuli import Name
from .streams import stream

GAP = 2
"""Steps between the end of a pulse and the earliest start of the next one, so that rounding never joins them."""


class Axons(Spec):
    """What pulses do to the axons of the cells."""

    probability: Fraction
    """With which a pulse makes a spike in an axon, each time and in each axon anew."""


class Stimulation(Spec):
    """Pulses of current into every cell of a population, and spikes of their axons.

    The k-th pulse of a regular train starts in the step that is nearest to ``start + k / frequency``.
    """

    target: Name
    """Population that is stimulated."""
    frequency: PulseFrequency
    """Pulses per second; 0 is none, so that a scan can begin there."""
    width: PositiveMilliseconds
    """Of a pulse; a whole number of steps."""
    amplitude: Picoamperes
    """Of the current while a pulse lasts; 0 leaves the cells alone, as do pulses that excite axons only."""
    cv: NonNegative | None = None
    """Coefficient of variation of the intervals: 0 (if not given) is regular, 1 nearly a Poisson train.

    Intervals are those of a gamma distribution on top of the shortest one (a pulse and two steps).
    """
    start: NonNegativeMilliseconds | None = None
    """Of the first pulse; the beginning of the simulation if not given."""
    stop: PositiveMilliseconds | None = None
    """No pulse starts from then on; the end of the simulation if not given."""
    parameter: Name | None = None
    """Parameter of the model that the current is added to, ``I_e`` if not given."""
    port: Name | None = None
    """Continuous input port of the model instead, to which a generator of NEST brings it."""
    axons: Axons | None = None
    """What pulses do to axons; nothing if not given."""
    enabled: bool = True
    """``false`` leaves the entry out without removing it."""

    @model_validator(mode="after")
    def _consistent(self) -> Stimulation:
        if self.parameter is not None and self.port is not None:
            raise PydanticCustomError("exactly_one", "give 'parameter' or 'port', not both")
        if self.stop is not None and self.stop.value <= self.begin:
            raise ValueError(f"stop {self.stop.value:g} ms is not after start {self.begin:g} ms")
        return self

    @property
    def begin(self) -> float:
        """Time in ms before which there is no pulse."""
        return 0.0 if self.start is None else self.start.value

    def onsets(self, name: str, resolution: float, t_stop: float, seed: int) -> tuple[float, ...]:
        """Times in ms at which pulses start, all of them in steps.

        Parameters
        ----------
        name : str
            Of the stimulation; irregular trains of different names are independent.
        resolution, t_stop : float
            Step and end of the simulation in ms.
        seed : int

        Raises
        ------
        ValueError
            If pulses would overlap, or are too many.
        """
        if self.frequency.value == 0.0:
            return ()
        period, end = 1000.0 / self.frequency.value, t_stop if self.stop is None else min(self.stop.value, t_stop)
        shortest = self.width.value + GAP * resolution
        if period < shortest - 1e-9:
            raise ValueError(
                f"{self.frequency.value:g} Hz is a pulse every {period:g} ms, which leaves no pause between pulses of "
                f"{self.width.value:g} ms; the shortest interval is a pulse and {GAP} steps, {shortest:g} ms "
                f"({1000.0 / shortest:.4g} Hz)"
            )
        if (changes := 2.0 * (end - self.begin) / period) > MAX_CHANGES:
            raise ValueError(
                f"{changes:.6g} changes of the current during the run; {MAX_CHANGES:,} are possible: choose an earlier "
                "stop, or a lower frequency"
            )
        found = []
        for time in self._times(name, period, shortest, seed):
            step = math.floor(time / resolution + 0.5)
            if step * resolution > end - 1e-9 * resolution - 1e-12:
                break
            found.append(round(step * resolution, 9))
        return tuple(found)

    def _times(self, name: str, period: float, shortest: float, seed: int) -> Iterator[float]:
        """Exact times in ms, without an end."""
        sd = period * (0.0 if self.cv is None else self.cv.value)
        if sd == 0.0 or period == shortest:
            number = 0
            while True:
                yield self.begin + number * period
                number += 1
        mean = period - shortest
        rng, time = stream(seed, name, "pulses"), self.begin
        while True:
            yield time
            time += shortest + rng.gamma((mean / sd) ** 2, sd**2 / mean)

    def steps(self, onsets: tuple[float, ...]) -> list[tuple[float, float]]:
        """Amplitude (pA) from each time (ms) on."""
        if self.amplitude.value == 0.0:
            return []
        ends = [(round(time + self.width.value, 9), 0.0) for time in onsets]
        starts = [(time, self.amplitude.value) for time in onsets]
        return [step for pulse in zip(starts, ends, strict=True) for step in pulse]
