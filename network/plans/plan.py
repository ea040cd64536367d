"""The plan: everything that will be built and simulated, as plain numbers in NEST units.

A plan is made from a validated experiment by :func:`make_plan` without a simulator.  The engine consumes
nothing else, the run folder stores it as JSON, and its content (not the wording of the YAML files) defines
the identity of a network and of a simulation, see :mod:`network.plans.identity`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..experiment.cell_code import AUTO, FAST
from ..experiment.graded_cells import Gate, GradedCells, Opened
from ..experiment.rules import Ends
from ..experiment.space import Layout
from ..experiment.synapses.nestml import NestmlSynapse, paired
from .identity import LABEL, encode, hashes
from .parts import (
    CurrentPlan,
    GuardPlan,
    InputPlan,
    MockPlan,
    PopulationPlan,
    ProjectionPlan,
    PulsesPlan,
    RecorderPlan,
    Segment,
    SpikeInputPlan,
    WeightsPlan,
)

PLAN_FORMAT = 2
"""Version of the JSON form of a plan."""


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
    pulses: tuple[PulsesPlan, ...] = ()
    """Electrical stimulation: what its pulses do to axons; their current is in segments and currents."""
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
