"""The cost model says what the engine does: its constants are the engine's, and absurd sizes are told."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from network.codegen.targets.base import RUNTIME
from network.engine import session
from network.engine.nest import kernel
from network.errors import SpecError
from network.experiment import load_experiment
from network.plans import cost, make_plan
from network.plans.summary import plan_summary


def test_the_constants_are_those_of_the_engine():
    assert cost.HELD_SECONDS * 1000.0 == session.DRAIN_MS
    assert cost.HELD_SAMPLES == session.MAX_SAMPLES
    assert cost.NARROW_CELLS == kernel.MAX_HPC_NODES_PER_THREAD


def test_the_lanes_are_those_of_the_runtime():
    text = "".join(path.read_text() for path in RUNTIME.glob("*.h"))
    lanes = set(re.findall(r"#define BGNEST_LANES (\d+)", text))  # of processors with and without AVX-512
    assert str(int(cost.load_cost_model().lanes.value)) in lanes


def test_a_network_that_no_machine_holds_is_told():
    plan = make_plan(load_experiment("lindahl2016/activation_control"))
    assert cost.beyond_machine(plan, memory=16e9) == ""
    (first, *others) = plan.populations
    absurd = replace(plan, populations=(replace(first, n_neurons=10**11), *others))
    said = cost.beyond_machine(absurd, memory=16e9)
    assert "this machine has 16.0 GB" in said and re.search(r"need about [\d.]+ [PT]B", said)


def test_a_slice_that_nest_cannot_count_is_refused(tiny_params):
    changes = [
        "projections.*.delay={value: 20, unit: ms}",
        "inputs.*.delay=20",
        "simulation.t_sim=100",
        "simulation.t_presim=0",
    ]
    make_plan(load_experiment("tiny", overrides=[*changes, "simulation.resolution=0.002"]))
    with pytest.raises(SpecError, match="20 ms, is 20,000 steps; NEST exchanges spikes after 16,383 steps"):
        make_plan(load_experiment("tiny", overrides=[*changes, "simulation.resolution=0.001"]))


def test_the_plan_tells_how_near_the_limits_of_nest_are():
    text = plan_summary(make_plan(load_experiment("lindahl2016/activation_control"), threads=4))
    assert "4 of 511 threads" in text and "per virtual process" in text and "disk about" in text


def test_files_are_as_large_as_what_is_in_them():
    """Sixteen bytes a spike, four a sample; a sum over cells is one column."""
    plan = make_plan(
        load_experiment(
            "lindahl2016/activation_control", overrides=["network.n_neurons=10000", "simulation.t_presim=500"]
        )
    )
    recorder = replace(
        plan.recorders[0], node_ids=(1, 2, 3), variables=("V_m",), interval=0.5, start=500.0, stop=1500.0
    )
    summed = replace(recorder, sums={"I": "V_m"})
    told = replace(plan, recorders=(recorder, summed), weights=(), spike_start=500.0, spike_stop=1500.0, t_sim=1500.0)
    assert cost.recorded_bytes(told, 3000.0) == [3000 // 2 * 16, 3 * 2000 * 4, 2000 * 4]


def test_memory_of_recordings_is_that_of_what_is_held():
    plan = make_plan(load_experiment("lindahl2016/activation_control"))
    model = cost.load_cost_model()
    plan = replace(plan, spike_start=0.0, spike_stop=600.0, recorders=())
    none = cost.memory_per_rank(replace(plan, spike_populations=()), model)
    rates, sizes = cost.expected_rates(plan, model), {p.name: p.n_neurons for p in plan.populations}
    name = "STN"
    one = cost.memory_per_rank(replace(plan, spike_populations=(name,)), model)
    per_cell = model.memory_per_recorded_neuron["internal"].value * sizes[name]
    spikes = rates[name] * sizes[name] * 0.6 * model.memory_per_recorded_spike.value
    assert one - none == pytest.approx(per_cell + spikes, abs=2.0)
    recorder = make_plan(load_experiment("lindahl2016/activation_control")).recorders[0]
    few = replace(recorder, node_ids=tuple(range(10)), variables=("V_m",), interval=0.5)
    traced = cost.memory_per_rank(replace(plan, spike_populations=(), recorders=(few,)), model)
    assert traced - none == pytest.approx(10 / 0.5 * 600.0 * model.memory_per_sample.value, abs=2.0)


def test_tables_of_spikes_compiling_and_files_of_weights_are_counted():
    plan = make_plan(load_experiment("lindahl2016/activation_control"))
    model = cost.load_cost_model()
    plan = replace(plan, spike_start=500.0, spike_stop=1700.0, spike_populations=("STN", "SNr"), recorders=())
    sizes, rates = {p.name: p.n_neurons for p in plan.populations}, cost.expected_rates(plan, model)
    told = cost.estimate(plan, model)
    spikes = 1.2 * sum(sizes[name] * rates[name] for name in ("STN", "SNr")) * model.memory_of_table_per_spike.value
    assert told.memory_of_table == int(model.memory_of_table.value + spikes)
    assert told.memory_of_figures == int(model.memory_of_figures.value + spikes)
    models = {p.model for p in plan.populations}
    assert told.compile_cold == pytest.approx(len(models) * model.compile_per_model.value)
    weights = SimpleNamespace(synapses=100, start=0.0, stop=1000.0, interval=250.0)  # at 0, 250, ... 1000 ms
    spikes_file, of_weights = cost.recorded_bytes(replace(plan, weights=(weights,)), 0.0)
    assert spikes_file == 0 and of_weights == 100 * 5 * 4


def test_spikes_go_to_ranks_that_have_targets_of_their_cells():
    """A cell with k synapses has none on one of r ranks with a probability of about exp(-k / r)."""
    plan = make_plan(load_experiment("lindahl2016/activation_control"), ranks=8)
    model = cost.load_cost_model()
    onto = replace(plan.projections[0], source="STN", n_synapses=388 * 4)
    alone = replace(plan, projections=(onto,), inputs=())
    sizes, rates = {p.name: p.n_neurons for p in plan.populations}, cost.expected_rates(plan, model)
    fired = sizes["STN"] * rates["STN"] * (plan.t_presim + plan.t_sim) / 1000.0
    hit = 1.0 - np.exp(-388 * 4 / sizes["STN"] / 8)
    assert cost.work(alone, model).spikes_received == pytest.approx(fired * hit)
    assert cost.work(replace(alone, ranks=1), model).spikes_received == 0.0
    assert cost.work(alone, model).neurons_per_rank == pytest.approx(plan.n_neurons / 8)


def test_what_a_rank_holds_of_recordings_is_limited_by_what_it_may_hold():
    plan = make_plan(load_experiment("lindahl2016/activation_control"), ranks=4)
    model = cost.load_cost_model()
    none = replace(plan, spike_populations=(), recorders=(), spike_start=0.0, spike_stop=1e6)
    many = replace(plan.recorders[0], node_ids=tuple(range(10**6)), variables=("V_m",), interval=plan.resolution)
    held = cost.memory_per_rank(replace(none, recorders=(many,)), model) - cost.memory_per_rank(none, model)
    assert held == pytest.approx(cost.HELD_SAMPLES * model.memory_per_sample.value, rel=1e-6)
