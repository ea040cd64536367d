"""Coherence of population rates: one rhythm of all, several of the same frequency, none."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis.common_rhythm import coherences, mean_frequency
from network.analysis.targets.measures import RunData, find
from network.analysis.targets.measures.base import NotMeasuredError
from network.runs import RunFolder

N, STOP = 200, 4000.0


def rhythmic(rng, wave):
    """Poisson spikes of N cells at 20 spikes/s times 1 + 0.8 of a wave."""
    times = rng.uniform(0.0, STOP, round(N * 20.0 * STOP / 1000.0 * 1.8))
    kept = rng.uniform(0.0, 1.8, len(times)) < 1.0 + 0.8 * wave(times)
    return np.sort(times[kept])


def wandering(rng):
    """A rhythm near 20 Hz whose phase wanders: as strong as another one, with which it has nothing in common."""
    steps = np.cumsum(rng.normal(0.0, 0.35, round(STOP / 10.0) + 1))
    return lambda times: np.sin(2 * np.pi * 0.02 * times + np.interp(times, 10.0 * np.arange(len(steps)), steps))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A and B follow one rhythm (B later), C a rhythm of its own, D none; E is silent."""
    rng = np.random.default_rng(3)
    common = wandering(rng)
    waves = {"A": common, "B": lambda times: common(times - 12.0), "C": wandering(rng), "D": np.zeros_like}
    names = [*waves, "E"]
    populations = [{"name": name, "model": "lif", "n_neurons": N, "first_id": k * N} for k, name in enumerate(names)]
    plan = {
        "name": "x",
        "seed": 1,
        "t_presim": 0.0,
        "t_sim": STOP,
        "populations": populations,
        "meta": {"model": "none"},
    }
    with RunFolder.create(tmp_path_factory.mktemp("runs") / "run") as folder:
        folder.write_plan({**plan, "groups": {"AB": ["A", "B"]}})
        folder.write_timers({"real_time_factor": 1.0})
        with folder.spike_writer(names) as writer:
            for name, wave in waves.items():
                times = rhythmic(rng, wave)
                writer.append(name, times, rng.integers(0, N, len(times)))
        return RunData(folder.finish())


def test_rates_that_follow_one_rhythm_are_coherent(data):
    of = find("rate_coherence").value
    assert of(data, "A/B") > 0.9
    assert of(data, "A/C") < 0.6 and of(data, "A/D") < 0.6
    assert np.isnan(of(data, "A/E"))


def test_common_rhythm_is_the_mean_over_the_others_outside(data):
    of = find("common_rhythm").value
    shared = {name: of(data, name) for name in ("A", "B", "C", "D", "AB")}
    assert min(shared["A"], shared["B"]) > max(shared["C"], shared["D"]) + 0.1
    assert shared["AB"] < shared["A"]  # A and B are no others of their group
    assert np.isnan(of(data, "E"))


def test_mean_frequency_of_the_band(data):
    assert find("beta_frequency").value(data, "A") == pytest.approx(20.0, abs=1.0)
    assert np.isnan(find("beta_frequency").value(data, "E"))
    assert np.isnan(mean_frequency(np.arange(5.0), np.zeros(5), (1.0, 3.0)))


def test_coherence_against_scipy():
    from scipy.signal import coherence

    rates = np.random.default_rng(1).normal(size=(2, 1000)).cumsum(axis=1)
    frequencies, found = coherences(rates, 128, 4.0)
    expected = coherence(*rates, fs=250.0, nperseg=128, noverlap=64, detrend="constant")
    np.testing.assert_allclose(frequencies, expected[0])
    np.testing.assert_allclose(found[0, 1, 1:], expected[1][1:], rtol=1e-9)
    np.testing.assert_allclose(found[0, 0, 1:], 1.0)


def test_one_window_is_not_judged(data):
    with pytest.raises(ValueError, match="too short for two windows"):
        coherences(np.ones((2, 150)), 128)
    short = RunData(data.run)
    short.__dict__["coherences"] = None
    with pytest.raises(NotMeasuredError):
        find("rate_coherence").value(short, "A/B")
    assert np.isnan(find("common_rhythm").value(short, "A"))


def test_what_is_too_short_is_told_in_ms_and_a_constant_rate_has_no_coherence():
    with pytest.raises(ValueError, match=r"20 ms are too short for two windows, which need 24 ms"):
        coherences(np.zeros((2, 10)), 8, 2.0)
    with np.errstate(all="raise"):
        _, found = coherences(np.vstack([np.full(64, 3.0), np.tile([0.0, 1.0], 32)]), 16, 2.0)
    assert not found[0].any() and found[1, 1].max() == pytest.approx(1.0)
