"""Plans of scans: identity, cost, budget, and what is refused before anything runs."""

from __future__ import annotations

import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.cost import estimate
from network.scans import Scan
from network.scans.planning import IN_PROCESSES, Planner
from network.scans.points import make_points

CONTROL = "lindahl2016/activation_control"
SMALL = {"network.n_neurons": 10000, "simulation.t_sim": 500}


def test_a_point_is_the_experiment_one_would_run_by_hand():
    scan = Scan(CONTROL, {"network.dopamine": [0.4], "simulation.seed": [3]}, overlays=["laptop"])
    (point,) = scan.plan().points
    by_hand = make_plan(load_experiment(CONTROL, ["laptop"], ["network.dopamine=0.4", "simulation.seed=3"]))
    assert point.simulation_hash == by_hand.simulation_hash
    assert point.network_hash == by_hand.network_hash
    assert (point.n_neurons, point.n_synapses) == (by_hand.n_neurons, by_hand.n_synapses)
    assert point.memory_bytes == estimate(by_hand).memory_of_run


def test_points_that_share_files_are_validated_each_for_itself():
    """What a first point found valid must not hide what a later one breaks."""
    scan = Scan(CONTROL, {"weight": {"path": "projections.FSN_to_MSN_D2.weight", "values": [20.7, -1]}})
    with pytest.raises(SpecError, match=r"projections.FSN_to_MSN_D2.weight: -1 nS must be at least 0"):
        scan.plan()
    both = {
        "a": {"path": "projections.*.delay", "values": [2, 3]},
        "b": {"path": "populations.STN.neuron.C_m", "values": [50]},
    }
    scan = Scan(CONTROL, both)
    planner = Planner("test", scan.spec.execution)
    for point, delay in zip(make_points(scan.spec), (2.0, 3.0), strict=True):
        plan = planner.plan(point)
        assert {p.name: p for p in plan.projections}["STN_to_SNr"].delay.mean == delay
        assert plan.population("STN").params["C_m"] == 50.0
        assert plan.population("SNr").params["C_m"] != 50.0


def test_a_factor_changes_every_projection_that_is_named():
    axis = {"path": ["projections.STN_to_SNr.weight", "projections.STN_to_GPe_*.weight"], "operation": "scale"}
    scan = Scan(CONTROL, {"g": {**axis, "values": [0.5]}})
    plan = Planner("test", scan.spec.execution).plan(make_points(scan.spec)[0])
    base = {p.name: p for p in make_plan(load_experiment(CONTROL)).projections}
    halved = {p.name for p in plan.projections if p.weight.mean == pytest.approx(0.5 * base[p.name].weight.mean)}
    assert halved == {name for name in base if name.startswith(("STN_to_GPe", "STN_to_SNr"))}


def test_cost_adds_up_and_jobs_fit_cores_and_memory():
    axes = {"network.dopamine": [0, 0.4, 0.8], "simulation.seed": [1, 2]}
    execution = {"threads": 2, "cores": 8, "memory": "2G"}
    plan = Scan(CONTROL, axes, overrides=SMALL, execution=execution).plan()
    assert plan.core_seconds == pytest.approx(2 * sum(point.seconds for point in plan.points))
    assert plan.n_jobs == min(4, 2 * 2**30 // plan.job_memory_bytes) >= 2
    shortest, longest = min(p.seconds for p in plan.points), max(p.seconds for p in plan.points)
    rounds = -(-len(plan.points) // plan.n_jobs)
    assert rounds * shortest <= plan.wall_seconds <= rounds * longest


def test_many_points_are_planned_one_by_one():
    """As many as it takes for the planning to be spread over processes."""
    assert IN_PROCESSES == 200
    axes = {"network.dopamine": [k / 19 for k in range(20)], "simulation.seed": range(1, 11)}
    scan = Scan(CONTROL, axes, overrides=SMALL)
    points = scan.plan().points
    assert len({point.simulation_hash for point in points}) == len({point.label for point in points}) == IN_PROCESSES
    assert [point.values for point in points] == [point.values for point in make_points(scan.spec)]
    with pytest.raises(SpecError, match=r"dopamine=1.5\): network.dopamine: 1.5 must be at most 1"):
        Scan(CONTROL, {**axes, "network.dopamine": [0, 1.5]}).plan()


@pytest.mark.parametrize(
    ("axes", "execution", "message"),
    [
        ({"network.dopamin": [0]}, {}, r"network.dopamin: unknown key; did you mean 'dopamine'\?"),
        (
            {"projections.FSN_to_MSN_D3.weight": [1]},
            {},
            r"no 'FSN_to_MSN_D3' in projections; did you mean 'FSN_to_MSN_D",
        ),
        ({"network.dopamine": [2]}, {}, "must be at most 1"),
        ({"network.dopamine": [0.4, 0.4]}, {}, "dopamine=0.4 and dopamine=0.4 are the same simulation"),
        ({"simulation.seed": range(1, 12)}, {"max_points": 10}, "11 points, more than execution.max_points: 10"),
        ({"simulation.seed": [1]}, {"memory": "1G"}, r"seed=1 needs \d\.\d+G, more than the memory budget of 1G"),
        ({"simulation.seed": [1]}, {"threads": 4, "cores": 2}, "there are only 2 cores"),
        ({"simulation.seed": range(1, 6)}, {"hours": 0.01, "cores": 1}, "more than execution.hours: 0.01"),
        (
            {"experiment": {"experiments": ["lindahl2016/activation_contrl"]}},
            {},
            "did you mean 'lindahl2016/activation_control'",
        ),
        ({"rates": {"overlays": ["paper_table_rate"]}}, {}, "did you mean 'paper_table_rates'"),
    ],
)
def test_nonsense_is_refused_before_anything_runs(axes, execution, message, tmp_path):
    scan = Scan(CONTROL, axes, execution=execution, folder=tmp_path / "scan")
    with pytest.raises(SpecError, match=message):
        scan.run()
    assert not (tmp_path / "scan").exists()


@pytest.mark.parametrize("name", ["mine.yaml", "mine"])
def test_a_file_finds_its_experiment_beside_it(tmp_path, name):
    (tmp_path / "mine.yaml").write_text("overlay_of: lindahl2016/activation_control\nnetwork: {n_neurons: 20000}\n")
    (tmp_path / "levels.yaml").write_text(f"scan_of: {name}\naxes: {{dopamine: [0, 1e-1]}}\n")
    scan = Scan.load(tmp_path / "levels.yaml")
    assert [point.n_neurons for point in scan.plan().points] == [20000, 20000]
    assert [point.values["dopamine"] for point in scan.plan().points] == [0, 0.1]
