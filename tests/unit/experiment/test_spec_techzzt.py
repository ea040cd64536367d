"""The corrected Brian2 network: what of its configuration stays, and what its corrections make."""

import pytest

from network.experiment import load_experiment
from network.plans import make_plan


@pytest.fixture(scope="module")
def plans():
    return {state: make_plan(load_experiment(f"techzzt2026/{state}")) for state in ("normal", "depleted")}


def projection(plan, name):
    return next(p for p in plan.projections if p.name == name)


def test_populations_have_the_sizes_of_the_configuration(plans):
    assert {p.name: p.n_neurons for p in plans["normal"].populations} == {
        **{"FSN": 1599, "MSND1": 37971, "MSND2": 37971, "STN": 388, "GPeT1": 988, "GPeTA": 329, "SNr": 754}
    }


@pytest.mark.parametrize(
    ("name", "normal", "depleted"),
    [
        ("FSN_to_MSND1", 16, 16),  # 0.7 by the probability of the code
        ("FSN_to_MSND2", 9, 19),  # 11 (1 - 0.9 phi)
        ("STN_to_GPeT1", 30, 30),
        ("MSND2_to_MSND2", 593, 149),  # 504 (1 + 0.88 phi)
        ("GPeT1_to_SNr", 32, 32),
    ],
)
def test_in_degrees(plans, name, normal, depleted):
    assert [projection(plans[state], name).rule.in_degree for state in ("normal", "depleted")] == [normal, depleted]


def test_cells_at_both_levels_of_dopamine_are_those_of_the_files_of_the_code(plans):
    found = {state: {p.name: p.params for p in plan.populations} for state, plan in plans.items()}
    for state, e_l, d, fsn, gpe in (
        ("normal", -78.66, 60.88, -63.395, -53.105),
        ("depleted", -76.35, 90.98, -68.419, -63.08),
    ):
        cells = found[state]
        assert cells["MSND1"]["E_L"] == cells["MSND1"]["V_b"] == pytest.approx(e_l, abs=0.01)
        assert cells["MSND1"]["d"] == pytest.approx(d, abs=0.01)
        assert cells["FSN"]["E_L"] == pytest.approx(fsn, abs=0.01)
        assert cells["GPeT1"]["E_L"] == pytest.approx(gpe, abs=0.01)
    assert found["normal"]["MSND1"]["a"] == 0.01 and found["normal"]["FSN"]["a"] == 0.2  # rates, not times


def test_a_rested_plastic_synapse_has_the_weight_of_the_code(plans):
    static = make_plan(load_experiment("techzzt2026/normal", ["static"]))
    for name in ("GPeT1_to_SNr", "MSND1_to_SNr", "FSN_to_MSND1", "MSND2_to_GPeT1"):
        made = projection(plans["normal"], name)
        assert made.weight * made.synapse.U == pytest.approx(projection(static, name).weight, rel=1e-4)
        assert projection(static, name).synapse.name == "static"


def test_the_stimulus_switches_all_streams_to_the_second_rate():
    plan = make_plan(load_experiment("techzzt2026/normal", ["stimulus"]))
    rates = {i.target: i.rate * (i.waveform.value(5500.0) if i.waveform else 1.0) for i in plan.inputs}
    expected = {"FSN": 787, "MSND1": 546, "MSND2": 722, "STN": 250, "GPeT1": 1530, "GPeTA": 200, "SNr": 1800}
    assert rates == pytest.approx(expected, rel=1e-4)
    assert {i.waveform.value(t) for i in plan.inputs if i.waveform for t in (4999.0, 6001.0)} == {1.0}


def test_channels_reach_the_output():
    plan = make_plan(load_experiment("techzzt2026/competition"))
    onto = {p.name: p.rule for p in plan.projections if p.rule.name == "channels"}
    assert {name for name in onto if name.endswith("_to_SNr")} == {"MSND1_to_SNr", "GPeT1_to_SNr", "STN_to_SNr"}
    assert onto["MSND1_to_SNr"].shares(0) == [357, 107, 36] and onto["STN_to_GPeT1"].shares(1) == [0, 30, 0]
    driven = {i.name: i for i in plan.inputs if i.target == "MSND1"}
    assert driven["CTX_to_MSND1_motor"].cells.step == 3 and driven["CTX_to_MSND1_motor"].waveform is not None
