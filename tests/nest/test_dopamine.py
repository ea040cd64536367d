"""Dopamine and currents that change during a run, and spikes from files, as NEST sees them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine.changes import Changes
from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.changes import set_parameters
from network.engine.nest.devices import connect_inputs
from network.engine.session import simulate
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.folder import RunFolder
from network.runs.reader import Run
from network.runs.sonata import SpikeWriter

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

SMALL = ("network.n_neurons=1000", "network.small_network=multapses")
STEPS = (
    "network.dopamine_schedule={kind: steps, times: {value: [30, 60], unit: ms}, levels: {value: [0.0, 0.8], unit: 1}}"
)


def plan_of(*overrides, state="activation_control", t_sim=60.0, t_presim=30.0, **changes):
    times = (f"simulation.t_sim={t_sim}", f"simulation.t_presim={t_presim}")
    plan = make_plan(load_experiment(f"lindahl2016/{state}", overrides=[*SMALL, *times, *overrides]))
    return dataclasses.replace(plan, **{"recorders": (), **changes})


def effective(network, name, keys):
    cells = network.populations[name]
    # every tenth cell, from the first on: reading a parameter back takes longer than setting it in all
    status = cells[:: 10 if len(cells) > 10 else 1].get(list(keys))
    return {key: np.unique(status[key]) for key in keys}


def spikes_of(plan, module, folder):
    """All spikes of a run as one array of (population, time, neuron)."""
    with RunFolder.create(folder) as made:
        made.write_plan(plan.to_dict())
        outcome = simulate(plan, module, made)
        run = made.finish(n_spikes=outcome.n_spikes)
    assert isinstance(run, Run)
    return {name: np.stack([run.spikes(name).times, run.spikes(name).node_ids.astype(float)]) for name in run.recorded}


def test_nest_holds_the_parameters_of_each_level(module):
    """After each change every parameter of every cell is that of a network made at that level."""
    plan = plan_of(STEPS)
    at = {level: plan_of(f"network.dopamine={level}") for level in (0.8, 0.0)}
    assert [(s.time, s.dopamine) for s in plan.segments] == [(30.0, 0.0), (60.0, 0.8)]
    kernel.reset(plan, module.path)
    network = build(plan, module)
    changes = Changes(network.plan, lambda segment: set_parameters(network, segment))
    for step, level in ((0, 0.8), (300, 0.0), (600, 0.8)):
        changes.apply(step)
        for population in at[level].populations:
            keys = [key for key in population.params if key not in population.heterogeneity]
            for key, values in effective(network, population.name, keys).items():
                assert values == pytest.approx([population.params[key]]), (population.name, key, level)
    # known by hand (phi = -0.8): E_L = -81.85 (1 - 0.0282 x 0.8), NMDA 1 - 1.04 x 0.8, d = 66.9 (1 + 0.45 x 0.8)
    depleted = plan.segments[0].params["MSN_D1"]
    assert depleted["E_L"] == depleted["V_b"] == pytest.approx(-80.0035, abs=1e-4)
    assert depleted["gain_nmda"] == pytest.approx(0.168)
    assert depleted["d"] == pytest.approx(90.984)


def test_cells_stay_different_and_keep_their_state(module):
    """A change touches neither the drawn C_m and V_th, nor V_m, currents and conductances."""
    plan = plan_of(STEPS, t_presim=0.0)
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    cells = network.populations["MSN_D1"]
    meter = nest.Create("multimeter", params={"record_from": ["g_nmda"], "interval": 0.1})
    nest.Connect(meter, cells)
    nest.Simulate(30.0)
    keys = ["C_m", "V_th", "V_m", "u"]
    before = cells.get(keys)
    Changes(network.plan, lambda segment: set_parameters(network, segment)).apply(300)
    after = cells.get(keys)
    for key in keys:
        np.testing.assert_array_equal(before[key], after[key])
    assert np.ptp(after["C_m"]) > 1.0
    nest.Simulate(1.0)
    events = meter.events
    order = np.lexsort((events["senders"], events["times"]))
    course = np.asarray(events["g_nmda"])[order].reshape(-1, len(cells)).mean(axis=1)
    # 546 spikes/s of 0.11 nS for 30 ms; a reset conductance would fall to a thirtieth of that
    assert course[-1] == pytest.approx(course[-11], rel=0.05)
    assert course[-1] > 1.0


def test_a_run_with_a_schedule_equals_the_same_changes_by_hand(module, tmp_path):
    """The engine's run, spike for spike, against NEST driven by hand: run, set, run, set, run."""
    plan = plan_of(STEPS)
    by_engine = spikes_of(plan, module, tmp_path / "engine")
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    recorders = {}
    for name, cells in network.populations.items():
        recorders[name] = nest.Create("spike_recorder")
        nest.Connect(cells, recorders[name])
    depleted = {p.name: p.params for p in plan_of("network.dopamine=0.0").populations}
    control = {p.name: p.params for p in plan.populations}
    for params in (None, depleted, control):
        for name, cells in network.populations.items():
            if params is not None:
                keep = plan.population(name).heterogeneity
                moving = [k for k in control[name] if k not in keep and control[name][k] != depleted[name][k]]
                if moving:
                    cells.set({key: params[name][key] for key in moving})
        nest.Simulate(30.0)
    for name, cells in network.populations.items():
        events = recorders[name].events
        times, ids = np.asarray(events["times"]), np.asarray(events["senders"]) - cells[0].global_id
        inside = times >= 30.0 - 1e-9
        order = np.lexsort((ids[inside], times[inside]))
        np.testing.assert_allclose(by_engine[name][0], times[inside][order], atol=1e-9)
        np.testing.assert_array_equal(by_engine[name][1], ids[inside][order])
    assert by_engine["GPe_TI_N"].shape[1] > 20


def test_depletion_during_a_run_does_what_it_is_known_to_do(module, tmp_path):
    """STN speeds up, GPe TI slows down, SNr speeds up within a few hundred ms; the wiring stays that of control."""
    plan = plan_of(
        "network.dopamine_schedule={kind: steps, times: {value: [500], unit: ms}, levels: {value: [0.0], unit: 1}}",
        "network.n_neurons=4000",
        t_presim=200.0,
        t_sim=700.0,
    )
    depleted = plan_of("network.dopamine=0.0", "network.n_neurons=4000")
    assert {p.name: p.in_degree for p in plan.projections} != {p.name: p.in_degree for p in depleted.projections}
    spikes = spikes_of(plan, module, tmp_path / "run")

    def rate(name, start, stop):
        times = spikes[name][0]
        return (
            np.count_nonzero((times >= start) & (times < stop)) / plan.population(name).n_neurons / (stop - start) * 1e3
        )

    assert rate("STN", 600, 900) > 1.5 * rate("STN", 200, 500)
    assert rate("GPe_TI_N", 600, 900) < 0.8 * rate("GPe_TI_N", 200, 500)


def test_a_current_is_on_between_its_steps_only(module):
    plan = plan_of(
        "currents.pulse={target: STN, times: {value: [20, 50], unit: ms}, amplitudes: {value: [25, 0], unit: pA}}"
    )
    assert [(s.time, s.params) for s in plan.segments] == [
        (20.0, {"STN": {"I_e": 31.0}}),
        (50.0, {"STN": {"I_e": 6.0}}),
    ]
    kernel.reset(plan, module.path)
    network = build(plan, module)
    changes = Changes(network.plan, lambda segment: set_parameters(network, segment))
    found = []
    for step in (0, 200, 500):
        changes.apply(step)
        found.append(effective(network, "STN", ["I_e"])["I_e"].tolist())
    assert found == [[6.0], [31.0], [6.0]]


def jumps(values, tau):
    return values[1:] - values[:-1] * np.exp(-0.1 / tau)


@pytest.mark.parametrize("in_degree", [None, 3])
def test_spikes_from_a_file_arrive_when_they_should(module, tmp_path, in_degree):
    """Both receptors jump by their weight, delay after each spike of the file; other cells get nothing."""
    with SpikeWriter(tmp_path / "trains.h5", {"cortex": 5}) as file:
        file.append("cortex", [5.0, 12.3, 12.3], [0, 1, 2])
        file.close()
    more = f", in_degree: {{value: {in_degree}, unit: 1}}" if in_degree else ""
    plan = plan_of(
        f"spike_inputs.play={{file: {tmp_path / 'trains.h5'}, population: cortex, target: MSN_D1, "
        f"weights: {{ampa: {{value: 2.0, unit: nS}}, nmda: {{value: 0.5, unit: nS}}}}, "
        f"delay: {{value: 3.0, unit: ms}}, shift: {{value: 1.0, unit: ms}}{more}}}",
        t_presim=0.0,
        t_sim=30.0,
        inputs=(),
        projections=(),
    )
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    cells = network.populations["MSN_D1"]
    meter = nest.Create("multimeter", params={"record_from": ["g_ampa", "g_nmda"], "interval": 0.1})
    nest.Connect(meter, cells)
    nest.Simulate(30.0)
    events = meter.events
    order = np.lexsort((events["senders"], events["times"]))
    n = len(cells)
    times = np.asarray(events["times"])[order].reshape(-1, n)[:, 0]
    ampa = jumps(np.asarray(events["g_ampa"])[order].reshape(-1, n), 12.0) / 2.0
    nmda = jumps(np.asarray(events["g_nmda"])[order].reshape(-1, n), 160.0) / 0.5
    np.testing.assert_allclose(ampa, nmda, atol=1e-9)
    step, cell = np.nonzero(np.rint(ampa))
    arrivals = {round(float(times[i + 1]), 1) for i in step}
    assert len(arrivals) == 2 and max(arrivals) - min(arrivals) == pytest.approx(7.3)
    assert min(arrivals) == pytest.approx(5.0 + 1.0 + 3.0, abs=0.11)
    if in_degree is None:
        assert sorted(set(cell.tolist())) == [0, 1, 2]
    else:
        assert np.rint(ampa).sum(axis=0) == pytest.approx(np.full(n, in_degree))  # every train has one spike
