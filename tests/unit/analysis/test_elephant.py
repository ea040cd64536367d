"""Our statistics against Elephant's, on the same trains: rates, CVs, population rate, spectrum, coherence, phases."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis import cv_isi, mean_rates, population_rate
from network.analysis.spectra import rate_spectrum
from network.analysis.statistics import RATE_BIN
from network.analysis.units import pair_coherence, phase_differences
from network.runs import Spikes

neo = pytest.importorskip("neo", reason="Neo is part of the test extra")
pytest.importorskip("elephant", reason="Elephant is part of the test extra")
pq = pytest.importorskip("quantities")

from elephant import signal_processing, spectral, statistics  # noqa: E402
from elephant.conversion import BinnedSpikeTrain  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity")

T_STOP = 12_000.0
RATE = 256.0 * pq.Hz
BINS = int(T_STOP / RATE_BIN)


def locked(n, rate, phase, seed):
    """Cells whose rate follows 1 + cos(2 pi 20 Hz t - phase), Poisson."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0.0, T_STOP, rng.poisson(2 * rate * n * T_STOP / 1000.0)))
    kept = rng.uniform(0, 2, len(times)) < 1 + np.cos(0.04 * np.pi * times - phase)
    return Spikes(times[kept], rng.integers(n, size=kept.sum()).astype(np.uint64), n)


def trains(spikes):
    return [
        neo.SpikeTrain(spikes.times[spikes.node_ids == k], units="ms", t_start=0.0, t_stop=T_STOP)
        for k in range(spikes.n_neurons)
    ]


def binned(train):
    """Counts in bins of 1/256 s as a signal, shape (n_bins, 1)."""
    counts = BinnedSpikeTrain(train, bin_size=RATE_BIN * pq.ms, n_bins=BINS, t_start=0 * pq.ms, t_stop=None)
    return neo.AnalogSignal(counts.to_array().T.astype(float), units="dimensionless", sampling_rate=RATE)


@pytest.fixture(scope="module")
def first():
    return locked(5, 30.0, 0.0, seed=1)


@pytest.fixture(scope="module")
def second():
    return locked(4, 20.0, 2.0, seed=2)


def test_rates_and_cvs(first):
    ours = first.times, first.node_ids, first.n_neurons, 0.0, T_STOP
    theirs = trains(first)
    rates = [float(statistics.mean_firing_rate(t).rescale("Hz")) for t in theirs]
    np.testing.assert_allclose(mean_rates(*ours), rates, rtol=1e-12)
    np.testing.assert_allclose(cv_isi(*ours), [statistics.cv(statistics.isi(t)) for t in theirs], rtol=1e-9)


def test_population_rate_and_its_spectrum(first):
    _, ours = population_rate(first.times, first.n_neurons, 0.0, T_STOP)
    histogram = statistics.time_histogram(trains(first), bin_size=RATE_BIN * pq.ms, output="rate")
    theirs = histogram.rescale("Hz").magnitude.ravel()
    np.testing.assert_allclose(ours, theirs[:BINS], rtol=1e-9)
    signal = neo.AnalogSignal(theirs[:BINS], units="Hz", sampling_rate=RATE)
    frequencies, power = spectral.welch_psd(signal, len_segment=256, overlap=0.5)
    f, p = rate_spectrum(first.times, first.n_neurons, 0.0, T_STOP)
    np.testing.assert_allclose(f, frequencies.rescale("Hz").magnitude)
    np.testing.assert_allclose(p[1:], np.ravel(power.magnitude)[1:], rtol=1e-9)


def test_coherence_of_unit_pairs(first, second):
    ours = pair_coherence(first, second, 0.0, T_STOP)
    pairs = []
    for a in trains(first):
        for b in trains(second):
            frequencies, coherence, _ = spectral.welch_coherence(binned(a), binned(b), len_segment=128, overlap=0.5)
            pairs.append(np.ravel(coherence))
    np.testing.assert_allclose(ours.frequencies, frequencies.rescale("Hz").magnitude)
    np.testing.assert_allclose(ours.mean[1:], np.mean(pairs, axis=0)[1:], rtol=1e-9)
    assert ours.peak((15.0, 25.0)) > 0.3


def test_phase_differences(first, second):
    """Elephant leaves the ends of a filtered signal as they are; over 240 cycles they weigh little."""

    def phases(train):
        filtered = signal_processing.butter(
            binned(train) - binned(train).mean(),
            highpass_frequency=15.0 * pq.Hz,
            lowpass_frequency=25.0 * pq.Hz,
            order=3,
            filter_function="sosfiltfilt",
        )
        return np.angle(signal_processing.hilbert(filtered, padding="none").magnitude.ravel())

    ours = phase_differences(first, second, 0.0, T_STOP, (15.0, 25.0))
    angles = [[phases(train) for train in trains(spikes)] for spikes in (first, second)]
    vectors = np.array([np.mean(np.exp(1j * (a - b))) for a in angles[0] for b in angles[1]])
    np.testing.assert_allclose(ours.locking, np.abs(vectors), atol=0.04)
    np.testing.assert_allclose(np.angle(np.exp(1j * ours.phases) / vectors), 0.0, atol=0.04)
    assert ours.mean_phase == pytest.approx(2.0, abs=0.3)
