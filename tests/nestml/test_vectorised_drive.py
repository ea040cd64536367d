"""The Poisson input that cells of the vectorised target draw themselves: is it Poisson, and is it reproducible?

All seeds are fixed, so no test fails by chance once it passes. The bounds are those of 4.5 standard
deviations (or a p-value of 7e-6): had the seeds been drawn anew, each comparison would fail wrongly with a
probability of about 7e-6, the whole file with less than 1e-3.

This file, started as a program with the path of a module and of a file for its results, makes the data.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

pytestmark = pytest.mark.nestml

Result = dict[str, np.ndarray]
Z = 4.5
P_VALUE = 2 * float(stats.norm.sf(Z))
DT = 0.1  # ms
RATES = (5.0, 560.0, 5000.0, 50000.0)  # spikes/s
WAVEFORMS: dict[str, dict[str, Any]] = {
    "square": {"drive_times": [0.0, 25.0, 25.0, 50.0], "drive_values": [0.5, 0.5, 1.5, 1.5], "drive_period": 50.0},
    # a triangle whose corners lie inside steps
    "ramp": {"drive_times": [0.0, 12.34, 40.07], "drive_values": [0.0, 3.0, 0.0], "drive_period": 40.07},
    "once": {"drive_times": [30.0, 60.0, 60.0], "drive_values": [2.0, 2.0, 0.0], "drive_period": 0.0},
}

DELAYS = [0.1 * i**2 for i in range(16)]  # ms

# ---------------------------------------------------------------------------------------------- jobs


def start(nest: Any, threads: int = 1, min_delay: float = 0.5) -> None:
    nest.ResetKernel()
    nest.Install(sys.argv[1])
    nest.set(local_num_threads=threads, resolution=DT)
    nest.set(min_delay=min_delay, max_delay=5.0)


def counts(nest: Any, n_cells: int, t: float, pieces: int = 1, **drive: Any) -> np.ndarray:
    """Number of drive spikes per cell and step, shape (n_cells, steps)."""
    cells = nest.Create("qif_msn", n_cells)
    # strong inhibition keeps the cells silent, whatever the rate
    cells.set(drive_weight_gaba_msn=1e-3, **drive)
    meter = nest.Create("multimeter", params={"interval": DT, "record_from": ["drive_count"]})
    nest.Connect(meter, cells)
    for _ in range(pieces):
        nest.Simulate(t / pieces)
    events = meter.get("events")
    order = np.lexsort((events["times"], events["senders"]))
    total = events["drive_count"][order].reshape(n_cells, -1)
    return np.diff(total, axis=1, prepend=0.0).astype(np.int64)


def make_data(nest: Any) -> Result:
    out: Result = {}
    for rate in RATES:
        start(nest)
        out[f"rate{rate:g}"] = counts(nest, 64, 2000.0, drive_rate=rate, drive_seed=11)
    for name, waveform in WAVEFORMS.items():
        start(nest)
        out[name] = counts(nest, 64, 2000.0, drive_rate=2000.0, drive_seed=12, **waveform)
        start(nest)
        out[f"{name}_delayed"] = counts(nest, 64, 2000.0, drive_rate=2000.0, drive_seed=12, drive_delay=7.3, **waveform)
    # rates that differ inside a block, one of them nought
    start(nest)
    out["mixed"] = counts(nest, 16, 2000.0, drive_rate=[500.0 * i for i in range(16)], drive_seed=11)

    # delays that differ inside a block
    for name, delays in (("none", 0.0), ("several", DELAYS)):
        start(nest)
        out[f"delayed_{name}"] = counts(nest, 16, 400.0, drive_rate=2000.0, drive_seed=11, drive_delay=delays)

    options = {"drive_rate": 700.0, "drive_seed": 5}
    for name, threads, pieces, min_delay in (
        ("one", 1, 1, 0.5),
        ("threads", 2, 1, 0.5),
        ("pieces", 1, 8, 1.0),
        ("slices", 1, 1, 0.1),
    ):
        start(nest, threads, min_delay)
        out[f"same_{name}"] = counts(nest, 24, 80.0, pieces, **options)[:, :780]
    start(nest)
    nest.Create("qif_msn", 3)
    out["same_shifted"] = counts(nest, 21, 80.0, **options)[:, :780]
    start(nest)
    out["same_seed6"] = counts(nest, 24, 80.0, drive_rate=700.0, drive_seed=6)[:, :780]

    # conductances of two ports that get the same spikes
    start(nest)
    cells = nest.Create("qif_msn", 9)
    cells.set(drive_rate=900.0, drive_weight_ampa=0.5, drive_weight_nmda=0.11, drive_seed=2, I_e=-500.0)
    cells.set(tau_syn_ampa=12.0, tau_syn_nmda=160.0)
    meter = nest.Create("multimeter", params={"interval": DT, "record_from": ["g_ampa", "g_nmda", "drive_count"]})
    nest.Connect(meter, cells)
    nest.Simulate(200.0)
    events = meter.get("events")
    order = np.lexsort((events["times"], events["senders"]))
    for key in ("g_ampa", "g_nmda", "drive_count"):
        out[f"ports_{key}"] = events[key][order].reshape(9, -1)
    return out


def main() -> None:
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    np.savez(sys.argv[2], **make_data(nest))


# --------------------------------------------------------------------------------------------- tests


@pytest.fixture(scope="module")
def data(module: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Result:
    file = tmp_path_factory.mktemp("drive") / "out.npz"
    command = [sys.executable, __file__, str(module("vectorised").path), str(file)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-4000:]
    with np.load(file) as content:
        return dict(content)


@pytest.mark.parametrize("rate", RATES)
def test_mean_and_variance(data: Result, rate: float) -> None:
    x = data[f"rate{rate:g}"]
    mean = rate * DT * 1e-3
    assert abs(x.mean() - mean) < Z * np.sqrt(mean / x.size)
    # variance of the sample variance of a Poisson number: (mean + 2 mean^2) / n
    assert abs(x.var() - mean) < Z * np.sqrt((mean + 2 * mean**2) / x.size)


@pytest.mark.parametrize("rate", RATES)
def test_distribution_of_counts(data: Result, rate: float) -> None:
    """Chi-square of the numbers per step against the Poisson distribution."""
    x = data[f"rate{rate:g}"].ravel()
    mean = rate * DT * 1e-3
    k = np.arange(x.max() + 2)
    expected = stats.poisson.pmf(k, mean) * x.size
    expected[-1] = stats.poisson.sf(k[-2], mean) * x.size
    observed = np.bincount(x, minlength=len(k)).astype(float)
    rare = expected < 10.0
    low, high = rare & (k < mean), rare & (k >= mean)
    bins_o = [*observed[~rare], observed[low].sum(), observed[high].sum()]
    bins_e = [*expected[~rare], expected[low].sum(), expected[high].sum()]
    kept = [(o, e) for o, e in zip(bins_o, bins_e, strict=True) if e > 0]
    chi2 = sum((o - e) ** 2 / max(e, 1.0) for o, e in kept)
    assert stats.chi2.sf(chi2, len(kept) - 1) > P_VALUE


@pytest.mark.parametrize("rate", RATES)
def test_every_cell_has_the_rate(data: Result, rate: float) -> None:
    """Totals of the cells scatter as Poisson numbers do: neither too much nor too little."""
    totals = data[f"rate{rate:g}"].sum(axis=1)
    mean = rate * DT * 1e-3 * data[f"rate{rate:g}"].shape[1]
    chi2 = float(((totals - mean) ** 2 / mean).sum())
    p = stats.chi2.cdf(chi2, len(totals))
    assert P_VALUE < p < 1 - P_VALUE


@pytest.mark.parametrize("rate", [560.0, 5000.0])
@pytest.mark.parametrize("lag", [1, 2, 16, 256])
def test_steps_are_independent(data: Result, rate: float, lag: int) -> None:
    x = data[f"rate{rate:g}"] - rate * DT * 1e-3
    r = float((x[:, :-lag] * x[:, lag:]).mean() / x.var())
    assert abs(r) < Z / np.sqrt(x[:, lag:].size)


@pytest.mark.parametrize("rate", [560.0, 5000.0])
def test_cells_are_independent(data: Result, rate: float) -> None:
    """Correlations of all 2016 pairs of cells, at lags from -3 to 3 steps: their size and the largest."""
    x = data[f"rate{rate:g}"] - rate * DT * 1e-3
    x = x / x.std(axis=1, keepdims=True)
    n = x.shape[1] - 3
    for lag in range(4):
        r = x[:, lag : n + lag] @ x[:, :n].T / n
        pairs = r[~np.eye(len(r), dtype=bool)] if lag else r[np.triu_indices(len(r), 1)]
        z = pairs * np.sqrt(n)
        assert np.abs(z).max() < stats.norm.isf(P_VALUE / 2 / len(z))
        assert abs((z**2).mean() - 1.0) < Z * np.sqrt(2.0 / len(z))


def rate_over_time(name: str, steps: int) -> np.ndarray:
    """Expected number of spikes per step: the waveform integrated over each step on a fine grid."""
    waveform = WAVEFORMS[name]
    fine = 1000
    t = (np.arange(steps * fine) + 0.5) * DT / fine
    period = waveform["drive_period"]
    times = np.array(waveform["drive_times"])
    values = np.array(waveform["drive_values"])
    value = np.interp(t % period if period else t, times, values)
    if not period:
        value[t >= times[-1]] = values[-1]
    return 2000.0 * DT * 1e-3 * value.reshape(steps, fine).mean(axis=1)


@pytest.mark.parametrize("name", WAVEFORMS)
def test_modulated_rate(data: Result, name: str) -> None:
    """The number in each step, summed over cells and periods, is Poisson with the integrated rate."""
    x = data[name]
    mean = rate_over_time(name, x.shape[1])
    assert abs(x.sum() - len(x) * mean.sum()) < Z * np.sqrt(len(x) * mean.sum())
    observed = x.sum(axis=0)
    expected = len(x) * mean
    assert observed[expected == 0].sum() == 0
    some = expected > 0.01
    z2 = ((observed - expected)[some] ** 2 / expected[some]).sum()
    # variance of the squared standardised Poisson number: 2 + 1 / mean
    spread = np.sqrt((2.0 + 1.0 / expected[some]).sum())
    assert abs(z2 - some.sum()) < Z * spread


@pytest.mark.parametrize("name", WAVEFORMS)
def test_delay_shifts_the_train(data: Result, name: str) -> None:
    x, shifted = data[name], data[f"{name}_delayed"]
    assert not shifted[:, :73].any()
    np.testing.assert_array_equal(shifted[:, 73:], x[:, : x.shape[1] - 73])


def test_rates_that_differ_in_a_block(data: Result) -> None:
    totals = data["mixed"].sum(axis=1)
    expected = 500.0 * np.arange(16) * 1e-3 * DT * data["mixed"].shape[1]
    assert totals[0] == 0
    assert np.all(np.abs(totals - expected)[1:] < Z * np.sqrt(expected[1:]))


def test_delays_that_differ_in_a_block(data: Result) -> None:
    for cell, (together, shifted) in enumerate(zip(data["delayed_none"], data["delayed_several"], strict=True)):
        steps = round(DELAYS[cell] / DT)
        assert not shifted[:steps].any()
        np.testing.assert_array_equal(shifted[steps:], together[: len(together) - steps])


def test_train_depends_on_seed_and_cell_only(data: Result) -> None:
    one = data["same_one"]
    for name in ("threads", "pieces", "slices"):
        np.testing.assert_array_equal(data[f"same_{name}"], one)
    # cells 4 to 24 of the network, in other places of their blocks
    np.testing.assert_array_equal(data["same_shifted"], one[3:])
    assert abs(np.corrcoef(data["same_seed6"].ravel(), one.ravel())[0, 1]) < Z / np.sqrt(one.size)


def test_all_ports_get_the_same_spikes(data: Result) -> None:
    """Both conductances are the same counts, filtered by their own time constant."""
    spikes = np.diff(data["ports_drive_count"], axis=1, prepend=0.0)
    for key, weight, tau in (("g_ampa", 0.5, 12.0), ("g_nmda", 0.11, 160.0)):
        g = np.zeros(len(spikes))
        for step in range(spikes.shape[1]):
            g = g * np.exp(-DT / tau) + weight * spikes[:, step]
            np.testing.assert_allclose(data[f"ports_{key}"][:, step], g, rtol=1e-10)


if __name__ == "__main__":
    main()
