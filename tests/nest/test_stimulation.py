"""Pulses of a stimulation in NEST: current and axonal spikes at the right times, whatever the number of threads."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.engine import NestSimulation
from network.experiment import load_experiment
from network.plans import make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

FILE = """
meta: {model: own, title: a quiet source and a target that fires no spike}
network: {}
populations:
  S: {label: source, model: aeif_stn, n_neurons: 3, defaults: model, neuron: {I_e: -100.0}}
  T: {label: target, model: aeif_gpe, n_neurons: 2, defaults: model, neuron: {I_e: -100.0},
      receptors: {ampa_stn: {tau_syn: 12.0, E_rev: -70.0}}}
projections:
  S_to_T: {source: S, target: T, receptor: ampa_stn, connect: {rule: all_to_all}, weight: 2.0, delay: 2.5%s}
stimulations:
  dbs: {target: S, frequency: 40.0, width: 0.3, amplitude: %s, start: 20.0, axons: {probability: 1.0}}
simulation:
  resolution: {value: 0.1, unit: ms, assumed: t}
  t_presim: {value: 0, unit: ms, assumed: t}
  t_sim: {value: 90, unit: ms, assumed: t}
recording:
  traces:
    S: {population: S, cells: 1, variables: [V_m], interval: 0.1}
    T: {population: T, cells: 1, variables: [g_ampa_stn], interval: 0.1}
"""
PLASTIC = ", synapse: {kind: tsodyks, U: 0.4, tau_rec: 300.0, tau_fac: 0.0, tau_psc: 12.0}"
ONSETS = (20.0, 45.0, 70.0)


def simulate(plan, module):
    kernel.reset(plan, module.path)
    simulation = NestSimulation(build(plan, module))
    done = 0.0
    for time, segment in [*((s.time, s) for s in plan.segments), (plan.t_presim + plan.t_sim, None)]:
        simulation.prepare()
        simulation.run(round(time - done, 9))
        simulation.flush()
        simulation.cleanup()
        done = time
        if segment is not None:
            simulation.change(segment)
    spikes = {source.population: source.collect(whole=True) for source in simulation.spikes}
    return spikes, [source.collect()[1] for source in simulation.states]


def small(tmp_path, amplitude, plastic=""):
    path = tmp_path / "own.yaml"
    path.write_text(FILE % (plastic, amplitude))
    return make_plan(load_experiment(path))


def test_pulses_and_axonal_spikes_come_at_their_times(tmp_path, module):
    plan = small(tmp_path, 100.0)
    assert plan.pulses[0].onsets == ONSETS
    spikes, (source, target) = simulate(plan, module)
    assert len(spikes["S"][0]) == len(spikes["T"][0]) == 0  # axonal spikes are none of the cell
    V, g = source["V_m"][:, 0], target["g_ampa_stn"][:, 0]  # sample k is at (k + 1) * 0.1 ms
    drift = np.diff(V)
    for onset in ONSETS:
        k = round(onset / 0.1) - 1  # the sample at its time
        rise = drift[k - 1 : k + 4]
        C_m = plan.population("S").params["C_m"]
        expected = np.array([0.0, 1.0, 1.0, 1.0, 0.0]) * 100.0 / C_m * 0.1
        np.testing.assert_allclose(rise - drift[k - 1], expected, atol=0.05 * expected.max() + 0.02)
        # three sources of 2 nS each, one delay after the pulse
        j = k + round(2.5 / 0.1)
        jump = g[j - 2 : j + 2] - g[j - 3 : j + 1] * np.exp(-0.1 / 12.0)
        np.testing.assert_allclose(jump[[0, 1, 3]], 0.0, atol=1e-9)
        assert jump[2] == pytest.approx(6.0)


def test_axonal_spikes_and_those_of_the_cell_share_short_term_plasticity(tmp_path, module):
    plan = small(tmp_path, 30000.0, PLASTIC)  # strong enough for a spike of the cell with each pulse
    spikes, (_, target) = simulate(plan, module)
    of_cell = [time for time, cell in zip(*spikes["S"], strict=True) if cell == 0]
    assert len(of_cell) >= 3
    g, x, y, last, expected = target["g_ampa_stn"][:, 0], 1.0, 0.0, 0.0, {}
    for time in sorted([*of_cell, *ONSETS]):
        h = time - last
        decay_y, decay_z = np.exp(-h / 12.0), np.expm1(-h / 300.0)
        decay_xy = (decay_z * 300.0 - (decay_y - 1.0) * 12.0) / (12.0 - 300.0)
        x, y = x + decay_xy * y - decay_z * (1.0 - x - y), y * decay_y
        released, last = 0.4 * x, time
        x, y = x - released, y + released
        arrival = round((time + 2.5) / 0.1)
        expected[arrival] = expected.get(arrival, 0.0) + 6.0 * released
    found = np.zeros_like(g)
    found[1:] = g[1:] - g[:-1] * np.exp(-0.1 / 12.0)
    for arrival, jump in expected.items():
        if arrival <= len(found):
            assert found[arrival - 1] == pytest.approx(jump, rel=1e-4), arrival


def test_spikes_do_not_depend_on_the_number_of_threads(module):
    pulses = {"frequency": 130.0, "width": 0.2, "amplitude": 500.0, "cv": 0.5, "axons": {"probability": 0.5}}
    both = [f"stimulations.{name}={json.dumps({**pulses, 'target': name})}" for name in ("STN", "FSN")]
    small = ["network.n_neurons=1000", "network.small_network=multapses", "simulation.t_presim=0"]
    experiment = load_experiment("lindahl2016/activation_control", overrides=[*small, "simulation.t_sim=60", *both])
    runs = []
    for threads in (1, 2, 3):
        plan = dataclasses.replace(make_plan(experiment, threads=threads), recorders=(), spike_start=0.0)
        runs.append(simulate(plan, module)[0])
    assert sum(len(times) for times, _ in runs[0].values()) > 100
    for other in runs[1:]:
        for name, (times, ids) in runs[0].items():
            np.testing.assert_array_equal(other[name][0], times, err_msg=name)
            np.testing.assert_array_equal(other[name][1], ids, err_msg=name)
