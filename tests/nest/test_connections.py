"""The synapses of a run, made again from its folder, are those that it had."""

from __future__ import annotations

import bgnest
import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
NAMES = ("FSN_to_MSN_D2", "MSN_D1_to_SNr", "STN_to_SNr")


@pytest.fixture(scope="module", params=["compact", "nest"])
def run(request, tmp_path_factory):
    """Run of 1,000 cells that shows little; with NEST's wiring two threads matter."""
    changes = {"simulation.wiring": request.param, "network.small_network": "multapses", "recording.spikes": ["STN"]}
    experiment = bgnest.load("lindahl2016/activation_control", changes=changes, n_neurons=1000, t_presim=0, t_sim=1)
    return experiment.run(threads=2, out=tmp_path_factory.mktemp("runs") / "small", progress=False)


@pytest.fixture(scope="module")
def built(run, module):
    """What is built for a run of this plan."""
    kernel.reset(run.plan, module.path)
    network = build(run.plan, module)
    return {p.name: synapses(network, p) for p in run.plan.projections if p.name in NAMES}


def test_connections_are_those_that_were_built(run, built):
    for name in NAMES:
        found = run.connections(name)
        assert list(found.columns) == ["source", "target", "weight", "delay"]
        for column in found.columns:
            np.testing.assert_array_equal(found[column], getattr(built[name], column), err_msg=f"{name} {column}")


def test_a_table_of_connections_knows_what_it_is_about(run):
    found = run.connections("FSN_to_MSN_D2")
    plan = next(p for p in run.plan.projections if p.name == "FSN_to_MSN_D2")
    sizes = run.populations
    assert found.attrs["units"] == {"weight": "nS", "delay": "ms"}
    assert (found.attrs["source"], found.attrs["target"], found.attrs["receptor"]) == ("FSN", "MSN_D2", plan.receptor)
    assert (found.attrs["n_source"], found.attrs["n_target"]) == (sizes["FSN"], sizes["MSN_D2"])
    assert (found.groupby("target").size() == plan.in_degree).all() and len(found) == plan.n_synapses
    assert found["weight"].between(plan.weight.low, plan.weight.high).all()


def test_a_projection_that_there_is_not_is_named(run):
    with pytest.raises(bgnest.Error, match=r"no projection 'FSN_to_MSN_D3'; did you mean 'FSN_to_MSN_D2'\?"):
        run.connections("FSN_to_MSN_D3")
