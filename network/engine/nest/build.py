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
from typing import Any

from ...codegen import Compiled, ModelInfo
from ...codegen.graded import CLOCK
from ...errors import EngineError
from ...experiment.synapses.nestml import NestmlSynapse
from ...plans.cells import cell_values
from ...plans.parts import PopulationPlan, ProjectionPlan
from ...plans.plan import Plan
from ..progress import Reporter, SilentReporter
from . import drives, kernel, rows
from .network import Network, alone
from .wiring import check_number, connect

POPULATION_MODEL = "bgnest.population."
"""Begin of the name of NEST's copy of a model for a population; no projection or model has such a name."""


def build(plan: Plan, module: Compiled, reporter: Reporter | None = None) -> Network:
    """Create all populations, then connect all projections.

    Raises
    ------
    EngineError
        If NEST refuses a population or projection; the message names it.
    """
    reporter = reporter or SilentReporter()
    network = Network(plan, module)
    if network.runtime is not None:
        network.runtime.clear()
        network.compact = {p.name: n for n, p in enumerate(plan.projections) if plan.kept_by(p) == "compact"}
    start = time.perf_counter()
    _copy_synapse_models(network)  # before nodes exist: afterwards each copy costs milliseconds
    if plan.graded_projections:
        kernel.import_nest().Create(CLOCK)  # NEST updates it before all that is created later
    with reporter.phase("create", plan.n_neurons, "neurons") as phase:
        for population in plan.populations:
            _create(network, population)
            phase.advance(population.n_neurons, population.name)
    _connect_modulators(network)
    network.timers["create"] = time.perf_counter() - start

    start = time.perf_counter()
    with reporter.phase("connect", plan.n_synapses, "synapses") as phase:
        for projection in plan.projections:
            if projection.name in network.compact:
                made = rows.wire(network, projection, network.compact[projection.name])
                check_number(network, projection, made)
            else:
                connect(network, projection)
            phase.advance(projection.n_synapses, projection.name)
        if network.runtime is not None and network.compact:
            network.runtime.connect_carriers()
            rows.listen(network)
    network.timers["connect"] = time.perf_counter() - start
    return network


def _create(network: Network, population: PopulationPlan) -> None:
    """One population: constants in a copied model, one ``set`` with arrays for what differs between cells."""
    nest = kernel.import_nest()
    values = cell_values(population, network.plan.seed)
    constant = {name: value for name, value in values.items() if isinstance(value, int | float)}
    varied = {name: value for name, value in values.items() if not isinstance(value, int | float)}
    info = network.model(population.name)
    constant |= _traces(network, population.name, info)
    constant |= drives.of_all(network, population)
    # p1 and p2, the exponents of the recovery, are integers in NESTML; the plan has plain floats
    for name in constant.keys() & set(info.integer_parameters):
        constant[name] = int(constant[name])
    try:
        name = f"{POPULATION_MODEL}{population.name}"
        nest.CopyModel(info.name, name, constant)
        nodes = nest.Create(name, population.n_neurons)
        network.populations[population.name] = nodes
        if varied:
            network.set(population.name, slice(None), varied)
    except (nest.NESTError, EngineError) as error:
        raise EngineError(f"population {population.name} ({population.model}): NEST refused it: {error}") from error


def _traces(network: Network, population: str, info: ModelInfo) -> dict[str, float]:
    """Parameters of synapses that their cells have, too: those of the traces that NESTML has moved there."""
    return {
        f"{key}__for_{synapse.model}": value
        for synapse in network.plan.paired(population)
        for key, value in synapse.parameters.items()
        if f"{key}__for_{synapse.model}" in info.parameters
    }


def _connect_modulators(network: Network) -> None:
    """Bring the spikes of populations that modulate synapses to these, through a volume transmitter each."""
    nest = kernel.import_nest()
    for projection in network.plan.projections:
        if projection.synapse.modulated_by is not None:
            modulator = network.populations[projection.synapse.modulated_by]
            delay = {"weight": 1.0, "delay": getattr(projection.synapse, "modulator_delay", network.plan.min_delay)}
            nest.Connect(modulator, network.transmitters[projection.name], "all_to_all", delay)


def _base(network: Network, projection: ProjectionPlan) -> str:
    """NEST's model of the synapses of a projection."""
    synapse = projection.synapse
    if isinstance(synapse, NestmlSynapse) and not synapse.sees_target:
        name = alone(synapse).name
        return network.module.of(name).models[name].name
    if isinstance(synapse, NestmlSynapse):
        return str(network.model(projection.target).extra["synapses"][synapse.model]["name"])
    return synapse.nest_model


def _first_receptor(network: Network, population: str) -> int:
    return min(network.model(population).ports.values())


def _copy_synapse_models(network: Network) -> None:
    """One synapse model per projection, which carries the receptor and the constants of its kind."""
    nest = kernel.import_nest()
    small = kernel.hpc_synapses_fit(network.plan.n_neurons)
    for projection in network.plan.projections:
        if projection.name in network.compact:
            continue
        receptor = network.receptor_type(projection.target, projection.receptor)
        base = _base(network, projection)
        constants: dict[str, Any] = {"receptor_type": receptor, **projection.synapse.constants}
        if projection.synapse.modulated_by is not None:  # NEST takes it with a copy only
            transmitter = network.transmitters[projection.name] = nest.Create("volume_transmitter")
            constants["volume_transmitter"] = transmitter
        own = network.synapses(projection.target)
        if base in own:
            base = own[base]
        elif small and projection.synapse.small_variant and receptor == _first_receptor(network, projection.target):
            base += "_hpc"
            network.small_synapses.add(projection.name)
        for name, value in (("weight", projection.weight), ("delay", projection.delay)):
            if isinstance(value, int | float):
                constants[name] = value
        name = f"bgnest.projection.{projection.name}"
        try:
            nest.CopyModel(base, name, constants)
        except nest.NESTError as error:
            raise EngineError(f"projection {projection.name}: NEST refused its synapses: {error}") from error
        network.synapse_models[projection.name] = name
