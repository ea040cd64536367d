"""What happens around spikes, on average: rates of populations, or traces, triggered by the spikes of cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..runs import Spikes
from .statistics import Floats, bin_index, cut, population_rate


def triggered_average(counts: ArrayLike, signal: ArrayLike, reach: int) -> Floats:
    """Mean of a signal around events on the same grid.

    Parameters
    ----------
    counts : array, shape (n,)
        Number of events per bin.
    signal : array, shape (n,)
    reach : int
        Bins to each side. Events nearer than that to an end are left out.

    Returns
    -------
    ndarray, shape (2 reach + 1,)
        NaN without events.

    Raises
    ------
    ValueError
        If the signal is not longer than twice the reach, or of another length than the counts.

    Examples
    --------
    >>> triggered_average([0, 0, 1, 0, 0], [1.0, 2.0, 3.0, 4.0, 5.0], 1)
    array([2., 3., 4.])
    """
    counts, signal = np.asarray(counts, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    if counts.shape != signal.shape or len(signal) <= 2 * reach:
        raise ValueError(f"{len(signal)} bins of a signal and {len(counts)} of events; needed: more than {2 * reach}")
    inside = counts[reach : len(counts) - reach]
    n_events = inside.sum()
    if not n_events:
        return np.full(2 * reach + 1, np.nan)
    return np.correlate(signal, inside, mode="valid") / n_events


def triggered_rate(
    trigger: Spikes, of: Spikes, t_start: float, t_stop: float, *, reach: float = 100.0, bin_width: float = 1.0
) -> tuple[Floats, Floats]:
    """Rate of a population around the spikes of another one, or of itself.

    Parameters
    ----------
    trigger, of : Spikes
        If both are the same object a spike does not count as happening around itself.
    reach, bin_width : float
        In ms.

    Returns
    -------
    lags : ndarray
        Middle of the bins after the spike (before it, if negative), ms.
    rate : ndarray
        Mean rate of a cell, spikes/s.

    Raises
    ------
    ValueError
        If the window is not longer than twice the reach.
    """
    _, rate = population_rate(of.times, of.n_neurons, t_start, t_stop, bin_width)
    times, _ = cut(trigger.times, trigger.node_ids, trigger.n_neurons, t_start, t_stop)
    index, n_bins = bin_index(times, t_start, t_stop, bin_width)
    counts = np.bincount(index[index < n_bins], minlength=n_bins)
    n_side = round(reach / bin_width)
    found = triggered_average(counts, rate, n_side)
    if trigger is of:
        found[n_side] -= 1000.0 / (bin_width * of.n_neurons)
    lags: Floats = bin_width * np.arange(-n_side, n_side + 1, dtype=np.float64)
    return lags, found
