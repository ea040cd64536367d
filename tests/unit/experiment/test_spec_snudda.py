"""The striatum of Snudda: proportions, space, and weights that can be worked out by hand."""

import pytest

from network.experiment import load_experiment
from network.plans import make_plan


@pytest.fixture(scope="module")
def plan():
    return make_plan(load_experiment("snudda2020/rest"))


def of(plan, name):
    (found,) = (p for p in plan.projections if p.name == name)
    return found


def test_the_network_that_the_authors_counted(plan):
    sizes = {p.name: p.n_neurons for p in plan.populations}
    assert sizes == {"dSPN": 4833, "iSPN": 4833, "FS": 132, "ChIN": 112, "LTS": 71}
    (side,) = {p.positions.extent[0] for p in plan.populations}
    assert side == pytest.approx(498.9, abs=0.1)


def small(state):
    return make_plan(load_experiment(f"snudda2020/{state}", [], ["network.n_neurons=1000"]))


def test_a_smaller_cube_has_the_same_density():
    made = small("rest")
    volume = made.populations[0].positions.extent[0] ** 3 * 1e-9
    assert 1000 / volume == pytest.approx(80344)


def test_a_rested_synapse_has_the_weight_of_the_recorded_ipsp(plan):
    rested = {p.name: p.weight * p.synapse.rested for p in plan.projections if p.synapse.name == "tsodyks"}
    assert rested == {
        **{"dSPN_to_dSPN": pytest.approx(0.319, rel=1e-3), "dSPN_to_iSPN": pytest.approx(0.455, rel=1e-3)},
        **{"iSPN_to_dSPN": pytest.approx(0.359, rel=1e-3), "iSPN_to_iSPN": pytest.approx(0.621, rel=1e-3)},
        **{"FS_to_dSPN": pytest.approx(6.815, rel=1e-3), "FS_to_iSPN": pytest.approx(4.513, rel=1e-3)},
    }


def test_pairs_are_those_that_the_authors_counted(plan):
    """Before they are drawn; the estimate looks at 256 cells."""
    counted = {"dSPN_to_dSPN": 364064, "dSPN_to_iSPN": 111037, "iSPN_to_dSPN": 375033, "iSPN_to_iSPN": 764560}
    for name, pairs in counted.items():
        assert of(plan, name).n_synapses == pytest.approx(pairs, rel=0.08)


def test_without_dopamine_spiny_cells_lose_their_neighbours():
    rest, depleted = small("rest"), small("depleted")
    ratio = {p.name: of(depleted, p.name).rule.probability / p.rule.probability for p in rest.projections}
    assert ratio["dSPN_to_dSPN"] == pytest.approx(0.251) and ratio["FS_to_FS"] == pytest.approx(1.187)
    assert ratio["ChIN_to_FS"] == 1.0
