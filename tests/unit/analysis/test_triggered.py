"""Averages around spikes: against Elephant, and of trains whose delay is known."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis.triggered import around_spikes, triggered_average, triggered_rate
from network.errors import RunMissingError
from network.runs import Report, Spikes
from network.runs.reader import ReportKey


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


def test_a_trace_around_the_spikes_of_its_own_cell(run):
    """Each cell's signal is a bump at its own spikes only: around all spikes of the population it would be diluted."""
    own = around_spikes(run, "A", "A.V_m", reach=3.0)
    assert own.attrs["n_spikes"] == 4 and own.attrs["units"] == "mV"
    assert list(own.index) == [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    np.testing.assert_allclose(own["V_m"], [-70, -70, -70, 30, -70, -70, -70])
    other = around_spikes(run, "B", "A.V_m", reach=3.0)  # one spike, 2 ms after one of the first cell of two
    np.testing.assert_allclose(other["V_m"], [-70, -20, -70, -70, -70, -70, -70])


@pytest.mark.parametrize(
    ("trigger", "of", "reach", "says"),
    [
        ("A", "A.V", 3.0, "no trace 'A.V'; did you mean 'A.V_m'"),
        ("A", "C", 3.0, "no 'C'; populations, fields and traces: A, B, A.V_m"),
        ("C", None, 3.0, "no spikes of 'C'; there are: A, B"),
        ("A", "B", 50.0, "need more than 100 ms; recorded: 100 ms"),
    ],
)
def test_what_is_not_there_is_named(run, trigger, of, reach, says):
    with pytest.raises(RunMissingError, match=says):
        around_spikes(run, trigger, of, reach=reach)


@pytest.fixture
def run():
    """A run of two populations: two cells with traces, one cell that fires 2 ms after a spike of the first."""

    class Recorded:
        path, window, populations, groups, fields = "run", (0.0, 100.0), {"A": 2, "B": 1}, {}, {}
        traces = (ReportKey("A", "V_m", "traces"),)

        def spikes(self, name):
            found = {"A": ([20.0, 30.0, 60.0, 70.0], [0, 1, 0, 1], 2), "B": ([22.0], [0], 1)}
            if name not in found:
                raise RunMissingError(f"run: no spikes of {name!r}; there are: A, B")
            times, ids, n_neurons = found[name]
            return Spikes(np.array(times), np.array(ids), n_neurons)

        def report(self, *key):
            values = np.full((101, 2), -70.0)
            values[[20, 60], 0] = values[[30, 70], 1] = 30.0
            return Report("A", "V_m", "mV", np.arange(101.0), np.arange(2), values, "traces")

    return Recorded()
