"""Every cell type against SciPy's solution of its equations: potential, spike times, f-I curves, conductances."""

from __future__ import annotations

import numpy as np
import pytest
from lindahl_cells import CASES, DELAY, DURATION, FI_CURRENTS, NEURONS, RECEPTORS, RESOLUTION
from scipy_reference import solve

pytestmark = pytest.mark.nestml

# Windows around spikes that are not subthreshold: there V_m moves by up to 500 mV/ms.
BEFORE_SPIKE = 3.0  # ms
AFTER_SPIKE = 1.0  # ms

SHORT = [name for name, case in CASES.items() if case.duration == DURATION]


def steps(times: np.ndarray) -> np.ndarray:
    """Time in whole steps; NEST stamps a spike with the end of the step in which it happened."""
    return np.ceil(times / RESOLUTION - 1e-6).astype(int)


@pytest.mark.parametrize("name", SHORT)
def test_subthreshold_potential(run, target, name):
    solution = solve(name)
    times, V_m = run(target).trace(name)
    common, ours, theirs = np.intersect1d(steps(times), steps(solution.times), return_indices=True)
    quiet = common < (DURATION - BEFORE_SPIKE) / RESOLUTION  # the next spike may follow right after the end
    for spike in steps(solution.spikes):
        quiet &= (common < spike - BEFORE_SPIKE / RESOLUTION) | (common > spike + AFTER_SPIKE / RESOLUTION)
    assert quiet.sum() > 100
    error = np.abs(V_m[ours] - solution.V_m[theirs])[quiet]
    assert error.max() < 0.01


@pytest.mark.parametrize("name", SHORT)
def test_spike_times(run, target, name):
    expected = steps(solve(name).spikes)
    spikes = steps(run(target).spikes(name))
    assert ("quiet" in name) == (len(expected) == 0)
    assert len(spikes) == len(expected)
    assert np.all(np.abs(spikes - expected) <= 1)


@pytest.mark.parametrize("cell", NEURONS)
def test_f_I_curve(run, target, cell):
    for current in FI_CURRENTS[cell]:
        name = f"{cell}_fi_{current:g}pA"
        expected, spikes = solve(name).spikes, run(target).spikes(name)
        assert len(expected) > 5
        rate = (len(spikes) - 1) / (spikes[-1] - spikes[0])
        assert rate == pytest.approx((len(expected) - 1) / (expected[-1] - expected[0]), rel=0.01)


@pytest.mark.parametrize("cell", NEURONS)
def test_conductances_are_exact(run, target, cell):
    case = CASES[f"{cell}_random"]
    for receptor, (arrivals, weights) in case.inputs.items():
        times, g = run(target).trace(case.name, f"g_{receptor}")
        since = times[:, None] - np.array(arrivals)[None, :]
        decay = np.exp(-np.where(since > -1e-6, since, np.inf) / RECEPTORS[cell][receptor][0])
        np.testing.assert_allclose(g, decay @ np.array(weights), rtol=1e-9, atol=1e-12)
        assert min(arrivals) > DELAY


def test_stn_reset_depends_on_adaptation(run, target):
    """After inhibition w is negative and the STN resets to its upper limit, otherwise to the lower one."""
    times, V_m = run(target).trace("STN_rebound")
    first = run(target).spikes("STN_rebound")[0]
    assert V_m[steps(times) == steps(np.array([first]))[0] + 1] > -65.0
    times, V_m = run(target).trace("STN_firing_6pA")
    first = run(target).spikes("STN_firing_6pA")[0]
    assert V_m[steps(times) == steps(np.array([first]))[0] + 1] < -69.0


def test_threads_do_not_change_a_cell(run, target):
    one, two = run(target), run(target, threads=2)
    for name in SHORT:
        assert np.array_equal(one.spikes(name), two.spikes(name))
        assert np.array_equal(one.trace(name)[1], two.trace(name)[1])
