"""Create the populations and connect the projections of a plan in NEST.

Nothing is decided here: sizes, effective parameters, in-degrees, weights and delays are read from the plan.
What this module adds is the cheapest way to tell NEST: constants of a population or synapse go into a
copied model (a constant given in ``Connect`` costs two to four times the wiring time), only what differs
from cell to cell is set on the cells, and synapses are those that the cells' module brings along. Where it has none
(targets other than ``vectorised``), synapses onto a cell's first receptor use NEST's small ``_hpc`` variant if that can
address the cells.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...codegen import Compiled, ModelInfo
from ...errors import EngineError
from ...experiment.distributions import Drawn
from ...experiment.streams import stream
from ...plans.plan import Plan, PopulationPlan
from ..progress import Reporter, SilentReporter
from . import kernel
from .wiring import connect


@dataclass
class Network:
    """The populations of a plan as NEST node collections, and how the parts were made."""

    plan: Plan
    module: Compiled
    populations: dict[str, Any] = field(default_factory=dict)
    synapse_models: dict[str, str] = field(default_factory=dict)
    timers: dict[str, float] = field(default_factory=dict)

    def model(self, population: str) -> ModelInfo:
        """Ports, parameters and recordables of a population's neuron model."""
        model = self.plan.population(population).model
        return self.module.of(model).models[model]

    def synapses(self, population: str) -> Mapping[str, str]:
        """Synapses that the module of a population's cells brings for them, by NEST's synapse that each replaces."""
        return self.module.of(self.plan.population(population).model).synapses

    def receptor_type(self, population: str, receptor: str) -> int:
        """NEST's ``receptor_type`` of a receptor of a population."""
        return self.model(population).ports[self.plan.population(population).port(receptor)]


def draw(value: Drawn | float, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """``n`` values of a distribution of the plan; a clamped normal puts its tails onto the limits."""
    if not isinstance(value, int | float):
        return value.draw(n, rng)
    return np.full(n, float(value))


def build(plan: Plan, module: Compiled, reporter: Reporter | None = None) -> Network:
    """Create all populations, then connect all projections.

    Raises
    ------
    EngineError
        If NEST refuses a population or projection; the message names it.
    """
    reporter = reporter or SilentReporter()
    network = Network(plan, module)
    start = time.perf_counter()
    _copy_synapse_models(network)  # before nodes exist: afterwards each copy costs milliseconds
    with reporter.phase("create", plan.n_neurons, "neurons") as phase:
        for population in plan.populations:
            _create(network, population)
            phase.advance(population.n_neurons, population.name)
    network.timers["create"] = time.perf_counter() - start

    start = time.perf_counter()
    with reporter.phase("connect", plan.n_synapses, "synapses") as phase:
        for projection in plan.projections:
            connect(network, projection)
            phase.advance(projection.n_synapses, projection.name)
    network.timers["connect"] = time.perf_counter() - start
    return network


def _create(network: Network, population: PopulationPlan) -> None:
    """One population: constants in a copied model, one ``set`` with arrays for what differs between cells."""
    nest = kernel.import_nest()
    seed = network.plan.seed
    constant = dict(population.params)
    varied: dict[str, Any] = {}
    for name, value in {**population.initial, **population.heterogeneity}.items():
        if isinstance(value, int | float):
            constant[name] = float(value)
        else:
            rng = stream(seed, population.name, name)
            varied[name] = draw(value, population.n_neurons, rng)
    info = network.model(population.name)
    # p1 and p2, the exponents of the recovery, are integers in NESTML; the plan has plain floats
    for name in constant.keys() & set(info.integer_parameters):
        constant[name] = int(constant[name])
    try:
        name = f"bgnest.population.{population.name}"  # no projection or model has this name
        nest.CopyModel(info.name, name, constant)
        nodes = nest.Create(name, population.n_neurons)
        if varied:
            kernel.set_arrays(nodes, varied)
    except nest.NESTError as error:
        raise EngineError(f"population {population.name} ({population.model}): NEST refused it: {error}") from error
    network.populations[population.name] = nodes


def _first_receptor(network: Network, population: str) -> int:
    return min(network.model(population).ports.values())


def _copy_synapse_models(network: Network) -> None:
    """One synapse model per projection, which carries the receptor and the constants of its kind."""
    nest = kernel.import_nest()
    small = kernel.hpc_synapses_fit(network.plan.n_neurons)
    for projection in network.plan.projections:
        receptor = network.receptor_type(projection.target, projection.receptor)
        base = projection.synapse.nest_model
        constants: dict[str, Any] = {"receptor_type": receptor, **projection.synapse.constants}
        own = network.synapses(projection.target)
        if base in own:
            base = own[base]
        elif (
            small
            and projection.synapse.small_variant
            and receptor == min(network.model(projection.target).ports.values())
        ):
            base += "_hpc"
        for name, value in (("weight", projection.weight), ("delay", projection.delay)):
            if isinstance(value, int | float):
                constants[name] = value
        name = f"bgnest.projection.{projection.name}"
        try:
            nest.CopyModel(base, name, constants)
        except nest.NESTError as error:
            raise EngineError(f"projection {projection.name}: NEST refused its synapses: {error}") from error
        network.synapse_models[projection.name] = name
