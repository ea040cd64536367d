"""Chakravarty et al. (2022) in NEST: what was planned stands there, and a cell gets both of its inputs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network import codegen
from network.engine.nest import kernel
from network.engine.nest.audit import audit
from network.engine.nest.build import build
from network.engine.nest.devices import connect_inputs, connect_recorders
from network.experiment import load_experiment
from network.plans import RecorderPlan, make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

T_STOP = 400.0  # ms
ONSET, N_STEPS = 800.0, 29  # of the published transient, ms


@pytest.fixture(scope="module")
def module() -> codegen.BuiltModule:
    return codegen.build(["adex_cond_exp", "lif_cond_alpha"], target="vectorised")


@pytest.mark.parametrize("state", ["normal", "pd_biphasic", "pd_triphasic"])
def test_the_network_is_as_planned(module, state):
    """Sizes, parameters, distinct sources, in-degrees, weights, delays and receptors, at full size."""
    plan = make_plan(load_experiment(f"chakravarty2022/{state}"))
    kernel.reset(plan, module.path)
    network = build(plan, module)
    assert sum(len(cells) for cells in network.populations.values()) == 6539
    audit(network, n_cells=25)


def only(plan, name, **changes):
    """The same plan with one population and its input, which is all that a test of its input needs."""
    (cells,) = (dataclasses.replace(p, first_id=0) for p in plan.populations if p.name == name)
    inputs = tuple(entry for entry in plan.inputs if entry.target == name)
    parts = {"populations": (cells,), "inputs": inputs, "projections": (), "groups": {}, "spike_populations": ()}
    return dataclasses.replace(plan, **{**parts, **changes})


def test_background_and_cortex_reach_a_cell(module):
    """Mean conductance of D1: rate, weight and alpha function of both inputs in the first half, of one in the other."""
    plan = make_plan(load_experiment("chakravarty2022/normal"))
    traces = RecorderPlan("D1", tuple(range(0, 2000, 4)), ("g_exc",), 0.1, 100.0, T_STOP)
    plan = only(plan, "D1", t_presim=100.0, t_sim=T_STOP - 100.0, recorders=(traces,))
    kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    _, (recorder,) = connect_recorders(network)
    nest = kernel.import_nest()
    nest.Simulate(T_STOP + 10.0)
    _, values = recorder.collect()
    mean = values["g_exc"].mean(axis=0)
    s = np.arange(200) * 0.1 / 0.3
    area = np.sum(s * np.exp(1.0 - s)) * 0.1e-3  # s; as it is sampled, 1 % less than e tau
    both, one = area * (1700.0 * 3.0 + 31.0 * 6.75), area * 1700.0 * 3.0
    first, second = mean[:250], mean[250:]
    assert first.mean() == pytest.approx(both, abs=4 * first.std() / np.sqrt(250))
    assert second.mean() == pytest.approx(one, abs=4 * second.std() / np.sqrt(250))
    assert both - one > 8 * first.std() / np.sqrt(250)


def test_the_transient_arrives_as_published(module):
    """Mean conductance of the stimulated half of STN: the alpha function behind 10 x 83.1, 43.7 ... spikes/s."""
    plan = make_plan(load_experiment("chakravarty2022/normal", ["transient"]))
    cortex = next(i for i in plan.inputs if i.name == "CTX_to_STN")
    traces = RecorderPlan("STN", tuple(range(388)), ("g_exc",), 0.1, ONSET, ONSET + 40.0)
    plan = only(plan, "STN", t_sim=ONSET + 50.0, inputs=(cortex,), recorders=(traces,))
    kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    _, (recorder,) = connect_recorders(network)
    kernel.import_nest().Simulate(ONSET + 50.0)
    _, values = recorder.collect()
    found = values["g_exc"]
    assert np.all(found[:, 194:] == 0.0)

    # spikes of the step that ends at t arrive at t + delay; the expected number of each step times its alpha function
    before, step, tau = 50, 0.1, 0.33
    times = ONSET + step * np.arange(-before, len(found))
    spikes = np.array([cortex.rate * cortex.waveform.mean(t - step, t) * step * 1e-3 for t in times + 1e-9])
    s = step * np.arange(400) / tau
    course = np.convolve(spikes, cortex.weights["exc"] * s * np.exp(1.0 - s))
    shift = round(cortex.delay / step)
    expected = course[before - shift :][: len(found)]
    error = np.sqrt(np.convolve(spikes, (cortex.weights["exc"] * s * np.exp(1.0 - s)) ** 2) / 194)
    error = error[before - shift :][: len(found)]
    z = (found[:, :194].mean(axis=1) - expected)[1:] / error[1:]
    assert expected.max() > 5 * expected[0]
    assert np.abs(z).max() < 4.5 and np.abs(z[: 10 * N_STEPS].mean()) < 1.0
