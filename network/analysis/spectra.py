"""Oscillations of populations: spectra of their rates, the share of a band, the depth of a modulation.

The definitions are those of Lindahl & Hellgren Kotaleski 2016 (doi 10.1523/ENEURO.0156-16.2016): spike trains binned
at 256 Hz, Hann windows that overlap by half. Times are in ms, frequencies in Hz, windows half-open. Single units are
in :mod:`network.analysis.units`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .statistics import RATE_BIN, Floats, cut, population_rate

SPECTRUM = 80.0  # ms; shorter recordings leave less than two frequencies below 100 Hz


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
    return signal_spectrum(rate, 1000.0 / bin_width, per_segment)


TAPERS, HALF_BANDWIDTH = 5, 3.0
"""Slepian tapers of `unit_spectrum` and their time-half-bandwidth product."""


def unit_spectrum(
    times: ArrayLike, node_ids: ArrayLike, n_neurons: int, t_start: float, t_stop: float
) -> tuple[Floats, Floats]:
    """Mean over cells of the power spectra of their spike trains, by several tapers (Thomson 1982).

    As Kumaravelu et al. (2016, doi 10.1007/s10827-016-0593-9) have it with Chronux: time-half-bandwidth product 3, five
    tapers, over the whole recording, mean removed (of each cell). Bins are 1 ms long.

    Parameters
    ----------
    times, node_ids : array
        Spikes in ms, and the cell of each, from 0 on.
    n_neurons : int
        Cells, those without a spike included.
    t_start, t_stop : float
        Window in ms.

    Returns
    -------
    frequencies : ndarray
        In Hz, up to 500.
    power : ndarray
        In (spikes/s)^2/Hz, two-sided: Poisson neurons of rate r give the flat value r.
    """
    from scipy.signal.windows import dpss

    times, ids = cut(times, node_ids, n_neurons, t_start, t_stop)
    n_bins = max(2 * TAPERS, int(t_stop - t_start))
    counts = np.zeros((n_neurons, n_bins))
    np.add.at(counts, (ids, np.minimum((times - t_start).astype(np.int64), n_bins - 1)), 1.0)
    counts -= counts.mean(axis=1, keepdims=True)
    power = np.zeros(n_bins // 2 + 1)
    for taper in dpss(n_bins, HALF_BANDWIDTH, TAPERS):
        parts = np.fft.rfft(counts * taper, axis=1)
        power += np.mean(parts.real**2 + parts.imag**2, axis=0) / TAPERS
    return np.fft.rfftfreq(n_bins, 1e-3).astype(np.float64), 1e3 * power


def hann(n: int) -> Floats:
    """Window of a Fourier transform, as `scipy.signal.get_window` gives it: that takes half a second to import."""
    taper: Floats = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, n + 1)[:-1])
    return taper


def signal_spectrum(signal: Floats, sampling: float, n_window: int) -> tuple[Floats, Floats]:
    """One-sided spectral density, the average over windows that overlap by half; as `scipy.signal.welch` has it."""
    taper, step = hann(n_window), n_window - n_window // 2
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
