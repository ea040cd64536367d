"""Parameters over time: dopamine schedules and current steps become segments of constant parameters.

Everything that dopamine modulates follows its level, except in-degrees: wiring does not change during a run.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise

from ..errors import SpecError
from ..experiment import derive
from ..experiment.limits import MAX_CHANGES
from ..experiment.nestml import ModelInterface
from ..experiment.quantities import Quantity
from ..experiment.schema import Experiment, Population
from .plan import Segment


def effective_params(population: Population, phi: float, interface: ModelInterface) -> dict[str, float]:
    """Parameters of a population at a level of dopamine, named as in NESTML and in NEST's units."""
    params: dict[str, float] = {}
    for key, quantity in population.neuron.items():
        beta = population.dopamine.get(key)
        params[key] = quantity.value
        if beta is not None and beta.value != 0.0 and phi != 0.0:
            params[key] = derive.modulated_parameter(quantity.value, beta.value, phi)
        if interface.parameters.get(key) == "integer":
            params[key] = int(params[key])
    for port, receptor in population.receptors.items():
        params[f"tau_syn_{port}"] = receptor.tau_syn.value
        params[f"E_rev_{port}"] = receptor.E_rev.value
        for name, value in (("V_act", receptor.V_act), ("S_act", receptor.S_act)):
            if value is not None:
                params[f"{name}_{port}"] = value.value
        for name, value in receptor.parameters.items():
            params[f"{name}_{port}"] = value.value
        if f"gain_{port}" in interface.parameters:
            params[f"gain_{port}"] = derive.receptor_gain(_beta(receptor.beta), phi)
    return params


def _beta(beta: Quantity | None) -> float:
    return 0.0 if beta is None else beta.value


def build_segments(experiment: Experiment, interfaces: Mapping[str, ModelInterface]) -> tuple[Segment, ...]:
    """Segments of an experiment: what changes when, in order of time.

    Raises
    ------
    SpecError
        If a change is not on the grid of time, or would overwrite values that differ from cell to cell.
    """
    levels, offsets = dopamine_levels(experiment), _offsets(experiment)
    resolution = experiment.simulation.resolution.value
    times = sorted({*levels, *(time for steps in offsets.values() for time in steps)})
    if len(times) > MAX_CHANGES:
        raise SpecError([f"{len(times):,} changes during the run (dopamine, currents); {MAX_CHANGES:,} are possible"])
    problems = [
        f"{'network.dopamine_schedule' if time in levels else 'currents'}: the change at {time:g} ms is not "
        f"on the grid of {resolution:g} ms"
        for time in times
        if not derive.is_multiple(time, resolution)
    ]
    alpha_0 = experiment.network.dopamine_reference.value
    level = experiment.network.dopamine.value
    current = dict.fromkeys(offsets, 0.0)

    @lru_cache(maxsize=1024)
    def at_level(level: float) -> dict[str, dict[str, float]]:
        phi = derive.dopamine_phi(level, alpha_0)
        return {
            name: effective_params(p, phi, interfaces.get(p.model, ModelInterface(p.model)))
            for name, p in experiment.populations.items()
        }

    def state() -> dict[str, dict[str, float]]:
        params = {name: dict(values) for name, values in at_level(level).items()}
        for name, amplitude in current.items():
            params[name]["I_e"] += amplitude
        return params

    before = state()
    segments = []
    for time in times:
        level = levels.get(time, level)
        for name, steps in offsets.items():
            current[name] = steps.get(time, current[name])
        now = state()
        changed = {
            name: {key: value for key, value in params.items() if value != before[name][key]}
            for name, params in now.items()
        }
        segments.append(Segment(time, level, {name: params for name, params in changed.items() if params}))
        before = now
    varied = {
        f"populations.{name}.{key}: changes during the run, but differs from cell to cell (heterogeneity)"
        for segment in segments
        for name, params in segment.params.items()
        for key in params.keys() & experiment.populations[name].heterogeneity.keys()
    }
    if problems or varied:
        raise SpecError([*problems, *sorted(varied)])
    return tuple(segment for segment in segments if segment.params)


def _stop(experiment: Experiment) -> float:
    return experiment.simulation.t_presim.value + experiment.simulation.t_sim.value


def dopamine_levels(experiment: Experiment) -> dict[float, float]:
    """Level from each time on; changes after the end of the simulation are left out."""
    schedule = experiment.network.dopamine_schedule
    if schedule is None:
        return {}
    stop = _stop(experiment)
    try:
        steps = schedule.steps(experiment.network.dopamine.value, stop)
    except ValueError as error:  # a pulse may come too often for the time that is simulated
        path = "network.dopamine_schedule"
        raise SpecError([f"{experiment.origin(path)}: {path}: {error}"]) from error
    return {_tidy(time): level for time, level in steps if time < stop}


def _offsets(experiment: Experiment) -> dict[str, dict[float, float]]:
    """Sum of the currents into each population (pA) from each time on."""
    stop = _stop(experiment)
    given: dict[str, list[list[tuple[float, float]]]] = {}
    for current in experiment.currents.values():
        if current.enabled:
            steps = list(zip(current.times.value, current.amplitudes.value, strict=True))
            given.setdefault(current.target, []).append(steps)
    offsets: dict[str, dict[float, float]] = {}
    for name, courses in given.items():
        times = sorted({_tidy(time) for steps in courses for time, _ in steps if time < stop})
        offsets[name] = {time: sum(_held(steps, time) for steps in courses) for time in times}
    return offsets


def _held(steps: list[tuple[float, float]], time: float) -> float:
    """Value that holds at a time, 0 before the first step."""
    after = bisect.bisect_right(steps, time, key=lambda step: step[0])
    return steps[after - 1][1] if after else 0.0


def _tidy(time: float) -> float:
    """Time without the last digits that sums of floating-point numbers leave behind."""
    return round(time, 9)


def level_at(segments: tuple[Segment, ...], base: float, time: float) -> float:
    """Level of dopamine at a time in ms."""
    level = base
    for segment in segments:
        if segment.time <= time:
            level = segment.dopamine
    return level


def durations(segments: tuple[Segment, ...], stop: float) -> list[tuple[float, float]]:
    """Start and stop (ms) of every stretch of constant parameters, from 0 on."""
    edges = [0.0, *(segment.time for segment in segments if 0.0 < segment.time < stop), stop]
    return list(pairwise(edges))
