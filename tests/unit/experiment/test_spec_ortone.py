"""The network of Ortone et al. (2023), against numbers of its generator that are known by hand."""

import pytest

from network.experiment import load_experiment
from network.plans import make_plan

SIZES = {"D1": 6000, "D2": 6000, "FSN": 420, "GPeTI": 780, "GPeTA": 264, "STN": 408}


@pytest.fixture(scope="module")
def plan():
    return make_plan(load_experiment("ortone2023/pathological"))


def projection(plan, name):
    return next(p for p in plan.projections if p.name == name)


def test_populations(plan):
    assert {p.name: p.n_neurons for p in plan.populations} == SIZES
    d1, fsn = plan.population("D1").params, plan.population("FSN").params
    assert (d1["b1"], d1["b2"], d1["p1"], d1["V_b"], d1["E_L"]) == (-20.0, -20.0, 1.0, -78.2, -78.2)
    assert (fsn["b1"], fsn["b2"], fsn["p1"], fsn["V_b"], fsn["a"]) == (0.025, 0.0, 3.0, -55.0, 0.2)  # cubic below V_b


@pytest.mark.parametrize(
    ("name", "sources", "weight", "delay"),
    [
        ("D2_to_D2", 504, 0.2, 1.7),
        ("D2_to_D1", 392, 0.36, 1.7),
        ("D2_to_GPeTI", 500, 1.28, 7.0),  # 0.8 nS x gamma
        ("FSN_to_D2", 11, 4.8, 1.7),
        ("GPeTI_to_FSN", 10, 1.6, 7.0),
        ("STN_to_GPeTI", 30, 0.42, 2.0),
    ],
)
@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_cells_keep_their_number_of_sources_in_larger_networks(name, sources, weight, delay, times):
    made = make_plan(load_experiment("ortone2023/pathological", [f"x{times}"] if times > 1 else []))
    found = projection(made, name)
    assert made.n_neurons == 13872 * times
    assert found.n_synapses / made.population(found.target).n_neurons == pytest.approx(sources, rel=0.01)
    assert (found.weight, found.delay) == (weight, delay)


@pytest.mark.parametrize(("state", "level"), [("low_depletion", 0.85), ("pathological", 1.03)])
def test_depletion_drives_d2(state, level):
    inputs = {i.target: i for i in make_plan(load_experiment(f"ortone2023/{state}")).inputs}
    assert inputs["D2"].rate == pytest.approx(1083.0 * level) and inputs["D1"].rate == 1120.0
    for target, weight in (("D1", 0.45), ("D2", 0.45), ("FSN", 0.5), ("GPeTI", 0.25), ("GPeTA", 0.15), ("STN", 0.25)):
        assert inputs[target].weights == {"exc": weight}
        assert inputs[target].weight_spread * weight == pytest.approx(0.05, rel=1e-4)


def test_output_nucleus_is_an_overlay(plan):
    made = make_plan(load_experiment("ortone2023/pathological", ["snr"]))
    assert made.n_neurons == plan.n_neurons + 754
    assert {p.source: p.in_degree for p in made.projections if p.target == "SNr"} == {"D1": 79, "GPeTI": 25, "STN": 30}
