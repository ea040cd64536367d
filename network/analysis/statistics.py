"""Rates, irregularity and synchrony of spike trains, from plain arrays of times and neuron ids.

All windows are half-open, ``[t_start, t_stop)`` in ms. Spike times sit on the grid of the simulation but
are stored as floating point, so a spike within 1e-6 ms of an edge counts as being on it. Silent neurons
count with rate 0; where a quantity does not exist for a neuron (CV of two spikes) it is NaN and left out of
the mean. Everything is vectorised: ten million spikes take a few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..runs import Run, Spikes
from .certainty import rate_interval

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EDGE = 1e-6  # ms
RATE_BIN = (
    1000.0 / 256.0
)  # ms; 256 Hz sampling, analysis of Lindahl & Hellgren Kotaleski 2016, doi 10.1523/ENEURO.0156-16.2016


def cut(times: ArrayLike, node_ids: ArrayLike, n_neurons: int, t_start: float, t_stop: float) -> tuple[Floats, Ints]:
    """Spikes inside the window, after checking window, shapes and ids.

    Raises
    ------
    ValueError
        If the window is empty, the arrays differ in length, or an id is outside ``0 <= id < n_neurons``.
    """
    times, ids = np.asarray(times, dtype=np.float64), np.asarray(node_ids).astype(np.int64)
    if not t_stop > t_start:
        raise ValueError(f"empty window [{t_start}, {t_stop}) ms")
    if n_neurons < 1:
        raise ValueError(f"n_neurons must be at least 1, not {n_neurons}")
    if times.ndim != 1 or times.shape != ids.shape:
        raise ValueError(f"times {times.shape} and node_ids {ids.shape} must be 1-d and equally long")
    if ids.size and not 0 <= ids.min() <= ids.max() < n_neurons:
        raise ValueError(f"node_ids {ids.min()}..{ids.max()} outside 0..{n_neurons - 1}")
    inside = (times >= t_start - EDGE) & (times < t_stop - EDGE)
    return times[inside], ids[inside]


def mean_rates(times: ArrayLike, node_ids: ArrayLike, n_neurons: int, t_start: float, t_stop: float) -> Floats:
    """Compute the firing rate of every neuron of one population.

    Silent neurons count with rate 0, so ``rates.mean()`` is the population mean.

    Parameters
    ----------
    times : array, shape (n_spikes,)
        Spike times in ms, any order.
    node_ids : array of int, shape (n_spikes,)
        0-based index of the neuron that fired, ``< n_neurons``.
    n_neurons : int
    t_start, t_stop : float
        Window ``[t_start, t_stop)`` in ms.

    Returns
    -------
    ndarray of float64, shape (n_neurons,)
        Rates in spikes/s.

    Raises
    ------
    ValueError
        If the window is empty or an id is out of range.

    Examples
    --------
    >>> mean_rates(np.array([10., 20.]), np.array([0, 0]), 2, 0., 1000.)
    array([2., 0.])
    """
    _, ids = cut(times, node_ids, n_neurons, t_start, t_stop)
    counts: Floats = np.bincount(ids, minlength=n_neurons).astype(np.float64)
    return counts * (1000.0 / (t_stop - t_start))


def interspike_intervals(
    times: ArrayLike, node_ids: ArrayLike, n_neurons: int, t_start: float, t_stop: float
) -> tuple[Floats, Ints]:
    """Intervals between successive spikes of the same neuron, both inside the window.

    Returns
    -------
    intervals : ndarray of float64, shape (n_intervals,)
        In ms, neuron after neuron, in order of time.
    owners : ndarray of int64, shape (n_intervals,)
        Neuron of each interval.
    """
    times, ids = cut(times, node_ids, n_neurons, t_start, t_stop)
    if np.any(np.diff(times) < 0):
        order = np.argsort(times, kind="stable")
        times, ids = times[order], ids[order]
    # number of the neuron and place in time in one number: sorting those is quicker than sorting places by neuron
    count = max(1, len(times))
    owners, places = np.divmod(np.sort(ids * count + np.arange(len(times))), count)
    intervals = np.diff(times[places])
    same = owners[1:] == owners[:-1]
    return intervals[same], owners[1:][same]


def cv_isi(
    times: ArrayLike,
    node_ids: ArrayLike,
    n_neurons: int,
    t_start: float,
    t_stop: float,
    *,
    min_spikes: int = 3,
) -> Floats:
    """Coefficient of variation of the inter-spike intervals of every neuron.

    Standard deviation over mean, the deviation with divisor n (as NumPy and Elephant do), so 1 for a long
    Poisson train and 0 for a regular one. Few intervals bias it downwards.

    Parameters
    ----------
    min_spikes : int
        Neurons with fewer spikes in the window get NaN. At least 3 (two intervals).

    Returns
    -------
    ndarray of float64, shape (n_neurons,)

    Examples
    --------
    >>> cv_isi([0., 10., 20., 5.], [0, 0, 0, 1], 2, 0., 100.)
    array([ 0., nan])
    """
    if min_spikes < 3:
        raise ValueError(f"min_spikes must be at least 3, not {min_spikes}")
    intervals, owners = interspike_intervals(times, node_ids, n_neurons, t_start, t_stop)
    count = np.bincount(owners, minlength=n_neurons)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(owners, intervals, minlength=n_neurons) / count
        variance = np.bincount(owners, (intervals - mean[owners]) ** 2, minlength=n_neurons) / count
        cv = np.sqrt(variance) / mean
    return np.where(count >= min_spikes - 1, cv, np.nan)


def bin_index(times: Floats, t_start: float, t_stop: float, bin_width: float) -> tuple[Ints, int]:
    """Bin of each spike and number of whole bins; spikes after the last whole bin get an index beyond it."""
    if not 0 < bin_width <= t_stop - t_start:
        raise ValueError(f"bin of {bin_width} ms does not fit the window [{t_start}, {t_stop}) ms")
    n_bins = int((t_stop - t_start) / bin_width + 1e-9)
    return np.floor((times - t_start + EDGE) / bin_width).astype(np.int64), n_bins


def population_rate(
    times: ArrayLike, n_neurons: int, t_start: float, t_stop: float, bin_width: float = RATE_BIN
) -> tuple[Floats, Floats]:
    """Rate of the population over time.

    Only whole bins are made: what remains of the window after the last one is left out.

    Returns
    -------
    centres : ndarray, shape (n_bins,)
        Middle of each bin in ms.
    rate : ndarray, shape (n_bins,)
        In spikes/s per neuron.

    Examples
    --------
    >>> population_rate([0., 1., 12.], 2, 0., 20., 10.)
    (array([ 5., 15.]), array([100.,  50.]))
    """
    times, _ = cut(times, np.zeros(np.shape(times), dtype=np.int64), n_neurons, t_start, t_stop)
    index, n_bins = bin_index(times, t_start, t_stop, bin_width)
    counts: Floats = np.bincount(index, minlength=n_bins)[:n_bins].astype(np.float64)
    centres = t_start + bin_width * (np.arange(n_bins, dtype=np.float64) + 0.5)
    return centres, counts * (1000.0 / (bin_width * n_neurons))


def fano_factor(
    times: ArrayLike,
    node_ids: ArrayLike,
    n_neurons: int,
    t_start: float,
    t_stop: float,
    bin_width: float = 100.0,
) -> Floats:
    """Variance over mean of the spike count in successive bins, per neuron (1 for a Poisson process).

    Returns
    -------
    ndarray of float64, shape (n_neurons,)
        NaN for neurons without a spike. Variance with divisor n - 1 (unbiased); at least two bins.
    """
    times, ids = cut(times, node_ids, n_neurons, t_start, t_stop)
    index, n_bins = bin_index(times, t_start, t_stop, bin_width)
    if n_bins < 2:
        raise ValueError(f"the Fano factor needs two bins; {bin_width} ms gives {n_bins} in [{t_start}, {t_stop}) ms")
    whole = index < n_bins
    occupied, counts = np.unique(ids[whole] * n_bins + index[whole], return_counts=True)
    owners = occupied // n_bins
    mean = np.bincount(owners, counts, minlength=n_neurons) / n_bins
    square = np.bincount(owners, counts.astype(np.float64) ** 2, minlength=n_neurons) / n_bins
    with np.errstate(divide="ignore", invalid="ignore"):
        return (square - mean**2) * (n_bins / (n_bins - 1)) / mean


def synchrony_index(
    times: ArrayLike, n_neurons: int, t_start: float, t_stop: float, bin_width: float = RATE_BIN
) -> float:
    """Variance over mean of the population rate, in spikes/s.

    Independent Poisson neurons give ``1000 / (n_neurons * bin_width)``, so compare only populations of one
    size and one bin (index of Lindahl & Hellgren Kotaleski 2016, doi 10.1523/ENEURO.0156-16.2016). NaN if
    nothing fires.
    """
    _, rate = population_rate(times, n_neurons, t_start, t_stop, bin_width)
    return float(rate.var() / rate.mean()) if rate.any() else float("nan")


def population_table(
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    *,
    bin_width: float = RATE_BIN,
    min_spikes: int = 3,
) -> pd.DataFrame:
    """Summary of populations and groups.

    Returns
    -------
    DataFrame
        Index ``population``; columns ``n_neurons``, ``n_spikes``, ``rate`` (mean, spikes/s), ``rate_sd`` (over neurons,
        spikes/s), ``rate_low`` and ``rate_high`` (95 % interval of the mean over blocks of time of this run, see
        `rate_interval`; NaN in recordings that are too short to tell), ``active`` (fraction that fired), ``cv`` (mean
        over neurons with ``min_spikes`` spikes), ``n_cv`` (their number), ``synchrony`` (spikes/s).
    """
    import pandas as pd

    rows = {}
    bin_width = min(bin_width, t_stop - t_start)
    for name, train in spikes.items():
        arguments = (train.times, train.node_ids, train.n_neurons, t_start, t_stop)
        rates = mean_rates(*arguments)
        cv = cv_isi(*arguments, min_spikes=min_spikes)
        known = cv[~np.isnan(cv)]
        inside, _ = cut(*arguments)
        low, high = rate_interval(inside, train.n_neurons, t_start, t_stop)
        rows[name] = {
            "n_neurons": train.n_neurons,
            "n_spikes": round(float(rates.sum()) * (t_stop - t_start) / 1000.0),
            "rate": rates.mean(),
            "rate_sd": rates.std(),
            "rate_low": low,
            "rate_high": high,
            "active": np.count_nonzero(rates) / train.n_neurons,
            "cv": known.mean() if known.size else np.nan,
            "n_cv": known.size,
            "synchrony": synchrony_index(train.times, train.n_neurons, t_start, t_stop, bin_width),
        }
    columns = ["n_neurons", "n_spikes", "rate", "rate_sd", "rate_low", "rate_high", "active", "cv", "n_cv", "synchrony"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("population")


def run_spikes(run: Run) -> dict[str, Spikes]:
    """Spikes of all recorded populations and groups of a run, each group after the last of its members."""
    recorded = list(run.recorded)
    names = list(recorded)
    for group, members in sorted(run.groups.items(), key=lambda item: len(item[1])):
        if members and set(members) <= set(recorded):
            place = max(names.index(member) for member in members) + 1
            names.insert(place, group)
    return {name: run.spikes(name) for name in names}


def run_table(run: Run, t_start: float | None = None, t_stop: float | None = None) -> pd.DataFrame:
    """`population_table` of a run, over its recording window unless another is given."""
    start, stop = run.window
    return population_table(run_spikes(run), start if t_start is None else t_start, stop if t_stop is None else t_stop)


def window_rates(run: Run, windows: Sequence[tuple[float, float]], channels: int = 1) -> pd.DataFrame:
    """Mean rates (spikes/s) of all populations and groups in several windows.

    Parameters
    ----------
    run : Run
    windows : sequence of (float, float)
        In ms, half-open, within the recording.
    channels : int
        With more than 1 each population has also a row per channel, ``A 1`` for its cells 0, n, 2 n ... and so on.

    Raises
    ------
    ValueError
        If a window is not within the recording.
    """
    import pandas as pd

    begin, end = run.window
    for start, stop in windows:
        if start < begin - EDGE or stop > end + EDGE:
            raise ValueError(f"the window {start:g}:{stop:g} is not within the recording, {begin:g}:{end:g} ms")
    rows: dict[str, list[float]] = {}
    for name, train in run_spikes(run).items():
        rates = [mean_rates(train.times, train.node_ids, train.n_neurons, *window) for window in windows]
        rows[name] = [float(found.mean()) for found in rates]
        if channels > 1 and name in run.recorded:
            for number in range(channels):
                rows[f"{name} {number + 1}"] = [float(found[number::channels].mean()) for found in rates]
    columns = [f"{start:g}:{stop:g}" for start, stop in windows]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("population")
