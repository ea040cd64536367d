"""The striatum of Bahuguna et al. (2015), against numbers of its code that are known by hand."""

import pytest

from network.experiment import load_experiment
from network.plans import Uniform, make_plan
from network.scans import Scan
from network.scans.points import make_points

RATES = {"d1_leads": 1050.0, "transition": 2550.0, "d2_leads": 4050.0}


@pytest.fixture(scope="module")
def plan():
    return make_plan(load_experiment("bahuguna2015/transition"))


def test_populations(plan):
    assert {p.name: p.n_neurons for p in plan.populations} == {"D1": 2000, "D2": 2000, "FSN": 80}
    assert {p.model for p in plan.populations} == {"lif_cond_alpha"}
    one, other = plan.population("D1"), plan.population("D2")
    assert one.params == other.params and one.initial == other.initial == {"V_m": Uniform(-80.0, -45.0)}


def test_sources_have_a_fixed_number_of_targets(plan):
    """The mean in-degrees of the publication follow; those from FSN are no whole numbers."""
    found = {p.name: (p.rule.out_degree, p.n_synapses / plan.population(p.target).n_neurons) for p in plan.projections}
    assert found == {
        **{"D1_to_D1": (260, 260.0), "D1_to_D2": (60, 60.0), "D2_to_D1": (270, 270.0), "D2_to_D2": (360, 360.0)},
        **{"FSN_to_D1": (540, 21.6), "FSN_to_D2": (360, 14.4)},
    }
    assert {p.target for p in plan.projections} == {"D1", "D2"} and {p.receptor for p in plan.projections} == {"inh"}


@pytest.mark.parametrize("state", RATES)
def test_the_cortex_is_what_differs_between_states(plan, state):
    made = make_plan(load_experiment(f"bahuguna2015/{state}"))
    cortex = {i.target: (i.rate, i.weights["exc"]) for i in made.inputs if i.name.startswith("CTX")}
    assert cortex == {"D1": (RATES[state], 3.72), "D2": (RATES[state], 3.0), "FSN": (RATES[state], 4.5)}
    assert {(i.rate, i.weights["exc"]) for i in made.inputs if i.name.startswith("BG")} == {(2500.0, 3.0)}
    assert made.network_hash == plan.network_hash and (made.t_presim, made.t_sim) == (0.0, 500.0)


def test_scan_of_the_cortical_rate():
    points = make_points(Scan.load("bahuguna2015/cortical_rate").spec)
    assert sorted({p.values["cortex"] for p in points}) == [50.0 + 500.0 * k for k in range(10)]
