"""From an experiment to its plan: sizes, effective parameters, in-degrees, distributions and wave forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import SpecError
from ..experiment import derive
from ..experiment.cell_code import DRAWING_TARGETS, cell_code
from ..experiment.distributions import Drawn, Uniform, bounds, plain, scaled
from ..experiment.limits import MAX_PROCESSES, shown
from ..experiment.modulators import SHORT, factor
from ..experiment.nestml import ModelInterface, model_interfaces
from ..experiment.quantities import Quantity
from ..experiment.receptors import Receptor, effect_of, port_of
from ..experiment.schema import Experiment, Mock, Population, Projection, Trace
from ..experiment.spike_files import SpikeFileError, played_steps, read_trains
from ..experiment.synapses.nestml import NestmlSynapse
from ..experiment.wiring import ends_of, n_actions, planned_rule, population_sizes
from .inputs import plan_input, plan_spike_input, share_drive
from .limits import plan_problems
from .modulation import build_segments, effective_params, port_currents
from .plan import (
    GuardPlan,
    InputPlan,
    MockPlan,
    Plan,
    PopulationPlan,
    ProjectionPlan,
    ReceptorPlan,
    RecorderPlan,
    SpikeInputPlan,
    WeightsPlan,
)


def make_plan(
    experiment: Experiment,
    *,
    threads: int = 1,
    ranks: int = 1,
    models: Mapping[str, ModelInterface] | None = None,
) -> Plan:
    """Work out everything that will be built, without a simulator.

    Parameters
    ----------
    experiment : Experiment
        Validated experiment, see :func:`network.experiment.load_experiment`.
    threads, ranks : int
        Threads per process and number of processes; their product is the number of virtual processes.
    models : mapping of str to ModelInterface, optional
        Interfaces of the NESTML models; by default those that are found on disk.

    Returns
    -------
    Plan
        Dopamine, scaling and in-degrees applied; plain floats in NEST units.

    Raises
    ------
    SpecError
        If the network does not fit, for instance an in-degree larger than its source population.
    """
    problems = [
        f"{name}: must be a positive whole number, at most {MAX_PROCESSES:,}, not {shown(value)}"
        for name, value in (("threads", threads), ("ranks", ranks))
        if not isinstance(value, int) or not 1 <= value <= MAX_PROCESSES
    ]
    if problems:
        raise SpecError(problems)
    interfaces = model_interfaces() if models is None else models
    phis = experiment.phis
    levels = {name: modulator.level.value for name, modulator in experiment.all_modulators.items()}
    sizes = population_sizes(experiment)
    simulation = experiment.simulation
    resolution = simulation.resolution.value
    t_stop = simulation.t_presim.value + simulation.t_sim.value

    def model_of(population: str) -> ModelInterface:
        name = experiment.populations[population].model
        return interfaces.get(name, ModelInterface(name))

    populations = []
    first_id = 0
    for name, population in experiment.populations.items():
        populations.append(_population(name, population, sizes[name], first_id, phis, model_of(name)))
        first_id += sizes[name]
    enabled = {name: p for name, p in experiment.projections.items() if p.enabled}

    def as_told(weights: dict[str, float], target: str) -> dict[str, float]:
        return {r: w * _told(experiment, interfaces, target, r) for r, w in weights.items()}

    projections = tuple(
        _projection(experiment, name, p, sizes, phis, _told(experiment, interfaces, p.target, p.receptor))
        for name, p in enabled.items()
    )
    recording = experiment.recording
    delays = [
        derive.on_grid(shortest, longest + made.rule.longest_lag(ends_of(experiment, p, sizes, phis)), resolution)
        for p, made in zip(enabled.values(), projections, strict=True)
        if made.n_synapses
        for shortest, longest in [bounds(made.delay)]
    ]
    inputs = share_drive(
        part
        for name, i in experiment.inputs.items()
        if i.enabled
        for part in plan_input(name, i, sizes[i.target], n_actions(experiment, i.target), phis)
    )
    inputs = tuple(replace(i, weights=as_told(i.weights, i.target)) for i in inputs)
    spike_inputs = tuple(replace(i, weights=as_told(i.weights, i.target)) for i in _spike_inputs(experiment, sizes))
    code = cell_code(
        simulation.target,
        (population.model for population in experiment.populations.values()),
        interfaces,
        {
            experiment.populations[p.target].model: p.synapse.model
            for p in projections
            if isinstance(p.synapse, NestmlSynapse)
        },
    )
    drive = simulation.drive if code.target in DRAWING_TARGETS else "device"
    if drive == "internal":
        cannot = {name for name, p in experiment.populations.items() if not code.draws(p.model)}
        inputs = tuple(replace(i, device=i.device or i.target in cannot) for i in inputs)
    by_generators = [i for i in inputs if i.device or drive == "device" or not delays]
    delays += [derive.delay_range(i.delay, 0.0, resolution) for i in by_generators]
    behind_parrots = [i for i in inputs if (i.device or drive == "device") and len(i.weights) > 1]
    delays += [_half_way(experiment, i, resolution) for i in behind_parrots]
    delays += [derive.delay_range(i.delay, 0.0, resolution) for i in spike_inputs]
    delays = delays or [(resolution, resolution)]
    min_delay = min(low for low, _ in delays)
    _check_played(experiment, spike_inputs, min_delay)
    plan = Plan(
        name=experiment.name,
        resolution=resolution,
        t_presim=simulation.t_presim.value,
        t_sim=simulation.t_sim.value,
        seed=int(simulation.seed),
        threads=threads,
        ranks=ranks,
        target=code.target,
        drive=drive,
        wiring=simulation.wiring if code.target in DRAWING_TARGETS else "nest",
        recording=simulation.recording if code.target in DRAWING_TARGETS else "device",
        populations=tuple(populations),
        projections=projections,
        inputs=inputs,
        recorders=tuple(
            _recorder(trace_name, trace, sizes, simulation.t_presim.value, t_stop, model_of(trace.population))
            for trace_name, trace in recording.traces.items()
        ),
        weights=tuple(
            WeightsPlan(
                weights_name,
                given.projection,
                given.synapses,
                given.interval.value,
                _value(given.start, 0.0),
                _value(given.stop, t_stop),
            )
            for weights_name, given in recording.weights.items()
        ),
        spike_populations=_spike_populations(experiment),
        spike_start=_value(recording.spike_start, simulation.t_presim.value),
        spike_stop=_value(recording.spike_stop, t_stop),
        groups={name: tuple(members) for name, members in experiment.groups.items()},
        min_delay=min_delay,
        max_delay=max(high for _, high in delays),
        dopamine=levels.pop(SHORT, None),
        modulators=levels,
        models={
            name: interfaces[name].digest
            for name in sorted({population.model for population in experiment.populations.values()})
            if name in interfaces
        },
        meta={
            "model": experiment.meta.model,
            "state": experiment.meta.state or "",
            "title": experiment.meta.title,
        },
        segments=build_segments(experiment, interfaces),
        spike_inputs=spike_inputs,
        guard=None
        if simulation.guard is None or not simulation.guard.enabled
        else GuardPlan(simulation.guard.rate.value, simulation.guard.window.value),
        mock=None if simulation.mock is None else _mock(simulation.mock),
        currents=port_currents(experiment, interfaces),
        targets=dict(code.others),
        reasons=dict(code.reasons),
    )
    if beyond := [_with_origin(experiment, *problem) for problem in plan_problems(plan)]:
        raise SpecError(beyond)
    return plan


def _with_origin(experiment: Experiment, path: tuple[str, ...], message: str) -> str:
    """One line for a problem, with the place where the value was written if it is known."""
    key = ".".join(path)
    try:
        return f"{experiment.origin(key)}: {key}: {message}"
    except KeyError:
        return f"{key}: {message}"


def _half_way(experiment: Experiment, source: InputPlan, resolution: float) -> tuple[float, float]:
    """Two shorter delays in place of one: a generator that drives several receptors does it through parrot neurons.

    NEST's smallest delay must not be longer than the shorter half, or the spikes would come later than asked.
    """
    steps = round(source.delay / resolution)
    if steps < 2:
        message = (
            f"{source.delay:g} ms is too short for a generator that drives several receptors "
            f"({', '.join(source.weights)}), which takes two steps of {resolution:g} ms"
        )
        raise SpecError([_with_origin(experiment, ("inputs", source.name, "delay"), message)])
    return round(steps // 2 * resolution, 10), round((steps - steps // 2) * resolution, 10)


def _value(quantity: Quantity | None, default: float) -> float:
    return default if quantity is None else quantity.value


def _population(
    name: str,
    population: Population,
    n_neurons: int,
    first_id: int,
    phis: Mapping[str, float],
    interface: ModelInterface,
) -> PopulationPlan:
    params = effective_params(population, phis, interface)
    heterogeneity = {key: spread.plain(centre=params[key]) for key, spread in population.heterogeneity.items()}
    # relative to the table value of the population, not to the randomised one of each cell
    initial = {
        key: plain(value, origin=params[value.relative_to] if getattr(value, "relative_to", None) is not None else 0.0)
        for key, value in population.initial.items()
    }
    receptors = {key: _receptor(key, receptor, interface, params) for key, receptor in population.receptors.items()}
    positions = None if population.positions is None else population.positions.plain()
    return PopulationPlan(
        name, population.model, n_neurons, params, heterogeneity, initial, first_id, positions, receptors
    )


def _receptor(name: str, receptor: Receptor, interface: ModelInterface, params: dict[str, float]) -> ReceptorPlan:
    return ReceptorPlan(port_of(name, receptor), receptor.unit, effect_of(name, receptor, interface, params))


def _told(experiment: Experiment, interfaces: Mapping[str, ModelInterface], target: str, receptor: str) -> float:
    """Sign with which NEST is told a weight: it knows ports called inhibitory by negative weights."""
    population = experiment.populations[target]
    given, model = population.receptors.get(receptor), interfaces.get(population.model)
    if given is None or model is None or given.signed:
        return 1.0
    return -1.0 if model.qualifiers.get(port_of(receptor, given)) == "inhibitory" else 1.0


def _spread(value: Drawn | float, spread: Quantity | None) -> Drawn | float:
    if spread is None or spread.value == 0.0 or not isinstance(value, int | float) or value == 0.0:
        return value
    low, high = sorted((value * (1.0 - spread.value), value * (1.0 + spread.value)))
    return Uniform(low, high)


def _projection(
    experiment: Experiment,
    name: str,
    projection: Projection,
    sizes: dict[str, int],
    phis: Mapping[str, float],
    told: float,
) -> ProjectionPlan:
    rule = planned_rule(projection, phis)
    ends = ends_of(experiment, projection, sizes, phis)
    scale = told * factor(projection.effects.get("weight", ()), projection.weight_beta, phis)
    return ProjectionPlan(
        name=name,
        source=projection.source,
        target=projection.target,
        receptor=projection.receptor,
        rule=rule,
        n_synapses=round(rule.expected(ends)),
        weight=_spread(scaled(plain(projection.weight), scale), projection.weight_spread),
        delay=_spread(plain(projection.delay), projection.delay_spread),
        allow_multapses=ends.multapses,
        allow_autapses=projection.autapses,
        n_sets=ends.n_sets,
        synapse=projection.synapse_in_use.resolved(),
    )


def _mock(mock: Mock) -> MockPlan:
    return MockPlan(mock.rate.value, {name: rate.value for name, rate in mock.rates.items()}, _value(mock.pace, 0.0))


def _recorder(
    name: str, trace: Trace, sizes: dict[str, int], t_presim: float, t_stop: float, model: ModelInterface
) -> RecorderPlan:
    """Plan of a trace; a cell or variable that is named twice is recorded once."""
    size = sizes[trace.population]
    ids = range(min(trace.cells, size)) if isinstance(trace.cells, int) else dict.fromkeys(trace.cells)
    return RecorderPlan(
        population=trace.population,
        node_ids=tuple(ids),
        variables=tuple(dict.fromkeys(trace.variables)),
        interval=trace.interval.value,
        start=_value(trace.start, t_presim),
        stop=_value(trace.stop, t_stop),
        name=name,
        units={variable: model.recorded_unit(variable) for variable in dict.fromkeys(trace.variables)},
    )


def _spike_inputs(experiment: Experiment, sizes: dict[str, int]) -> tuple[SpikeInputPlan, ...]:
    plans, problems = [], []
    for name, given in experiment.spike_inputs.items():
        if not given.enabled:
            continue
        try:
            plans.append(plan_spike_input(name, given, sizes[given.target]))
        except SpikeFileError as error:
            problems.append(_of_file(experiment, name, str(error)))
    if problems:
        raise SpecError(problems)
    return tuple(plans)


def _check_played(experiment: Experiment, plans: tuple[SpikeInputPlan, ...], min_delay: float) -> None:
    """Refuse spike inputs of which nothing would be played."""
    simulation = experiment.simulation
    resolution, t_stop = simulation.resolution.value, simulation.t_presim.value + simulation.t_sim.value
    problems = []
    for plan in plans:
        trains = read_trains(plan.file, plan.population or None)
        steps, _ = played_steps(
            trains, delay=plan.delay, shift=plan.shift, resolution=resolution, min_delay=min_delay, t_stop=t_stop
        )
        if steps.size:
            continue
        what = f"no spikes of {plan.population}" if plan.population else "no spikes"
        there = "there are none at all"
        if trains.times.size:
            low, high = trains.times[0] + plan.shift, trains.times[-1] + plan.shift
            there = f"they are at {low:g} to {high:g} ms, the simulation ends at {t_stop:g} ms; mind the shift"
        problems.append(_of_file(experiment, plan.name, f"{what} within the simulation: {there}"))
    if problems:
        raise SpecError(problems)


def _of_file(experiment: Experiment, name: str, message: str) -> str:
    """Name file and line of the experiment, key, and spike file of a problem."""
    key, file = f"spike_inputs.{name}.file", experiment.spike_inputs[name].file
    try:
        return f"{experiment.origin(key)}: {key}: {file}: {message}"
    except KeyError:  # an experiment that was not read from files
        return f"{key}: {file}: {message}"


def _spike_populations(experiment: Experiment) -> tuple[str, ...]:
    spikes = experiment.recording.spikes
    if spikes == "all":
        return tuple(experiment.populations)
    wanted = {member for name in spikes for member in experiment.groups.get(name, (name,))}
    return tuple(name for name in experiment.populations if name in wanted)
