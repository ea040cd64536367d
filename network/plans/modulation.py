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
from ..experiment.current_files import CurrentFileError
from ..experiment.levels import effective_params, modulator_levels, schedule_path, tidy
from ..experiment.limits import MAX_CELL_VALUES, MAX_CHANGES
from ..experiment.modulators import SHORT
from ..experiment.nestml import ModelInterface
from ..experiment.receptors import current_way
from ..experiment.schema import Experiment
from ..experiment.wiring import population_sizes
from .parts import Cells, CurrentPlan, Segment
from .pulses import onsets_of


def build_segments(experiment: Experiment, interfaces: Mapping[str, ModelInterface]) -> tuple[Segment, ...]:
    """Segments of an experiment: what changes when, in order of time.

    Raises
    ------
    SpecError
        If a change is not on the grid of time, or would overwrite values that differ from cell to cell.
    """
    offsets, some = _offsets(experiment, interfaces)
    sizes = population_sizes(experiment)
    modulators = experiment.all_modulators
    changes = {name: modulator_levels(experiment, name) for name in modulators}
    resolution = experiment.simulation.resolution.value
    times = sorted({time for steps in (*changes.values(), *offsets.values(), *some.values()) for time in steps})
    if len(times) > MAX_CHANGES:
        raise SpecError([f"{len(times):,} changes during the run (modulators, currents); {MAX_CHANGES:,} are possible"])
    of_cells = {(name, parameter): sizes[name] for name, parameter, _ in some}
    if (n := len(times) * sum(of_cells.values())) > MAX_CELL_VALUES:
        what = f"{len(times):,} changes of {sum(of_cells.values()):,} cells of which some get a current"
        raise SpecError(
            [f"currents: {what}: {n:,} values; {MAX_CELL_VALUES:,} are possible: a longer interval, or a port"]
        )
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
    beside = dict.fromkeys(some, 0.0)

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

    def state_of_cells(params: dict[str, dict[str, float]]) -> dict[str, dict[str, tuple[float, ...]]]:
        found: dict[str, dict[str, tuple[float, ...]]] = {}
        for (name, parameter), size in of_cells.items():
            values = [params[name][parameter]] * size
            for (target, key, cells), amplitude in beside.items():
                if (target, key) == (name, parameter):
                    for cell in cells:
                        values[cell] += amplitude
            found.setdefault(name, {})[parameter] = tuple(values)
        return found

    before = state()
    cells_before = state_of_cells(before)
    segments = []
    for time in times:
        levels |= {name: steps[time] for name, steps in changes.items() if time in steps}
        for place, steps in offsets.items():
            current[place] = steps.get(time, current[place])
        for subset, steps in some.items():
            beside[subset] = steps.get(time, beside[subset])
        now = state()
        changed = {
            name: {
                key: value
                for key, value in params.items()
                if value != before[name][key] and (name, key) not in of_cells
            }
            for name, params in now.items()
        }
        cells_now = state_of_cells(now)
        cells_changed = {
            name: {key: values for key, values in params.items() if values != cells_before[name][key]}
            for name, params in cells_now.items()
        }
        others = {name: level for name, level in levels.items() if name != SHORT}
        params_of = {name: params for name, params in changed.items() if params}
        those = {name: params for name, params in cells_changed.items() if params}
        segments.append(Segment(time, levels.get(SHORT), params_of, others, those))
        before, cells_before = now, cells_now
    varied = {
        f"populations.{name}.{key}: changes during the run, but differs from cell to cell (heterogeneity)"
        for segment in segments
        for name in (*segment.params, *segment.cells)
        for key in {*segment.params.get(name, ()), *segment.cells.get(name, ())}
        & experiment.populations[name].heterogeneity.keys()
    }
    if problems or varied:
        raise SpecError([*problems, *sorted(varied)])
    return tuple(segment for segment in segments if segment.params or segment.cells)


def _of_current(experiment: Experiment, time: float) -> str:
    """Key path of the current that changes at a time."""
    for name, current in experiment.currents.items():
        if any(tidy(given) == time for given, _ in current.steps()):
            return f"currents.{name}.{'times' if current.file is None else 'interval'}"
    return "stimulations"


def _placed(experiment: Experiment, key: str) -> str:
    """Key path behind the place where it is written, if that is known."""
    try:
        return f"{experiment.origin(key)}: {key}"
    except KeyError:
        return key


def _stop(experiment: Experiment) -> float:
    return experiment.simulation.t_presim.value + experiment.simulation.t_sim.value


_Steps = dict[float, float]
_Some = tuple[str, str, tuple[int, ...]]


def _offsets(
    experiment: Experiment, interfaces: Mapping[str, ModelInterface]
) -> tuple[dict[tuple[str, str], _Steps], dict[_Some, _Steps]]:
    """Sum of the currents (pA) added to a parameter of a population, from each time on; and to that of some cells."""
    courses = _courses(experiment, interfaces)
    given = [(name, parameter, cells, steps) for (name, parameter, _, cells), steps in courses.items() if parameter]
    return (
        {(name, parameter): steps for name, parameter, cells, steps in given if cells is None},
        {(name, parameter, cells): steps for name, parameter, cells, steps in given if cells is not None},
    )


def port_currents(experiment: Experiment, interfaces: Mapping[str, ModelInterface]) -> tuple[CurrentPlan, ...]:
    """Sum of the currents into each continuous port of a population, from each time on."""
    courses = _courses(experiment, interfaces)
    return tuple(
        CurrentPlan(name, port, tuple(steps), tuple(steps.values()), some)
        for (name, _, port, cells), steps in courses.items()
        if port is not None and steps
        for some in ([None] if cells is None else _ranges(cells))
    )


def _ranges(cells: tuple[int, ...]) -> list[Cells]:
    """Cells as stretches without a gap."""
    found: list[Cells] = []
    for cell in sorted(cells):
        if found and found[-1].stop == cell:
            found[-1] = Cells(found[-1].start, cell + 1)
        else:
            found.append(Cells(cell, cell + 1))
    return found


_Place = tuple[str, str | None, str | None, tuple[int, ...] | None]


def _courses(experiment: Experiment, interfaces: Mapping[str, ModelInterface]) -> dict[_Place, _Steps]:
    """Sum of the currents (pA) from each time on, by population, parameter, continuous port and cells (None: all)."""
    stop, sizes = _stop(experiment), population_sizes(experiment)
    given: dict[_Place, list[list[tuple[float, float]]]] = {}
    problems = []
    for name, current in experiment.currents.items():
        if current.enabled:
            target, size = experiment.populations[current.target], sizes[current.target]
            try:
                steps, cells = current.steps(), current.of_cells(size)
            except CurrentFileError as error:
                problems.append(f"{_placed(experiment, f'currents.{name}.file')}: {current.file}: {error}")
                continue
            if cells is not None and max(cells) >= size:
                key = _placed(experiment, f"currents.{name}.cells")
                problems.append(f"{key}: cell {max(cells):,}, {current.target} has {size:,} (0 is the first)")
                continue
            way = current_way(current.parameter, current.port, interfaces.get(target.model, ModelInterface("")))
            given.setdefault((current.target, *way, cells), []).append(steps)
    if problems:
        raise SpecError(problems)
    for name, pulses in experiment.stimulations.items():
        if pulses.enabled and (steps := pulses.steps(onsets_of(experiment, name))):
            model = interfaces.get(experiment.populations[pulses.target].model, ModelInterface(""))
            way = current_way(pulses.parameter, pulses.port, model)
            given.setdefault((pulses.target, *way, None), []).append(steps)
    found: dict[_Place, _Steps] = {}
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
