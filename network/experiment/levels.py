"""Parameters of cells at levels of modulators, and how the levels change."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import SpecError
from .modulators import factor
from .nestml import ModelInterface
from .receptors import GradedReceptor, parameter_name, port_of
from .schema import Experiment, Population


def effective_params(population: Population, phis: Mapping[str, float], interface: ModelInterface) -> dict[str, float]:
    """Parameters of a population at deviations of modulators from their reference, named as in NESTML, NEST's units."""
    params: dict[str, float] = {}
    for key, quantity in population.neuron.items():
        effects = population.effects.get(key, ())
        params[key] = quantity.value * factor(effects, population.dopamine.get(key), phis, sign=-1.0)
        if interface.parameters.get(key) == "integer":
            params[key] = int(params[key])
    for name, receptor in population.receptors.items():
        port = port_of(name, receptor)
        for key, value in receptor.named():
            known = {} if isinstance(receptor, GradedReceptor) else interface.parameters
            own = parameter_name(key, name, port, known) or f"{key}_{port}"
            params[own] = int(value.value) if interface.parameters.get(own) == "integer" else value.value
        if f"gain_{port}" in interface.parameters:
            params[f"gain_{port}"] = factor(receptor.effects, receptor.beta, phis)
    return params


def schedule_path(experiment: Experiment, name: str) -> str:
    """Key path of the schedule of a modulator."""
    return f"modulators.{name}.schedule" if name in experiment.modulators else f"network.{name}_schedule"


def modulator_levels(experiment: Experiment, name: str) -> dict[float, float]:
    """Level of a modulator from each time on; changes after the end of the simulation are left out."""
    modulator = experiment.all_modulators[name]
    if modulator.schedule is None:
        return {}
    stop = experiment.simulation.t_presim.value + experiment.simulation.t_sim.value
    try:
        steps = modulator.schedule.steps(modulator.level.value, stop)
    except ValueError as error:  # a pulse may come too often for the time that is simulated
        path = schedule_path(experiment, name)
        raise SpecError([f"{experiment.origin(path)}: {path}: {error}"]) from error
    return {tidy(time): level for time, level in steps if time < stop}


def tidy(time: float) -> float:
    """Time without the last digits that sums of floating-point numbers leave behind."""
    return round(time, 9)
