"""What drives a network, as tables of a description."""

from __future__ import annotations

from pathlib import Path

from ..experiment import Experiment
from ..experiment.courses import Waveform
from ..experiment.stimuli import Current
from ..plans import Plan
from ..plans.parts import InputPlan, SpikeInputPlan
from ..plans.pulses import beside_pulses
from .document import Block, Table
from .parameters import number


def time_text(time: float) -> str:
    """Time in words.

    >>> time_text(1500.0)
    '1,500 ms'
    """
    return f"{number(time)} ms"


def input_blocks(experiment: Experiment, plan: Plan) -> list[Block]:
    """Poisson trains, recorded trains, currents, pulses, and modulators that change."""
    return [_poisson(experiment, plan), _played(plan), _currents(experiment), _stimulations(experiment), _changes(plan)]


def _poisson(experiment: Experiment, plan: Plan) -> Table:
    """One row for what the plan has of an input: a stimulus to some cells is one of its own."""
    rows = []
    for i in plan.inputs:
        target = plan.population(i.target)
        weights = _weights(plan, i)
        spread = f" +- {100 * i.weight_spread:.3g} %" if i.weight_spread else ""
        cells = f"{len(i.cells.ids):,} of {target.n_neurons:,}" if i.cells is not None else "all"
        row = (i.name, i.target, cells, f"Poisson, {_wave(i.waveform)}", f"{i.rate:g} spikes/s", weights + spread)
        rows.append((*row, time_text(i.delay)))
    off = [name for name, i in experiment.inputs.items() if not i.enabled]
    rows += [(name, experiment.inputs[name].target, "none", "switched off", "", "", "") for name in off]
    return Table(("name", "target", "cells", "type", "rate of a cell", "weights", "delay"), tuple(rows))


def _wave(wave: Waveform | None) -> str:
    if wave is None:
        return "constant rate"
    span = f"rate times {min(wave.values):.3g} to {max(wave.values):.3g}"
    return f"{span}, period {wave.period:g} ms" if wave.period else span


def _weights(plan: Plan, given: InputPlan | SpikeInputPlan) -> str:
    target = plan.population(given.target)
    return ", ".join(f"{name} {weight:g} {target.unit(name)}" for name, weight in given.weights.items())


def _played(plan: Plan) -> Table:
    rows = [
        (
            i.name,
            i.target,
            f"{i.population} of {i.file}",
            "one to one" if i.in_degree is None else f"{i.in_degree} trains per cell",
            _weights(plan, i),
            time_text(i.delay),
        )
        for i in plan.spike_inputs
    ]
    return Table(("name", "target", "recorded trains", "pattern", "weights", "delay"), tuple(rows), "Recorded spikes")


def _currents(experiment: Experiment) -> Table:
    rows = [
        (
            name,
            current.target,
            current.port or current.parameter or "I_e",
            _course(current),
        )
        for name, current in experiment.currents.items()
        if current.enabled
    ]
    return Table(("name", "target", "added to", "steps"), tuple(rows), "Currents")


def _course(current: Current) -> str:
    """Steps of a current, or the file that they are from; which cells get it, if not all."""
    if current.file is None:
        text = "; ".join(f"{number(amplitude)} pA from {time_text(time)}" for time, amplitude in current.steps())
    else:
        assert current.interval is not None
        of = f"{current.series} of " if current.series else ""
        text = f"{of}{Path(current.file).name}, steps of {time_text(current.interval.value)}"
    if current.cells is None:
        return text
    return f"{text} (cells: {current.cells if isinstance(current.cells, int) else len(current.cells)})"


def _stimulations(experiment: Experiment) -> Table:
    rows = []
    for name, s in experiment.stimulations.items():
        if not s.enabled:
            continue
        span = f"from {time_text(s.begin)}" + ("" if s.stop is None else f" to {time_text(s.stop.value)}")
        regular = "regular" if s.cv is None or s.cv.value == 0.0 else f"CV of intervals {number(s.cv.value)}"
        axons = "none" if s.axons is None else f"spike with probability {number(s.axons.probability.value)}"
        pulse = f"{number(s.amplitude.value)} pA for {time_text(s.width.value)}"
        rows.append((name, s.target, f"{number(s.frequency.value)} Hz, {regular}", pulse, axons, span))
    return Table(("name", "target", "pulses", "current", "axons", "when"), tuple(rows), "Electrical stimulation")


SHOWN = 20


def _changes(plan: Plan) -> Table:
    """Levels of modulators over time; of a slow ramp the first steps, and no edges of pulses."""
    changes = beside_pulses(plan)
    rows = [
        (
            time_text(segment.time),
            ", ".join(
                f"{name} {level:g}"
                for name, level in {
                    **({} if segment.dopamine is None else {"dopamine": segment.dopamine}),
                    **segment.levels,
                }.items()
            ),
            ", ".join(segment.params),
        )
        for segment in changes[:SHOWN]
    ]
    if len(changes) > SHOWN:
        rows.append(("...", f"{len(changes) - SHOWN} more", ""))
    return Table(("time", "level from then on", "populations whose parameters change"), tuple(rows), "Changes")
