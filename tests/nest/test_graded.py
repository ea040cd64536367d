"""Graded synapses in NEST: SciPy's potentials, conductances from recorded open probabilities, any number of threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import network

DATA = Path(__file__).parent / "data" / "graded"
STEP = 0.025


@pytest.fixture(autouse=True)
def models(monkeypatch):
    """The models of these networks."""
    monkeypatch.setenv("BGNEST_MODELS", str(DATA))


def rates(state, of_other):
    """Two cells of Morris and Lecar, V, w and s of both one after the other, each inhibited by the other's s."""
    v, w, s = state.reshape(3, 2)
    m_inf, w_inf = 0.5 * (1.0 + np.tanh((v + 1.2) / 18.0)), 0.5 * (1.0 + np.tanh((v - 12.0) / 17.4))
    current = -2.0 * (v + 60.0) - 4.0 * m_inf * (v - 120.0) - 8.0 * w * (v + 84.0) + 95.0
    s_inf = 1.0 / (1.0 + np.exp(-v / 5.0))
    tau_s = (1.0 - s_inf) / 0.1
    dv = (current - of_other * (v + 75.0)) / 20.0
    return np.concatenate([dv, 0.067 * np.cosh((v - 12.0) / 34.8) * (w_inf - w), (s_inf - s) / tau_s])


def reference(n_steps, delay):
    """States at the end of every step; what arrives has left a delay ago, as it was exactly then."""
    state = np.array([-20.0, -50.0, 0.1, 0.1, 0.1, 0.1])
    states, solutions = [], []
    for step in range(n_steps):
        past = None if step < delay else solutions[step - delay]

        def arriving(time, past=past):
            return np.full(2, 0.1) if past is None else past(time - delay * STEP)[:3:-1]

        ends = (step * STEP, (step + 1) * STEP)
        solved = solve_ivp(
            lambda time, now, arriving=arriving: rates(now, arriving(time)),
            ends,
            state,
            rtol=1e-7,
            atol=1e-9,
            dense_output=True,
        )
        solutions.append(solved.sol)
        state = solved.y[:, -1]
        states.append(state)
    return np.array(states)


def test_two_cells_in_reciprocal_inhibition_are_those_of_scipy(tmp_path):
    run = network.load(DATA / "pair.yaml", t_sim=35.0).run(out=tmp_path / "run", progress=False)
    states = reference(1300, 1)
    for cell, name in enumerate("AB"):
        found = run.traces(name).iloc[: len(states)]
        assert found["time_ms"].iloc[-1] == pytest.approx(32.5)
        v, s = found["V_m"].to_numpy(), found["s_abbott_marder"].to_numpy()
        assert np.abs(v - states[:, cell]).max() < 0.001 and np.abs(s - states[:, 4 + cell]).max() < 1e-4
        assert np.ptp(states[:, cell]) > 50.0 and np.ptp(states[:, 4 + cell]) > 0.1
        np.testing.assert_allclose(found["I_slow"], found["g_slow"] * (-75.0 - v), rtol=1e-4, atol=1e-4)


def table(run, variable):
    """Recorded values by step and cell."""
    return run.traces("P").pivot(index="time_ms", columns="cell", values=variable).to_numpy()


def opening(name, v):
    """Rates at which a gate of mixed.yaml opens, and at which it follows, at a potential (1/ms)."""
    if name == "glu":
        s_inf = 1.0 / (1.0 + np.exp((-55.0 - v) / 3.0))
        return s_inf / ((1.0 - s_inf) / 0.025), 1.0 / ((1.0 - s_inf) / 0.025)
    rise = 0.3 * (1.0 + np.tanh((v + 58.0) / 4.0))
    return rise, rise + 1.0 / 13.0


def mean_of_gate(name, s, v):
    """Mean of a gate over every step from its values at the starts, by quadrature, at the mean potential."""
    rise, rate = opening(name, 0.5 * (v[:-1] + v[1:]))
    nodes, weights = np.polynomial.legendre.leggauss(8)
    ages = 0.1 * 0.5 * (nodes + 1.0)
    final = rise / rate
    return sum(w / 2 * (final + (s[:-1] - final) * np.exp(-rate * age)) for w, age in zip(weights, ages, strict=True))


def test_every_conductance_is_the_sum_over_the_synapses_a_delay_ago(tmp_path):
    run = network.load(DATA / "mixed.yaml").run(out=tmp_path / "run", progress=False)
    gates = {name: table(run, f"s_{name}") for name in ("glu", "gaba")}
    initial = {"glu": 0.2, "gaba": 0.0}
    v = table(run, "V_m")
    means = {}
    for name, s in gates.items():
        late = mean_of_gate(name, s, v)  # of all steps but the first
        means[name] = np.vstack([np.full((30, 30), initial[name]), np.full((1, 30), np.nan), late])
    expected = {name: np.zeros_like(gates["glu"]) for name in ("fast", "slow")}
    for projection, receptor, gate in (("opens", "fast", "glu"), ("shuts", "slow", "gaba"), ("shares", "slow", "glu")):
        synapses = run.connections(projection)
        assert synapses["delay"].nunique() > 10
        for source, target, weight, delay in synapses.to_numpy():
            begun = 30 + np.arange(len(gates[gate])) - round(delay / 0.1)
            expected[receptor][:, int(target)] += weight * means[gate][begun, int(source)]
    for receptor, conductance in expected.items():
        assert np.nanmax(conductance) > 2.0
        known = np.isfinite(conductance)  # the potentials before the first step are not recorded
        assert known.sum() > 0.9 * known.size and known[25:].all()
        np.testing.assert_allclose(table(run, f"g_{receptor}")[known], conductance[known], rtol=1e-6, atol=1e-6)
    assert len(run.spikes("P")) > 5

    field = run.field("lfp")
    np.testing.assert_allclose(field["I_slow"], table(run, "I_slow").sum(axis=1), rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(
        field["I_syn"], field[["I_fast", "I_slow", "I_exc", "I_inh"]].sum(axis=1), rtol=1e-5, atol=0.01
    )
    assert field["I_exc"].max() > 100.0 and field["I_slow"].min() < -1.0 and (field["I_inh"] == 0.0).all()

    for threads in (2, 4):
        other = network.load(DATA / "mixed.yaml").run(out=tmp_path / f"{threads}", threads=threads, progress=False)
        assert other.traces("P").equals(run.traces("P")) and other.spikes("P").equals(run.spikes("P"))
        assert other.field("lfp").equals(field)
