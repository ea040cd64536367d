"""The network of Kumaravelu et al. (2016), against numbers of its code that are known by hand."""

import numpy as np
import pytest

from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.cells import cell_values


def plan(name="healthy", *overlays):
    return make_plan(load_experiment(f"kumaravelu2016/{name}", overlays))


def projections(made):
    return {p.name: p for p in made.projections}


@pytest.mark.parametrize(
    ("name", "conductance", "peak", "synapses", "delay"),
    [
        ("RS_to_D2", 0.07, 0.43, 10, 5.1),
        ("RS_to_STN_AMPA", 0.15, 0.43, 20, 5.9),  # mean of 0 to 0.3
        ("STN_to_GPe_AMPA", 0.15, 0.43, 4, 2.0),
        ("STN_to_GPi", 0.15, 0.43, 10, 1.5),
        ("GPe_to_STN", 0.5, 0.3, 20, 4.0),
        ("GPe_to_GPe", 0.125, 0.3, 20, 1.0),
        ("D2_to_GPe", 0.5, 0.3, 100, 5.0),
        ("GPi_to_TH", 0.112, 0.3, 10, 5.0),
        ("TH_to_RS", 0.15, 0.43, 10, 5.0),
        ("FSI_to_RS", 0.2, 0.43, 40, 0.025),
        ("D1_to_D1", 0.1 / 3, 1.0, 30, 0.025),
    ],
)
def test_weights_are_conductance_times_peak_of_100_pF(name, conductance, peak, synapses, delay):
    found = projections(plan())[name]
    assert found.weight == pytest.approx(100.0 * conductance * peak, rel=1e-5)
    assert (found.n_synapses, found.delay) == (synapses, delay)


def test_6_ohda_is_three_changes():
    healthy, lesioned = plan(), plan("lesioned")
    changed = {name for name, p in projections(lesioned).items() if p != projections(healthy)[name]}
    assert changed == {"RS_to_D1", "GPe_to_GPe"}
    ratio = projections(lesioned)["GPe_to_GPe"].weight / projections(healthy)["GPe_to_GPe"].weight
    assert ratio == pytest.approx(4.0)
    for one, other in zip(healthy.populations, lesioned.populations, strict=True):
        differ = {key: value for key, value in other.params.items() if value != one.params[key]}
        assert differ == ({"g_M": 150.0} if one.name in ("D1", "D2") else {})


def test_conductances_that_are_drawn_once_are_gains_between_0_and_2():
    gains = cell_values(plan().population("GPe"), 1)
    for name in ("gain_ampa", "gain_nmda", "gain_exc"):
        assert gains[name].shape == (10,) and np.ptp(gains[name]) > 0.5
        assert gains[name].min() >= 0.0 and gains[name].max() <= 2.0
    assert gains["gain_inh"] == 1.0  # what striatum does to GPe is the same for all
    assert plan().population("GPe").params["E_rev_exc"] == -85.0


def test_a_pulse_raises_the_potential_by_90_mV():
    made = plan("lesioned", "dbs")
    (pulses,) = made.pulses
    assert (pulses.onsets[0], len(pulses.onsets)) == (0.0, 260)
    amplitude = made.segments[0].params["STN"]["I_e"]
    assert amplitude * pulses.width / made.population("STN").params["C_m"] == pytest.approx(90.0)


@pytest.mark.parametrize(("state", "current"), [("healthy", 100.0), ("lesioned", 300.0)])
def test_cortical_pulse(state, current):
    made = plan(f"experiments/cortical_pulse_{state}")
    assert {p.target: p.onsets for p in made.pulses} == {"RS": (1000.0,), "FSI": (1000.0,)}
    assert made.population("GPe").params["I_e"] == current
