"""The network of Fountas and Shanahan (2017), against numbers of its code that are known by hand."""

import pytest

from network.experiment import load_experiment
from network.plans import make_plan


@pytest.fixture(scope="module")
def plan():
    return make_plan(load_experiment("fountas2017/tonic"))


def of(plan, name):
    (found,) = (p for p in plan.projections if p.name == name)
    return found


def test_sizes(plan):
    assert {name: sum(plan.population(p).n_neurons for p in plan.members(name)) for name in ("D1", "GPe", "STN")} == {
        **{"D1": 4603, "GPe": 153, "STN": 45},
    }
    assert sum(p.n_neurons for p in plan.populations) == 9584


def test_two_projections_together_have_the_probability_inside_a_channel(plan):
    between, within = of(plan, "D2_to_D1"), of(plan, "D2_to_D1_within")
    assert (between.rule.probability, within.rule.probability) == (0.0123, pytest.approx(0.1077 - 0.0123))


def test_dopamine_acts_on_cells_and_receptors(plan):
    """At 0.3: v_r of D1 1.0289 x 0.3, receptors of GPe by half of it."""
    assert plan.population("D1").params["E_L"] == pytest.approx(-80.0 * (1.0 + 0.0289 * 0.3))
    assert plan.population("GPe_B").params["gain_nmda"] == pytest.approx(0.85)
    assert plan.population("STN_C").params["gain_gaba"] == pytest.approx(0.85)
    assert plan.population("SNr").params["gain_ampa"] == 1.0


def test_what_the_first_spike_does(plan):
    """The code adds u x G to a conductance in the facilitating rule and x G in the depressing one."""
    rested = {name: of(plan, name).weight * of(plan, name).synapse.rested for name in ("D1_to_SNr", "GPe_B_to_SNr")}
    assert rested == {"D1_to_SNr": pytest.approx(156.25 * 0.0192), "GPe_B_to_SNr": pytest.approx(603.896)}
    static = make_plan(load_experiment("fountas2017/tonic", ["no_plasticity"]))
    assert of(static, "GPe_B_to_SNr").weight == 93.0 and not any(p.synapse.rested != 1.0 for p in static.projections)


def test_without_dopamine_the_cortex_is_stronger(plan):
    depleted = make_plan(load_experiment("fountas2017/depleted"))
    weights = {i.name: i.weights for i in plan.inputs}
    for one in depleted.inputs:
        assert one.weights == {port: pytest.approx(1.1 * w) for port, w in weights[one.name].items()}
