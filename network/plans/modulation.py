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
from ..experiment.levels import effective_params, modulator_levels, schedule_path, tidy
from ..experiment.limits import MAX_CHANGES
from ..experiment.modulators import SHORT
from ..experiment.nestml import ModelInterface
from ..experiment.receptors import current_way
from ..experiment.schema import Experiment
from .parts import CurrentPlan, Segment
from .pulses import onsets_of


def build_segments(experiment: Experiment, interfaces: Mapping[str, ModelInterface]) -> tuple[Segment, ...]:
    """Segments of an experiment: what changes when, in order of time.

    Raises
    ------
    SpecError
        If a change is not on the grid of time, or would overwrite values that differ from cell to cell.
    """
    offsets = _offsets(experiment, interfaces)
    modulators = experiment.all_modulators
    changes = {name: modulator_levels(experiment, name) for name in modulators}
    resolution = experiment.simulation.resolution.value
    times = sorted({time for steps in (*changes.values(), *offsets.values()) for time in steps})
    if len(times) > MAX_CHANGES:
        raise SpecError([f"{len(times):,} changes during the run (modulators, currents); {MAX_CHANGES:,} are possible"])
    problems = []
    for time in times:
        if not derive.is_multiple(time, resolution):
            path = next(
                (schedule_path(experiment, name) for name, steps in changes.items() if time in steps),
                _of_current(experiment, time),
            )
            problems.append(
                f"{_placed(experiment, path)}: the change at {time:g} ms is not on the grid of {resolution:g} ms"
            )
    levels: dict[str, float] = {name: modulator.level.value for name, modulator in modulators.items()}
    current = dict.fromkeys(offsets, 0.0)

    @lru_cache(maxsize=1024)
    def at_levels(*present: float) -> dict[str, dict[str, float]]:
        pairs = zip(modulators.items(), present, strict=True)
        phis = {name: derive.dopamine_phi(level, modulator.reference.value) for (name, modulator), level in pairs}
        return {
            name: effective_params(p, phis, interfaces.get(p.model, ModelInterface(p.model)))
            for name, p in experiment.populations.items()
        }

    def state() -> dict[str, dict[str, float]]:
        params = {name: dict(values) for name, values in at_levels(*levels.values()).items()}
        for (name, parameter), amplitude in current.items():
            params[name][parameter] += amplitude
        return params

    before = state()
    segments = []
    for time in times:
        levels |= {name: steps[time] for name, steps in changes.items() if time in steps}
        for place, steps in offsets.items():
            current[place] = steps.get(time, current[place])
        now = state()
        changed = {
            name: {key: value for key, value in params.items() if value != before[name][key]}
            for name, params in now.items()
        }
        others = {name: level for name, level in levels.items() if name != SHORT}
        params_of = {name: params for name, params in changed.items() if params}
        segments.append(Segment(time, levels.get(SHORT), params_of, others))
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


def _of_current(experiment: Experiment, time: float) -> str:
    """Key path of the current that changes at a time."""
    for name, current in experiment.currents.items():
        if any(tidy(given) == time for given in current.times.value):
            return f"currents.{name}.times"
    return "stimulations"


def _placed(experiment: Experiment, key: str) -> str:
    """Key path behind the place where it is written, if that is known."""
    try:
        return f"{experiment.origin(key)}: {key}"
    except KeyError:
        return key


def _stop(experiment: Experiment) -> float:
    return experiment.simulation.t_presim.value + experiment.simulation.t_sim.value


def _offsets(
    experiment: Experiment, interfaces: Mapping[str, ModelInterface]
) -> dict[tuple[str, str], dict[float, float]]:
    """Sum of the currents that are added to a parameter of a population (pA), from each time on."""
    courses = _courses(experiment, interfaces)
    return {(name, parameter): steps for (name, parameter, _), steps in courses.items() if parameter is not None}


def port_currents(experiment: Experiment, interfaces: Mapping[str, ModelInterface]) -> tuple[CurrentPlan, ...]:
    """Sum of the currents into each continuous port of a population, from each time on."""
    courses = _courses(experiment, interfaces)
    return tuple(
        CurrentPlan(name, port, tuple(steps), tuple(steps.values()))
        for (name, _, port), steps in courses.items()
        if port is not None and steps
    )


def _courses(
    experiment: Experiment, interfaces: Mapping[str, ModelInterface]
) -> dict[tuple[str, str | None, str | None], dict[float, float]]:
    """Sum of the currents (pA) from each time on, by population, parameter and continuous port."""
    stop = _stop(experiment)
    given: dict[tuple[str, str | None, str | None], list[list[tuple[float, float]]]] = {}
    for current in experiment.currents.values():
        if current.enabled:
            model = interfaces.get(experiment.populations[current.target].model, ModelInterface(""))
            place = (current.target, *current_way(current.parameter, current.port, model))
            steps = list(zip(current.times.value, current.amplitudes.value, strict=True))
            given.setdefault(place, []).append(steps)
    for name, pulses in experiment.stimulations.items():
        if pulses.enabled and (steps := pulses.steps(onsets_of(experiment, name))):
            model = interfaces.get(experiment.populations[pulses.target].model, ModelInterface(""))
            place = (pulses.target, *current_way(pulses.parameter, pulses.port, model))
            given.setdefault(place, []).append(steps)
    found: dict[tuple[str, str | None, str | None], dict[float, float]] = {}
    for place, courses in given.items():
        times = sorted({tidy(time) for steps in courses for time, _ in steps if time < stop})
        found[place] = {time: sum(_held(steps, time) for steps in courses) for time in times}
    return found


def _held(steps: list[tuple[float, float]], time: float) -> float:
    """Value that holds at a time, 0 before the first step."""
    after = bisect.bisect_right(steps, time, key=lambda step: step[0])
    return steps[after - 1][1] if after else 0.0


def level_at(segments: tuple[Segment, ...], base: float | None, time: float) -> float | None:
    """Level of dopamine at a time in ms, None in a network without."""
    level = base
    for segment in segments:
        if segment.time <= time:
            level = segment.dopamine
    return level


def durations(segments: tuple[Segment, ...], stop: float) -> list[tuple[float, float]]:
    """Start and stop (ms) of every stretch of constant parameters, from 0 on."""
    edges = [0.0, *(segment.time for segment in segments if 0.0 < segment.time < stop), stop]
    return list(pairwise(edges))
