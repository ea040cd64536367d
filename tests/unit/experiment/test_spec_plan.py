"""Plans: content, JSON, identity, cost; and that none of it needs a simulator."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.plans import Cells, Plan, ProjectionPlan, Uniform, make_plan, plan_from_dict
from network.plans.cost import estimate
from network.plans.identity import hashes
from network.plans.inputs import _overlap
from network.plans.summary import plan_summary


@pytest.fixture
def tiny(tiny_params):
    def plan(*overrides, **kwargs):
        return make_plan(load_experiment("tiny", overrides=overrides), **kwargs)

    return plan


def test_tiny_plan_by_hand(tiny):
    plan = tiny()
    p, q = plan.populations
    assert (p.n_neurons, q.n_neurons, q.first_id, plan.n_neurons) == (50, 50, 50, 100)
    assert (plan.n_synapses, [j.n_synapses for j in plan.projections]) == (750, [500, 250])
    assert p.params["tau_syn_inh"] == 8.0 and p.params["V_act_exc"] == -20.0
    assert p.params["gain_exc"] == 1.0 and "gain" not in p.params
    assert isinstance(p.params["p"], int) and isinstance(p.params["C_m"], float)
    assert p.initial == {"V_m": Uniform(-70.0, -50.0), "w": 0.0}
    assert plan.projections[0].weight == Uniform(1.0, 3.0)
    assert plan.projections[0].delay == pytest.approx(1.7)
    assert plan.projections[1].weight == 1.0
    assert plan.inputs[0].rate == 400.0 and plan.inputs[0].waveform is None
    [recorder] = plan.recorders
    assert recorder.node_ids == (0, 1)
    assert (recorder.interval, recorder.start, recorder.stop) == (0.5, 100.0, 300.0)
    assert (plan.spike_populations, plan.spike_start, plan.spike_stop) == (("P", "Q"), 100.0, 300.0)
    assert (plan.min_delay, plan.max_delay) == (1.7, 2.0)


def test_dopamine_in_the_tiny_plan(tiny):
    plan = tiny("network.dopamine=0")  # phi = -0.5
    assert plan.population("P").params["E_L"] == pytest.approx(-66.0)
    assert plan.population("P").params["gain_exc"] == pytest.approx(0.8)
    assert plan.population("P").params["gain_inh"] == 1.0
    assert plan.projections[0].in_degree == 15


def test_dopamine_changes_weights_and_rounds_in_degrees(tiny):
    beta = "{value: 0.4, unit: 1}"  # phi = -0.5: factor 0.8
    plan = tiny(
        "network.dopamine=0",
        f"projections.P_to_Q.weight_beta={beta}",
        f"inputs.X_to_P.weight_beta={beta}",
        "projections.P_to_Q.in_degree=11",
        "projections.P_to_Q.in_degree_rounding=down",
    )
    assert plan.projections[0].weight == Uniform(pytest.approx(0.8), pytest.approx(2.4))
    assert plan.inputs[0].weights == {"exc": pytest.approx(0.4)}
    assert plan.projections[0].in_degree == 16  # 16.5
    assert tiny(f"projections.P_to_Q.weight_beta={beta}").projections[0].weight == Uniform(1.0, 3.0)


SECOND_INPUT = (
    "inputs.Y_to_P={target: P, rate: {value: 10, unit: spikes/s}, weights: {inh: {value: 1, unit: nS}}, "
    "delay: {value: 3, unit: ms}, fraction: {value: 0.3, unit: 1}}"
)


def test_a_cell_draws_one_input_and_generators_make_the_others(tiny):
    plan = tiny(SECOND_INPUT)
    assert [(i.name, i.device, i.cells) for i in plan.inputs] == [
        ("X_to_P", False, None),
        ("Y_to_P", True, Cells(0, 15)),
    ]
    assert plan.max_delay == 3.0  # that of the generator
    assert plan_from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    first = tiny(SECOND_INPUT, "inputs.X_to_P.enabled=false")
    assert [(i.name, i.device) for i in first.inputs] == [("Y_to_P", False)]


def test_a_fraction_of_no_cell_is_refused(tiny):
    with pytest.raises(SpecError, match=r"inputs\.Y_to_P\.fraction: 0\.001 of 50 cells is no cell"):
        tiny(SECOND_INPUT.replace("0.3", "0.001"))


def test_input_delays_count_only_for_devices(tiny):
    assert tiny("inputs.X_to_P.delay=5").max_delay == 2.0
    device = tiny("inputs.X_to_P.delay=5", "simulation.drive=device")
    assert (device.min_delay, device.max_delay) == (1.7, 5.0)


def test_switched_off_parts_are_not_planned(tiny):
    plan = tiny("projections.Q_to_Q.enabled=false", "inputs.X_to_P.enabled=false")
    assert [p.name for p in plan.projections] == ["P_to_Q"]
    assert plan.inputs == ()


def test_groups_can_be_recorded(tiny):
    assert tiny("recording.spikes=[all_of_them]").spike_populations == ("P", "Q")
    assert tiny("recording.spikes=[Q]").spike_populations == ("Q",)
    assert tiny("recording.spikes=[]").spike_populations == ()


def test_a_cell_or_variable_that_is_named_twice_is_recorded_once(tiny):
    once = tiny("recording.traces.P.variables=[V_m,g_exc]", "recording.traces.P.cells=[3,1]")
    twice = tiny("recording.traces.P.variables=[V_m,g_exc,V_m]", "recording.traces.P.cells=[3,1,3]")
    assert twice.recorders == once.recorders
    assert (once.recorders[0].variables, once.recorders[0].node_ids) == (("V_m", "g_exc"), (3, 1))


def test_the_name_of_a_trace_is_no_identity(tiny):
    (trace,) = tiny().recorders
    assert trace.name == "P"
    renamed = dataclasses.replace(tiny(), recorders=(dataclasses.replace(trace, name="other"),))
    assert renamed.simulation_hash == tiny().simulation_hash
    coarser = dataclasses.replace(tiny(), recorders=(dataclasses.replace(trace, interval=1.0),))
    assert coarser.simulation_hash != tiny().simulation_hash


def test_multapses_only_where_they_are_needed(tiny):
    plan = tiny("network.n_neurons=18", "network.small_network=multapses")
    assert {p.name: p.allow_multapses for p in plan.projections} == {"P_to_Q": True, "Q_to_Q": False}
    assert plan.projections[0].n_synapses == 90


@pytest.mark.parametrize("kwargs", [{"threads": 0}, {"ranks": -1}, {"threads": 1.5}])
def test_impossible_machines_are_refused(tiny, kwargs):
    with pytest.raises(SpecError, match="must be a positive whole number, at most 10,000,000"):
        tiny(**kwargs)


MODULATIONS = {
    "square": '{"kind": "square", "frequency": 20, "amplitude": 0.4}',
    "sine": '{"kind": "sine", "frequency": 20, "amplitude": 0.4}',
    "pulse": '{"kind": "pulse", "start": 10, "duration": 5, "factor": 2, "period": 50}',
    "piecewise": '{"kind": "piecewise", "times": {"value": [0, 10, 10], "unit": ms, "assumed": x}, '
    '"factors": {"value": [0, 1, 3], "unit": 1, "assumed": x}}',
}


@pytest.mark.parametrize("kind", MODULATIONS)
def test_plan_survives_json(tiny, kind):
    plan = tiny(f"inputs.X_to_P.modulation={MODULATIONS[kind]}", threads=2, ranks=3)
    assert plan.inputs[0].waveform is not None
    again = plan_from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    assert again.simulation_hash == plan.simulation_hash


def test_lindahl_plan_survives_json():
    plan = make_plan(load_experiment("lindahl2016/activation_depleted"), threads=2)
    assert plan_from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_plan_of_another_format_is_refused(tiny):
    data = tiny().to_dict()
    with pytest.raises(SpecError, match="format 99 is not readable"):
        plan_from_dict({**data, "format": 99})
    del data["inputs"]
    with pytest.raises(SpecError, match="missing 'inputs'"):
        plan_from_dict(data)


def test_rate_is_the_mean_rate_of_a_modulated_input(tiny):
    given = tiny(f"inputs.X_to_P.modulation={MODULATIONS['square']}").inputs[0]
    # base 500, level 0.8, amplitude 0.4 of the base: 200 and 600 spikes/s
    assert given.rate == 400.0
    assert given.rate * given.waveform.value(0.0) == pytest.approx(200.0)
    assert given.rate * given.waveform.value(25.0) == pytest.approx(600.0)
    assert given.waveform.mean(0.0, 500.0) == pytest.approx(1.0)


def test_a_silent_level_can_be_modulated(tiny):
    given = tiny("inputs.X_to_P.level=0", f"inputs.X_to_P.modulation={MODULATIONS['square']}").inputs[0]
    assert [given.rate * given.waveform.value(t) for t in (0.0, 30.0)] == pytest.approx([0.0, 200.0])


NETWORK_CHANGES = [
    "network.n_neurons=102",
    "network.dopamine=0.25",
    "populations.P.neuron.C_m=0.11",
    "populations.P.receptors.exc.tau_syn=5.1",
    "projections.Q_to_Q.weight=1.1",
    "projections.Q_to_Q.autapses=false",
    "simulation.seed=2",
    "simulation.resolution=0.05",
    "simulation.wiring=nest",
    "simulation.target=plain",  # whose cells NEST wires
]
SIMULATION_CHANGES = [
    "inputs.X_to_P.rate=501",
    "inputs.X_to_P.weights.exc=0.6",
    "simulation.t_sim=201",
    "simulation.drive=device",
    "recording.spikes=[P]",
    "recording.traces.P.cells=3",
]


@pytest.mark.parametrize("change", NETWORK_CHANGES)
def test_changes_of_the_network_change_both_hashes(tiny, change):
    assert tiny(change).network_hash != tiny().network_hash
    assert tiny(change).simulation_hash != tiny().simulation_hash


@pytest.mark.parametrize("change", SIMULATION_CHANGES)
def test_changes_of_the_simulation_leave_the_network(tiny, change):
    assert tiny(change).network_hash == tiny().network_hash
    assert tiny(change).simulation_hash != tiny().simulation_hash


def test_what_is_not_identity(tiny):
    plan = tiny(threads=4)
    assert tiny(threads=1, ranks=3).simulation_hash == plan.simulation_hash
    by_nest = tiny("simulation.wiring=nest", threads=4).simulation_hash
    assert tiny("simulation.wiring=nest", threads=2, ranks=2).simulation_hash == by_nest
    assert tiny("simulation.wiring=nest", threads=2).simulation_hash != by_nest  # NEST draws by virtual process
    assert tiny("simulation.recording=device", threads=4).simulation_hash == plan.simulation_hash
    assert tiny("meta.name=other", "meta.title=other", threads=4).simulation_hash == plan.simulation_hash
    # the same value in another unit and from another source
    assert tiny("populations.P.neuron.C_m=100 pF", threads=4).simulation_hash == plan.simulation_hash


def test_a_field_that_is_added_with_a_default_changes_no_identity(tiny):
    """Finished runs stay what they are when the software learns something new."""
    plan = tiny()
    newer = dataclasses.make_dataclass(
        "ProjectionPlan", [("axon", float, 0.0)], bases=(ProjectionPlan,), frozen=True, kw_only=True
    )
    newer_plan = dataclasses.make_dataclass(
        "Plan", [("weather", dict, dataclasses.field(default_factory=dict))], bases=(Plan,), frozen=True, kw_only=True
    )

    def grown(**new):
        projections = tuple(newer(**vars(p), **new) for p in plan.projections)
        return newer_plan(**{**vars(plan), "projections": projections})

    assert hashes(grown(), 1) == hashes(plan, 1)
    assert hashes(grown(axon=1.0), 1) != hashes(plan, 1)
    assert hashes(dataclasses.replace(grown(), weather={"rain": 1}), 1)[1] != hashes(plan, 1)[1]


def test_numbers_of_one_distribution_are_not_those_of_another(tiny):
    """Kind and numbers are identity, whatever the fields are called."""
    plan = tiny()
    other = dataclasses.make_dataclass("Triangular", [("low", float), ("high", float)], frozen=True)

    def with_weight(weight):
        return dataclasses.replace(plan, projections=(dataclasses.replace(plan.projections[0], weight=weight),))

    assert hashes(with_weight(Uniform(1.0, 2.0)), 1) != hashes(with_weight(other(1.0, 2.0)), 1)


def test_another_text_of_the_model_is_another_network(tiny, tmp_path, monkeypatch):
    from network import resources

    before = tiny().network_hash
    source = resources.find_model("tiny").read_text()
    (tmp_path / "tiny.nestml").write_text(source.replace("input:", "input:  # rewritten"))
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    assert tiny().network_hash != before


def test_hash_does_not_depend_on_the_process():
    code = (
        "from network.experiment import load_experiment\nfrom network.plans import make_plan\n"
        "print(make_plan(load_experiment('lindahl2016'), threads=2).simulation_hash)"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert hashes == {make_plan(load_experiment("lindahl2016"), threads=2).simulation_hash}


def test_planning_needs_no_simulator_and_no_plotting():
    code = (
        "import sys\n"
        "from network.experiment import *\nfrom network.plans import *\n"
        "plan_summary(make_plan(load_experiment('lindahl2016/activation_depleted')))\n"
        "heavy = {'nest', 'pynestml', 'matplotlib', 'numpy', 'scipy', 'h5py', 'pandas'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_summary_names_everything():
    plan = make_plan(load_experiment("lindahl2016/activation_depleted"), threads=2)
    text = plan_summary(plan)
    assert "80,000 neurons, 18,141,729 recurrent synapses" in text
    for part in (*plan.populations, *plan.projections, *plan.inputs):
        assert part.name in text
    assert "period 50 ms" in text
    assert "memory about" in text and "real-time factor" in text


def test_estimate_of_machines_that_were_not_measured():
    """What a cluster gains and what it does not: work is shared, blocks of lanes and exchange set the limit."""

    def cost(n_neurons, ranks, threads):
        spec = load_experiment("lindahl2016", overrides=[f"network.n_neurons={n_neurons}"])
        return estimate(make_plan(spec, ranks=ranks, threads=threads))

    one, node, cluster = cost(80_000, 1, 2), cost(80_000, 1, 64), cost(80_000, 32, 32)
    assert one.exchange == node.exchange == 0.0 < cluster.exchange
    assert node.simulate < one.simulate / 12 and cluster.simulate < node.simulate
    assert cluster.simulate > one.simulate / 512  # and not less by the number of cores
    assert 16 * cluster.update > node.update  # 78 cells per thread do not fill blocks of lanes
    # a network that grows with the machine takes hardly longer, and a rank hardly more memory per cell of its own
    small, large = cost(160_000, 2, 32), cost(2_560_000, 32, 32)
    assert small.simulate < large.simulate < 2 * small.simulate
    assert small.memory_per_rank < large.memory_per_rank < 5 * small.memory_per_rank


def test_a_network_a_hundred_times_the_size_is_planned_at_once():
    spec = load_experiment("lindahl2016", overrides=["network.n_neurons=8000000"])
    plan = make_plan(spec, ranks=32, threads=32)
    assert plan.n_neurons == 8_000_000 and 5.3e9 < plan.n_synapses < 5.5e9
    assert len(plan.to_dict()["populations"]) == 8  # nothing in a plan is as long as the network


def test_estimate_grows_with_what_is_asked():
    def cost(*overrides, **kwargs):
        return estimate(make_plan(load_experiment("lindahl2016", overrides=overrides), **kwargs))

    one = cost()
    assert 0.8e9 < one.memory_bytes < 2e9
    assert 1.5 * one.memory_bytes < cost("simulation.wiring=nest").memory_bytes < 8e9
    assert cost("network.n_neurons=20000").memory_bytes < one.memory_bytes / 2
    assert cost("simulation.t_sim=5000").simulate == pytest.approx(3 * one.simulate)
    assert cost("simulation.target=plain").simulate > one.simulate
    assert cost("simulation.drive=device").simulate > one.simulate
    assert one.simulate / 2 <= cost(threads=2).simulate < one.simulate
    assert cost("network.dopamine=0").connect < one.connect / 2
    assert one.total == pytest.approx(one.startup + one.create + one.connect + one.prepare + one.simulate)


def test_sets_of_cells_overlap_where_counting_says_so():
    """The arithmetic of large sets, held against small ones that can be listed."""
    rng = np.random.default_rng(1)
    for start, length, step, *other in rng.integers((0, 0, 1, 0, 0, 1), 25, (2000, 6)).tolist():
        a, b = Cells(start, start + length, step), Cells(other[0], other[0] + other[1], other[2])
        expected = bool(set(a.ids) & set(b.ids))
        assert _overlap(a, b) == expected, (a, b)
