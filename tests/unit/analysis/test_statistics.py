"""Statistics on trains whose answers are known.

Random trains have fixed seeds; a bound of z standard errors has, for a fresh seed, a false-alarm rate of
2 (1 - Phi(z)), 6e-5 at z = 4.
"""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from network.analysis import statistics
from network.analysis.statistics import (
    cv_isi,
    fano_factor,
    interspike_intervals,
    mean_rates,
    population_rate,
    population_table,
    run_table,
    synchrony_index,
)
from network.runs import Spikes


def poisson(n, rate, t_stop, seed):
    """Independent Poisson trains of one rate (spikes/s) over [0, t_stop) ms, unsorted."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(n * rate * t_stop / 1000.0)
    return rng.uniform(0, t_stop, count), rng.integers(0, n, count)


def test_examples_in_the_documentation():
    outcome = doctest.testmod(statistics, extraglobs={"np": np})
    assert outcome.attempted >= 3
    assert outcome.failed == 0


def test_rates_count_silent_neurons_and_half_open_windows():
    times, ids = [0.0, 99.9, 100.0, 200.0, 150.0], [0, 0, 0, 0, 2]
    assert mean_rates(times, ids, 4, 100.0, 200.0).tolist() == [10.0, 0.0, 10.0, 0.0]
    assert mean_rates(times, ids, 4, 0.0, 100.0).tolist() == [20.0, 0.0, 0.0, 0.0]
    assert mean_rates([], [], 3, 0.0, 1.0).tolist() == [0.0, 0.0, 0.0]


def test_windows_do_not_depend_on_rounding_of_the_grid():
    grid = np.arange(1, 30001) * 0.1  # 0.1 * 3 = 0.30000000000000004
    assert mean_rates(grid, np.zeros(30000, int), 1, 1000.3, 2000.3)[0] * 1.0 == pytest.approx(10000.0, abs=1e-9)
    _, rate = population_rate(grid, 1, 0.3, 2999.3, 0.7)
    assert np.ptp(rate) < 1e-9  # exactly seven grid points in every bin


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [0], 1, 5.0, 5.0), "empty window"),
        (([1.0], [1], 1, 0.0, 5.0), "outside 0..0"),
        (([1.0], [-1], 1, 0.0, 5.0), "outside 0..0"),
        (([1.0, 2.0], [0], 1, 0.0, 5.0), "equally long"),
        (([], [], 0, 0.0, 5.0), "at least 1"),
    ],
)
def test_wrong_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        mean_rates(*arguments)
    with pytest.raises(ValueError, match=message):
        cv_isi(*arguments)


def test_poisson_rate_and_cv():
    n, rate, t_stop = 500, 20.0, 20_000.0
    times, ids = poisson(n, rate, t_stop, seed=1)
    rates = mean_rates(times, ids, n, 0.0, t_stop)
    assert rates.mean() == pytest.approx(rate, abs=4 * np.sqrt(rate / (n * t_stop / 1000)))
    assert rates.var(ddof=1) == pytest.approx(rate / 20.0, rel=4 * np.sqrt(2 / n))
    # CV of k exponential intervals: mean 1 - O(1/k), sd about 1/sqrt(k); 400 intervals, 500 neurons
    cv = cv_isi(times, ids, n, 0.0, t_stop)
    assert cv.mean() == pytest.approx(1.0, abs=4 / np.sqrt(400 * n) + 2 / 400)


@pytest.mark.parametrize("shape", [4, 16])
def test_gamma_trains_have_cv_of_one_over_root_shape(shape):
    rng = np.random.default_rng(2)
    n, k = 300, 500
    times = np.cumsum(rng.gamma(shape, 10.0 / shape, (n, k)), axis=1)
    cv = cv_isi(times.ravel(), np.repeat(np.arange(n), k), n, 0.0, 1e6)
    # sd of a CV estimate is below CV / sqrt(k) for these shapes
    assert cv.mean() == pytest.approx(shape**-0.5, abs=shape**-0.5 * (4 / np.sqrt(n * k) + 2 / k))


def test_regular_trains_have_cv_zero():
    times = np.concatenate([np.arange(3.0, 1000.0, 20.0), np.arange(1.0, 1000.0, 7.0)])
    ids = np.repeat([0, 2], [50, 143])
    cv = cv_isi(times, ids, 3, 0.0, 1000.0)
    np.testing.assert_allclose(cv[[0, 2]], 0.0, atol=1e-12)
    assert np.isnan(cv[1])


def test_cv_needs_three_spikes_in_the_window_and_equals_the_definition():
    times, ids = [1.0, 2.0, 4.0, 7.0, 5.0, 6.0, 300.0], [0, 0, 0, 0, 1, 1, 1]
    cv = cv_isi(times, ids, 2, 0.0, 100.0)
    assert cv[0] == pytest.approx(np.std([1, 2, 3]) / 2.0)
    assert np.isnan(cv[1])
    assert not np.isnan(cv_isi(times, ids, 2, 0.0, 1000.0)[1])
    assert np.isnan(cv_isi(times, ids, 2, 0.0, 1000.0, min_spikes=4)[1])
    with pytest.raises(ValueError, match="at least 3"):
        cv_isi(times, ids, 2, 0.0, 100.0, min_spikes=2)


def test_intervals_do_not_cross_neurons_and_ignore_the_order_of_the_spikes():
    times, ids = poisson(30, 40.0, 2000.0, seed=3)
    intervals, owners = interspike_intervals(times, ids, 30, 500.0, 1500.0)
    for neuron in range(30):
        mine = np.sort(times[(ids == neuron) & (times >= 500) & (times < 1500)])
        np.testing.assert_allclose(intervals[owners == neuron], np.diff(mine))


def test_population_rate_is_per_neuron_and_keeps_whole_bins_only():
    centres, rate = population_rate([100.0, 104.9, 105.0, 119.0], 2, 100.0, 119.5, 5.0)
    assert centres.tolist() == [102.5, 107.5, 112.5]
    assert rate.tolist() == [200.0, 100.0, 0.0]
    with pytest.raises(ValueError, match="does not fit"):
        population_rate([1.0], 1, 0.0, 10.0, 20.0)


def test_fano_factor_of_poisson_and_regular_trains():
    n = 400
    times, ids = poisson(n, 30.0, 10_000.0, seed=4)
    fano = fano_factor(times, ids, n, 0.0, 10_000.0, 100.0)
    assert fano.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / 99 / n) + 0.005)
    assert fano_factor(np.arange(5.0, 1000, 10.0), np.zeros(100, int), 2, 0.0, 1000.0)[0] == pytest.approx(0.0)
    counts = [3, 0, 1]  # by hand: mean 4/3, variance 7/3
    known = fano_factor(np.repeat([50.0, 150.0, 250.0], counts), np.zeros(4, int), 1, 0.0, 300.0)
    assert known[0] == pytest.approx(1.75)
    assert np.isnan(fano_factor([], [], 1, 0.0, 300.0)[0])
    with pytest.raises(ValueError, match="two bins"):
        fano_factor([], [], 1, 0.0, 100.0)


def test_synchrony_of_independent_and_of_identical_neurons():
    n, bin_width, t_stop = 200, 4.0, 40_000.0
    times, ids = poisson(n, 10.0, t_stop, seed=5)
    independent = 1000.0 / (n * bin_width)
    # variance of a Poisson-like count over 10,000 bins: relative error sqrt(2 / bins)
    assert synchrony_index(times, n, 0.0, t_stop, bin_width) == pytest.approx(independent, rel=4 * np.sqrt(2e-4))
    once = times[ids == 0]
    together = synchrony_index(np.tile(once, n), n, 0.0, t_stop, bin_width)
    assert together == pytest.approx(n * independent, rel=0.2)
    assert np.isnan(synchrony_index([], n, 0.0, t_stop))


def test_table_of_populations():
    spikes = {
        "A": Spikes(np.array([1.0, 2.0, 3.0, 7.0]), np.array([0, 0, 0, 1], dtype=np.uint64), 4),
        "silent": Spikes(np.empty(0), np.empty(0, dtype=np.uint64), 2),
    }
    table = population_table(spikes, 0.0, 1000.0)
    assert table.index.tolist() == ["A", "silent"]
    row = table.loc["A"]
    assert (row["n_neurons"], row["n_spikes"], row["rate"], row["active"], row["n_cv"]) == (4, 4, 1.0, 0.5, 1)
    assert row["cv"] == pytest.approx(0.0)
    assert table.loc["silent", "rate"] == 0.0
    assert np.isnan(table.loc["silent", "cv"])


def test_table_of_a_run_has_groups_after_their_members(run):
    table = run_table(run)
    names = ["MSN_D1", "MSN_D2", "FSN", "GPe_TI_N", "GPe_TI_S", "GPe_TI", "GPe_TA", "GPe", "STN", "SNr"]
    assert table.index.tolist() == names
    assert table.loc["GPe", "n_neurons"] == 1317
    members = ["GPe_TI_N", "GPe_TI_S", "GPe_TA"]
    assert table.loc["GPe", "n_spikes"] == table.loc[members, "n_spikes"].sum()
    assert table.loc["GPe_TI", "rate"] == pytest.approx(37.0, rel=0.02)
    late = run_table(run, t_start=1900.0)
    assert late.loc["SNr", "n_spikes"] < 0.15 * table.loc["SNr", "n_spikes"]
