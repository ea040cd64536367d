"""How far values are from the distribution that they were to be drawn from, and how far chance may bring them.

The distance is that of Kolmogorov and Smirnov. By the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's
constant (doi 10.1214/aop/1176990746), n independent values are further than e from their distribution with a
probability of 2 exp(-2 n e^2) at most, whatever n and the distribution.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..experiment.distributions import Clamped, Drawn, LogNormal, TruncatedNormal, Uniform

ALPHA = 1e-12
"""Probability with which a right network fails one comparison: a thousand runs of a hundred comparisons each fail
with one in ten million."""


def likely_distance(n: int) -> float:
    """Distance that n right values exceed with probability `ALPHA` at most."""
    return math.sqrt(math.log(2.0 / ALPHA) / (2.0 * n))


def furthest(values: NDArray[np.float64], planned: Drawn, slack: float) -> float | None:
    """Largest distance between the shares of values below a number, found and expected; None for what is not drawn.

    Parameters
    ----------
    values : ndarray, shape (n,)
    planned : Drawn
    slack : float
        How much a value may have been rounded; in the unit of the values.
    """
    ordered, n = np.sort(values), len(values)
    above, below = expected_share(planned, ordered + slack), expected_share(planned, ordered - slack)
    if above is None or below is None or not n:
        return None
    ranks = np.arange(1, n + 1) / n
    return float(max(0.0, np.max(ranks - above), np.max(below - ranks + 1.0 / n)))


def expected_share(planned: Drawn, at: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Share of a distribution that is not larger than each of some numbers; None for a list of numbers."""
    if isinstance(planned, Uniform):
        width = planned.high - planned.low
        return np.clip((at - planned.low) / width, 0.0, 1.0) if width > 0.0 else (at >= planned.low).astype(float)
    if isinstance(planned, Clamped):
        inner = (
            share_below((at - planned.mean) / planned.sd) if planned.sd > 0.0 else (at >= planned.mean).astype(float)
        )
        return np.where(at < planned.low, 0.0, np.where(at >= planned.high, 1.0, inner))
    if isinstance(planned, TruncatedNormal):
        ends = (np.array([planned.low, planned.high]) - planned.mean) / planned.sd
        return _inside((at - planned.mean) / planned.sd, *ends)
    if isinstance(planned, LogNormal):
        mu, sigma = planned.of_logarithm
        high = math.inf if planned.high is None else planned.high
        place = (np.log(np.maximum(at, 1e-300)) - mu) / sigma
        if planned.beyond == "clamp":
            return np.where(at < planned.low, 0.0, np.where(at >= high, 1.0, share_below(place)))
        low = -math.inf if planned.low <= 0.0 else math.log(planned.low)
        return _inside(place, (low - mu) / sigma, (math.log(high) - mu) / sigma)
    return None


def _inside(place: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Of a normal distribution only what is between two places."""
    first, last = share_below(np.array([low, high]))
    return np.clip((share_below(place) - first) / (last - first), 0.0, 1.0)


def share_below(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a standard normal distribution below each of some numbers; SciPy's takes a second to be imported."""
    erfc = np.frompyfunc(math.erfc, 1, 1)
    return np.asarray(0.5 * erfc(-place / math.sqrt(2.0)), dtype=np.float64)
