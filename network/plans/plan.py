"""The plan: everything that will be built and simulated, as plain numbers in NEST units.

A plan is made from a validated experiment by :func:`make_plan` without a simulator.  The engine consumes
nothing else, the run folder stores it as JSON, and its content (not the wording of the YAML files) defines
the identity of a network and of a simulation, see :mod:`network.plans.identity`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..experiment.cell_code import AUTO, FAST
from ..experiment.courses import Waveform
from ..experiment.distributions import Drawn
from ..experiment.graded_cells import Gate, GradedCells, Opened
from ..experiment.rules import Ends, FixedInDegree, Rule
from ..experiment.space import Layout, Shape
from ..experiment.synapses import Static, Synapse
from ..experiment.synapses.nestml import NestmlSynapse, paired
from .identity import LABEL, encode, hashes

PLAN_FORMAT = 2
"""Version of the JSON form of a plan."""


@dataclass(frozen=True)
class ReceptorPlan:
    """Input port of a receptor, unit of its weights, and what a positive weight does (1 excites, -1 inhibits)."""

    port: str
    unit: str = "nS"
    effect: int = field(default=1, metadata=LABEL)
    current: str = ""
    """Of a graded receptor: parameter or port of the model that its current is added to; empty for others."""


@dataclass(frozen=True)
class PopulationPlan:
    """One population with its effective parameters (dopamine applied)."""

    name: str
    model: str
    n_neurons: int
    params: dict[str, float]
    heterogeneity: dict[str, Drawn]
    initial: dict[str, Drawn | float]
    first_id: int
    positions: Shape | None = None
    receptors: dict[str, ReceptorPlan] = field(default_factory=dict)
    """What the names of receptors mean; a name that is not here is that of a port."""
    gates: dict[str, str] = field(default_factory=dict)
    """Labels and activations of the graded synapses that begin here."""

    def port(self, receptor: str) -> str:
        """Input port of a receptor."""
        return self.receptors[receptor].port if receptor in self.receptors else receptor

    def unit(self, receptor: str) -> str:
        """Unit of weights onto a receptor."""
        return self.receptors[receptor].unit if receptor in self.receptors else "nS"


@dataclass(frozen=True)
class Cells:
    """Some cells of a population: node ids ``start``, ``start + step``, ... below ``stop``."""

    start: int
    stop: int
    step: int = 1

    @property
    def ids(self) -> range:
        """Node ids, counted from 0 within the population."""
        return range(self.start, self.stop, self.step)


@dataclass(frozen=True)
class ProjectionPlan:
    """One projection by a wiring rule; ``n_synapses`` are those that the rule makes, on average where they are random.

    With ``n_sets`` above 1 source i and target j are connected only if i and j are equal modulo ``n_sets``.
    """

    name: str
    source: str
    target: str
    receptor: str
    rule: Rule
    n_synapses: int
    weight: Drawn | float
    delay: Drawn | float
    allow_multapses: bool
    allow_autapses: bool
    n_sets: int = 1
    synapse: Synapse = field(default_factory=Static)

    @property
    def in_degree(self) -> int | None:
        """Synapses per target cell where the rule fixes them, else None."""
        return self.rule.in_degree if isinstance(self.rule, FixedInDegree) else None


@dataclass(frozen=True)
class InputPlan:
    """Independent Poisson spikes to every neuron of ``target``; all receptors get the same spikes.

    The instantaneous rate of one neuron is ``rate * waveform.value(t)`` in spikes/s.  ``cells`` restricts the
    input to some cells.  ``device`` says that a generator makes the spikes whatever ``drive`` says, because the
    cells draw those of another input: each draws one train.
    """

    name: str
    target: str
    rate: float
    weights: dict[str, float]
    delay: float
    waveform: Waveform | None
    cells: Cells | None = None
    device: bool = False


@dataclass(frozen=True)
class SpikeInputPlan:
    """Spike trains of one population in a SONATA file; all receptors get the same spikes.

    ``in_degree`` random trains per target neuron, or train i to neuron i if it is None.  ``digest`` is the
    SHA-256 of the file, which is identity where its path is not.
    """

    name: str
    target: str
    file: str = field(metadata=LABEL)
    population: str
    digest: str
    weights: dict[str, float]
    delay: float
    shift: float
    in_degree: int | None


@dataclass(frozen=True)
class CurrentPlan:
    """Current into a continuous port of every cell of ``target``: amplitude k (pA) from time k (ms) on."""

    target: str
    port: str
    times: tuple[float, ...]
    amplitudes: tuple[float, ...]


@dataclass(frozen=True)
class Segment:
    """Parameters of populations that take new values at ``time`` ms and keep them until they change again.

    ``dopamine`` is the level from then on, None where there is no such modulator; ``levels`` are those of all other
    modulators.  Parameters that stay as they are do not occur.
    """

    time: float
    dopamine: float | None
    params: dict[str, dict[str, float]]
    levels: dict[str, float] = field(default_factory=dict, metadata=LABEL)


@dataclass(frozen=True)
class RecorderPlan:
    """State variables of chosen neurons sampled every ``interval`` ms in ``[start, stop]`` ms.

    ``name`` is that of the trace; not identity, it only tells files of the same variable apart.
    """

    population: str
    node_ids: tuple[int, ...]
    variables: tuple[str, ...]
    interval: float
    start: float
    stop: float
    name: str = field(default="", metadata=LABEL)
    units: dict[str, str] = field(default_factory=dict, metadata=LABEL)
    """Unit of each variable, as the model declares it."""


@dataclass(frozen=True)
class WeightsPlan:
    """Weights of the first ``synapses`` synapses of a projection, every ``interval`` ms in ``[start, stop]`` ms."""

    name: str = field(metadata=LABEL)
    projection: str
    synapses: int
    interval: float
    start: float
    stop: float

    @property
    def times(self) -> list[float]:
        """When, in ms."""
        n = int((self.stop - self.start) / self.interval + 1e-9)
        return [round(self.start + k * self.interval, 9) for k in range(n + 1)]


@dataclass(frozen=True)
class GuardPlan:
    """A run ends when a recorded population fires more than ``rate`` (spikes/s) over ``window`` (ms)."""

    rate: float
    window: float


@dataclass(frozen=True)
class MockPlan:
    """Nothing is simulated: populations fire at ``rates`` (spikes/s), those that are not named at ``rate``.

    ``pace`` seconds of wall time pass in a second of biological time.
    """

    rate: float
    rates: dict[str, float]
    pace: float


@dataclass(frozen=True)
class Plan:
    """What will be built and simulated; see the module for the conventions."""

    name: str = field(metadata=LABEL)
    resolution: float
    t_presim: float
    t_sim: float
    seed: int
    threads: int = field(metadata=LABEL)
    ranks: int = field(metadata=LABEL)
    target: str
    drive: str
    populations: tuple[PopulationPlan, ...]
    projections: tuple[ProjectionPlan, ...]
    inputs: tuple[InputPlan, ...]
    recorders: tuple[RecorderPlan, ...]
    spike_populations: tuple[str, ...]
    spike_start: float
    spike_stop: float
    groups: dict[str, tuple[str, ...]] = field(metadata=LABEL)
    min_delay: float = field(metadata=LABEL)
    max_delay: float = field(metadata=LABEL)
    dopamine: float | None = field(metadata=LABEL)
    """Level at the beginning, None for a network without."""
    models: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the NESTML source of every model in use."""
    meta: dict[str, str] = field(default_factory=dict, metadata=LABEL)
    """``model``, ``state`` (key of the targets, may be empty) and ``title``."""
    segments: tuple[Segment, ...] = ()
    """Changes of parameters during the run, in order of time."""
    spike_inputs: tuple[SpikeInputPlan, ...] = ()
    guard: GuardPlan | None = field(default=None, metadata=LABEL)
    """Not identity: a run that it does not stop is the same without it."""
    mock: MockPlan | None = None
    """Takes the place of the simulation."""

    weights: tuple[WeightsPlan, ...] = ()
    """Weights of synapses that are recorded."""
    wiring: str = "nest"
    """``compact``: synapses are rows of the cells' own module; ``nest``: NEST's connections."""
    recording: str = field(default="device", metadata=LABEL)
    """Who writes down spikes and traces: ``internal``, the cells' module, or ``device``, NEST's, with one result."""
    modulators: dict[str, float] = field(default_factory=dict, metadata=LABEL)
    """Levels of other modulators than dopamine at the beginning."""
    currents: tuple[CurrentPlan, ...] = ()
    """Currents that generators bring to continuous ports; those onto parameters are segments."""
    targets: dict[str, str] = field(default_factory=dict)
    """Code generation target of the models that have another one than ``target``."""
    reasons: dict[str, str] = field(default_factory=dict, metadata=LABEL)
    """Why a model is not built with the fast target though that was to be taken where possible."""

    @property
    def n_neurons(self) -> int:
        """Neurons of all populations."""
        return sum(population.n_neurons for population in self.populations)

    @property
    def n_synapses(self) -> int:
        """Recurrent synapses; the synapses of the external input are not counted."""
        return sum(projection.n_synapses for projection in self.projections)

    @property
    def n_virtual_processes(self) -> int:
        """Threads of all processes; together with the seed it decides the random numbers."""
        return self.threads * self.ranks

    @property
    def depends_on_split(self) -> bool:
        """Whether another number of virtual processes gives other spikes.

        NEST draws by virtual process, and sums of what its devices and connections bring depend on their order. Rows of
        synapses and cells that draw their own input do not.
        """
        devices = self.drive != "internal" or any(i.device for i in self.inputs) or bool(self.spike_inputs)
        return devices or any(self.kept_by(p) == "nest" for p in self.projections)

    @property
    def split(self) -> int:
        """What identity knows of the virtual processes: their number, or 0 if it does not matter."""
        return self.n_virtual_processes if self.depends_on_split else 0

    @property
    def network_hash(self) -> str:
        """Identity of what is built, see :mod:`network.plans.identity`."""
        return hashes(self, self.split)[0]

    @property
    def simulation_hash(self) -> str:
        """Identity of the simulation, see :mod:`network.plans.identity`."""
        return hashes(self, self.split)[1]

    @property
    def build_identity(self) -> tuple[object, ...]:
        """Everything that building a network reads of a plan: equal for plans that can use one build.

        The extrema of the delays are part of it because input from devices, or spike trains, may widen them; wave forms
        because cells that are made with one cannot be told that there is none.
        """
        others = tuple(sorted(self.targets.items()))
        courses = tuple((i.target, str(i.waveform)) for i in self.inputs if i.waveform is not None)
        split = self.threads, self.ranks
        return self.network_hash, *split, self.min_delay, self.max_delay, self.target, others, courses

    def __repr__(self) -> str:
        size = f"{self.n_neurons:,} neurons, {self.n_synapses:,} synapses"
        return f"<Plan {self.name}: {size}, {self.ranks} rank(s) x {self.threads} thread(s)>"

    def population(self, name: str) -> PopulationPlan:
        """Find a population by name; KeyError lists the names."""
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(f"no population {name!r}; populations: {', '.join(p.name for p in self.populations)}")

    def ends(self, projection: ProjectionPlan) -> Ends:
        """The two populations of a projection as its rule sees them."""
        sides = [self.population(name) for name in (projection.source, projection.target)]
        layouts = [None if p.positions is None else Layout(p.name, p.positions, p.n_neurons, self.seed) for p in sides]
        return Ends(
            n_source=sides[0].n_neurons,
            n_target=sides[1].n_neurons,
            same=projection.source == projection.target,
            autapses=projection.allow_autapses,
            multapses=projection.allow_multapses,
            n_sets=projection.n_sets,
            source=layouts[0],
            target=layouts[1],
        )

    def paired(self, population: str) -> list[NestmlSynapse]:
        """NESTML synapses onto a population, which are compiled together with its cells."""
        return paired(p.synapse for p in self.projections if p.target == population)

    def graded(self, population: str) -> GradedCells:
        """What the cells of a population have besides their model for graded synapses; false if nothing."""
        cells = self.population(population)
        gates = {Gate(label, activation) for label, activation in cells.gates.items()}
        opened = {Opened(name, one.current) for name, one in cells.receptors.items() if one.current}
        return GradedCells(cells.model, tuple(sorted(gates)), tuple(sorted(opened)))

    @property
    def graded_projections(self) -> tuple[ProjectionPlan, ...]:
        """Projections without spikes."""
        return tuple(p for p in self.projections if p.synapse.gate is not None)

    def positions(self) -> dict[str, Any]:
        """Coordinates of cells in um, one row per cell, of every population that has positions."""
        placed = {p.name: Layout(p.name, p.positions, p.n_neurons, self.seed) for p in self.populations if p.positions}
        return {name: layout.positions() for name, layout in placed.items()}

    def target_of(self, population: str) -> str:
        """Code generation target of the cells of a population."""
        return self.targets.get(self.population(population).model, self.target)

    def kept_by(self, projection: ProjectionPlan) -> str:
        """Who keeps the synapses of a projection: ``compact``, rows of the fast cells' module, or ``nest``."""
        rows = projection.synapse.in_rows and self.target_of(projection.target) == FAST
        return self.wiring if rows else "nest"

    def writes_itself(self, population: str) -> bool:
        """Whether the cells' own module writes down their spikes and traces."""
        return self.recording == "internal" and self.target_of(population) == FAST

    @property
    def build_target(self) -> str:
        """What to ask of `bgnest models build` for all models together."""
        return AUTO if self.targets else self.target

    @property
    def models_by_target(self) -> dict[str, tuple[str, ...]]:
        """Models that each code generation target has to build."""
        found: dict[str, set[str]] = {}
        for population in self.populations:
            # others are compiled together with their synapses
            if not self.paired(population.name) and not self.graded(population.name):
                found.setdefault(self.target_of(population.name), set()).add(population.model)
        return {target: tuple(sorted(models)) for target, models in sorted(found.items())}

    def members(self, name: str) -> tuple[str, ...]:
        """Return the populations of a group, or the population itself."""
        return self.groups[name] if name in self.groups else (self.population(name).name,)

    def to_dict(self) -> dict[str, Any]:
        """JSON form; :func:`plan_from_dict` inverts it."""
        return {"format": PLAN_FORMAT, **encode(self)}
