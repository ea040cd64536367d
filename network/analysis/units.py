"""Oscillations of single units: coherence and phase differences of pairs of neurons.

The definitions are those of Lindahl & Hellgren Kotaleski 2016 (doi 10.1523/ENEURO.0156-16.2016): spike trains binned
at 256 Hz, Hann windows that overlap by half, third-order Butterworth band-pass run forward and backward, Hilbert phase.
The original randomised the sign of each phase difference; here the sign is kept: positive means that the first
population leads. Times are in ms, frequencies in Hz, windows half-open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..runs import Spikes
from .filters import analytic, band_pass, fast_length
from .spectra import hann
from .statistics import RATE_BIN, Floats
from .unit_pairs import UnitPairs


@dataclass(frozen=True)
class Coherence:
    """Coherence of pairs of neurons, averaged over pairs.

    Attributes
    ----------
    frequencies : ndarray, shape (n_frequencies,)
        In Hz.
    mean, sd : ndarray, shape (n_frequencies,)
        Magnitude-squared coherence (0 to 1), mean and standard deviation over pairs.
    n_pairs, n_windows : int
    chance : float
        Level that a single pair of independent trains exceeds with probability 0.05 at a given frequency.
    """

    frequencies: Floats
    mean: Floats
    sd: Floats
    n_pairs: int
    n_windows: int
    chance: float

    def peak(self, band: tuple[float, float]) -> float:
        """Largest mean coherence in a band (Hz, limits included)."""
        inside = (self.frequencies >= band[0]) & (self.frequencies <= band[1])
        if not inside.any():
            raise ValueError(f"no frequency between {band[0]} and {band[1]} Hz; resolution {self.frequencies[1]:g} Hz")
        return float(self.mean[inside].max())


def coherence_level(n_windows: int, alpha: float = 0.05) -> float:
    """Coherence that independent signals exceed with probability ``alpha``, ``1 - alpha^(1 / (L - 1))``.

    Exact for L windows without overlap; the half overlap used here makes it slightly too high.

    >>> round(coherence_level(11), 3)
    0.259
    """
    if n_windows < 2:
        return 1.0  # a single window always has coherence 1
    return float(1.0 - alpha ** (1.0 / (n_windows - 1)))


def pair_coherence(
    first: Spikes,
    second: Spikes | None,
    t_start: float,
    t_stop: float,
    *,
    n_pairs: int = 10_000,
    n_window: int = 128,
    bin_width: float = RATE_BIN,
    min_spikes: int = 3,
    seed: int = 0,
) -> Coherence:
    """Coherence between single units of two populations, or within one (``second`` None).

    Parameters
    ----------
    n_pairs : int
        Random pairs, or all pairs where there are fewer. Within one population a neuron is never paired
        with itself.
    n_window : int
        Bins per Hann window: 128 for beta, 1024 for slow waves in the original. Windows overlap by half.
    min_spikes : int
        Only neurons with at least this many spikes in the window take part.
    seed : int
        Of the choice of pairs.

    Raises
    ------
    ValueError
        If no pair of active neurons exists or the recording is shorter than a window.
    """
    pairs = UnitPairs(first, second, t_start, t_stop, n_pairs, bin_width, min_spikes, seed)
    if pairs.n_bins < n_window:
        raise ValueError(f"{pairs.n_bins} bins of {bin_width:g} ms are fewer than a window of {n_window}")
    taper = hann(n_window)
    starts = np.arange(0, pairs.n_bins - n_window + 1, n_window // 2)
    n_frequencies = n_window // 2 + 1
    total, squares = np.zeros(n_frequencies), np.zeros(n_frequencies)

    def transform(trains: Floats) -> NDArray[np.complex128]:
        windows = np.lib.stride_tricks.sliding_window_view(trains, n_window, axis=1)[:, starts]
        return np.fft.rfft((windows - windows.mean(axis=-1, keepdims=True)) * taper, axis=-1)

    for a, b in pairs.trains():
        spectra_a, spectra_b = transform(a), transform(b)
        cross = np.abs((spectra_a.conj() * spectra_b).mean(axis=1)) ** 2
        norm = (np.abs(spectra_a) ** 2).mean(axis=1) * (np.abs(spectra_b) ** 2).mean(axis=1)
        # a spectrum can vanish at one frequency for very regular trains: no power, no coherence
        coherence = np.divide(cross, norm, out=np.zeros_like(cross), where=norm > 0)
        total += coherence.sum(axis=0)
        squares += (coherence**2).sum(axis=0)
    mean = total / len(pairs)
    sd = np.sqrt(np.maximum(0.0, squares / len(pairs) - mean**2))
    frequencies = np.fft.rfftfreq(n_window, bin_width * 1e-3).astype(np.float64)
    return Coherence(frequencies, mean, sd, len(pairs), len(starts), coherence_level(len(starts)))


@dataclass(frozen=True)
class PhaseDifferences:
    """Phase differences of pairs of neurons in a frequency band.

    Attributes
    ----------
    phases : ndarray, shape (n_pairs,)
        Circular mean over time of (phase of the first - phase of the second), radians in (-pi, pi].
    locking : ndarray, shape (n_pairs,)
        Length of that mean over time, 0 (no relation) to 1 (constant difference).
    chance : float
        Root mean square of `overall_resultant` if each cell of one population had a random phase, and nothing
        else were different; of both populations, the one that gives more.
    """

    phases: Floats
    locking: Floats
    chance: float

    @property
    def mean_vector(self) -> complex:
        """Mean over pairs of unit vectors at ``phases``: its ``abs`` is R, its angle the mean phase."""
        return complex(np.exp(1j * self.phases).mean())

    @property
    def mean_phase(self) -> float:
        """Mean phase difference in radians; meaningless where `resultant` is near 0."""
        return float(np.angle(self.mean_vector))

    @property
    def resultant(self) -> float:
        """R: 1 if all pairs have the same difference, about ``1 / sqrt(n_pairs)`` without a preferred one."""
        return float(abs(self.mean_vector))

    @property
    def overall_resultant(self) -> float:
        """Concentration of the phase differences over all pairs and times, 0 (none preferred) to 1."""
        return float(abs(np.mean(self.locking * np.exp(1j * self.phases))))

    @property
    def has_preferred(self) -> bool:
        """Whether the mean phase means something: R beyond three times chance, 1 in 8,000 for random phases."""
        return self.overall_resultant > 3.0 * self.chance


def phase_differences(
    first: Spikes,
    second: Spikes | None,
    t_start: float,
    t_stop: float,
    band: tuple[float, float],
    *,
    n_pairs: int = 900,
    bin_width: float = RATE_BIN,
    order: int = 3,
    min_spikes: int = 3,
    seed: int = 0,
) -> PhaseDifferences:
    """Phase differences between single units of two populations, or within one (``second`` None).

    Trains are binned, band-passed without delay (Butterworth of the given order, forward and backward) and
    turned into phases by the Hilbert transform. Within one population the sign of a pair is arbitrary, so
    the mean phase is 0 or pi.

    The filter starts at rest and the trains, their mean removed, continue as zeros: SciPy's default, an odd
    reflection about the first and the last bin, begins with the same jump in every train whose first bin is
    empty. In a recording of a few cycles this alone gives independent, regular cells R = 0.25.

    Parameters
    ----------
    band : (low, high)
        In Hz: 15-25 for beta, 0.5-2 for slow waves in the original.
    n_pairs, min_spikes, seed
        As in `pair_coherence`.

    Raises
    ------
    ValueError
        If no pair of active neurons exists or the recording is shorter than a cycle of the lowest frequency.
    """
    if (t_stop - t_start) * band[0] < 1000.0:
        raise ValueError(f"a recording of {t_stop - t_start:g} ms is shorter than a cycle of {band[0]:g} Hz")
    pairs = UnitPairs(first, second, t_start, t_stop, n_pairs, bin_width, min_spikes, seed)
    margin = round(2.0 * 1000.0 / bin_width / band[0])  # bins; two of the slowest cycles, for the filter to ring out

    n = pairs.n_bins
    whole = fast_length(n + 2 * margin)
    ends = (margin, whole - n - margin)
    # from rest, a filter is the sum over its response to a single pulse; twice as long, so that no end meets the other
    response = np.fft.rfft(band_pass(order, band, 1000.0 / bin_width, whole), 2 * whole)

    def filtered(signals: Floats) -> Floats:
        return np.fft.irfft(np.fft.rfft(signals, 2 * whole, axis=1) * response, axis=1)[:, :whole]

    def phase(trains: Floats) -> NDArray[np.complex128]:
        padded = np.pad(trains - trains.mean(axis=1, keepdims=True), ((0, 0), ends))
        passed = filtered(filtered(padded)[:, ::-1])[:, ::-1]
        with_phase = analytic(passed)[:, margin : margin + n]
        size = np.abs(with_phase)
        return np.divide(with_phase, size, out=np.zeros_like(with_phase), where=size > 0)

    vectors = np.concatenate([(phase(a) * phase(b).conj()).mean(axis=1) for a, b in pairs.trains()])
    return PhaseDifferences(np.angle(vectors), np.abs(vectors), pairs.chance(vectors))
