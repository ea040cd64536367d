"""The fit of the cost model finds the costs that made-up measurements were made with."""

from __future__ import annotations

import pytest

from network.bench.fit import fit
from network.bench.measure import Measurement
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.cost import estimate, load_cost_model, work

CORES = 2
SPLITS = [
    (10_000, 1, 1),
    (10_000, 1, 2),
    (10_000, 1, 16),
    (40_000, 2, 1),
    (40_000, 4, 2),
    (80_000, 1, 2),
    (80_000, 2, 1),
]


def measured(n_neurons: int, ranks: int, threads: int):
    """What the model says a run costs on a machine of two cores, as if it had been measured."""
    model = load_cost_model()
    plan = make_plan(
        load_experiment("lindahl2016", (), [f"network.n_neurons={n_neurons}"]), ranks=ranks, threads=threads
    )
    cost, vps = estimate(plan, model), ranks * threads
    shared = max(1.0, vps / CORES)  # more processes than cores take turns
    seconds = {"create": cost.create, "connect": cost.connect * shared, "prepare": cost.prepare * shared}
    seconds |= {"presimulate": cost.simulate * plan.t_presim / (plan.t_presim + plan.t_sim)}
    seconds |= {"simulate": cost.simulate - seconds["presimulate"]}
    timers = {"update": cost.update, "deliver_spike_data": cost.deliver}
    timers |= {f"{name}_cpu": vps * value for name, value in timers.items()}
    spikes = round(work(plan, model).spikes * plan.t_sim / (plan.t_presim + plan.t_sim))
    return Measurement(
        *(plan.n_neurons, plan.n_synapses, ranks, threads, plan.t_presim, plan.t_sim, spikes, ""),
        seconds=seconds,
        memory=[{"peak": cost.memory_per_rank}] * ranks,
        nest_timers=timers,
        load=0.0,
    ), plan


def test_costs_are_found_again():
    model = load_cost_model()
    found = fit([measured(*split) for split in SPLITS], model, CORES)
    expected = {
        "create_per_neuron": model.create_per_neuron,
        "connect_per_synapse.compact": model.connect_per_synapse["compact"],
        "prepare_per_synapse.compact": model.prepare_per_synapse["compact"],
        "update_per_neuron_step.vectorised.default": model.update_per_neuron_step["vectorised"]["default"],
        "delivery_per_segment": model.delivery_per_segment,
        "delivery_per_event.rows_tsodyks": model.delivery_per_event["rows_tsodyks"],
        "core_sharing": model.core_sharing,
        "memory_per_process": model.memory_per_process,
        "memory_per_source_and_thread": model.memory_per_source_and_thread,
        "memory_per_synapse.rows_static": model.memory_per_synapse["rows_static"],
    }
    for name, cost in expected.items():
        assert found[name] == pytest.approx(cost.value, rel=0.05, abs=1e-3 * (cost.unit == "B")), name
