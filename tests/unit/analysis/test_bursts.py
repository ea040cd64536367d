"""Bursts by the Poisson surprise, on trains of which is known what is in them."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis.bursts import burst_share, find_bursts, poisson_surprise
from network.analysis.targets.measures import RunData, find
from network.runs import RunFolder, Spikes

STOP = 10_000.0


def test_surprise_is_that_of_the_poisson_distribution():
    from scipy.stats import poisson

    for n, mean in ((1, 0.2), (5, 0.5), (30, 3.0), (3, 8.0), (200, 20.0)):
        assert poisson_surprise(n, mean * 10.0, 0.1) == pytest.approx(-poisson.logsf(n - 1, mean), rel=1e-9)
    assert poisson_surprise(0, 1.0, 1.0) == 0.0


def test_bursts_are_found_where_they_are():
    """A clock of 5 spikes/s, and two bursts of six spikes in 15 ms."""
    clock = np.arange(100.0, STOP, 200.0)
    burst = np.arange(6) * 3.0
    times = np.sort(np.concatenate([clock, 1190.0 + burst, 6055.0 + burst]))
    found = find_bursts(times, 0.0, STOP)
    assert [(times[b.first], times[b.last]) for b in found] == [(1190.0, 1205.0), (6055.0, 6070.0)]
    assert min(b.surprise for b in found) > 10.0
    assert find_bursts(clock, 0.0, STOP) == [] and find_bursts(times[:3], 0.0, STOP) == []


def test_an_early_spike_is_left_out_of_a_burst():
    times = np.concatenate([[500.0, 540.0, 570.0, 573.0, 576.0, 579.0, 582.0], np.arange(1500.0, STOP, 500.0)])
    (burst,) = find_bursts(times, 0.0, STOP)
    assert (times[burst.first], times[burst.last]) == (570.0, 582.0)


def test_shares_of_poisson_and_bursting_cells(tmp_path):
    rng = np.random.default_rng(1)
    n, rate = 60, 10.0
    ids = np.repeat(np.arange(n), round(rate * STOP / 1000))
    poisson = Spikes(rng.uniform(0.0, STOP, len(ids)), ids, n)
    starts = rng.uniform(0.0, STOP - 20.0, len(ids) // 5)
    bursting = Spikes((starts[:, None] + 4.0 * np.arange(5)).ravel(), ids, n)
    assert 0.05 < burst_share(poisson, 0.0, STOP) < 0.12 and burst_share(poisson, 0.0, STOP, surprise=8.0) < 0.02
    assert burst_share(bursting, 0.0, STOP) > 0.9
    assert np.isnan(burst_share(Spikes(np.zeros(0), np.zeros(0, dtype=int), 3), 0.0, STOP))


def test_measures_of_counts_and_bursts(tmp_path):
    populations = [{"name": "A", "model": "lif", "n_neurons": 5, "first_id": 0}]
    times_of = {"t_presim": 0.0, "t_sim": 1000.0}
    plan = {"name": "x", "seed": 1, **times_of, "populations": populations, "meta": {"model": "n"}}
    with RunFolder.create(tmp_path / "run") as folder:
        folder.write_plan({**plan, "groups": {}})
        folder.write_timers({"real_time_factor": 1.0})
        with folder.spike_writer(["A"]) as writer:  # a burst of eight spikes in each of ten windows; four cells silent
            times = (np.arange(10)[:, None] * 100.0 + 50.0 + 2.0 * np.arange(8)).ravel()
            writer.append("A", times, np.zeros(len(times), dtype=int))
        data = RunData(folder.finish())
    assert find("fano_factor").value(data, "A") == pytest.approx(0.0)
    assert find("burst_share").value(data, "A") == 1.0
