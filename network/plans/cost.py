"""What a plan costs: time and memory predicted from measured numbers in ``params/cost_model.yaml``.

`work` counts what has to be done, `estimate` multiplies it with what each costs. docs/notes/scaling.md derives and
tests the model.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from .. import resources
from ..errors import SpecError
from ..experiment.cell_code import FAST, GENERAL
from ..experiment.messages import placed_problems
from ..experiment.presentation import load_presentation
from ..experiment.quantities import Spec
from ..experiment.yamlfile import read_yaml
from ..room import Limit, memory_limits, smallest
from ..text import human_bytes
from .parts import ProjectionPlan
from .plan import Plan

HELD_SECONDS = 1.0
"""Biological time for which spikes and samples stay in memory (`network.engine.session.DRAIN_MS`)."""
NARROW_CELLS = 65_000
"""Cells per thread up to which the small synapses can address them (`network.engine.nest.kernel`)."""
HELD_SAMPLES = 4_000_000
"""Samples of state variables that a rank holds at most (`network.engine.session.MAX_SAMPLES`)."""
SPIKE_BYTES, SAMPLE_BYTES = 16, 4
"""Of `network.runs.sonata`: time and id of a spike, one sample of a variable."""
FOLDER_BYTES = 600_000
"""Parameters, plan, origins, log of a run of a network of eight populations."""


class Measured(Spec):
    """One number of the cost model, and how it was measured or from where it was taken."""

    value: float
    unit: str
    measured: str | None = None
    assumed: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.measured is None) == (self.assumed is None):
            raise ValueError("say either how it was `measured` or why it is `assumed`")
        return self


class CostModel(Spec):
    """Content of ``params/cost_model.yaml``; seconds are those of one core whose neighbours are busy, too."""

    startup: Measured
    compile_per_model: Measured
    core_sharing: Measured
    create_per_neuron: Measured
    create_per_neuron_everywhere: Measured
    connect_per_synapse: dict[str, Measured]
    connect_per_target: Measured
    prepare_per_synapse: dict[str, Measured]
    lanes: Measured
    update_per_neuron_step: dict[str, dict[str, Measured]]
    device_drive_per_input_step: Measured
    delivery_per_event: dict[str, Measured]
    delivery_per_segment: Measured
    slice_fixed: Measured
    slice_per_doubling: Measured
    exchange_latency: Measured
    exchange_bandwidth: Measured
    exchange_per_spike: Measured
    memory_per_process: Measured
    memory_per_thread: Measured
    memory_per_source: Measured
    memory_per_source_and_thread: Measured
    memory_per_neuron: dict[str, Measured]
    memory_per_synapse: dict[str, Measured]
    memory_per_recorded_neuron: dict[str, Measured]
    memory_per_recorded_spike: Measured
    memory_per_sample: Measured
    memory_of_table: Measured
    memory_of_table_per_spike: Measured
    memory_of_figures: Measured
    memory_per_compilation: Measured
    rates: dict[str, Measured]


@dataclass(frozen=True)
class Work:
    """What a plan has to do, counted; per virtual process (VP) that of the fullest.

    Attributes
    ----------
    neurons_per_rank : float
    synapses_per_vp : dict of str to float
        By who keeps them: ``compact`` (rows of the module) or ``nest``.
    targets : int
        Pairs of a projection and a neuron of its target; every VP passes over all of them to find its own.
    steps_per_vp : dict of str to float
        Steps of cells by model. Where cells share blocks of lanes a block that is not full counts as full.
    driven_steps_per_vp : float
        Steps of inputs that devices draw.
    events_per_vp : dict of str to float
        Spikes times synapses by kind of synapse, see `Synapse.cost_key`.
    segments_per_vp : float
        Spikes times projections that have a target of the spiking cell on the VP: each needs a look-up and a
        new place in memory.
    slices : float
        Intervals of the shortest delay, after each of which all ranks exchange their spikes.
    doublings, rank_doublings : float
        Logarithms to base 2 of the numbers of VPs and ranks: rounds of a barrier or an exchange.
    spikes_received : float
        Spikes that reach a rank from others.
    spikes : float
        Spikes of all cells.
    """

    neurons_per_rank: float
    synapses_per_vp: dict[str, float]
    targets: int
    steps_per_vp: dict[str, float]
    driven_steps_per_vp: float
    events_per_vp: dict[str, float]
    segments_per_vp: float
    slices: float
    doublings: float
    rank_doublings: float
    spikes_received: float
    spikes: float


@dataclass(frozen=True)
class Estimate:
    """Prediction for one plan: wall-clock seconds of every phase, bytes of one and of all processes.

    ``simulate`` is the sum of ``update``, ``deliver``, ``exchange`` (MPI) and ``overhead`` (of every slice).
    ``memory_per_rank`` and ``memory_bytes`` are those of the simulation; ``memory_of_table`` comes on top where the
    first rank prints the rates, ``memory_of_figures`` is that of `bgnest plot` alone, and ``memory_per_compilation``
    that of every model that is compiled at a time. ``disk_bytes`` is the size of the run folder without figures,
    ``largest_file_bytes`` that of its largest file.
    """

    create: float
    connect: float
    prepare: float
    update: float
    deliver: float
    exchange: float
    overhead: float
    startup: float
    compile_cold: float
    memory_per_rank: int
    memory_bytes: int
    memory_of_table: int
    memory_of_figures: int
    memory_per_compilation: int
    spikes: float
    disk_bytes: int
    largest_file_bytes: int

    @property
    def memory_of_run(self) -> int:
        """Bytes of all processes of a run at its end, when they are most."""
        return self.memory_bytes + self.memory_of_table

    @property
    def simulate(self) -> float:
        """Seconds of warm-up and recorded time."""
        return self.update + self.deliver + self.exchange + self.overhead

    @property
    def total(self) -> float:
        """Seconds with compiled models in the cache."""
        return self.startup + self.create + self.connect + self.prepare + self.simulate

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "simulate": self.simulate, "total": self.total}


@lru_cache(maxsize=4)
def _load(path: Path) -> CostModel:
    from pydantic import ValidationError

    data, lines = read_yaml(path, path.name)
    try:
        return CostModel.model_validate(data)
    except ValidationError as error:
        raise SpecError(placed_problems(error, CostModel, path.name, lines)) from error


def load_cost_model() -> CostModel:
    """Cost model of the published parameters; raises SpecError if the file is malformed."""
    return _load(resources.params_dir() / "cost_model.yaml")


def _pick(table: dict[str, Measured], key: str) -> float:
    return (table[key] if key in table else table["default"]).value


def seconds_per_step(model: CostModel, target: str, name: str) -> float:
    """Seconds that one step of a cell takes, by code generation target and NESTML model."""
    table = model.update_per_neuron_step
    return _pick(table[target] if target in table else table[GENERAL], name)


def expected_rates(plan: Plan, model: CostModel) -> dict[str, float]:
    """Rate in spikes/s with which every population is expected to fire: that of the model, else of the network."""
    own = load_presentation(plan.meta.get("model")).rates
    default = model.rates["default"].value
    named = {name: rate.value for name, rate in model.rates.items()}
    return {p.name: named.get(p.name, own.get(p.name, default)) for p in plan.populations}


def work(plan: Plan, model: CostModel | None = None) -> Work:
    """Count what a plan has to do.

    Parameters
    ----------
    plan : Plan
    model : CostModel, optional
        By default ``params/cost_model.yaml``.
    """
    m = load_cost_model() if model is None else model
    vps, ranks = plan.n_virtual_processes, plan.ranks
    t_bio = plan.t_presim + plan.t_sim
    steps, slices = t_bio / plan.resolution, t_bio / plan.min_delay
    sizes = {population.name: population.n_neurons for population in plan.populations}
    rates = expected_rates(plan, m)
    fired = {name: sizes[name] * rates[name] * t_bio / 1000.0 for name in sizes}

    cells: dict[str, int] = {}
    lanes: dict[str, float] = {}
    for population in plan.populations:
        cells[population.model] = cells.get(population.model, 0) + population.n_neurons
        lanes[population.model] = m.lanes.value if plan.target_of(population.name) == FAST else 1.0
    by_generators = [i for i in plan.inputs if i.device or plan.drive == "device"]
    driven = sum(sizes[i.target] if i.cells is None else len(i.cells.ids) for i in by_generators)

    events: dict[str, float] = {}
    kept: dict[str, int] = {}
    segments = received = 0.0
    synapses_of = dict.fromkeys(sizes, 0)
    for p in plan.projections:
        spikes = fired[p.source]
        kind = synapse_cost(plan, p)
        events[kind] = events.get(kind, 0.0) + p.n_synapses * spikes / sizes[p.source] / vps
        segments += spikes * _hit(p.n_synapses / sizes[p.source], vps)
        synapses_of[p.source] += p.n_synapses
        kept_by = plan.kept_by(p)
        kept[kept_by] = kept.get(kept_by, 0) + p.n_synapses
    if ranks > 1:
        received = sum(fired[name] * _hit(synapses_of[name] / sizes[name], ranks) for name in sizes)
    return Work(
        neurons_per_rank=plan.n_neurons / ranks,
        synapses_per_vp={kept_by: n / vps for kept_by, n in kept.items()},
        targets=sum(sizes[p.target] for p in plan.projections),
        steps_per_vp={k: lanes[k] * math.ceil(n / (vps * lanes[k])) * steps for k, n in cells.items()},
        driven_steps_per_vp=driven / vps * steps,
        events_per_vp=events,
        segments_per_vp=segments,
        slices=slices,
        doublings=math.log2(vps),
        rank_doublings=math.log2(ranks),
        spikes_received=received,
        spikes=sum(fired.values()),
    )


def _hit(out_degree: float, parts: int) -> float:
    """Share of cells with at least one of their targets in one of so many parts, targets being anywhere."""
    return 1.0 - math.exp(-out_degree / parts)


def estimate(plan: Plan, model: CostModel | None = None) -> Estimate:
    """Predict time and memory of a plan.

    Parameters
    ----------
    plan : Plan
    model : CostModel, optional
        By default ``params/cost_model.yaml``.
    """
    m = load_cost_model() if model is None else model
    w = work(plan, m)
    core = 1.0 if plan.n_virtual_processes > 1 else 1.0 / m.core_sharing.value
    target = {population.model: plan.target_of(population.name) for population in plan.populations}
    update = sum(n * seconds_per_step(m, target[name], name) for name, n in w.steps_per_vp.items())
    update += w.driven_steps_per_vp * m.device_drive_per_input_step.value
    deliver = sum(n * m.delivery_per_event[kind].value for kind, n in w.events_per_vp.items())
    deliver += w.segments_per_vp * m.delivery_per_segment.value
    connect, prepare = (
        sum(n * table[kept_by].value for kept_by, n in w.synapses_per_vp.items())
        for table in (m.connect_per_synapse, m.prepare_per_synapse)
    )
    exchange = w.slices * w.rank_doublings * m.exchange_latency.value
    exchange += w.spikes_received * m.exchange_per_spike.value / m.exchange_bandwidth.value
    per_rank = int(memory_per_rank(plan, m))
    sizes = {population.name: population.n_neurons for population in plan.populations}
    rates = expected_rates(plan, m)
    fired = sum(sizes[name] * rates[name] for name in plan.spike_populations)
    files = recorded_bytes(plan, w.spikes)
    spikes = fired * max(0.0, plan.spike_stop - plan.spike_start) / 1000.0 * m.memory_of_table_per_spike.value
    return Estimate(
        create=w.neurons_per_rank * m.create_per_neuron.value + plan.n_neurons * m.create_per_neuron_everywhere.value,
        connect=core * (connect + w.targets * m.connect_per_target.value),
        prepare=core * prepare,
        update=core * update,
        deliver=core * deliver,
        exchange=exchange,
        overhead=w.slices * (m.slice_fixed.value + w.doublings * m.slice_per_doubling.value),
        startup=m.startup.value,
        compile_cold=len({p.model for p in plan.populations}) * m.compile_per_model.value,
        memory_per_rank=per_rank,
        memory_bytes=per_rank * plan.ranks,
        memory_of_table=int(m.memory_of_table.value + spikes),
        memory_of_figures=int(m.memory_of_figures.value + spikes),
        memory_per_compilation=int(m.memory_per_compilation.value),
        spikes=w.spikes,
        disk_bytes=FOLDER_BYTES + sum(files),
        largest_file_bytes=max(files),
    )


def recorded_bytes(plan: Plan, spikes: float) -> list[int]:
    """Size of every file that grows with time: the spikes, each report, the weights.

    Parameters
    ----------
    plan : Plan
    spikes : float
        Of the whole run.
    """
    window = max(0.0, plan.spike_stop - plan.spike_start) / (plan.t_presim + plan.t_sim)
    samples = [
        (1 if r.sums else len(r.node_ids)) * max(0.0, r.stop - r.start) / r.interval
        for r in plan.recorders
        for _ in range(len(r.kept))
    ]
    weights = [w.synapses * ((w.stop - w.start) / w.interval + 1) for w in plan.weights]
    return [int(spikes * window * SPIKE_BYTES), *(int(n * SAMPLE_BYTES) for n in (*samples, *weights))]


def memory_per_rank(plan: Plan, m: CostModel) -> float:
    """Bytes of one rank. Cells go round the ranks one by one, so all ranks hold the same share of everything."""
    sizes = {population.name: population.n_neurons for population in plan.populations}
    window = (plan.spike_stop - plan.spike_start) / 1000.0
    # recordings are written out every HELD_SECONDS, or when a rank holds HELD_SAMPLES
    held = min(window, HELD_SECONDS)
    rates = expected_rates(plan, m)
    recorded_spikes = sum(sizes[name] * rates[name] for name in plan.spike_populations) * held
    per_ms = sum(len(r.node_ids) * len(r.variables) / r.interval for r in plan.recorders)
    samples = min(per_ms * held * 1000.0, HELD_SAMPLES * plan.ranks)
    narrow = plan.n_neurons / plan.n_virtual_processes < NARROW_CELLS
    device = m.memory_per_recorded_neuron["narrow" if narrow else "wide"].value
    inside = m.memory_per_recorded_neuron["internal"].value
    shared = (
        sum(p.n_neurons * _pick(m.memory_per_neuron, plan.target_of(p.name)) for p in plan.populations)
        + sum(p.n_synapses * m.memory_per_synapse[synapse_cost(plan, p)].value for p in plan.projections)
        + sum(sizes[name] * (inside if plan.writes_itself(name) else device) for name in plan.spike_populations)
        + recorded_spikes * m.memory_per_recorded_spike.value
        + samples * m.memory_per_sample.value
    )
    # not shared: tables of all cells that have a target on the rank, with an entry for each of its threads
    sources = min(plan.n_neurons, plan.n_synapses / plan.ranks)
    per_source = m.memory_per_source.value + plan.threads * m.memory_per_source_and_thread.value
    own = m.memory_per_process.value + plan.threads * m.memory_per_thread.value + sources * per_source
    return own + shared / plan.ranks


def beyond_machine(plan: Plan, memory: float | None = None) -> str:
    """Say that a plan needs more memory than there is here; empty if it does not.

    A network for a cluster is planned elsewhere, so this is a hint, and it catches slips of the keyboard.

    Parameters
    ----------
    plan : Plan
    memory : float, optional
        Bytes of this machine; by default the smallest of the limits that hold for this process (`network.room`).
    """
    limit = smallest(memory_limits(), plan.ranks) if memory is None else Limit(memory, "this machine has")
    needed = estimate(plan).memory_bytes
    if needed <= limit.size:
        return ""
    return (
        f"{plan.n_neurons:,} neurons and {plan.n_synapses:,} synapses need about {human_bytes(needed)} of memory, "
        f"{limit.of} {human_bytes(limit.size)}"
    )


def synapse_cost(plan: Plan, projection: ProjectionPlan) -> str:
    """Key in the tables of costs of the synapses that a projection gets, which depend on the code of its targets."""
    return projection.synapse.cost_key(plan.target_of(projection.target), plan.kept_by(projection))
