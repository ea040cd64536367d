"""Oscillations: spectra of population rates, coherence and phase differences of single units.

The definitions are those of Lindahl & Hellgren Kotaleski 2016 (doi 10.1523/ENEURO.0156-16.2016): spike
trains binned at 256 Hz, Hann windows that overlap by half, third-order Butterworth band-pass run forward
and backward, Hilbert phase. The original randomised the sign of each phase difference; here the sign is
kept: positive means that the first population leads. Times are in ms, frequencies in Hz, windows half-open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..runs import Spikes
from .statistics import RATE_BIN, Floats, Ints, bin_index, cut, population_rate

_PAIR_CHUNK = 500  # pairs handled at a time, to bound memory


def rate_spectrum(
    times: ArrayLike,
    n_neurons: int,
    t_start: float,
    t_stop: float,
    *,
    bin_width: float = RATE_BIN,
    segment: float = 1000.0,
) -> tuple[Floats, Floats]:
    """Power spectral density of the population rate (Welch, Hann window, half overlap, mean removed).

    Parameters
    ----------
    bin_width : float
        In ms; the highest frequency is ``500 / bin_width`` Hz.
    segment : float
        Length of a window in ms, cut to the recording; the resolution is ``1000 / segment`` Hz.

    Returns
    -------
    frequencies : ndarray
        In Hz.
    power : ndarray
        In (spikes/s)^2/Hz. Independent Poisson neurons of rate r give the flat value ``2 r / n_neurons``.
    """
    _, rate = population_rate(times, n_neurons, t_start, t_stop, bin_width)
    per_segment = min(len(rate), max(2, round(segment / bin_width)))
    return _welch(rate, 1000.0 / bin_width, per_segment)


def _hann(n: int) -> Floats:
    """Window of a Fourier transform, as `scipy.signal.get_window` gives it: that takes half a second to import."""
    taper: Floats = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, n + 1)[:-1])
    return taper


def _welch(signal: Floats, sampling: float, n_window: int) -> tuple[Floats, Floats]:
    """One-sided spectral density, the average over windows that overlap by half; as `scipy.signal.welch` has it."""
    taper, step = _hann(n_window), n_window - n_window // 2
    windows = np.lib.stride_tricks.sliding_window_view(signal, n_window)[::step]
    parts = np.fft.rfft((windows - windows.mean(axis=-1, keepdims=True)) * taper, axis=-1)
    power: Floats = np.mean(parts.real**2 + parts.imag**2, axis=0) / (sampling * np.sum(taper**2))
    # all frequencies but 0 and, of an even number of samples, the highest one stand for their negatives, too
    power[1 : None if n_window % 2 else -1] *= 2.0
    return np.fft.rfftfreq(n_window, 1.0 / sampling).astype(np.float64), power


def modulation_depth(times: ArrayLike, t_start: float, t_stop: float, frequency: float) -> float:
    """Relative amplitude of one frequency in a population rate, ``2 |FT| / mean``.

    1 for a rate ``1 + cos``, about ``2 / sqrt(n_spikes)`` by chance. The window should hold whole periods.
    NaN without spikes.
    """
    times, _ = cut(times, np.zeros(np.shape(times), dtype=np.int64), 1, t_start, t_stop)
    if not times.size:
        return float("nan")
    return float(2.0 * np.abs(np.mean(np.exp(-2j * np.pi * frequency * 1e-3 * times))))


def oscillation_index(
    frequencies: ArrayLike, power: ArrayLike, band: tuple[float, float], upper: float | None = None
) -> float:
    """Share of a band in the power from 0 Hz to ``upper``.

    Parameters
    ----------
    frequencies, power : array
        From `rate_spectrum`, evenly spaced.
    band : (low, high)
        In Hz, limits included; the original took 19-21 Hz (figure 3) and 15-25 Hz (figure 7).
    upper : float, optional
        In Hz; the original took 32 Hz (figure 3). Default 1.6 times the frequency of the largest power
        above 0 Hz (figure 7).

    Returns
    -------
    float
        Between 0 and 1; NaN without power.
    """
    frequencies, power = np.asarray(frequencies, dtype=np.float64), np.asarray(power, dtype=np.float64)
    if upper is None:
        upper = 1.6 * float(frequencies[1:][np.argmax(power[1:])])
    whole = frequencies <= upper
    total = power[whole].sum()
    inside = whole & (frequencies >= band[0]) & (frequencies <= band[1])
    return float(power[inside].sum() / total) if total > 0 else float("nan")


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
    pairs = _Pairs(first, second, t_start, t_stop, n_pairs, bin_width, min_spikes, seed)
    if pairs.n_bins < n_window:
        raise ValueError(f"{pairs.n_bins} bins of {bin_width:g} ms are fewer than a window of {n_window}")
    taper = _hann(n_window)
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
    pairs = _Pairs(first, second, t_start, t_stop, n_pairs, bin_width, min_spikes, seed)
    margin = round(2.0 * 1000.0 / bin_width / band[0])  # bins; two of the slowest cycles, for the filter to ring out

    n = pairs.n_bins
    whole = fast_length(n + 2 * margin)
    ends = (margin, whole - n - margin)
    # from rest, a filter is the sum over its response to a single pulse; twice as long, so that no end meets the other
    response = np.fft.rfft(_band_pass(order, band, 1000.0 / bin_width, whole), 2 * whole)

    def filtered(signals: Floats) -> Floats:
        return np.fft.irfft(np.fft.rfft(signals, 2 * whole, axis=1) * response, axis=1)[:, :whole]

    def phase(trains: Floats) -> NDArray[np.complex128]:
        padded = np.pad(trains - trains.mean(axis=1, keepdims=True), ((0, 0), ends))
        passed = filtered(filtered(padded)[:, ::-1])[:, ::-1]
        analytic = _analytic(passed)[:, margin : margin + n]
        size = np.abs(analytic)
        return np.divide(analytic, size, out=np.zeros_like(analytic), where=size > 0)

    vectors = np.concatenate([(phase(a) * phase(b).conj()).mean(axis=1) for a, b in pairs.trains()])
    return PhaseDifferences(np.angle(vectors), np.abs(vectors), pairs.chance(vectors))


def fast_length(n: int) -> int:
    """Smallest length from ``n`` on whose transform is quick, as `scipy.fft.next_fast_len` gives it.

    NumPy's transforms take long where a length has a large prime; importing `scipy.fft` for this takes longer than the
    table of a short run.

    >>> fast_length(5003)
    5040
    """
    while True:
        rest = n
        for prime in (2, 3, 5, 7, 11):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


def _band_pass(order: int, band: tuple[float, float], sampling: float, n: int) -> Floats:
    """Answer of a Butterworth band-pass to a single pulse, ``n`` samples; the filter of `scipy.signal.butter`.

    Poles of the analog low-pass, shifted to both sides of the band, then by the bilinear transform onto the unit
    circle; all zeros are at 0 Hz and at the highest frequency.
    """
    low, high = (2.0 * sampling * np.tan(np.pi * edge / sampling) for edge in band)
    circle = np.exp(0.5j * np.pi * (1.0 + (2 * np.arange(order) + 1) / order))
    scaled = circle * (high - low) / 2.0
    shift = np.sqrt(scaled**2 - low * high + 0j)
    analog = np.concatenate([scaled + shift, scaled - shift])
    poles = (2.0 * sampling + analog) / (2.0 * sampling - analog)
    gain = np.real((high - low) ** order * (2.0 * sampling) ** order / np.prod(2.0 * sampling - analog))
    above, alone = poles[poles.imag > 1e-9], poles[abs(poles.imag) <= 1e-9].real  # of a wide band two may be real
    feedback = [(2.0 * pole.real, abs(pole) ** 2) for pole in above]
    feedback += [(alone.sum(), alone.prod())] if len(alone) else []
    answer = np.zeros(n)
    answer[0] = gain
    for a1, a2 in feedback:
        x1 = x2 = y1 = y2 = 0.0
        for k, x in enumerate(answer.tolist()):
            y = x - x2 + a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            answer[k] = y
    return answer


def _analytic(signals: Floats) -> NDArray[np.complex128]:
    """Signals with their Hilbert transforms as imaginary parts, along the last axis."""
    n = signals.shape[-1]
    factor = np.zeros(n)
    factor[0] = 1.0
    factor[1 : (n + 1) // 2] = 2.0
    if n % 2 == 0:
        factor[n // 2] = 1.0
    return np.fft.ifft(np.fft.fft(signals, axis=-1) * factor, axis=-1)


class _Pairs:
    """Random pairs of active neurons and their binned trains, a chunk of pairs at a time."""

    def __init__(
        self,
        first: Spikes,
        second: Spikes | None,
        t_start: float,
        t_stop: float,
        n_pairs: int,
        bin_width: float,
        min_spikes: int,
        seed: int,
    ) -> None:
        self._data: list[tuple[Ints, Ints]] = []  # bins and owners of the spikes
        active = []
        for spikes in (first,) if second is None else (first, second):
            times, ids = cut(spikes.times, spikes.node_ids, spikes.n_neurons, t_start, t_stop)
            index, self.n_bins = bin_index(times, t_start, t_stop, bin_width)
            whole = index < self.n_bins
            self._data.append((index[whole], ids[whole]))
            active.append(np.flatnonzero(np.bincount(ids[whole], minlength=spikes.n_neurons) >= min_spikes))
        if second is None:
            self._data *= 2
            self._pairs = _pairs_within(active[0], n_pairs, seed)
        else:
            self._pairs = _pairs_between(active[0], active[1], n_pairs, seed)
        if not len(self._pairs):
            sizes = " and ".join(str(len(ids)) for ids in active)
            raise ValueError(f"no pairs: {sizes} neurons with {min_spikes} or more spikes in [{t_start}, {t_stop}) ms")

    def __len__(self) -> int:
        return len(self._pairs)

    def trains(self) -> Iterator[tuple[Floats, Floats]]:
        """Binned trains of both neurons of each pair, shape (pairs in the chunk, n_bins)."""
        for start in range(0, len(self._pairs), _PAIR_CHUNK):
            chunk = self._pairs[start : start + _PAIR_CHUNK]
            yield self._binned(0, chunk[:, 0]), self._binned(1, chunk[:, 1])

    def chance(self, values: NDArray[np.complex128]) -> float:
        """Root mean square of the mean of ``values`` (one per pair) if each cell of one side turned them at random.

        Pairs that share a cell turn together, so they are added up before they are squared.
        """
        sums = []
        for side in (0, 1):
            _, cell = np.unique(self._pairs[:, side], return_inverse=True)
            real, imaginary = (np.bincount(cell, part) for part in (values.real, values.imag))
            sums.append(float(np.sqrt(np.sum(real**2 + imaginary**2))))
        return max(sums) / len(self)

    def _binned(self, side: int, neurons: Ints) -> Floats:
        bins, owners = self._data[side]
        unique, place = np.unique(neurons, return_inverse=True)
        row = np.searchsorted(unique, owners)
        chosen = unique[np.minimum(row, len(unique) - 1)] == owners
        flat = row[chosen] * self.n_bins + bins[chosen]
        counts = np.bincount(flat, minlength=len(unique) * self.n_bins).reshape(len(unique), self.n_bins)
        return counts[place].astype(np.float64)


def _pairs_within(ids: Ints, n_pairs: int, seed: int) -> Ints:
    """Different unordered pairs of different neurons."""
    n = len(ids)
    possible = n * (n - 1) // 2
    chosen = _choose(possible, n_pairs, seed)
    # pair number k counts the pairs (i, j), i < j, row of j after row of j: k = j (j - 1) / 2 + i
    j = ((1 + np.sqrt(1 + 8.0 * chosen)) / 2).astype(np.int64)
    j -= j * (j - 1) // 2 > chosen
    return np.stack([ids[chosen - j * (j - 1) // 2], ids[j]], axis=1) if possible else np.empty((0, 2), np.int64)


def _pairs_between(first: Ints, second: Ints, n_pairs: int, seed: int) -> Ints:
    """Different pairs of one neuron of each population."""
    chosen = _choose(len(first) * len(second), n_pairs, seed)
    return np.stack([first[chosen // max(1, len(second))], second[chosen % max(1, len(second))]], axis=1)


def _choose(possible: int, wanted: int, seed: int) -> Ints:
    if possible <= wanted:
        return np.arange(possible)
    return np.random.default_rng(seed).choice(possible, size=wanted, replace=False, shuffle=False).astype(np.int64)
