"""Oscillation measures on signals whose answers are known; fixed seeds, bounds with their reason."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from scipy import fft, signal

from network.analysis import filters, spectra, unit_pairs, units
from network.analysis.spectra import modulation_depth, oscillation_index, rate_spectrum, unit_spectrum
from network.analysis.statistics import population_rate
from network.analysis.units import coherence_level, pair_coherence, phase_differences
from network.runs import Spikes

BIN = 1000.0 / 256.0


def modulated(n, rate, t_stop, *, frequency=20.0, depth=0.0, phase=0.0, seed=0):
    """Poisson trains of the rate ``rate (1 + depth cos(2 pi f t - phase))``, by thinning."""
    rng = np.random.default_rng(seed)
    top = rate * (1.0 + depth)
    count = rng.poisson(n * top * t_stop / 1000.0)
    times, ids = np.sort(rng.uniform(0, t_stop, count)), rng.integers(0, n, count)
    wanted = rate * (1.0 + depth * np.cos(2 * np.pi * frequency * times / 1000.0 - phase))
    kept = rng.uniform(0, top, count) < wanted
    return Spikes(times[kept], ids[kept].astype(np.uint64), n)


def test_examples_in_the_documentation():
    assert sum(doctest.testmod(module).failed for module in (spectra, units, filters)) == 0


def test_spectra_of_cells_know_rhythms_that_cells_do_not_share():
    flat = modulated(100, 40.0, 4000.0, seed=2)
    frequencies, power = unit_spectrum(flat.times, flat.node_ids, 100, 0.0, 4000.0)
    inside = (frequencies > 7) & (frequencies < 35)
    assert power[inside].mean() == pytest.approx(40.0, rel=0.05)  # that of a Poisson process is its rate
    cells = [modulated(1, 40.0, 4000.0, frequency=18.0, depth=1.0, phase=k, seed=k) for k in range(60)]
    times = np.concatenate([cell.times for cell in cells])
    ids = np.concatenate([np.full(len(cell.times), k) for k, cell in enumerate(cells)])
    frequencies, power = unit_spectrum(times, ids, 60, 0.0, 4000.0)
    assert frequencies[np.argmax(power)] == pytest.approx(18.0, abs=0.8)
    # a line of amplitude r at +-f has r^2 T / 4 in (2 NW / T) Hz, spread by the tapers; the area is r^2 / 4
    line = (frequencies > 15) & (frequencies < 21)
    area = (power[line] - 40.0).sum() * frequencies[1]
    assert area == pytest.approx(40.0**2 / 4, rel=0.15)
    _, shared = rate_spectrum(times, 60, 0.0, 4000.0)
    assert shared.max() < 5.0 * np.median(shared)


@pytest.mark.parametrize("frequency", [1.0, 20.0, 37.0])
def test_spectrum_peaks_at_the_frequency_of_the_modulation(frequency):
    spikes = modulated(200, 15.0, 20_000.0, frequency=frequency, depth=0.5, seed=1)
    frequencies, power = rate_spectrum(spikes.times, 200, 0.0, 20_000.0, segment=2000.0)
    assert frequencies[1] == pytest.approx(0.5)
    assert frequencies[np.argmax(power)] == pytest.approx(frequency)


def test_spectrum_of_independent_poisson_neurons_is_flat_at_its_known_level():
    spikes = modulated(100, 20.0, 60_000.0, seed=2)
    frequencies, power = rate_spectrum(spikes.times, 100, 0.0, 60_000.0, segment=500.0)
    inside = (frequencies > 5) & (frequencies < 120)
    # about 240 windows (half overlap: some 160 independent ones) and 57 frequencies: error about 1 %
    assert power[inside].mean() == pytest.approx(2 * 20.0 / 100, rel=0.05)
    assert power[inside].max() < 2 * power[inside].min()


@pytest.mark.parametrize(("n_bins", "segment"), [(256, 64), (255, 63), (1000, 333), (50, 50), (7, 2)])
def test_spectrum_is_that_of_scipys_welch(n_bins, segment):
    times = np.sort(np.random.default_rng(3).uniform(0.0, n_bins * 4.0, 4000))
    found = rate_spectrum(times, 10, 0.0, n_bins * 4.0, bin_width=4.0, segment=segment * 4.0)
    _, rate = population_rate(times, 10, 0.0, n_bins * 4.0, 4.0)
    frequencies, power = signal.welch(rate, fs=250.0, nperseg=segment)
    np.testing.assert_allclose(found[0], frequencies, rtol=1e-14)
    np.testing.assert_allclose(found[1], power, rtol=1e-12, atol=1e-14 * power.max())


@pytest.mark.parametrize("order", [1, 3, 4])
@pytest.mark.parametrize("band", [(15.0, 25.0), (0.5, 2.0), (1.0, 120.0)])
def test_band_pass_is_scipys_butterworth_filter(order, band):
    pulse = np.zeros(1000)
    pulse[0] = 1.0
    expected = signal.sosfilt(signal.butter(order, band, btype="bandpass", fs=256.0, output="sos"), pulse)
    found = filters.band_pass(order, band, 256.0, len(pulse))
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-12 * abs(expected).max())


@pytest.mark.parametrize("n", [76, 77])
def test_analytic_signals_are_scipys(n):
    signals = np.random.default_rng(1).normal(size=(3, n))
    np.testing.assert_allclose(filters.analytic(signals), signal.hilbert(signals, axis=-1), rtol=0.0, atol=1e-12)


def test_power_of_a_modulation_is_half_its_squared_amplitude():
    spikes = modulated(5000, 20.0, 20_000.0, depth=0.5, seed=3)
    frequencies, power = rate_spectrum(spikes.times, 5000, 0.0, 20_000.0)
    near = (frequencies > 15) & (frequencies < 25)
    # the average over a bin of 3.9 ms damps 20 Hz by sinc^2 = 0.98
    assert power[near].sum() * frequencies[1] == pytest.approx(0.5 * (0.5 * 20.0) ** 2 * 0.98, rel=0.03)


def test_modulation_depth():
    spikes = modulated(1000, 20.0, 10_000.0, depth=0.6, seed=4)
    chance = 2 / np.sqrt(len(spikes))
    assert modulation_depth(spikes.times, 0.0, 10_000.0, 20.0) == pytest.approx(0.6, abs=2.5 * chance)
    assert modulation_depth(spikes.times, 0.0, 10_000.0, 13.0) < 2.5 * chance
    square = np.arange(0, 1000, 0.1)
    square = square[square % 50.0 < 25.0]  # rate on for half of each period: 4 / pi
    assert modulation_depth(square, 0.0, 1000.0, 20.0) == pytest.approx(4 / np.pi, rel=1e-3)
    assert np.isnan(modulation_depth([], 0.0, 1000.0, 20.0))


def test_oscillation_index_by_hand():
    frequencies, power = np.arange(0.0, 65.0), np.ones(65)
    assert oscillation_index(frequencies, power, (19, 21), upper=32) == pytest.approx(3 / 33)
    power[20] = 9.0  # peak at 20 Hz: the limit becomes 32 Hz
    assert oscillation_index(frequencies, power, (15, 25)) == pytest.approx(19 / 41)
    assert np.isnan(oscillation_index(frequencies, np.zeros(65), (15, 25)))


def binned(spikes, neuron, t_stop):
    return np.histogram(spikes.times[spikes.node_ids == neuron], np.arange(0, t_stop + 1e-6, BIN))[0]


def test_coherence_equals_scipys_averaged_over_the_same_pairs():
    t_stop = 8000.0
    first = modulated(4, 20.0, t_stop, depth=0.9, seed=5)
    second = modulated(3, 25.0, t_stop, depth=0.9, phase=1.0, seed=6)
    found = pair_coherence(first, second, 0.0, t_stop)
    assert (found.n_pairs, found.n_windows) == (12, 31)
    pairs = [
        signal.coherence(binned(first, a, t_stop), binned(second, b, t_stop), fs=256.0, nperseg=128)[1]
        for a in range(4)
        for b in range(3)
    ]
    np.testing.assert_allclose(found.mean[1:], np.mean(pairs, axis=0)[1:], rtol=1e-9)
    np.testing.assert_allclose(found.sd[1:], np.std(pairs, axis=0)[1:], rtol=1e-6)
    np.testing.assert_allclose(found.frequencies, np.arange(65) * 2.0)


def test_coherence_is_on_for_common_and_off_for_independent_rates():
    t_stop = 20_000.0
    driven = modulated(40, 20.0, t_stop, depth=1.0, seed=7)
    free = modulated(40, 20.0, t_stop, seed=8)
    on = pair_coherence(driven, None, 0.0, t_stop, n_pairs=300)
    off = pair_coherence(driven, free, 0.0, t_stop, n_pairs=300)
    assert on.n_pairs == off.n_pairs == 300
    assert on.frequencies[np.argmax(on.mean)] == pytest.approx(20.0)
    assert on.peak((15, 25)) > 2 * on.chance
    # independent trains: the mean over pairs is near 1 / L, well below the level of one pair in twenty
    assert off.peak((15, 25)) < off.chance
    assert off.mean[5:60].mean() == pytest.approx(1 / off.n_windows, rel=0.3)
    with pytest.raises(ValueError, match="no frequency"):
        on.peak((20.5, 21.0))


def test_chance_level_lets_one_pair_in_twenty_through():
    t_stop = 129 * 64 * BIN  # 128 windows at half overlap
    spikes = modulated(60, 30.0, t_stop, seed=9)
    bins = np.array([binned(spikes, neuron, t_stop) for neuron in range(60)])
    separate = bins[:, : 64 * 128].reshape(60, 64, 128)  # without overlap, where the formula is exact
    spectra_ = np.fft.rfft((separate - separate.mean(-1, keepdims=True)) * np.hanning(128), axis=-1)[:, :, 3:60]
    a, b = spectra_[::2], spectra_[1::2]
    coherence = np.abs((a.conj() * b).mean(1)) ** 2 / ((np.abs(a) ** 2).mean(1) * (np.abs(b) ** 2).mean(1))
    # 30 pairs x 57 frequencies, neighbours correlated: about 700 independent values, sd 0.008
    assert np.mean(coherence > coherence_level(64)) == pytest.approx(0.05, abs=0.033)
    assert coherence_level(1) == 1.0


@pytest.mark.parametrize("phase", [0.0, np.pi / 2, np.pi, -2.0])
def test_phase_differences_find_the_lead_of_the_first_population(phase):
    t_stop = 20_000.0
    first = modulated(40, 20.0, t_stop, depth=1.0, seed=10)
    second = modulated(40, 20.0, t_stop, depth=1.0, phase=phase, seed=11)  # later by `phase`
    found = phase_differences(first, second, 0.0, t_stop, (15.0, 25.0), n_pairs=400)
    assert len(found.phases) == 400
    error = np.angle(np.exp(1j * (found.mean_phase - phase)))
    # pairs share neurons, so 40 rather than 400 independent ones: error of the mean below 0.1 rad
    assert abs(error) < 0.3
    assert found.resultant > 0.9
    swapped = phase_differences(second, first, 0.0, t_stop, (15.0, 25.0), n_pairs=400)
    assert abs(np.angle(np.exp(1j * (swapped.mean_phase + phase)))) < 0.3


def test_independent_neurons_have_no_preferred_phase():
    spikes = modulated(60, 20.0, 20_000.0, seed=12)
    found = phase_differences(spikes, None, 0.0, 20_000.0, (15.0, 25.0))
    assert found.resultant < 4 / np.sqrt(60)
    assert found.locking.max() < 0.5


def regular(n, rate, t_stop, seed, shape=11.0):
    """Independent gamma renewal trains (CV 0.3, as STN and TA have), each from a random moment on."""
    rng = np.random.default_rng(seed)
    count = int(2 * rate * t_stop / 1000.0) + 20
    times = np.cumsum(rng.gamma(shape, 1000.0 / rate / shape, size=(n, count)), axis=1)
    times -= rng.uniform(1000.0 / rate, 3000.0 / rate, size=(n, 1))
    ids = np.broadcast_to(np.arange(n)[:, None], times.shape)
    inside = (times >= 0) & (times < t_stop)
    order = np.argsort(times[inside])
    return Spikes(times[inside][order], ids[inside][order].astype(np.uint64), n)


def test_the_ends_of_a_short_recording_make_no_phase_preference():
    """Three cycles of a slow wave: R of independent cells is chance, not 0.25."""
    found = [
        phase_differences(regular(200, 20.0, 3000.0, seed), None, 0.0, 3000.0, (0.5, 2.0), n_pairs=400, seed=seed)
        for seed in range(12)
    ]
    squares = np.array([(f.overall_resultant / f.chance) ** 2 for f in found])
    # exponential with mean 1: that of twelve has a standard deviation of 0.29
    assert abs(squares.mean() - 1.0) < 4 * 0.29
    assert max(f.overall_resultant for f in found) < 0.09
    assert not any(f.has_preferred for f in found)


def test_chance_counts_cells_where_pairs_share_them():
    """Cells without rhythm against a population in rhythm: their number, not that of the pairs, sets the chance."""
    rhythm = modulated(40, 40.0, 6000.0, depth=1.0, seed=20)
    found = [
        phase_differences(rhythm, modulated(20, 40.0, 6000.0, seed=30 + k), 0.0, 6000.0, (15.0, 25.0))
        for k in range(12)
    ]
    squares = np.array([(f.overall_resultant / f.chance) ** 2 for f in found])
    assert abs(squares.mean() - 1.0) < 4 * 0.29
    assert all(f.chance > 2 * np.sqrt(np.mean(f.locking**2) / len(f.locking)) for f in found)


def test_pairs_are_different_neurons_and_differ_from_each_other():
    ids = np.array([3, 5, 8, 13, 21])
    pairs = unit_pairs._pairs_within(ids, 100, seed=0)
    assert len(pairs) == 10
    assert len({frozenset(pair) for pair in pairs.tolist()}) == 10
    assert set(pairs.ravel().tolist()) == set(ids.tolist())
    many = unit_pairs._pairs_within(np.arange(3000), 10_000, seed=1)
    assert len({frozenset(pair) for pair in many.tolist()}) == 10_000
    assert np.all(many[:, 0] != many[:, 1])
    between = unit_pairs._pairs_between(ids, np.array([1, 2]), 100, seed=0)
    assert len({tuple(pair) for pair in between.tolist()}) == 10


def test_silent_populations_and_short_recordings_are_refused():
    silent = Spikes(np.empty(0), np.empty(0, dtype=np.uint64), 10)
    with pytest.raises(ValueError, match="no pairs: 0 neurons"):
        pair_coherence(silent, None, 0.0, 1000.0)
    with pytest.raises(ValueError, match="fewer than a window"):
        pair_coherence(modulated(5, 50.0, 400.0), None, 0.0, 400.0)
    with pytest.raises(ValueError, match=r"shorter than a cycle of 0\.5 Hz"):
        phase_differences(modulated(5, 50.0, 1999.0), None, 0.0, 1999.0, (0.5, 2.0))


def test_fast_lengths_are_scipys():
    assert [filters.fast_length(n) for n in range(1, 3000)] == [fft.next_fast_len(n) for n in range(1, 3000)]
