"""What a plan costs: time and memory predicted from measured numbers in ``params/cost_model.yaml``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from network import resources
from network.spec.errors import SpecError
from network.spec.plan import Plan
from network.spec.quantities import Spec
from network.spec.yamlfile import read_yaml

HELD_SECONDS = 1.0
"""Biological time for which spikes and samples stay in memory (`network.engine.simulate.DRAIN_MS`)."""
NARROW_CELLS = 65_000
"""Cells per thread up to which the small synapses can address them (`network.engine.kernel`)."""
HELD_SAMPLES = 4_000_000
"""Samples of state variables that a rank holds at most (`network.engine.simulate.MAX_SAMPLES`)."""


class Measured(Spec):
    """One number of the cost model and how it was obtained."""

    value: float
    unit: str
    measured: str


class CostModel(Spec):
    """Content of ``params/cost_model.yaml``; seconds are those of one core."""

    speedup_exponent: Measured
    startup: Measured
    compile_per_model: Measured
    create_per_neuron: Measured
    connect_per_synapse: Measured
    prepare_per_synapse: Measured
    update_per_neuron_step: dict[str, dict[str, Measured]]
    device_drive_per_input_step: Measured
    delivery_per_event: dict[str, Measured]
    memory_per_process: Measured
    memory_per_source: Measured
    memory_per_neuron: dict[str, Measured]
    memory_per_synapse: dict[str, Measured]
    memory_per_recorded_neuron: Measured
    memory_per_recorded_spike: Measured
    memory_per_sample: Measured
    rates: dict[str, Measured]


@dataclass(frozen=True)
class Estimate:
    """Prediction for one plan: wall-clock seconds of every phase, bytes of one and of all processes."""

    create: float
    connect: float
    prepare: float
    simulate: float
    startup: float
    compile_cold: float
    memory_per_rank: int
    memory_bytes: int
    spikes: float

    @property
    def total(self) -> float:
        """Seconds with compiled models in the cache."""
        return self.startup + self.create + self.connect + self.prepare + self.simulate

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "total": self.total}


@lru_cache(maxsize=4)
def _load(path: Path) -> CostModel:
    from pydantic import ValidationError

    data, _ = read_yaml(path, path.name)
    try:
        return CostModel.model_validate(data)
    except ValidationError as error:
        raise SpecError(
            [f"{path.name}: {'.'.join(str(p) for p in item['loc'])}: {item['msg']}" for item in error.errors()]
        ) from error


def load_cost_model() -> CostModel:
    """Cost model of the published parameters; raises SpecError if the file is malformed."""
    return _load(resources.params_dir() / "cost_model.yaml")


def _pick(table: dict[str, Measured], key: str) -> float:
    return (table[key] if key in table else table["default"]).value


def estimate(plan: Plan, model: CostModel | None = None) -> Estimate:
    """Predict time and memory of a plan.

    Parameters
    ----------
    plan : Plan
    model : CostModel, optional
        By default ``params/cost_model.yaml``.
    """
    m = load_cost_model() if model is None else model
    t_bio = (plan.t_presim + plan.t_sim) / 1000.0
    steps = (plan.t_presim + plan.t_sim) / plan.resolution
    speedup = plan.n_virtual_processes**m.speedup_exponent.value
    per_step = m.update_per_neuron_step.get(plan.target) or m.update_per_neuron_step["plain"]
    sizes = {population.name: population.n_neurons for population in plan.populations}
    rates = {name: _pick(m.rates, name) for name in sizes}

    update = sum(p.n_neurons * _pick(per_step, p.model) for p in plan.populations) * steps
    if plan.drive == "device":
        driven = sum(sizes[i.target] for i in plan.inputs)
        update += driven * m.device_drive_per_input_step.value * steps
    delivery = sum(
        p.n_synapses * rates[p.source] * t_bio * m.delivery_per_event[_kind(p.plasticity)].value
        for p in plan.projections
    )
    recorded = sum(sizes[name] for name in plan.spike_populations)
    window = (plan.spike_stop - plan.spike_start) / 1000.0
    # recordings are written out every HELD_SECONDS, or when a rank holds HELD_SAMPLES
    held = min(window, HELD_SECONDS)
    recorded_spikes = sum(sizes[name] * rates[name] for name in plan.spike_populations) * held
    per_ms = sum(len(r.node_ids) * len(r.variables) / r.interval for r in plan.recorders)
    samples = min(per_ms * held * 1000.0, HELD_SAMPLES * plan.ranks)
    # cells go round the ranks one by one, so that all ranks hold the same share of everything ...
    narrow = plan.n_neurons / plan.n_virtual_processes < NARROW_CELLS
    shared = (
        plan.n_neurons * _pick(m.memory_per_neuron, plan.target)
        + sum(p.n_synapses * m.memory_per_synapse[_kind(p.plasticity, narrow=narrow)].value for p in plan.projections)
        + recorded * m.memory_per_recorded_neuron.value
        + recorded_spikes * m.memory_per_recorded_spike.value
        + samples * m.memory_per_sample.value
    )
    # ... but for tables of all cells that have a target on the rank
    sources = min(plan.n_neurons, plan.n_synapses / plan.ranks)
    per_rank = int(m.memory_per_process.value + sources * m.memory_per_source.value + shared / plan.ranks)
    return Estimate(
        create=plan.n_neurons * m.create_per_neuron.value,
        connect=plan.n_synapses * m.connect_per_synapse.value / speedup,
        prepare=plan.n_synapses * m.prepare_per_synapse.value / speedup,
        simulate=(update + delivery) / speedup,
        startup=m.startup.value,
        compile_cold=len({p.model for p in plan.populations}) * m.compile_per_model.value,
        memory_per_rank=per_rank,
        memory_bytes=per_rank * plan.ranks,
        spikes=sum(sizes[name] * rates[name] for name in sizes) * t_bio,
    )


def _kind(plasticity: object, *, narrow: bool = True) -> str:
    if plasticity is not None:
        return "tsodyks"
    return "static" if narrow else "wide"
