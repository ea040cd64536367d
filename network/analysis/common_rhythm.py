"""Whether populations share a rhythm: coherence of their rates, over windows in time.

The coherence of two rates at a frequency is 1 if one follows the other there in every window, with a constant ratio and
delay, and about one over the number of windows if they have nothing in common. It does not depend on how strong the
rhythm is, so that it tells one rhythm of all from several strong ones with the same frequency.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .spectra import hann
from .statistics import RATE_BIN, Floats


def coherences(rates: Floats, n_window: int, bin_width: float = RATE_BIN) -> tuple[Floats, Floats]:
    """Magnitude-squared coherence of each rate with each other one.

    Parameters
    ----------
    rates : ndarray, shape (n, n_bins)
        Population rates over time.
    n_window : int
        Bins per Hann window; windows overlap by half, their means are removed.
    bin_width : float
        In ms.

    Returns
    -------
    frequencies : ndarray, shape (n_frequencies,)
        In Hz.
    coherence : ndarray, shape (n, n, n_frequencies)
        0 to 1; 0 where a rate has no power.

    Raises
    ------
    ValueError
        With fewer than two windows: the coherence in a single one is always 1.
    """
    step = n_window // 2
    if rates.shape[1] < n_window + step:
        needed = (n_window + step) * bin_width
        raise ValueError(
            f"{rates.shape[1] * bin_width:.0f} ms are too short for two windows, which need {needed:.0f} ms"
        )
    windows = np.lib.stride_tricks.sliding_window_view(rates, n_window, axis=1)[:, ::step]
    parts = np.fft.rfft((windows - windows.mean(axis=-1, keepdims=True)) * hann(n_window), axis=-1)
    cross = np.einsum("iwf,jwf->ijf", parts, parts.conj())
    power = np.einsum("iif->if", cross).real
    norm = power[:, None] * power[None, :]
    coherence = np.divide(np.abs(cross) ** 2, norm, out=np.zeros_like(norm), where=norm > 0)
    return np.fft.rfftfreq(n_window, bin_width * 1e-3).astype(np.float64), coherence


def shared(coherence: Floats, which: int, others: Iterable[int]) -> Floats:
    """Coherence of one rate with others, the mean over these, by frequency."""
    found: Floats = coherence[which, list(others)].mean(axis=0)
    return found


def mean_frequency(frequencies: Floats, power: Floats, band: tuple[float, float]) -> float:
    """Mean frequency within a band (Hz, limits included), weighted with the power; NaN without power.

    >>> mean_frequency(np.array([10.0, 20.0, 30.0]), np.array([9.0, 1.0, 3.0]), (15.0, 30.0))
    27.5
    """
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    total = float(power[inside].sum())
    return float((frequencies[inside] * power[inside]).sum() / total) if total > 0 else float("nan")
