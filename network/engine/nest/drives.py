"""Poisson input that the cells draw themselves: what they are told.

What all cells of a population have in common they are made with; setting it cell by cell would take as long as that.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from ...plans.cells import weight_factors
from ...plans.parts import InputPlan, PopulationPlan
from .network import Network


def of_all(network: Network, population: PopulationPlan) -> dict[str, Any]:
    """Parameters of the cells' model for the input that all of them draw; they are kept in mind."""
    found: dict[str, Any] = {}
    for source in network.plan.inputs:
        if source.target == population.name and source.cells is None and _is_drawn(network, source):
            found |= _parameters(network, source)
    if found:
        network.drives[population.name] = found
    return found


def tell(network: Network) -> None:
    """Tell cells what they were not made with: input of some of them, or that of another plan than of the build."""
    made, every = dict(network.drives), slice(None)
    for source in network.plan.inputs:
        if not _is_drawn(network, source):
            continue
        parameters = _parameters(network, source)
        if source.cells is not None:
            network.set(source.target, slice(*astuple(source.cells)), parameters)
        elif made.pop(source.target, None) != parameters:
            network.set(source.target, every, parameters)
        if source.weight_spread:
            _spread(network, source, parameters)
    for population in made:
        network.set(population, every, {"drive_rate": 0.0})


def _spread(network: Network, source: InputPlan, parameters: dict[str, Any]) -> None:
    """Give each cell weights of its own."""
    cells = slice(None) if source.cells is None else slice(*astuple(source.cells))
    factors = weight_factors(source, len(network.populations[source.target]), network.plan.seed)[cells]
    own = {name: value * factors for name, value in parameters.items() if name.startswith("drive_weight_")}
    network.set(source.target, cells, own)


def _is_drawn(network: Network, source: InputPlan) -> bool:
    return network.plan.drive == "internal" and not source.device


def _parameters(network: Network, source: InputPlan) -> dict[str, Any]:
    """The delay shifts the waveform (it cannot matter otherwise)."""
    parameters: dict[str, Any] = {
        "drive_rate": source.rate,
        "drive_seed": network.plan.seed,
        "drive_delay": source.delay,
    }
    target = network.plan.population(source.target)
    inhibitory = network.model(source.target).extra["drive"]["inhibitory"]
    for receptor, weight in source.weights.items():
        port = target.port(receptor)
        name = f"drive_weight_{port}"  # two receptors may be one port
        parameters[name] = parameters.get(name, 0.0) + (-weight if port in inhibitory else weight)
    if source.waveform is not None:
        parameters |= {
            "drive_times": list(source.waveform.times),
            "drive_values": list(source.waveform.values),
            "drive_period": source.waveform.period or 0.0,
        }
    return parameters
