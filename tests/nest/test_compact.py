"""Compact wiring: rows of synapses in the module do what connections of NEST do, whatever the number of threads."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.audit import audit
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses
from network.engine.nest.engine import NestSimulation
from network.engine.nest.network import Network
from network.experiment import load_experiment
from network.experiment.rules import FixedInDegree
from network.plans import make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
T = 350.0


def spikes(network: Network, duration: float = T):
    """All spikes of a network, population by population."""
    simulation = NestSimulation(network)
    simulation.prepare()
    simulation.run(duration)
    simulation.cleanup()
    return {source.population: source.collect(whole=True) for source in simulation.spikes}


def make(plan, module) -> Network:
    kernel.reset(plan, module.path)
    return build(plan, module)


def assert_equal(found, expected):
    assert sum(len(times) for times, _ in expected.values()) > 250
    for name, (times, ids) in expected.items():
        np.testing.assert_array_equal(found[name][0], times, err_msg=name)
        np.testing.assert_array_equal(found[name][1], ids, err_msg=name)


@pytest.fixture(scope="module")
def compact(make_small):
    """Spikes everywhere are recorded from the first step on."""
    plan = make_small(wiring="compact", recording="internal", recorders=(), spike_start=0.0, spike_stop=T)
    return dataclasses.replace(plan, t_presim=0.0, t_sim=T)


@pytest.fixture(scope="module")
def usual(compact, module):
    """Network and spikes on one thread."""
    network = make(compact, module)
    audit(network, n_cells=50)
    lists = {projection.name: synapses(network, projection) for projection in compact.projections}
    return lists, spikes(network)


@pytest.mark.parametrize(("threads", "recording"), [(2, "internal"), (3, "device"), (4, "internal")])
def test_spikes_do_not_depend_on_threads_nor_on_who_writes_them_down(compact, module, usual, threads, recording):
    plan = dataclasses.replace(compact, threads=threads, recording=recording)
    assert plan.simulation_hash == compact.simulation_hash  # it is the same simulation
    assert_equal(spikes(make(plan, module)), usual[1])


def test_the_same_synapses_wired_by_nest_give_the_same_spikes(compact, module, usual):
    """Static and plastic synapses, on all receptors, at delays from 0.5 to 12 ms."""
    lists, expected = usual
    plan = dataclasses.replace(compact, wiring="nest")
    nest = kernel.reset(plan, module.path)
    unwired = dataclasses.replace(plan, projections=())
    network = dataclasses.replace(build(unwired, module), plan=plan)
    for projection in plan.projections:
        found = lists[projection.name]
        constants = {"receptor_type": network.receptor_type(projection.target, projection.receptor)}
        model = module.synapses[projection.synapse.nest_model]
        nest.CopyModel(model, projection.name, {**constants, **projection.synapse.constants})
        first = [network.populations[name][0].global_id for name in (projection.source, projection.target)]
        spec = {"synapse_model": projection.name, "weight": found.weight, "delay": found.delay}
        nest.Connect(found.source + first[0], found.target + first[1], "one_to_one", spec)
    assert {projection.synapse.name for projection in plan.projections} == {"static", "tsodyks"}
    assert_equal(spikes(network), expected)


def test_wiring_is_as_random_as_it_should_be(compact, module):
    """Out-degrees of a fixed in-degree are binomial; weights and delays uniform and independent; cells independent."""
    names = ("MSN_D2_to_MSN_D2", "MSN_D1_to_MSN_D2")
    projections = tuple(
        dataclasses.replace(p, rule=FixedInDegree(60), allow_multapses=False)
        for p in compact.projections
        if p.name in names
    )
    network = make(dataclasses.replace(compact, projections=projections), module)
    maps = []
    for projection in projections:
        found, ends = synapses(network, projection), compact.ends(projection)
        p = 60 / (ends.n_source - ends.without_self)
        variance = ends.n_target * p * (1.0 - p)
        out = np.bincount(found.source, minlength=ends.n_source)
        # the variance of a relative variance of n numbers: 2 / n
        assert abs(out.var() / variance - 1.0) < 5.0 * np.sqrt(2.0 / ends.n_source)
        for values, drawn, width in ((found.weight, projection.weight, 0.0), (found.delay, projection.delay, 0.1)):
            uniform = (values - drawn.low) / (drawn.high - drawn.low)
            assert abs(uniform.mean() - 0.5) < 5.0 * np.sqrt(1.0 / 12.0 / len(values))
            rounding = (width / (drawn.high - drawn.low)) ** 2  # of delays, to the step
            assert abs(uniform.var() * 12.0 - 1.0 - rounding) < 5.0 * np.sqrt(0.8 / len(values))
        assert abs(np.corrcoef(found.weight, found.delay)[0, 1]) < 5.0 / np.sqrt(len(found))
        # neighbouring targets share as many sources as chance has it
        heard = np.zeros((ends.n_target, ends.n_source), dtype=bool)
        heard[found.target, found.source] = True
        maps.append(heard)
        shared = (heard[:-1] & heard[1:]).sum(axis=1)
        expected = ends.n_source * p * p
        assert abs(shared.mean() - expected) < 5.0 * np.sqrt(expected / ends.n_target) + 0.02 * expected
    # two projections onto the same cells have no more in common than chance has it
    both = (maps[0] & maps[1][:, : maps[0].shape[1]]).sum()
    expected = maps[0].sum() * maps[1].mean()
    assert abs(both - expected) < 5.0 * np.sqrt(expected)


def test_another_seed_another_network(compact, module, usual):
    other = make(dataclasses.replace(compact, seed=compact.seed + 1), module)
    (projection,) = (p for p in other.plan.projections if p.name == "STN_to_SNr")
    assert not np.array_equal(synapses(other, projection).source, usual[0]["STN_to_SNr"].source)


EXTREMES = """
overlay_of: lindahl2016/activation_control
network: {n_neurons: 1000}
simulation: {resolution: {value: 0.025, unit: ms, assumed: finer}, t_presim: 0, t_sim: 60}
populations:
  STN: {n_anatomical: null, n_neurons: 1}
  SNr: {n_anatomical: null, n_neurons: 3}
  GPe_TA: {n_anatomical: null, n_neurons: 40}
projections:
  '*': null
  all_of_them: {source: GPe_TA, target: GPe_TA, receptor: gaba_gpe, weight: 1, delay: 100, in_degree: 40}
  nearly_all: {source: GPe_TA, target: SNr, receptor: gaba_gpe, weight: 1, delay: 0.025, in_degree: 39}
  one_cell: {source: STN, target: SNr, receptor: ampa_stn, weight: 1, delay: 50, in_degree: 1}
"""


def test_tiny_populations_full_in_degrees_long_delays_and_short_steps(module, tmp_path):
    path = tmp_path / "extremes.yaml"
    path.write_text(EXTREMES)
    plan = make_plan(load_experiment(path), threads=3)
    assert plan.wiring == "compact"
    network = make(plan, module)
    audit(network, n_cells=50)
    found = {p.name: synapses(network, p) for p in plan.projections}
    assert set(zip(found["all_of_them"].source.tolist(), found["all_of_them"].target.tolist(), strict=True)) == {
        (i, j) for i in range(40) for j in range(40)
    }
    assert set(found["all_of_them"].delay) == {100.0} and set(found["nearly_all"].delay) == {0.025}
    assert np.bincount(found["nearly_all"].target).tolist() == [39, 39, 39]
    spikes(network, 60.0)
