"""Plan of cells of one population alone, each with a course of current of its own: how a cell is looked at.

Nothing is connected, nothing is drawn: every cell has the parameters and first values of the population's mean cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import SpecError
from ..experiment.distributions import mean
from ..experiment.nestml import ModelInterface
from ..experiment.receptors import current_way
from .parts import Cells, CurrentPlan, PopulationPlan, RecorderPlan, Segment
from .plan import Plan

SLICE = 1.0
"""Time in ms that NEST advances at once: cells without connections have no shortest delay."""


@dataclass(frozen=True)
class Course:
    """Currents into isolated cells: of step k all cells get theirs from ``times[k]`` (ms) on.

    ``currents[k][i]`` (pA) is that of cell i, in all: where the model has a constant current, in place of it.
    """

    times: tuple[float, ...]
    currents: tuple[tuple[float, ...], ...]
    stop: float
    """End in ms."""

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.currents[0])


def isolated(
    plan: Plan,
    population: str,
    model: ModelInterface,
    course: Course,
    *,
    variable: str,
    interval: float,
    resolution: float | None = None,
) -> Plan:
    """Plan of ``course.n_cells`` copies of a population's mean cell.

    Parameters
    ----------
    plan : Plan
        Of the experiment with the population; parameters follow modulators as they are at the beginning.
    population : str
    model : ModelInterface
        Its NESTML model.
    course : Course
    variable : str
        State that is recorded of all cells.
    interval : float
        Time between two samples in ms.
    resolution : float, optional
        Step in ms; that of the plan if not given.

    Raises
    ------
    SpecError
        If the model takes no current.
    """
    step = plan.resolution if resolution is None else resolution
    before = plan.population(population)
    cell = _alone(before, model, course.n_cells)
    way = current_way(None, None, model)
    segments, currents = _as_parameter(cell, course, way[0]), _into_port(cell, course, way[1])
    if way == (None, None):
        raise SpecError(
            [
                f"{model.file}: {model.name} takes no current, which a cell is characterised by: it has neither a "
                "parameter I_e nor exactly one continuous port; write `I_stim pA <- continuous` below `input:`, and "
                "I_stim into the equation of the potential"
            ]
        )
    slice_ = max(step, round(SLICE / step) * step)
    return replace(
        plan,
        name=population,
        resolution=step,
        t_presim=0.0,
        t_sim=course.stop,
        threads=1,
        ranks=1,
        populations=(cell,),
        projections=(),
        inputs=(),
        spike_inputs=(),
        pulses=(),
        weights=(),
        recorders=(
            RecorderPlan(population, tuple(range(course.n_cells)), (variable,), interval, 0.0, course.stop, "cells"),
        ),
        spike_populations=(population,),
        spike_start=0.0,
        spike_stop=course.stop,
        groups={},
        min_delay=slice_,
        max_delay=slice_,
        segments=segments,
        currents=currents,
        guard=None,
        models={before.model: plan.models[before.model]},
        target=plan.target_of(population),
        targets={},
        drive="internal" if plan.drive == "internal" and plan.target_of(population) == plan.target else "device",
    )


def _alone(cell: PopulationPlan, model: ModelInterface, n: int) -> PopulationPlan:
    """``n`` copies of the mean cell, without what graded synapses added to it."""
    return replace(
        cell,
        n_neurons=n,
        params={name: value for name, value in cell.params.items() if name in model.parameters},
        heterogeneity={},
        initial={name: mean(value) for name, value in cell.initial.items() if name in model.states},
        first_id=0,
        positions=None,
        receptors={name: receptor for name, receptor in cell.receptors.items() if not receptor.current},
        gates={},
    )


def _as_parameter(cell: PopulationPlan, course: Course, parameter: str | None) -> tuple[Segment, ...]:
    if parameter is None:
        return ()
    return tuple(
        Segment(time, None, {}, cells={cell.name: {parameter: currents}})
        for time, currents in zip(course.times, course.currents, strict=True)
    )


def _into_port(cell: PopulationPlan, course: Course, port: str | None) -> tuple[CurrentPlan, ...]:
    if port is None:
        return ()
    of_cells: Sequence[tuple[float, ...]] = list(zip(*course.currents, strict=True))
    return tuple(
        CurrentPlan(cell.name, port, course.times, amplitudes, Cells(number, number + 1))
        for number, amplitudes in enumerate(of_cells)
    )
