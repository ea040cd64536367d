"""The parts of a plan: populations, projections, inputs, changes and recorders, as plain numbers in NEST units."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..experiment.courses import Waveform
from ..experiment.distributions import Drawn
from ..experiment.rules import FixedInDegree, Rule
from ..experiment.space import Shape
from ..experiment.synapses import Static, Synapse
from .identity import LABEL


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
    cells draw those of another input: each draws one train.  With ``weight_spread`` s each cell has the weights times
    a number of its own, see `network.plans.cells.weight_factors`.
    """

    name: str
    target: str
    rate: float
    weights: dict[str, float]
    delay: float
    waveform: Waveform | None
    cells: Cells | None = None
    device: bool = False
    weight_spread: float = 0.0


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
    """Current into a continuous port of ``target``: amplitude k (pA) from time k (ms) on.

    ``cells`` restricts it to some cells.
    """

    target: str
    port: str
    times: tuple[float, ...]
    amplitudes: tuple[float, ...]
    cells: Cells | None = None


@dataclass(frozen=True)
class PulsesPlan:
    """Pulses of current into all cells of ``target``, from each of ``onsets`` (ms) on for ``width`` ms.

    The current itself is in the segments or currents of the plan. ``axons`` is the probability with which a pulse
    makes a spike in an axon; None if axons are left alone.
    """

    name: str
    target: str
    onsets: tuple[float, ...]
    width: float = field(metadata=LABEL)
    amplitude: float = field(metadata=LABEL)
    axons: float | None = None


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
    cells: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=dict)
    """Parameters of populations that differ from cell to cell: a value for each."""


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
    sums: dict[str, str] = field(default_factory=dict)
    """What is kept instead of the variables, each summed over the cells: its name, and its formula."""
    constants: dict[str, float] = field(default_factory=dict)
    """Parameters in formulas that the population leaves at the value of the model."""

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of what is written."""
        return tuple(self.sums) or self.variables


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
    """A run ends when a recorded population fires more than ``rate`` (spikes/s) over ``window`` (ms).

    The defaults are assumed: no cell sustains a spike per millisecond, about its refractory period.
    """

    rate: float = 1000.0
    window: float = 100.0


@dataclass(frozen=True)
class MockPlan:
    """Nothing is simulated: populations fire at ``rates`` (spikes/s), those that are not named at ``rate``.

    ``pace`` seconds of wall time pass in a second of biological time.
    """

    rate: float
    rates: dict[str, float]
    pace: float
