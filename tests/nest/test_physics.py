"""Errors a physicist would be ashamed of: signs of dopamine, lost receptors, plasticity, phases, actions.

The expected numbers are written out here by hand, from the tables of Lindahl and Hellgren Kotaleski (2016,
doi 10.1523/ENEURO.0156-16.2016) and not from the parameter files.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses
from network.engine.nest.devices import connect_inputs, connect_recorders
from network.experiment import load_experiment
from network.experiment.rules import FixedInDegree
from network.plans import RecorderPlan, make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

SMALL = ("network.n_neurons=1000", "network.small_network=multapses")
LARGER = ("network.n_neurons=2500", "network.small_network=multapses")
"""Every action needs a cell of every population."""

# reversal potential (mV), factor on the current when dopamine is depleted
RECEPTORS = {
    ("MSN_D1", "ampa"): (0.0, 1.0),
    ("MSN_D1", "nmda"): (0.0, 0.168),
    ("MSN_D1", "gaba_fsn"): (-74.0, 1.0),
    ("MSN_D1", "gaba_msn"): (-74.0, 0.29412),
    ("MSN_D1", "gaba_ta"): (-74.0, 1.96970),
    ("MSN_D2", "ampa"): (0.0, 1.208),
    ("MSN_D2", "nmda"): (0.0, 1.0),
    ("MSN_D2", "gaba_fsn"): (-74.0, 1.0),
    ("MSN_D2", "gaba_msn"): (-74.0, 0.29412),
    ("MSN_D2", "gaba_ta"): (-74.0, 1.92308),
    ("FSN", "ampa"): (0.0, 1.0),
    ("FSN", "gaba_fsn"): (-74.0, 1.664),
    ("FSN", "gaba_ta"): (-74.0, 1.42857),
    ("FSN", "gaba_ti"): (-74.0, 1.0),
    ("STN", "ampa"): (0.0, 1.92308),
    ("STN", "nmda"): (0.0, 1.92308),
    ("STN", "gaba_gpe"): (-84.0, 1.192),
    ("GPe_TI_N", "ampa_stn"): (0.0, 1.36),
    ("GPe_TI_N", "ampa_ext"): (0.0, 1.0),
    ("GPe_TI_N", "gaba_msn"): (-65.0, 1.66667),
    ("GPe_TI_N", "gaba_gpe"): (-65.0, 1.664),
    ("GPe_TA", "ampa_stn"): (0.0, 1.36),
    ("GPe_TA", "ampa_ext"): (0.0, 1.0),
    ("GPe_TA", "gaba_gpe"): (-65.0, 1.664),
    ("SNr", "ampa_stn"): (0.0, 1.0),
    ("SNr", "ampa_ext"): (0.0, 1.0),
    ("SNr", "gaba_msn"): (-80.0, 0.552),
    ("SNr", "gaba_gpe"): (-72.0, 1.0),
}
QUIET = {"STN": -150.0, "GPe_TI_N": -40.0, "GPe_TA": -40.0, "SNr": -80.0}
"""Currents (pA) that silence the pacemakers, so that a response can be seen."""


def cells_only(dopamine=0.8, n=1, **params):
    """Plan with identical cells, nothing connected, no input."""
    plan = make_plan(load_experiment("lindahl2016", overrides=[*SMALL, f"network.dopamine={dopamine}"]))
    populations = []
    first = 0
    for p in plan.populations:
        own = {**p.params, **params.get(p.name, {})}
        v_m = own["E_L"]
        populations.append(
            dataclasses.replace(
                p, n_neurons=n, first_id=first, params=own, heterogeneity={}, initial={**p.initial, "V_m": v_m}
            )
        )
        first += n
    return dataclasses.replace(plan, populations=tuple(populations), projections=(), inputs=(), recorders=())


def responses(module, gains, weight):
    """Deviation of V_m (n_times,) after one spike onto each receptor, relative to a cell that gets none."""
    n = 1 + max(sum(1 for p, _ in RECEPTORS if p == name) for name in ("MSN_D1", "FSN", "STN", "GPe_TI_N", "SNr"))
    silent = {name: {"I_e": current} for name, current in QUIET.items()}
    for (name, port), gain in gains.items():
        silent.setdefault(name, {})[f"gain_{port}"] = gain
    plan = cells_only(n=n, **silent)
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    source = nest.Create("spike_generator", params={"spike_times": [400.0]})
    meters, place = {}, {}
    for name, port in RECEPTORS:
        cells = network.populations[name]
        if name not in meters:
            meters[name] = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 0.1, "start": 399.0})
            nest.Connect(meters[name], cells)
            place[name] = 0
        place[name] += 1
        synapse = {"weight": weight, "delay": 1.0, "receptor_type": network.receptor_type(name, port)}
        nest.Connect(source, cells[place[name]], syn_spec=synapse)
    nest.Simulate(430.0)
    found = {}
    for name, meter in meters.items():
        events = meter.events
        order = np.lexsort((events["senders"], events["times"]))
        values = np.asarray(events["V_m"])[order].reshape(-1, n)
        ports = [port for population, port in RECEPTORS if population == name]
        for k, port in enumerate(ports):
            found[name, port] = (values[:, k + 1] - values[:, 0], float(values[0, 0]))
    return found


def test_every_receptor_works_and_dopamine_scales_it_in_the_right_direction(module):
    """A small spike moves V_m towards the reversal potential, and gain times as far when dopamine is depleted."""
    plan = cells_only(dopamine=0.0)
    depleted = {(name, port): plan.population(name).params[f"gain_{port}"] for name, port in RECEPTORS}
    assert depleted == {key: pytest.approx(gain, abs=1e-4) for key, (_, gain) in RECEPTORS.items()}
    control, changed = (responses(module, gains, weight=0.2) for gains in ({}, depleted))
    for key, (reversal, gain) in RECEPTORS.items():
        deviation, v_m = control[key]
        peak = deviation[np.argmax(np.abs(deviation))]
        assert abs(peak) > 1e-5, f"{key}: no response"
        assert np.sign(peak) == np.sign(reversal - v_m), f"{key}: {peak} mV at {v_m} mV"
        other = changed[key][0]
        assert other[np.argmax(np.abs(other))] / peak == pytest.approx(gain, rel=0.01), key


@pytest.mark.parametrize(
    ("dopamine", "expected"),
    [
        # isolated cells without noise, spikes/s; the mean over 2 s is within half a spike
        (0.8, {"STN": 9.8, "GPe_TI_N": 15.3, "SNr": 15.0, "GPe_TA": 0.0, "MSN_D1": 0.0, "MSN_D2": 0.0, "FSN": 0.0}),
        (0.0, {"STN": 9.8, "GPe_TI_N": 0.0, "SNr": 0.0, "GPe_TA": 0.0, "MSN_D1": 0.0, "MSN_D2": 0.0, "FSN": 0.0}),
    ],
)
def test_isolated_cells_fire_as_tabulated(module, dopamine, expected):
    """Dopamine hyperpolarises GPe and SNr when depleted: with a wrong sign of beta they would fire faster."""
    plan = dataclasses.replace(cells_only(dopamine), t_presim=0.0, t_sim=2500.0, spike_start=500.0, spike_stop=2500.0)
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    recorders, _ = connect_recorders(network)
    nest.Simulate(2501.0)
    rates = {recorder.population: len(recorder.collect()[0]) / 2.0 for recorder in recorders}
    for name, rate in expected.items():
        assert rates[name] == pytest.approx(rate, abs=0.51), name


PLASTIC = {
    "FSN_to_FSN": (0.29, 902.0, 53.0, 6.0),
    "FSN_to_MSN_D1": (0.29, 902.0, 53.0, 8.0),
    "FSN_to_MSN_D2": (0.29, 902.0, 53.0, 8.0),
    "GPe_TA_to_FSN": (0.29, 902.0, 53.0, 66.0),
    "GPe_TI_S_to_FSN": (0.29, 902.0, 53.0, 17.0),
    "MSN_D1_to_SNr": (0.0192, 559.0, 623.0, 5.2),
    "MSN_D2_to_GPe_TI_N": (0.24, 77.0, 13.0, 6.0),
    "MSN_D2_to_GPe_TI_S": (0.24, 77.0, 13.0, 6.0),
    "GPe_TI_N_to_SNr": (0.196, 969.0, 0.0, 2.1),
    "GPe_TI_S_to_SNr": (0.196, 969.0, 0.0, 2.1),
    "STN_to_SNr": (0.35, 800.0, 0.0, 12.0),
}


def released(U, tau_rec, tau_fac, tau_psc, interval, n):
    """Share of the efficacy that each spike of a regular train releases (three states x, y, z and u)."""
    x, y, u, shares = 1.0, 0.0, 0.0, []
    for k in range(n):
        if k:
            p_u = np.exp(-interval / tau_fac) if tau_fac > 0 else 0.0
            p_y, p_z = np.exp(-interval / tau_psc), np.exp(-interval / tau_rec)
            p_xy = ((p_z - 1) * tau_rec - (p_y - 1) * tau_psc) / (tau_psc - tau_rec)
            z = 1.0 - x - y
            u, x, y = u * p_u, x + p_xy * y + (1 - p_z) * z, y * p_y
        u += U * (1.0 - u)
        shares.append(u * x)
        x, y = x - u * x, y + u * x
    return np.array(shares)


def test_plastic_projections_depress_and_facilitate(module):
    """Conductance steps of a 20 Hz train through every plastic projection, against the recursion by hand."""
    plan = make_plan(load_experiment("lindahl2016", overrides=SMALL))
    assert {p.name for p in plan.projections if p.synapse.name == "tsodyks"} == set(PLASTIC)
    cells = cells_only(n=len(PLASTIC))
    plan = dataclasses.replace(plan, populations=cells.populations, inputs=(), recorders=(), wiring="nest")
    chosen = [p for p in plan.projections if p.synapse.name == "tsodyks"]
    # the synapse models are those of the engine, the wiring is ours: one cell per projection
    unwired = dataclasses.replace(
        plan, projections=tuple(dataclasses.replace(p, rule=FixedInDegree(0), n_synapses=0, weight=1.0) for p in chosen)
    )
    nest = kernel.reset(unwired, module.path)
    network = build(unwired, module)
    n, interval = 6, 50.0
    source = nest.Create("spike_generator", params={"spike_times": [10.0 + interval * k for k in range(n)]})
    parrot = nest.Create("parrot_neuron")
    nest.Connect(source, parrot, syn_spec={"delay": 1.0})
    meters = {}
    for k, p in enumerate(chosen):
        cell = network.populations[p.target][k]
        nest.Connect(parrot, cell, syn_spec={"synapse_model": network.synapse_models[p.name], "delay": 1.0})
        meters[p.name] = nest.Create("multimeter", params={"record_from": [f"g_{p.receptor}"], "interval": 0.1})
        nest.Connect(meters[p.name], cell)
    nest.Simulate(10.0 + interval * n + 5.0)
    for p in chosen:
        g = np.asarray(meters[p.name].events[f"g_{p.receptor}"])
        tau = plan.population(p.target).params[f"tau_syn_{p.receptor}"]
        steps = g[1:] - g[:-1] * np.exp(-0.1 / tau)
        steps = steps[steps > 1e-3 * steps.max()]
        np.testing.assert_allclose(steps, released(*PLASTIC[p.name], interval, n), rtol=1e-3, err_msg=p.name)


CORTEX = {  # rate (spikes/s) in the first and second half of a cycle of 50 ms
    "MSN_D1": (495.6, 596.4),
    "MSN_D2": (654.9, 788.1),
    "FSN": (714.6, 860.0),
    "STN": (182.5, 317.5),
}


def test_beta_starts_low_and_is_in_phase_on_all_cortical_channels(module):
    """Counts of arriving cortical spikes per half cycle, the delay of 2.5 ms taken off; four standard errors."""
    full = make_plan(load_experiment("lindahl2016/activation_depleted", overrides=SMALL))
    n, cycles, delay = 60, 4, 2.5
    cells = cells_only(dopamine=0.0, n=n)
    recorders = tuple(
        RecorderPlan(name, tuple(range(n)), ("g_ampa",), 0.1, 0.0, cycles * 50.0 + delay + 0.1) for name in CORTEX
    )
    plan = dataclasses.replace(
        full, populations=cells.populations, projections=(), recorders=recorders, spike_populations=()
    )
    plan = dataclasses.replace(plan, inputs=tuple(i for i in full.inputs if i.target in CORTEX))
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    _, states = connect_recorders(network)
    nest.Simulate(cycles * 50.0 + 10.0)
    for state in states:
        name = state.plan.population
        times, values = state.collect()
        weight = next(i.weights["ampa"] for i in plan.inputs if i.target == name)
        tau = plan.population(name).params["tau_syn_ampa"]
        g = values["g_ampa"]
        spikes = np.rint((g[1:] - g[:-1] * np.exp(-0.1 / tau)) / weight).sum(axis=1)
        # a sample at t holds what arrived in the step before it
        phase = (times[1:] - 0.05 - delay) % 50.0
        inside = (times[1:] > delay + 0.05) & (times[1:] < delay + cycles * 50.0 + 0.05)
        for half, rate in enumerate(CORTEX[name]):
            count = spikes[inside & ((phase >= 25.0) == bool(half))].sum()
            expected = rate * n * cycles * 0.025
            assert abs(count - expected) < 4.0 * np.sqrt(expected), (name, half, count, expected)


def test_actions_share_only_what_they_should(module):
    """D1 to SNr, D2 to TI and TI to SNr stay within an action; STN to SNr and MSN to MSN do not."""
    plan = make_plan(load_experiment("lindahl2016/action_selection", overrides=LARGER))
    plan = dataclasses.replace(plan, recorders=())
    kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    within = {"MSN_D1_to_SNr", "MSN_D2_to_GPe_TI_N", "GPe_TI_N_to_SNr"}
    for name in (*within, "STN_to_SNr", "MSN_D1_to_MSN_D2"):
        projection = next(p for p in plan.projections if p.name == name)
        found = synapses(network, projection)
        source, target = found.source, found.target
        assert len(source) == projection.n_synapses
        assert set(np.bincount(target)) == {projection.in_degree}
        same = np.mean(source % 2 == target % 2)
        assert same == 1.0 if name in within else 0.4 < same < 0.6, (name, same)


def test_a_pulse_reaches_only_its_action_and_fraction(module):
    """MSN D1: three times the rate in a fifth of the cells of action 1, the base rate in all others."""
    overrides = [
        *LARGER,
        "simulation.t_presim=0",
        *(
            f"inputs.CTX_to_MSN_D1.stimuli.action_{k}.modulation={{kind: pulse, start: {{value: 0, unit: ms}}, "
            f"duration: {{value: 9000, unit: ms}}, factor: {{value: {factor}, unit: 1}}}}"
            for k, factor in ((1, 3.0), (2, 1.0))
        ),
    ]
    plan = make_plan(load_experiment("lindahl2016/action_selection", overrides=overrides))
    d1 = plan.population("MSN_D1")
    recorder = RecorderPlan("MSN_D1", tuple(range(d1.n_neurons)), ("g_ampa",), 0.1, 0.0, 100.0)
    plan = dataclasses.replace(plan, projections=(), recorders=(recorder,), spike_populations=())
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    _, (state,) = connect_recorders(network)
    nest.Simulate(101.0)
    g = state.collect()[1]["g_ampa"]
    counts = np.rint((g[1:] - g[:-1] * np.exp(-0.1 / 12.0)) / 0.5).sum(axis=0)
    ids = np.arange(d1.n_neurons)
    pulsed = (ids % 2 == 0) & (ids < 2 * round(0.2 * len(ids[::2])))
    seconds = 0.0975  # the first spikes arrive after the delay
    for chosen, rate in ((pulsed, 3 * 546.0), (~pulsed, 546.0)):
        expected = rate * seconds * chosen.sum()
        assert abs(counts[chosen].sum() - expected) < 4.0 * np.sqrt(expected) + 0.01 * expected
