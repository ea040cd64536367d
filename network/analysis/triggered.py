"""What happens around spikes, on average: rates of populations, or traces, triggered by the spikes of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import RunMissingError, choices
from ..runs import Run, Spikes
from .field import TOTAL, read_field
from .statistics import Floats, bin_index, cut, population_rate

if TYPE_CHECKING:
    import pandas as pd


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


def around_spikes(
    run: Run, trigger: str, of: str | None = None, *, reach: float = 100.0, bin_width: float = 1.0
) -> pd.DataFrame:
    """What a run does around the spikes of a population, on average over these spikes.

    Parameters
    ----------
    trigger : str
        Population or group whose spikes count.
    of : str, optional
        A population or group: its rate, by default that of the trigger, without the spike itself. A field
        (``recording.fields``): its currents. ``POPULATION.VARIABLE``: a trace, the mean over its recorded cells, each
        around its own spikes if they are of the trigger, else around all of them.
    reach : float
        To each side, ms.
    bin_width : float
        Of rates, ms; signals keep the interval of their samples.

    Returns
    -------
    DataFrame
        By ``lag_ms``, positive after the spike; ``rate`` (spikes/s per cell), the columns of a field (pA), or the
        variable. ``attrs`` has ``trigger``, ``of``, ``n_spikes`` (those nearer than ``reach`` to an end are left out)
        and ``units``.

    Raises
    ------
    RunMissingError
        If something was not recorded, or for a shorter time than twice the reach.
    """
    import pandas as pd

    what, train, (start, stop) = of or trigger, run.spikes(trigger), run.window
    if what in run.fields:
        lags, columns, n_spikes = _around_field(run, train, what, reach)
        units = "pA"
    elif "." in what:
        lags, columns, n_spikes, units = _around_trace(run, train, trigger, what, reach)
    else:
        second = train if what == trigger else _spikes(run, what)
        _side(run, reach, bin_width, int((stop - start) / bin_width))
        lags, rate = triggered_rate(train, second, start, stop, reach=reach, bin_width=bin_width)
        columns, units = {"rate": rate}, "spikes/s"
        n_spikes = int(np.sum((train.times >= start + reach) & (train.times < stop - reach)))
    table = pd.DataFrame(columns, index=pd.Index(lags, name="lag_ms"))
    table.attrs.update({"trigger": trigger, "of": what, "n_spikes": n_spikes, "units": units})
    return table


def _side(run: Run, reach: float, interval: float, n_samples: int) -> int:
    """Samples to each side of a spike."""
    if n_samples <= 2 * (n_side := round(reach / interval)):
        recorded = f"recorded: {n_samples * interval:g} ms"
        raise RunMissingError(f"{run.path}: {reach:g} ms to each side need more than {2 * reach:g} ms; {recorded}")
    return n_side


def _spikes(run: Run, name: str) -> Spikes:
    known = [*run.populations, *run.groups]
    if name not in known:
        there = [*known, *run.fields, *(f"{population}.{variable}" for population, variable, _ in run.traces)]
        raise RunMissingError(f"{run.path}: no {name!r}; {choices(name, there, 'populations, fields and traces')}")
    return run.spikes(name)


def _around_field(run: Run, train: Spikes, name: str, reach: float) -> tuple[Floats, dict[str, Floats], int]:
    field = read_field(run, name)
    counts = _counts(train.times, field.times)
    signals = {
        **field.currents,
        TOTAL: field.total,
        "absolute": field.proxy("absolute"),
        "weighted": field.proxy("weighted"),
    }
    n_side = _side(run, reach, field.interval, len(counts))
    found = {key: triggered_average(counts, signal, n_side) for key, signal in signals.items()}
    return _lags(n_side, field.interval), found, int(counts[n_side : len(counts) - n_side].sum())


def _around_trace(
    run: Run, train: Spikes, trigger: str, what: str, reach: float
) -> tuple[Floats, dict[str, Floats], int, str]:
    population, _, variable = what.partition(".")
    keys = [key for key in run.traces if (key.population, key.variable) == (population, variable)]
    if not keys:
        there = sorted({f"{p}.{v}" for p, v, _ in run.traces})
        raise RunMissingError(f"{run.path}: no trace {what!r}; {choices(what, there, 'traces')}")
    report = run.report(*keys[0])
    times = np.asarray(report.times, dtype=np.float64)
    interval = float(np.diff(times[:2])[0])
    n_side = _side(run, reach, interval, len(times))
    everything = _counts(train.times, times)
    total, n_spikes = np.zeros(2 * n_side + 1), 0
    for column, cell in enumerate(report.node_ids):
        counts = _counts(train.times[train.node_ids == cell], times) if population == trigger else everything
        inside = int(counts[n_side : len(counts) - n_side].sum())
        mean = triggered_average(counts, report.values[:, column].astype(np.float64), n_side)
        total += inside * np.nan_to_num(mean)
        n_spikes += inside
    mean = total / n_spikes if n_spikes else np.full(2 * n_side + 1, np.nan)
    shown = n_spikes if population == trigger else n_spikes // max(1, len(report.node_ids))
    return _lags(n_side, interval), {variable: mean}, shown, report.units


def _counts(spikes: ArrayLike, times: Floats) -> Floats:
    """Spikes by the sample that is nearest to each."""
    interval = float(np.diff(times[:2])[0])
    at = np.floor((np.asarray(spikes) - times[0]) / interval + 0.5).astype(int)
    return np.bincount(at[(at >= 0) & (at < len(times))], minlength=len(times)).astype(np.float64)


def _lags(n_side: int, interval: float) -> Floats:
    found: Floats = np.round(interval * np.arange(-n_side, n_side + 1, dtype=np.float64), 9)
    return found
