"""Recorders of fields: currents of synapses, summed over the cells of a population."""

from __future__ import annotations

from collections.abc import Mapping

from ..experiment.fields import field_constants, field_sums, field_variables
from ..experiment.nestml import ModelInterface
from ..experiment.schema import Experiment
from .parts import RecorderPlan


def field_recorder(
    experiment: Experiment, name: str, models: Mapping[str, ModelInterface], sizes: Mapping[str, int]
) -> RecorderPlan:
    """Plan of a field: variables of all its cells are read out, and their sums are kept."""
    field, simulation = experiment.recording.fields[name], experiment.simulation
    sums = field_sums(experiment, field, models)
    population = experiment.populations[field.population]
    model = models.get(population.model, ModelInterface(population.model))
    size = sizes[field.population]
    t_presim = simulation.t_presim.value
    return RecorderPlan(
        population=field.population,
        node_ids=tuple(range(min(field.cells or size, size))),
        variables=field_variables(sums, model),
        interval=field.interval.value,
        start=t_presim if field.start is None else field.start.value,
        stop=t_presim + simulation.t_sim.value if field.stop is None else field.stop.value,
        name=name,
        units=dict.fromkeys(sums, "pA"),
        sums=sums,
        constants=field_constants(sums, model),
    )
