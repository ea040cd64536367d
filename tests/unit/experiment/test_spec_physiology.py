"""Values that no cell can have are refused with place, value and reason; unusual ones that cells do have are not."""

import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.experiment.physiology import rule_for

LINDAHL = "lindahl2016/activation_control"


def problems(name, *overrides):
    with pytest.raises(SpecError) as caught:
        load_experiment(name, overrides=overrides)
    return caught.value.problems


IMPOSSIBLE = {
    "no capacitance": (
        ["populations.P.neuron.C_m=0"],
        "command line (populations.P.neuron.C_m=0): populations.P.neuron.C_m: C_m = 0 pF must be greater than 0",
    ),
    "negative leak": (["populations.P.neuron.g_L=-1"], "populations.P.neuron.g_L: g_L = -1 nS must be greater than 0"),
    "rate of recovery": (["populations.Q.neuron.a=-0.1"], "populations.Q.neuron.a: a = -0.1 1/ms must be at least 0"),
    "negative capacitance of some cells": (
        ["populations.P.heterogeneity.C_m.sd_relative=0.4"],
        "populations.P.heterogeneity.C_m: C_m = -20 pF at 3 standard deviations from the mean must be greater than 0",
    ),
    "no leak left without dopamine": (
        ["populations.P.dopamine.g_L=-2.5", "network.dopamine=0"],
        "populations.P.dopamine.g_L: g_L = -2.5 nS at dopamine 0 must be greater than 0",
    ),
    "no leak left later": (
        [
            "populations.P.dopamine.g_L=2.5",
            "network.dopamine_schedule={kind: pulse, start: {value: 5, unit: ms}, duration: {value: 5, unit: ms}, "
            "level: {value: 1, unit: 1}}",
        ],
        "populations.P.dopamine.g_L: g_L = -2.5 nS at dopamine 1 must be greater than 0",
    ),
    "excitation that would inhibit": (
        ["populations.P.receptors.exc.beta=2.5", "network.dopamine=0"],
        "populations.P.receptors.exc.beta: gain = -0.25 at dopamine 0 (1 + beta * phi) must be at least 0",
    ),
    "start above the threshold": (
        ["populations.P.initial.V_m={low: 0 mV, high: 5 mV, relative_to: V_th}"],
        "populations.P.initial.V_m: V_m = -45 mV must not be above -50 mV, where a spike ends",
    ),
    "interval upside down": (
        ["populations.P.initial.V_m.low=3"],
        "populations.P.initial.V_m: low = 3 mV must not be above high = 0",
    ),
    "time constants that cancel": (
        ["projections.Q_to_Q.plasticity.tau_psc=800"],
        "projections.Q_to_Q.plasticity.tau_psc: 800 ms must differ from tau_rec",
    ),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_impossible_value(case, tiny_params):
    overrides, message = IMPOSSIBLE[case]
    (problem,) = problems("tiny", *overrides)
    assert message in problem


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("SNr.neuron.Delta_T=0", "Delta_T = 0 mV must be greater than 0 (the exponential divides by it)"),
        ("SNr.neuron.V_reset=30", "V_reset = 30 mV must be below V_peak = 20 mV"),
        ("SNr.neuron.V_peak=-60", "must be below V_peak = -60 mV"),
        ("SNr.neuron.tau_w=-20", "tau_w = -20 ms must be greater than 0"),
        ("STN.neuron.reset_max_neg=20", "reset_max_neg = 20 mV must be below V_peak = 15 mV"),
        ("MSN_D1.neuron.k=-1", "k = -1 nS/mV must be greater than 0"),
        ("STN.heterogeneity.V_th.sd=50", "V_th = 86 mV at 3 standard deviations from the mean must be below V_peak"),
    ],
)
def test_impossible_value_of_a_published_cell(change, message):
    found = problems(LINDAHL, f"populations.{change}")
    assert any(message in problem and f"populations.{change.split('.')[0]}." in problem for problem in found)


def test_a_leaky_cell_resets_below_its_threshold():
    (problem,) = problems("chakravarty2022/normal", "populations.STN.neuron.V_reset=0")
    assert "populations.STN.neuron.V_reset: V_reset = 0 mV must be below V_th" in problem


@pytest.mark.parametrize(
    "change",
    [
        "SNr.neuron.V_reset=-30",  # above the threshold: bursting cells of this kind
        "SNr.neuron.E_L=-40",  # fires without input
        "SNr.neuron.a1=-2",
        "SNr.neuron.b=-5",
        "MSN_D1.neuron.d=-20",
        "STN.neuron.I_e=-100",
    ],
)
def test_unusual_cells_are_welcome(change):
    load_experiment(LINDAHL, overrides=[f"populations.{change}"])


@pytest.mark.parametrize(
    ("name", "unit", "value", "fine"),
    [
        ("t_ref", "ms", 0.0, True),
        ("t_ref", "ms", -0.1, False),
        ("refr_T", "ms", -1.0, False),
        ("tau_m", "ms", 0.0, False),
        ("C_dend", "pF", 0.0, False),
        ("g_Na", "nS", -1.0, False),
        ("g_Na", "nS", 0.0, True),
        ("pulse_length", "ms", -1.0, False),
        ("pulse_offset", "ms", -1.0, True),
        ("noise_rate", "spikes/s", -1.0, False),
        ("E_L", "mV", -500.0, True),
        ("anything", None, -1.0, True),
    ],
)
def test_rules_go_by_name_then_by_unit(name, unit, value, fine):
    rule = rule_for(name, unit)
    assert fine == (rule is None or not rule.broken_by(value))
