"""The schema of an experiment; it is also the reference of what can be written in the YAML files.

All quantities are ``{value, unit, source}`` or ``{value, unit, assumed}`` in the files and
:class:`~network.experiment.quantities.Quantity` here, in NEST's units.  Cross-references (does the receptor exist,
is the population known) are checked in :mod:`network.experiment.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from .bibliography import Source
from .connect import Connect, edges_of
from .distributions import DrawnDelay, DrawnWeight, Heterogeneity, Initial, WrittenFromFile
from .limits import MAX_NAME, MAX_TRACED
from .modulators import Effects, Modulator
from .origins import Origin
from .positions import Positions
from .quantities import (
    AnatomicalCount,
    AnyQuantity,
    Count,
    Delay,
    Duration,
    Fraction,
    Milliseconds,
    NonNegative,
    NonNegativeMilliseconds,
    Number,
    PositiveFraction,
    PositiveMilliseconds,
    Rate,
    Spec,
    WarmUp,
    Weight,
)
from .receptors import Receptor
from .stimulation import Stimulation
from .stimuli import Actions, Current, DopamineSchedule, Modulation, Name, SpikeInput, Stimulus
from .synapses import Plasticity, Static, Synapse, SynapseSpec


def _exactly_one(model: Any, first: str, second: str, *, required: bool) -> None:
    given = [name for name in (first, second) if getattr(model, name) is not None]
    if len(given) == 2 or (required and not given):
        raise PydanticCustomError("exactly_one", f"give exactly one of {first!r} and {second!r}")


class Meta(Spec):
    """What the experiment is called and which targets belong to it."""

    model: Name
    """Folder of the network below ``params``: its targets and its presentation are looked for there."""
    state: Name | None = None
    """Key of the target rates in ``targets.yaml``."""
    title: str
    """One line for lists, figures and tables."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]+$", max_length=MAX_NAME)] | None = None
    """Label of runs; by default made from the file name and the overlays."""


class Network(Spec):
    """Size of the network and level of dopamine."""

    n_neurons: Count | None = None
    """Sum over all populations that scale with the network."""
    dopamine: Fraction | None = None
    """Level alpha; short form of ``modulators.dopamine``."""
    dopamine_reference: Fraction | None = None
    """Level alpha_0 at which every dopamine-dependent factor is 1."""
    dopamine_schedule: DopamineSchedule | None = None
    """How the level changes during the run. In-degrees keep what ``dopamine`` says."""
    actions: Actions | None = None
    """Splits populations into sets of cells, one per action."""
    small_network: Literal["error", "multapses"] = "error"
    """What to do where an in-degree exceeds the source population: refuse, or draw sources repeatedly."""


class Population(Spec):
    """Neurons of one kind."""

    label: str
    """Name in tables and figures."""
    cell: str | None = None
    """Cell of the catalogue that it was made from, see :mod:`network.experiment.cells`."""
    model: Name
    """NESTML model, file name without suffix."""
    transmitter: str | None = None
    """Free text for readers; what a connection does, its receptor says."""
    n_anatomical: AnatomicalCount | None = None
    """Count in the animal; the share of the whole decides the number at any network size."""
    n_neurons: Count | None = None
    """Fixed number instead, on top of ``network.n_neurons``."""
    neuron: dict[Name, AnyQuantity] = Field(default_factory=dict)
    """Parameters of the model, by its own names."""
    defaults: Literal["model"] | None = None
    """``model``: parameters that are not given have the values that the file of the model declares."""
    dopamine: dict[Name, Number] = Field(default_factory=dict)
    """beta per neuron parameter: x becomes x (1 - beta * phi)."""
    effects: dict[Name, Effects] = Field(default_factory=dict)
    """Effects of modulators by neuron parameter: x becomes x (1 + beta * phi)."""
    receptors: dict[Name, Receptor] = Field(default_factory=dict)
    """Input ports that projections and inputs can name."""
    heterogeneity: dict[Name, Heterogeneity] = Field(default_factory=dict)
    """Parameters that differ from cell to cell, with their distributions."""
    initial: dict[Name, Initial] = Field(default_factory=dict)
    """First values of state variables; those of the model's file if not given. Identical cells that begin alike fire in
    lockstep."""
    positions: Positions | None = None
    """Where the cells are, for projections whose wiring depends on distance."""

    @model_validator(mode="after")
    def _one_size(self) -> Population:
        _exactly_one(self, "n_anatomical", "n_neurons", required=True)
        return self


class Projection(Spec):
    """Connections from one population to one receptor of another, by a wiring rule."""

    source: Name
    """Population whose spikes (or potentials) are sent."""
    target: Name
    """Population that receives them."""
    receptor: Name
    """Receptor of the target population."""
    connect: Connect | None = None
    """Wiring rule, see :mod:`network.experiment.connect`."""
    in_degree: Count | None = None
    """Short form of the rule ``fixed_in_degree``."""
    in_degree_beta: Number | None = None
    """Dopamine: the in-degree becomes k (1 + beta * phi), a whole number."""
    in_degree_rounding: Literal["nearest", "down"] | None = None
    """``nearest`` if not given."""
    weight: DrawnWeight
    """Mean step in the unit of the receptor (nS, pA); with short-term plasticity the absolute efficacy A, where a
    rested synapse gives U A."""
    weight_beta: Number | None = None
    """Dopamine: the weight becomes w (1 + beta * phi)."""
    effects: dict[Literal["weight", "in_degree"], Effects] = Field(default_factory=dict)
    """Effects of modulators on the weight and the in-degree."""
    weight_spread: Fraction | None = None
    """s: weights are uniform on (1 - s, 1 + s) times the mean."""
    delay: DrawnDelay
    """From a spike to its effect; at least one time step, and a multiple of it."""
    delay_spread: Fraction | None = None
    """s: delays are uniform on (1 - s, 1 + s) times the mean, in whole steps."""
    synapse: SynapseSpec | None = None
    """Kind of the synapses, ``static`` if not given; see :mod:`network.experiment.synapses`."""
    plasticity: Plasticity | None = None
    """Short form of the kind ``tsodyks``."""
    within_action: bool = False
    """Connect only cells of the same action, see ``network.actions``."""
    autapses: bool = True
    """Whether a cell may be connected with itself."""
    multapses: bool = False
    """Whether a pair of cells may have several synapses."""
    enabled: bool = True
    """``false`` leaves the entry out without removing it."""
    note: str | None = None
    """Free text for readers."""

    @model_validator(mode="after")
    def _one_rule(self) -> Projection:
        _exactly_one(self, "in_degree", "connect", required=True)
        _exactly_one(self, "plasticity", "synapse", required=False)
        beside = [name for name in ("in_degree_beta", "in_degree_rounding") if getattr(self, name) is not None]
        if self.connect is not None and beside:
            raise PydanticCustomError("exactly_one", f"{', '.join(beside)}: write beta and rounding into 'connect'")
        return self

    @model_validator(mode="after")
    def _from_file(self) -> Projection:
        for name, column in (("weight", "syn_weight"), ("delay", "delay")):
            value = getattr(self, name)
            if isinstance(value, WrittenFromFile):
                if (edges := edges_of(self.connect)) is None:
                    message = f"{name}: 'distribution: from_file' needs 'connect: {{rule: from_file, file: FILE}}'"
                    raise PydanticCustomError("from_file", "{message}", {"message": message})
                value.of(*edges, column)
        return self

    @property
    def synapse_in_use(self) -> Synapse:
        """Kind of the synapses in plain numbers, from either spelling."""
        given = self.synapse or self.plasticity
        return Static() if given is None else given.plain()


class Input(Spec):
    """Independent Poisson spikes for every neuron of a population, the same for all receptors named."""

    target: Name
    """Population that gets the spikes."""
    rate: Rate
    """Base rate per neuron."""
    level: NonNegative | None = None
    """p0: factor on the base rate, 1 if not given."""
    weights: Annotated[dict[Name, Weight], Field(min_length=1)]
    """Weight by receptor of the target; all of them get the same spikes."""
    weight_beta: Number | None = None
    """Dopamine: the weights become w (1 + beta * phi)."""
    effects: dict[Literal["weight"], Effects] = Field(default_factory=dict)
    """Effects of modulators on the weights."""
    weight_spread: Fraction | None = None
    """s: each cell has the weights times a number of its own, drawn once, uniform on (1 - s, 1 + s)."""
    delay: Delay
    """Of these spikes."""
    fraction: PositiveFraction | None = None
    """Share of the cells that have this input, the first ones; all if not given."""
    modulation: Modulation | None = None
    """Course of the rate over time; constant if not given."""
    stimuli: dict[Name, Stimulus] = Field(default_factory=dict)
    """Courses of their own for some of the cells."""
    enabled: bool = True
    """``false`` leaves the entry out without removing it."""

    @model_validator(mode="after")
    def _one_choice_of_cells(self) -> Input:
        if self.fraction is not None and self.stimuli:
            raise PydanticCustomError("exactly_one", "give 'fraction' or 'stimuli', not both")
        return self


class Guard(Spec):
    """When a run whose activity explodes is stopped. Only populations whose spikes are recorded are watched."""

    rate: Rate | None = None
    """Mean rate of a population above which the run ends; 1000 spikes/s if not given."""
    window: PositiveMilliseconds | None = None
    """Time over which the rate is taken, and between two looks; 100 ms if not given."""
    enabled: bool = True
    """``false`` lets a run go on whatever the activity."""


class Mock(Spec):
    """Let cells fire at given rates without a simulator: to try everything around one in seconds."""

    rate: Rate
    """Of populations that are not named."""
    rates: dict[Name, Rate] = Field(default_factory=dict)
    """By population."""
    pace: NonNegative | None = None
    """Seconds that a second of biological time takes; as fast as it goes if not given."""


class Simulation(Spec):
    """Time, seed and how the models are compiled and driven."""

    resolution: PositiveMilliseconds
    """Time step. Delays, pulses and intervals are multiples of it."""
    t_presim: WarmUp
    """Warm-up before the recording."""
    t_sim: Duration
    """Recorded time, after the warm-up."""
    seed: Annotated[int, Field(ge=1, lt=2**31)] = 1
    """Of everything that is drawn: wiring, parameters, input."""
    target: Literal["auto", "vectorised", "plain", "reference"] = "auto"
    """Code of the cells; ``auto`` takes for every model the fast code if that can express it."""
    drive: Literal["internal", "device"] = "internal"
    """Who makes the Poisson input: the cells, where the target can (else devices do), or NEST's generators."""
    wiring: Literal["compact", "nest"] = "compact"
    """Who keeps the synapses: the cells' own module where the target has it, in rows, or NEST."""
    recording: Literal["internal", "device"] = "internal"
    """Who writes down spikes and traces: the cells' own module where the target can, or NEST's recorders."""
    guard: Guard | None = None
    """When a run is stopped; by default above 1000 spikes/s, which no cell sustains."""
    mock: Mock | None = None
    """Nothing is simulated if given."""


class Trace(Spec):
    """State variables of some neurons of a population."""

    population: Name
    """Whose cells are recorded."""
    cells: (
        Annotated[int, Field(ge=1, le=MAX_TRACED)] | Annotated[tuple[int, ...], Field(min_length=1, strict=False)]
    ) = 1
    """Number of neurons (the first ones; their order is arbitrary), or a list of node ids."""
    variables: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]
    """State variables and recordables of the model (`bgnest models list`), such as ``V_m``."""
    interval: PositiveMilliseconds
    """Time between two samples, a multiple of the time step."""
    start: NonNegativeMilliseconds | None = None
    """End of the warm-up if not given."""
    stop: Milliseconds | None = None
    """End of the simulation if not given."""


class FieldTrace(Spec):
    """Currents that synapses bring to a population, summed over its cells: a stand-in for its local field potential."""

    population: Name
    """Whose cells are summed over."""
    receptors: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] | None = None
    """Receptors whose currents are kept, each and their sum; all of the population if not given."""
    cells: Annotated[int, Field(ge=1)] | None = None
    """Number of cells (the first ones); all if not given."""
    interval: PositiveMilliseconds
    """Time between two samples, a multiple of the time step."""
    start: NonNegativeMilliseconds | None = None
    """End of the warm-up if not given."""
    stop: Milliseconds | None = None
    """End of the simulation if not given."""


class WeightTrace(Spec):
    """Weights of synapses of a projection over time."""

    projection: Name
    """Whose synapses are recorded."""
    synapses: Annotated[int, Field(ge=1, le=MAX_TRACED)] = 1000
    """At most so many, the first ones by target and source."""
    interval: PositiveMilliseconds
    """Time between two samples, a multiple of the time step."""
    start: NonNegativeMilliseconds | None = None
    """The beginning of the simulation if not given."""
    stop: Milliseconds | None = None
    """End of the simulation if not given."""


class Recording(Spec):
    """What is recorded. Times count from the start of the simulation, warm-up included."""

    spikes: Literal["all"] | Annotated[tuple[Name, ...], Field(strict=False)] = "all"
    """Populations or groups."""
    spike_start: NonNegativeMilliseconds | None = None
    """End of the warm-up if not given."""
    spike_stop: Milliseconds | None = None
    """End of the simulation if not given."""
    traces: dict[Name, Trace] = Field(default_factory=dict)
    """State variables of cells over time, by a name of yours."""
    fields: dict[Name, FieldTrace] = Field(default_factory=dict)
    """Currents of synapses summed over populations, by a name of yours."""
    weights: dict[Name, WeightTrace] = Field(default_factory=dict)
    """Weights of plastic synapses over time, by a name of yours."""


class Experiment(Spec):
    """A complete experiment: network, input, simulation and recording."""

    meta: Meta
    """What the experiment is called and which targets belong to it."""
    network: Network
    """Size, level of dopamine."""
    modulators: dict[Name, Modulator] = Field(default_factory=dict)
    """Substances of which parameters, weights and degrees depend on the level, by name."""
    populations: Annotated[dict[Name, Population], Field(min_length=1)]
    """Cells, by name of the population."""
    groups: dict[Name, Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]] = Field(default_factory=dict)
    """Names for several populations together, which are reported as one."""
    projections: dict[Name, Projection] = Field(default_factory=dict)
    """Connections between populations, by name."""
    inputs: dict[Name, Input] = Field(default_factory=dict)
    """Poisson spikes from outside, by name."""
    spike_inputs: dict[Name, SpikeInput] = Field(default_factory=dict)
    """Spike trains from files, by name."""
    currents: dict[Name, Current] = Field(default_factory=dict)
    """Currents into cells, by name."""
    stimulations: dict[Name, Stimulation] = Field(default_factory=dict)
    """Electrical stimulation, by name."""
    simulation: Simulation
    """Time, seed, code of the cells."""
    recording: Recording = Recording()
    """What is kept besides the spikes, and when."""

    _origins: dict[tuple[str, ...], Origin] = PrivateAttr(default_factory=dict)
    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)

    @property
    def name(self) -> str:
        """Label of runs of this experiment."""
        return self.meta.name or self.meta.model

    @property
    def all_modulators(self) -> dict[str, Modulator]:
        """Modulators by name, with what the short form says."""
        level, reference = self.network.dopamine, self.network.dopamine_reference
        if level is None or reference is None:
            return self.modulators
        short = Modulator(level=level, reference=reference, schedule=self.network.dopamine_schedule)
        return {"dopamine": short, **self.modulators}

    @property
    def phis(self) -> dict[str, float]:
        """Deviation of every modulator from its reference level, at the beginning."""
        return {name: modulator.phi for name, modulator in self.all_modulators.items()}

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Where every final value comes from, by dotted key path."""
        return {".".join(path): origin for path, origin in self._origins.items()}

    @property
    def sources(self) -> Mapping[str, Source]:
        """The bibliography: what the keys of sources stand for."""
        return self._sources

    def origin(self, key_path: str) -> Origin:
        """Origin of one value, or of the closest section around it.

        Raises
        ------
        KeyError
            If not even the section is known.
        """
        path = tuple(key_path.split("."))
        while path:
            if path in self._origins:
                return self._origins[path]
            path = path[:-1]
        raise KeyError(key_path)

    def to_dict(self) -> dict[str, Any]:
        """Content for a YAML file that loads to the same experiment; values in NEST's units.

        What cells of the catalogue say is written out, so that the file means the same when the catalogue has changed.
        """
        left_out = {"populations": {"__all__": {"cell"}}}
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude=left_out)
