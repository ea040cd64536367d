"""What a recorded field needs: the currents of synapses of a population, summed over its cells.

Each receptor has a formula (`network.experiment.currents`) over variables that its cells can record; what is kept is
the sum of it over all cells, and that of all receptors together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..errors import SpecError, choices
from . import derive
from .currents import names_in, receptor_current
from .nestml import ModelInterface
from .receptors import GradedReceptor, port_of
from .units import convert
from .yamlfile import KeyPath

if TYPE_CHECKING:
    from .schema import Experiment, FieldTrace

TOTAL = "I_syn"
"""Name of the sum over all receptors."""


def field_sums(experiment: Experiment, field: FieldTrace, models: Mapping[str, ModelInterface]) -> dict[str, str]:
    """What a field keeps: its names, and their formulas for one cell in pA.

    Raises
    ------
    SpecError
        If the current of a receptor is not known; one sentence.
    """
    population = experiment.populations[field.population]
    model = models.get(population.model, ModelInterface(population.model))
    sums = {}
    for name in field.receptors or population.receptors:
        receptor = population.receptors[name]
        graded = isinstance(receptor, GradedReceptor)
        sums[current_name(name)] = current_name(name) if graded else receptor_current(model, port_of(name, receptor))
    return {**sums, TOTAL: " + ".join(f"({formula})" for formula in sums.values())}


def current_name(receptor: str) -> str:
    """Name of the current of a receptor."""
    return f"I_{receptor}"


def field_variables(sums: Mapping[str, str], model: ModelInterface) -> tuple[str, ...]:
    """Variables that cells must record for some formulas; parameters are known without."""
    names = dict.fromkeys(name for formula in sums.values() for name in names_in(formula))
    return tuple(name for name in names if name not in model.parameters)


def field_constants(sums: Mapping[str, str], model: ModelInterface) -> dict[str, float]:
    """Parameters in some formulas as the model has them, in NEST's units; only those that are plain numbers."""
    names = dict.fromkeys(name for formula in sums.values() for name in names_in(formula))
    return {name: convert(*model.defaults[name][:2])[0] for name in names if name in model.defaults}


def check_fields(experiment: Experiment, models: Mapping[str, ModelInterface]) -> list[tuple[KeyPath, str]]:
    """All problems of fields, as (key path, message)."""
    return [
        ((("recording", "fields", name, *key)), message)
        for name, field in experiment.recording.fields.items()
        for key, message in _problems(experiment, name, field, models)
    ]


def _problems(
    experiment: Experiment, name: str, field: FieldTrace, models: Mapping[str, ModelInterface]
) -> Iterator[tuple[KeyPath, str]]:
    if name in experiment.recording.traces:
        yield (), f"a trace has the name {name!r}, too"
    resolution = experiment.simulation.resolution.value
    if not derive.is_multiple(field.interval.value, resolution):
        yield ("interval",), f"{field.interval.value:.12g} ms is not a multiple of the time step of {resolution:g} ms"
    start = experiment.simulation.t_presim.value if field.start is None else field.start.value
    end = experiment.simulation.t_presim.value + experiment.simulation.t_sim.value
    if start >= (stop := end if field.stop is None else field.stop.value):
        yield ("stop",), f"{stop:g} ms is not after the start at {start:g} ms"
    population = experiment.populations.get(field.population)
    if population is None:
        known = experiment.populations
        yield ("population",), f"no population {field.population!r}; {choices(field.population, known, 'populations')}"
        return
    unknown = [one for one in field.receptors or () if one not in population.receptors]
    for one in unknown:
        yield ("receptors",), f"no receptor {one!r}; {choices(one, population.receptors, 'receptors')}"
    if not population.receptors:
        yield ("population",), f"{field.population} has no receptors, so no currents of synapses"
    elif not unknown:
        try:
            field_sums(experiment, field, models)
        except SpecError as error:
            yield ("population",), "; ".join(error.problems)
