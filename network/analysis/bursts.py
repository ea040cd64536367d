"""Bursts of single cells, found by how unlikely they are for a Poisson process: the Poisson surprise.

A group of n spikes after a first one, within T ms of it, has the surprise S = -ln P(n or more spikes in T), with P of a
Poisson process of the mean rate of the cell (Legendy and Salcman 1985, doi:10.1152/jn.1985.53.4.926). A group begins
where two intervals in a row are shorter than half of the mean one; spikes are added at its end as long as intervals are
shorter than twice the mean one and S grows, then left out at its beginning as long as S grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log

import numpy as np

from ..runs import Spikes
from .statistics import Floats, cut

SURPRISE = 5.0
"""Given spikes of a Poisson process are such a group with a probability of 0.7 %."""
LOOKS_AHEAD = 10
"""Spikes after the end that may fail to raise the surprise before the search for a better end is given up."""
LEAST = 3
"""Fewest spikes of a burst."""


@dataclass(frozen=True)
class Burst:
    """Some successive spikes of a cell.

    Attributes
    ----------
    first, last : int
        Numbers of its first and last spike.
    surprise : float
    """

    first: int
    last: int
    surprise: float

    @property
    def n_spikes(self) -> int:
        """Number of its spikes."""
        return self.last - self.first + 1


def poisson_surprise(n_spikes: int, duration: float, rate: float) -> float:
    """-ln of the probability of ``n_spikes`` or more within ``duration`` of a Poisson process.

    ``n_spikes`` counts those after the first one, with which the time begins.

    >>> round(poisson_surprise(1, 1.0, 1.0), 3)  # 1 - 1/e
    0.459
    """
    mean = rate * duration
    if n_spikes <= 0:
        return 0.0
    if mean <= 0.0:
        return float("inf")
    if n_spikes <= mean:  # half of the probability or more: no burst, and the sum of the others is exact
        below = sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(n_spikes))
        return -log(max(1.0 - below, 1e-300))
    term, total, k = 1.0, 1.0, n_spikes
    while term > 1e-12 * total:
        k += 1
        term *= mean / k
        total += term
    return -(n_spikes * log(mean) - mean - lgamma(n_spikes + 1) + log(total))


def find_bursts(times: Floats, start: float, stop: float, surprise: float = SURPRISE) -> list[Burst]:
    """Bursts of one cell.

    Parameters
    ----------
    times : ndarray
        Sorted spike times in ms.
    start, stop : float
        Of the recording, ms, from which the mean rate follows.
    surprise : float
        Least surprise of a burst.
    """
    if len(times) < LEAST + 1:
        return []
    rate = len(times) / (stop - start)
    short = np.diff(times) < 0.5 / rate
    found, at = [], 0
    while at < len(short) - 1:
        if not (short[at] and short[at + 1]):
            at += 1
            continue
        burst = _shortened(times, _lengthened(times, at, at + 2, rate), rate)
        if burst.surprise >= surprise and burst.n_spikes >= LEAST:
            found.append(burst)
        at = max(burst.last, at + 2)
    return found


def _surprise(times: Floats, first: int, last: int, rate: float) -> float:
    return poisson_surprise(last - first, float(times[last] - times[first]), rate)


def _lengthened(times: Floats, first: int, last: int, rate: float) -> Burst:
    best = Burst(first, last, _surprise(times, first, last, rate))
    end = last + 1
    while end < len(times) and end - best.last <= LOOKS_AHEAD and times[end] - times[end - 1] < 2.0 / rate:
        if (found := _surprise(times, first, end, rate)) > best.surprise:
            best = Burst(first, end, found)
        end += 1
    return best


def _shortened(times: Floats, burst: Burst, rate: float) -> Burst:
    for first in range(burst.first + 1, burst.last - LEAST + 2):
        if (found := _surprise(times, first, burst.last, rate)) > burst.surprise:
            burst = Burst(first, burst.last, found)
    return burst


def burst_share(train: Spikes, start: float, stop: float, n_cells: int = 200, surprise: float = SURPRISE) -> float:
    """Fraction of the spikes that belong to bursts, of the first ``n_cells`` cells that fire often enough to have one.

    NaN if there are none. Of a clock it is 0, of a Poisson process 0.08 to 0.09 at a surprise of 5 and 0.01 at 8:
    groups are chosen where they are unlikely.
    """
    times, ids = cut(train.times, train.node_ids, train.n_neurons, start, stop)
    active = np.flatnonzero(np.bincount(ids, minlength=train.n_neurons) > LEAST)[:n_cells]
    order = np.lexsort((times, ids))
    times, ids = times[order], ids[order]
    edges = np.searchsorted(ids, np.stack([active, active + 1]))
    within = sum(b.n_spikes for i, j in edges.T for b in find_bursts(times[i:j], start, stop, surprise))
    total = int((edges[1] - edges[0]).sum())
    return within / total if total else float("nan")
