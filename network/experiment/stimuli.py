"""What changes during a run, as it is written in the YAML files: rates of inputs, dopamine, currents, spikes.

A rate follows a *modulation*: square, sine, pulse, pulse_train, or piecewise-linear.  A *stimulus* gives
some cells of an input (an action, a fraction, or both) a modulation of their own; pulses to a fraction of
the cells are the cortical bursts of the published model.  Dopamine follows a *schedule*, currents change in
steps.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from . import courses
from .courses import Waveform
from .current_files import CurrentFileError, read_current, steps_of
from .limits import MAX_KEY, NAME_PATTERN
from .quantities import (
    Count,
    Currents,
    Delay,
    Factors,
    Fraction,
    Fractions,
    Frequency,
    Milliseconds,
    NonNegative,
    NonNegativeMilliseconds,
    Number,
    PositiveFraction,
    PositiveMilliseconds,
    Sets,
    Spec,
    Times,
    Weight,
)

Name = Annotated[str, Field(pattern=f"^{NAME_PATTERN}$", max_length=MAX_KEY)]
"""Name of a population, projection, receptor: letters, digits and underscores, `MAX_KEY` at most."""


class Square(Spec):
    """Square wave on the level p0: p0 - m in one half-cycle, p0 + m in the other, never below 0."""

    kind: Literal["square"]
    frequency: Frequency
    """Cycles per second."""
    amplitude: NonNegative
    """m, relative to the base rate."""
    low_first: bool = True
    """Whether a cycle begins with its low half."""

    def waveform(self, level: float, reference: float) -> Waveform:
        """Rate over time relative to ``reference`` times the base rate; ``level`` is p0."""
        m = self.amplitude.value / reference
        return courses.square_wave(level / reference, m, self.frequency.value, low_first=self.low_first)


class Sine(Spec):
    """p0 + m sin(2 pi (f t + phase)), never below 0."""

    kind: Literal["sine"]
    frequency: Frequency
    """Cycles per second."""
    amplitude: NonNegative
    """m, relative to the base rate."""
    phase: Number | None = None
    """Fraction of a cycle."""

    def waveform(self, level: float, reference: float) -> Waveform:
        """Rate over time relative to ``reference`` times the base rate; ``level`` is p0."""
        phase = self.phase.value if self.phase is not None else 0.0
        return courses.sine_wave(level / reference, self.amplitude.value / reference, self.frequency.value, phase)


class Pulse(Spec):
    """p0 times ``factor`` from ``start`` for ``duration``, again every ``period`` if one is given."""

    kind: Literal["pulse"]
    start: NonNegativeMilliseconds
    """Of the first pulse, from the start of the simulation."""
    duration: PositiveMilliseconds
    """Of a pulse."""
    factor: NonNegative
    """On the rate during a pulse."""
    period: PositiveMilliseconds | None = None
    """From one pulse to the next; one pulse only if not given."""

    def waveform(self, level: float, reference: float) -> Waveform:
        """Rate over time relative to ``reference`` times the base rate; ``level`` is p0."""
        period = None if self.period is None else self.period.value
        return courses.pulse_wave(level / reference, self.factor.value, self.start.value, self.duration.value, period)

    @model_validator(mode="after")
    def _fits_period(self) -> Pulse:
        self.waveform(1.0, 1.0)
        return self


class PulseTrain(Spec):
    """Pulses of ``duration`` every ``interval`` from ``start`` on, each with the next of the ``factors``.

    A factor of 1 leaves the rate as it is.  The list is gone through once, or once in every ``period``.
    """

    kind: Literal["pulse_train"]
    start: NonNegativeMilliseconds
    """Of the first pulse, from the start of the simulation."""
    duration: PositiveMilliseconds
    """Of a pulse."""
    interval: PositiveMilliseconds
    """From the start of one pulse to the start of the next."""
    factors: Factors
    """On the rate, one per pulse."""
    period: PositiveMilliseconds | None = None
    """After which the list begins again; once if not given."""

    def waveform(self, level: float, reference: float) -> Waveform:
        """Rate over time relative to ``reference`` times the base rate; ``level`` is p0."""
        return courses.pulse_train(
            level / reference,
            self.factors.value,
            self.start.value,
            self.duration.value,
            self.interval.value,
            None if self.period is None else self.period.value,
        )

    @model_validator(mode="after")
    def _fits_interval(self) -> PulseTrain:
        self.waveform(1.0, 1.0)
        return self


class Piecewise(Spec):
    """p0 times a piecewise-linear factor; two equal successive times make a jump."""

    kind: Literal["piecewise"]
    times: Times
    """Of the corners, from the start of the simulation; they grow."""
    factors: Factors
    """On the rate at these times."""
    period: PositiveMilliseconds | None = None
    """After which the course begins again; the last factor stays if not given."""

    def waveform(self, level: float, reference: float) -> Waveform:
        """Rate over time relative to ``reference`` times the base rate; ``level`` is p0."""
        period = None if self.period is None else self.period.value
        return courses.piecewise_wave(level / reference, self.times.value, self.factors.value, period)

    @model_validator(mode="after")
    def _consistent(self) -> Piecewise:
        self.waveform(1.0, 1.0)
        return self


Modulation = Annotated[Square | Sine | Pulse | PulseTrain | Piecewise, Field(discriminator="kind")]


class Stimulus(Spec):
    """Modulation of the input of some cells only; it takes the place of the modulation of the input."""

    action: Annotated[int, Field(ge=1)] | None = None
    """Cells of one action only, see ``network.actions``; numbers count from 1."""
    fraction: PositiveFraction | None = None
    """Share of the cells (of the action); the first ones, whose wiring is as random as that of all others."""
    modulation: Modulation
    """Course of the rate of these cells."""
    enabled: bool = True
    """``false`` leaves the entry out without removing it."""


class Actions(Spec):
    """Populations split into interleaved sets of cells, one per action.

    Cell i belongs to action ``i mod n + 1``.  Projections marked ``within_action`` connect cells of one
    action only; all other projections draw their sources from all cells.
    """

    n: Sets
    """Number of actions."""
    populations: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    """Those that are split."""


class Current(Spec):
    """Current into every cell of a population: amplitude k from time k on.

    It is added to a parameter of the model, ``I_e`` unless another is named, or brought to a continuous port.
    """

    target: Name
    """Population that gets it."""
    parameter: Name | None = None
    """Parameter of the model that it is added to."""
    port: Name | None = None
    """Continuous input port of the model instead, to which a generator of NEST brings it."""
    cells: (
        Annotated[int, Field(ge=1)]
        | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1, strict=False)]
    ) | None = None
    """Number of cells that get it (the first ones), or a list of node ids; all if not given."""
    times: Times | None = None
    """From which each amplitude holds, from the start of the simulation; they grow."""
    amplitudes: Currents | None = None
    """One per time; positive depolarises."""
    file: str | None = None
    """Instead of times and amplitudes: a table of text, NWB, or what Neo reads; relative to the YAML file it is in."""
    series: Annotated[str, Field(min_length=1)] | None = None
    """Column, time series or signal of the file; may be left out where there is only one."""
    interval: PositiveMilliseconds | None = None
    """Length of the steps in which the file is played: each is the mean of its samples. A multiple of the time step."""
    shift: Milliseconds | None = None
    """Added to the times of the file; what then lies before the start is left out."""
    enabled: bool = True
    """``false`` leaves the entry out without removing it."""

    @model_validator(mode="after")
    def _consistent(self) -> Current:
        if self.parameter is not None and self.port is not None:
            raise PydanticCustomError("exactly_one", "give 'parameter' or 'port', not both")
        if self.file is not None:
            if self.times is not None or self.amplitudes is not None:
                raise PydanticCustomError("exactly_one", "give 'file', or 'times' and 'amplitudes', not both")
            if self.interval is None:
                raise PydanticCustomError("missing_one", "a file needs an 'interval', the length of its steps in ms")
            return self
        if self.times is None or self.amplitudes is None:
            raise PydanticCustomError("missing_one", "give 'times' and 'amplitudes', or 'file' and 'interval'")
        if not (self.series is None and self.interval is None and self.shift is None):
            raise PydanticCustomError("missing_one", "'series', 'interval' and 'shift' belong to a 'file'")
        courses.check_steps(self.times.value, self.amplitudes.value, "amplitudes")
        return self

    def steps(self) -> list[tuple[float, float]]:
        """Amplitude (pA) from each time (ms) on.

        Raises
        ------
        CurrentFileError
            If the file does not serve.
        """
        if self.file is None or self.interval is None:
            assert self.times is not None and self.amplitudes is not None
            return list(zip(self.times.value, self.amplitudes.value, strict=True))
        shift = 0.0 if self.shift is None else self.shift.value
        steps = steps_of(*read_current(self.file, self.series), self.interval.value, shift)
        if not steps:
            raise CurrentFileError("all its samples are before the start of the simulation; mind the shift")
        return steps

    def of_cells(self, n_cells: int) -> tuple[int, ...] | None:
        """Node ids of the cells that get it, None for all of a population of so many."""
        if self.cells is None or self.cells == n_cells:
            return None
        return tuple(range(self.cells)) if isinstance(self.cells, int) else tuple(dict.fromkeys(self.cells))


class SpikeInput(Spec):
    """Recorded spike trains from a file (SONATA, NWB, or a table); all receptors get the same spikes.

    Without ``in_degree`` train i drives cell i, with it every cell receives that many random trains.
    """

    file: str
    """Path, relative to the YAML file it is written in or to the current folder."""
    population: Annotated[str, Field(min_length=1)] | None = None
    """Name of the population in the file; may be left out where it has only one."""
    target: Name
    """Population that gets the spikes."""
    weights: Annotated[dict[Name, Weight], Field(min_length=1)]
    """Weight by receptor of the target."""
    delay: Delay
    """Of these spikes."""
    shift: Milliseconds | None = None
    """Added to the times of the file; what then lies before the first step is left out."""
    in_degree: Count | None = None
    """Random trains per cell; train i drives cell i if not given."""
    enabled: bool = True
    """``false`` leaves the entry out without removing it."""


class DopamineSteps(Spec):
    """The k-th level from the k-th time on; before, the level of the network."""

    kind: Literal["steps"]
    times: Times
    """Of the changes, from the start of the simulation; they grow."""
    levels: Fractions
    """One per time."""

    def steps(self, base: float, stop: float) -> list[tuple[float, float]]:
        """Time (ms) and level of each change before ``stop``; ``base`` is the level of the network."""
        return list(zip(self.times.value, self.levels.value, strict=True))

    @model_validator(mode="after")
    def _consistent(self) -> DopamineSteps:
        courses.check_steps(self.times.value, self.levels.value, "levels")
        return self


class DopaminePulse(Spec):
    """Phasic burst or dip: another level from ``start`` for ``duration``, again every ``period``."""

    kind: Literal["pulse"]
    start: NonNegativeMilliseconds
    """Of the first pulse, from the start of the simulation."""
    duration: PositiveMilliseconds
    """Of a pulse."""
    level: Fraction
    """During a pulse."""
    period: PositiveMilliseconds | None = None
    """From one pulse to the next; one pulse only if not given."""

    def steps(self, base: float, stop: float) -> list[tuple[float, float]]:
        """Time (ms) and level of each change before ``stop``; ``base`` is the level of the network."""
        period = self.period.value if self.period is not None else stop
        return courses.repeated_steps(self.start.value, self.duration.value, period, self.level.value, base, stop)

    @model_validator(mode="after")
    def _fits_period(self) -> DopaminePulse:
        if self.period is not None and self.duration.value >= self.period.value:
            raise PydanticCustomError("period", "the pulse must be shorter than its period")
        return self


class DopamineRamp(Spec):
    """Slow change from the level of the network to ``level``, in steps of ``interval``."""

    kind: Literal["ramp"]
    start: NonNegativeMilliseconds
    """Of the change, from the start of the simulation."""
    duration: PositiveMilliseconds
    """Of the change."""
    level: Fraction
    """At its end."""
    interval: PositiveMilliseconds
    """Length of the steps in which it is made."""

    def steps(self, base: float, stop: float) -> list[tuple[float, float]]:
        """Time (ms) and level of each change before ``stop``; ``base`` is the level of the network."""
        end = self.start.value + self.duration.value
        return courses.sampled_steps((self.start.value, end), (base, self.level.value), self.interval.value)

    @model_validator(mode="after")
    def _possible(self) -> DopamineRamp:
        self.steps(0.0, 0.0)
        return self


class DopaminePiecewise(Spec):
    """Piecewise-linear level, in steps of ``interval``; before the first time, the level of the network."""

    kind: Literal["piecewise"]
    times: Times
    """Of the corners, from the start of the simulation; they grow."""
    levels: Fractions
    """At these times."""
    interval: PositiveMilliseconds
    """Length of the steps in which the level is changed."""

    def steps(self, base: float, stop: float) -> list[tuple[float, float]]:
        """Time (ms) and level of each change before ``stop``; ``base`` is the level of the network."""
        return courses.sampled_steps(self.times.value, self.levels.value, self.interval.value)

    @model_validator(mode="after")
    def _consistent(self) -> DopaminePiecewise:
        self.steps(0.0, 0.0)
        return self


DopamineSchedule = Annotated[
    DopamineSteps | DopaminePulse | DopamineRamp | DopaminePiecewise, Field(discriminator="kind")
]
