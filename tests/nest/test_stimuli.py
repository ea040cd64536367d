"""The rate that cells receive is the one that was asked for, in every step, wherever the waveform bends or jumps.

Edges lie inside steps of 0.1 ms on purpose. Seeds are fixed; the limits are 4.5 standard errors, so a right
implementation fails in one of 150,000 seeds per comparison.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.devices import connect_inputs, connect_recorders
from network.experiment import load_experiment
from network.plans import RecorderPlan, make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

RATE, LEVEL, DELAY, T_STOP, N = 4000.0, 0.9, 2.5, 300.0, 200
Z = 4.5


def square(t):
    return np.where((t * 23.7e-3) % 1.0 < 0.5, 0.9 - 0.7, 0.9 + 0.7)


def sine(t):
    return np.maximum(0.0, 0.9 + 1.2 * np.sin(2 * np.pi * (13.3e-3 * t + 0.1)))


def pulse(t):
    return 0.9 * np.where((t >= 40.33) & (t < 90.86), 2.5, 1.0)


def repeated(t):
    return 0.9 * np.where((t % 7.77 >= 2.04) & (t % 7.77 < 5.06), 3.0, 1.0)


def train(t):
    k = np.clip(np.floor((t - 20.02) / 60.07), 0, 3).astype(int)
    inside = (t >= 20.02) & (t - 20.02 - 60.07 * k < 30.05)
    return 0.9 * np.where(inside, np.array([2.0, 0.0, 1.0, 3.0])[k], 1.0)


def ramp(t):
    return 0.9 * np.interp(t % 50.03, [0.0, 30.01], [0.0, 2.0]) * ((t % 50.03) < 30.01)


KINDS = {  # modulation as written in YAML, rate over time relative to the base rate, ms
    "constant": ("", lambda t: np.full_like(t, 0.9)),
    "square": ("kind: square, frequency: {value: 23.7, unit: Hz}, amplitude: {value: 0.7, unit: 1}", square),
    "sine": (
        "kind: sine, frequency: {value: 13.3, unit: Hz}, amplitude: {value: 1.2, unit: 1}, "
        "phase: {value: 0.1, unit: 1}",
        sine,
    ),
    "pulse": (
        "kind: pulse, start: {value: 40.33, unit: ms}, duration: {value: 50.53, unit: ms}, "
        "factor: {value: 2.5, unit: 1}",
        pulse,
    ),
    "repeated pulse": (
        "kind: pulse, start: {value: 2.04, unit: ms}, duration: {value: 3.02, unit: ms}, factor: {value: 3, unit: 1}, "
        "period: {value: 7.77, unit: ms}",
        repeated,
    ),
    "pulse train": (
        "kind: pulse_train, start: {value: 20.02, unit: ms}, duration: {value: 30.05, unit: ms}, "
        "interval: {value: 60.07, unit: ms}, factors: {value: [2, 0, 1, 3], unit: 1}",
        train,
    ),
    "piecewise": (
        "kind: piecewise, times: {value: [0, 30.01, 30.01, 50.03], unit: ms}, "
        "factors: {value: [0, 2, 0, 0], unit: 1}, period: {value: 50.03, unit: ms}",
        ramp,
    ),
}


def arrivals(module, modulation, drive):
    """Cortical spikes that arrive in each step (n_steps,), all cells together, and the times at which steps begin."""
    changes = [
        "network.n_neurons=1000",
        "network.small_network=multapses",
        f"simulation.drive={drive}",
        f"inputs.CTX_to_FSN.rate={RATE}",
        f"inputs.CTX_to_FSN.level={LEVEL}",
        *([f"inputs.CTX_to_FSN.modulation={{{modulation}}}"] if modulation else []),
    ]
    plan = make_plan(load_experiment("lindahl2016", overrides=changes))
    cells = dataclasses.replace(plan.population("FSN"), n_neurons=N, first_id=0)
    plan = dataclasses.replace(
        plan,
        populations=(cells,),
        projections=(),
        inputs=tuple(i for i in plan.inputs if i.target == "FSN"),
        recorders=(RecorderPlan("FSN", tuple(range(N)), ("g_ampa",), plan.resolution, 0.0, T_STOP),),
        spike_populations=(),
        groups={},
    )
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    _, (state,) = connect_recorders(network)
    nest.Simulate(T_STOP + plan.min_delay)
    times, values = state.collect()
    g, tau = values["g_ampa"], cells.params["tau_syn_ampa"]
    spikes = np.rint((g[1:] - g[:-1] * np.exp(-plan.resolution / tau)) / 0.25).sum(axis=1)
    return spikes, times[:-1]


@pytest.mark.parametrize("drive", ["internal", "device"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_step_has_its_rate(module, kind, drive):
    """Counts against the integral of the rate: all steps, those with an edge, and running sums from the start."""
    modulation, course = KINDS[kind]
    spikes, begin = arrivals(module, modulation, drive)
    fine = np.arange(0.0005, 0.1, 0.001)
    rates = course(begin[:, None] - DELAY + fine[None, :])
    expected = RATE * 1e-4 * N * rates.mean(axis=1)
    known = begin >= DELAY - 1e-9
    spikes, expected, rates = spikes[known], expected[known], rates[known]
    edges = np.ptp(rates, axis=1) > 0.2
    assert spikes[expected == 0].sum() == 0
    for chosen in (np.full(len(edges), True), edges, np.roll(edges, 1), np.roll(edges, -1)):
        if chosen.any():
            assert abs(spikes[chosen].sum() - expected[chosen].sum()) < Z * np.sqrt(expected[chosen].sum()) + 1.0
    # largest excursion of the running sum of a Poisson process: twice the tail of its end
    assert np.abs(np.cumsum(spikes - expected)).max() < 1.1 * Z * np.sqrt(expected.sum())
    some = expected > 5
    chi = ((spikes[some] - expected[some]) ** 2 / expected[some]).mean()
    assert abs(chi - 1.0) < Z * np.sqrt(2.2 / some.sum())


@pytest.mark.parametrize("drive", ["internal", "device"])
def test_the_test_would_see_half_a_step(module, drive):
    """A pulse 0.05 ms late is beyond the limit for steps with an edge: the comparison above has the power it needs."""
    modulation, course = KINDS["repeated pulse"]
    spikes, begin = arrivals(module, modulation, drive)
    fine = np.arange(0.0005, 0.1, 0.001)
    rates = course(begin[:, None] - DELAY - 0.05 + fine[None, :])
    expected = RATE * 1e-4 * N * rates.mean(axis=1)
    known = begin >= DELAY - 1e-9
    rising = known & (rates[:, -1] - rates[:, 0] > 0.2)
    assert abs(spikes[rising].sum() - expected[rising].sum()) > Z * np.sqrt(expected[rising].sum())
