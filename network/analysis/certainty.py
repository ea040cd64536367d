"""How certain numbers of one run are: intervals over blocks of time, and what spectra have by chance.

An interval over time says how well a recording fixes the rate of *this* network. Another seed draws other cells and
other connections; how far these scatter is seen in several runs only (`network.analysis.replicates`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BLOCKS = 10
"""Blocks of time; fewer leave the interval uncertain, more make blocks short, and rates of short blocks depend on each
other."""
SHORTEST_BLOCK = 20.0
"""ms; in a shorter recording than ten of them nothing is said."""
STUDENT = 2.262157
"""Quantile 0.975 of Student's t with 9 degrees of freedom: 95 % of ten blocks."""


def rate_interval(times: ArrayLike, n_neurons: int, t_start: float, t_stop: float) -> tuple[float, float]:
    """95 % interval of a population's mean rate, from the means of ten blocks of time.

    Batch means: with blocks longer than what the rate remembers their means are independent, and their mean has
    Student's distribution (Schmeiser 1982, doi 10.1287/opre.30.3.556). Slow waves that are as long as a block make it
    wider.

    Parameters
    ----------
    times : array
        Spikes within ``[t_start, t_stop)`` in ms, of all cells.
    n_neurons : int
    t_start, t_stop : float
        Window in ms.

    Returns
    -------
    low, high : float
        In spikes/s, not below 0; NaN if the window is shorter than 200 ms.

    Examples
    --------
    >>> rate_interval(np.arange(0.0, 1000.0, 10.0), 2, 0.0, 1000.0)
    (50.0, 50.0)
    """
    if t_stop - t_start < BLOCKS * SHORTEST_BLOCK:
        return float("nan"), float("nan")
    counts, _ = np.histogram(np.asarray(times), bins=BLOCKS, range=(t_start, t_stop))
    rates = counts * (1000.0 * BLOCKS / ((t_stop - t_start) * n_neurons))
    half = STUDENT * rates.std(ddof=1) / np.sqrt(BLOCKS)
    return float(max(0.0, rates.mean() - half)), float(rates.mean() + half)


def freedom(n_bins: int, n_window: int) -> float:
    """Degrees of freedom of a spectrum averaged over Hann windows that overlap by half.

    Neighbouring windows have a correlation of 1/36 in power (Welch 1967, doi 10.1109/TAU.1967.1161901; Percival and
    Walden 1993, equation 292b).

    Parameters
    ----------
    n_bins, n_window : int
        Length of the signal and of a window.
    """
    n = 1 + max(0, n_bins - n_window) // max(1, n_window - n_window // 2)
    return 2.0 * n / (1.0 + 2.0 * (n - 1) / n / 36.0)


def peak_limit(degrees: float, n_frequencies: int, chance: float = 0.01) -> float:
    """Factor above the level of independent cells that the largest of several frequencies reaches by chance.

    The power of a flat spectrum has a chi-square distribution at each frequency.

    Parameters
    ----------
    degrees : float
        See `freedom`.
    n_frequencies : int
        Frequencies that are looked at; neighbours within a window's resolution count as independent, which errs on the
        safe side.
    chance : float
        Probability that any of them is above.

    Examples
    --------
    >>> round(peak_limit(12.0, 100), 2)
    3.26
    """
    from scipy.special import chdtri  # half a second that runs without spectra need not wait for

    below = (1.0 - chance) ** (1.0 / max(1, n_frequencies))
    return float(chdtri(degrees, 1.0 - below) / degrees)


def poisson_level(n_spikes: int, n_neurons: int, t_start: float, t_stop: float) -> float:
    """Power of a population rate of independent Poisson cells, one-sided, in (spikes/s)^2/Hz: 2 r / n."""
    return 2.0 * n_spikes / n_neurons**2 / (t_stop - t_start) * 1000.0
