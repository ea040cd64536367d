"""Averages around spikes: against Elephant, and of trains whose delay is known."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis.triggered import triggered_average, triggered_rate
from network.runs import Spikes


def test_against_elephant():
    sta = pytest.importorskip("elephant.sta")
    neo = pytest.importorskip("neo")
    ms = pytest.importorskip("quantities").ms
    rng = np.random.default_rng(1)
    signal, spikes = rng.normal(size=400), np.sort(rng.choice(400, 50, replace=False))
    analog = neo.AnalogSignal(signal[:, None], units="mV", sampling_period=1 * ms)
    train = neo.SpikeTrain(spikes * ms, t_stop=400 * ms)
    kept = spikes[(spikes >= 10) & (spikes < 390)]
    expected = sta.spike_triggered_average(analog, train[np.isin(spikes, kept)], (-10 * ms, 11 * ms))
    found = triggered_average(np.bincount(spikes, minlength=400), signal, 10)
    np.testing.assert_allclose(found, expected.magnitude[:, 0], rtol=1e-9)


def test_a_population_that_follows_another_one():
    rng = np.random.default_rng(2)
    first = Spikes(np.sort(rng.uniform(0.0, 5000.0, 500)), np.zeros(500, dtype=int), 1)
    later = first.times + 7.3
    second = Spikes(later[later < 5000.0], np.zeros(np.sum(later < 5000.0), dtype=int), 1)
    lags, rate = triggered_rate(first, second, 0.0, 5000.0, reach=50.0)
    assert len(lags) == 101 and lags[0] == -50.0
    assert set(lags[rate > 400.0]) == {7.0, 8.0}  # a spike in one of two bins
    back, mirrored = triggered_rate(second, first, 0.0, 5000.0, reach=50.0)
    assert set(back[mirrored > 200.0]) == {-7.0, -8.0}


def test_a_spike_is_not_around_itself():
    clock = Spikes(np.arange(5.5, 1000.0, 20.0), np.zeros(50, dtype=int), 1)
    lags, rate = triggered_rate(clock, clock, 0.0, 1000.0, reach=50.0)
    assert dict(zip(lags, rate, strict=True)) == pytest.approx(
        {lag: 1000.0 if lag and lag % 20 == 0 else 0.0 for lag in lags}
    )


def test_what_is_too_short_is_refused():
    with pytest.raises(ValueError, match="needed: more than 20"):
        triggered_average(np.zeros(20), np.zeros(20), 10)
    assert np.isnan(triggered_average(np.zeros(30), np.ones(30), 10)).all()


def test_bins_that_do_not_divide_the_reach_and_widths_other_than_a_millisecond():
    clock = Spikes(np.arange(5.25, 1000.0, 20.0), np.zeros(50, dtype=int), 2)
    lags, rate = triggered_rate(clock, clock, 0.0, 1000.0, reach=50.6, bin_width=1.25)
    assert len(lags) == 81 and (lags[0], lags[-1]) == (-50.0, 50.0)
    peaks = {lag: value for lag, value in zip(lags, rate, strict=True) if value > 1.0}
    assert set(peaks) == {-40.0, -20.0, 20.0, 40.0}  # not around itself
    assert list(peaks.values()) == pytest.approx([1000.0 / (1.25 * 2)] * 4)
    assert len(triggered_average(np.zeros(30), np.ones(30), 10)) == 21
