"""From an experiment to its plan: sizes, effective parameters, in-degrees, distributions and wave forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import SpecError
from ..experiment import derive
from ..experiment.cell_code import DRAWING_TARGETS, CellCode, cell_code
from ..experiment.distributions import Drawn, Uniform, bounds, plain, scaled
from ..experiment.graded_cells import cells_of, current_of
from ..experiment.limits import MAX_PROCESSES, shown
from ..experiment.modulators import SHORT, factor
from ..experiment.nestml import ModelInterface, model_interfaces
from ..experiment.quantities import Quantity
from ..experiment.receptors import GradedReceptor, Receptor, effect_of, port_of
from ..experiment.schema import Experiment, Guard, Mock, Population, Projection, Trace
from ..experiment.synapses.graded import Graded
from ..experiment.synapses.nestml import NestmlSynapse
from ..experiment.wiring import ends_of, n_actions, planned_rule, population_sizes
from .fields import field_recorder
from .inputs import plan_input, share_drive
from .limits import plan_problems
from .modulation import build_segments, effective_params, port_currents
from .parts import (
    GuardPlan,
    InputPlan,
    MockPlan,
    PopulationPlan,
    ProjectionPlan,
    ReceptorPlan,
    RecorderPlan,
    SpikeInputPlan,
    WeightsPlan,
)
from .plan import Plan
from .played import check_played, plan_spike_inputs
from .pulses import plan_pulses


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
    plan = _Maker(experiment, model_interfaces() if models is None else models).plan(threads, ranks)
    if beyond := [_with_origin(experiment, *problem) for problem in plan_problems(plan)]:
        raise SpecError(beyond)
    return plan


class _Maker:
    """What the parts of a plan have in common while it is made."""

    def __init__(self, experiment: Experiment, interfaces: Mapping[str, ModelInterface]) -> None:
        self.experiment = experiment
        self.interfaces = interfaces
        self.phis = experiment.phis
        self.sizes = population_sizes(experiment)
        simulation = experiment.simulation
        self.resolution = simulation.resolution.value
        self.t_presim = simulation.t_presim.value
        self.t_stop = simulation.t_presim.value + simulation.t_sim.value

    def plan(self, threads: int, ranks: int) -> Plan:
        """The whole."""
        experiment, simulation, recording = self.experiment, self.experiment.simulation, self.experiment.recording
        levels = {name: modulator.level.value for name, modulator in experiment.all_modulators.items()}
        enabled = {name: p for name, p in experiment.projections.items() if p.enabled}
        projections = tuple(self.projection(name, p) for name, p in enabled.items())
        spike_inputs = tuple(
            replace(i, weights=self.as_told(i.weights, i.target)) for i in plan_spike_inputs(experiment, self.sizes)
        )
        code = self.code(projections)
        draws = code.target in DRAWING_TARGETS
        drive = simulation.drive if draws else "device"
        inputs = self.inputs(code, drive)
        delays = self.delays(enabled, projections, inputs, spike_inputs, drive)
        min_delay = min(low for low, _ in delays)
        check_played(experiment, spike_inputs, min_delay)
        guard = simulation.guard or Guard()
        limits = _value(guard.rate, GuardPlan.rate), _value(guard.window, GuardPlan.window)
        return Plan(
            name=experiment.name,
            resolution=self.resolution,
            t_presim=self.t_presim,
            t_sim=simulation.t_sim.value,
            seed=int(simulation.seed),
            threads=threads,
            ranks=ranks,
            target=code.target,
            drive=drive,
            wiring=simulation.wiring if draws else "nest",
            recording=simulation.recording if draws else "device",
            populations=self.populations(),
            projections=projections,
            inputs=inputs,
            recorders=self.recorders(),
            weights=self.weights(),
            spike_populations=_spike_populations(experiment),
            spike_start=_value(recording.spike_start, self.t_presim),
            spike_stop=_value(recording.spike_stop, self.t_stop),
            groups={name: tuple(members) for name, members in experiment.groups.items()},
            min_delay=min_delay,
            max_delay=max(high for _, high in delays),
            dopamine=levels.pop(SHORT, None),
            modulators=levels,
            models=self.digests(),
            meta={
                "model": experiment.meta.model,
                "state": experiment.meta.state or "",
                "title": experiment.meta.title,
            },
            segments=build_segments(experiment, self.interfaces),
            spike_inputs=spike_inputs,
            guard=GuardPlan(*limits) if guard.enabled else None,
            mock=None if simulation.mock is None else _mock(simulation.mock),
            currents=port_currents(experiment, self.interfaces),
            pulses=plan_pulses(experiment),
            targets=dict(code.others),
            reasons=dict(code.reasons),
        )

    def model_of(self, population: str) -> ModelInterface:
        """Interface of a population's model."""
        name = self.experiment.populations[population].model
        return self.interfaces.get(name, ModelInterface(name))

    def told(self, target: str, receptor: str) -> float:
        """Sign with which NEST is told a weight: it knows ports called inhibitory by negative weights."""
        population = self.experiment.populations[target]
        given, model = population.receptors.get(receptor), self.interfaces.get(population.model)
        if given is None or model is None or given.signed:
            return 1.0
        return -1.0 if model.qualifiers.get(port_of(receptor, given)) == "inhibitory" else 1.0

    def as_told(self, weights: dict[str, float], target: str) -> dict[str, float]:
        """Weights by receptor as NEST is told them."""
        return {receptor: weight * self.told(target, receptor) for receptor, weight in weights.items()}

    def populations(self) -> tuple[PopulationPlan, ...]:
        """All populations, one after the other in the simulator."""
        populations, first_id = [], 0
        for name, population in self.experiment.populations.items():
            size = self.sizes[name]
            made = _population(name, population, self.sizes, first_id, self.phis, self.model_of(name))
            populations.append(self.with_gates(made))
            first_id += size
        return tuple(populations)

    def with_gates(self, made: PopulationPlan) -> PopulationPlan:
        """With parameters and first values of the gates by which its cells act on graded receptors."""
        params, initial, gates = dict(made.params), dict(made.initial), {}
        for p in self.experiment.projections.values():
            synapse = p.synapse_in_use
            if p.enabled and p.source == made.name and isinstance(synapse, Graded):
                gates[synapse.gate.label] = synapse.gate.activation
                params |= synapse.of_source
                initial |= {} if synapse.s0 is None else {synapse.gate.state: synapse.s0}
        return replace(made, params=params, initial=initial, gates=gates)

    def projection(self, name: str, projection: Projection) -> ProjectionPlan:
        """One projection."""
        rule = planned_rule(projection, self.phis).resolved()
        ends = ends_of(self.experiment, projection, self.sizes, self.phis)
        told = self.told(projection.target, projection.receptor)
        scale = told * factor(projection.effects.get("weight", ()), projection.weight_beta, self.phis)
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

    def code(self, projections: tuple[ProjectionPlan, ...]) -> CellCode:
        """Which code the cells of each model get."""
        populations = self.experiment.populations
        seeing: dict[str, list[str]] = {}
        for p in projections:
            if isinstance(p.synapse, NestmlSynapse) and p.synapse.sees_target:
                names = seeing.setdefault(populations[p.target].model, [])
                names += [p.synapse.model] if p.synapse.model not in names else []
        paired = {model: ", ".join(names) for model, names in seeing.items()}
        used = (population.model for population in populations.values())
        return cell_code(self.experiment.simulation.target, used, self.interfaces, paired)

    def inputs(self, code: CellCode, drive: str) -> tuple[InputPlan, ...]:
        """Poisson inputs, those of cells that cannot draw them by devices."""
        experiment = self.experiment
        inputs = share_drive(
            part
            for name, i in experiment.inputs.items()
            if i.enabled
            for part in plan_input(name, i, self.sizes[i.target], n_actions(experiment, i.target), self.phis)
        )
        cannot = {name for name, p in experiment.populations.items() if not code.draws(p.model)}
        by_device = cannot if drive == "internal" else set()
        return tuple(
            replace(i, weights=self.as_told(i.weights, i.target), device=i.device or i.target in by_device)
            for i in inputs
        )

    def delays(
        self,
        enabled: Mapping[str, Projection],
        projections: tuple[ProjectionPlan, ...],
        inputs: tuple[InputPlan, ...],
        spike_inputs: tuple[SpikeInputPlan, ...],
        drive: str,
    ) -> list[tuple[float, float]]:
        """Shortest and longest delay (ms) of everything that NEST connects."""
        experiment, resolution = self.experiment, self.resolution
        delays = []
        for given, made in zip(enabled.values(), projections, strict=True):
            if made.n_synapses:
                shortest, longest = bounds(made.delay)
                lag = made.rule.longest_lag(ends_of(experiment, given, self.sizes, self.phis))
                delays.append(derive.on_grid(shortest, longest + lag, resolution))
        by_device = [i for i in inputs if i.device or drive == "device"]
        by_generators = by_device if delays else inputs
        delays += [derive.delay_range(i.delay, 0.0, resolution) for i in by_generators]
        delays += [_half_way(experiment, i, resolution) for i in by_device if len(i.weights) > 1]  # behind parrots
        delays += [derive.delay_range(i.delay, 0.0, resolution) for i in spike_inputs]
        modulated = [p.synapse for p in projections if isinstance(p.synapse, NestmlSynapse) and p.synapse.modulator]
        delays += [derive.delay_range(synapse.modulator_delay, 0.0, resolution) for synapse in modulated]
        return delays or [(resolution, resolution)]

    def recorders(self) -> tuple[RecorderPlan, ...]:
        """Recordings of variables."""
        recording = self.experiment.recording
        traces = [
            _recorder(
                name,
                trace,
                self.sizes,
                self.t_presim,
                self.t_stop,
                self.model_of(trace.population),
                cells_of(self.experiment, trace.population).recordables,
            )
            for name, trace in recording.traces.items()
        ]
        fields = [field_recorder(self.experiment, name, self.interfaces, self.sizes) for name in recording.fields]
        return (*traces, *fields)

    def weights(self) -> tuple[WeightsPlan, ...]:
        """Recordings of weights."""
        return tuple(
            WeightsPlan(
                name,
                given.projection,
                given.synapses,
                given.interval.value,
                _value(given.start, 0.0),
                _value(given.stop, self.t_stop),
            )
            for name, given in self.experiment.recording.weights.items()
        )

    def digests(self) -> dict[str, str]:
        """Digest of the file of every model in use."""
        used = sorted({population.model for population in self.experiment.populations.values()})
        return {name: self.interfaces[name].digest for name in used if name in self.interfaces}


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
    sizes: Mapping[str, int],
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
    positions = None if population.positions is None else population.positions.plain(sum(sizes.values()))
    return PopulationPlan(
        name, population.model, sizes[name], params, heterogeneity, initial, first_id, positions, receptors
    )


def _receptor(name: str, receptor: Receptor, interface: ModelInterface, params: dict[str, float]) -> ReceptorPlan:
    current = current_of(receptor, interface) if isinstance(receptor, GradedReceptor) else ""
    effect = effect_of(name, receptor, interface, params)
    return ReceptorPlan(port_of(name, receptor), receptor.unit, effect, current)


def _spread(value: Drawn | float, spread: Quantity | None) -> Drawn | float:
    if spread is None or spread.value == 0.0 or not isinstance(value, int | float) or value == 0.0:
        return value
    low, high = sorted((value * (1.0 - spread.value), value * (1.0 + spread.value)))
    return Uniform(low, high)


def _mock(mock: Mock) -> MockPlan:
    return MockPlan(mock.rate.value, {name: rate.value for name, rate in mock.rates.items()}, _value(mock.pace, 0.0))


def _recorder(
    name: str,
    trace: Trace,
    sizes: dict[str, int],
    t_presim: float,
    t_stop: float,
    model: ModelInterface,
    graded: Mapping[str, str],
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
        units={one: graded.get(one) or model.recorded_unit(one) for one in dict.fromkeys(trace.variables)},
    )


def _spike_populations(experiment: Experiment) -> tuple[str, ...]:
    spikes = experiment.recording.spikes
    if spikes == "all":
        return tuple(experiment.populations)
    wanted = {member for name in spikes for member in experiment.groups.get(name, (name,))}
    return tuple(name for name in experiment.populations if name in wanted)
