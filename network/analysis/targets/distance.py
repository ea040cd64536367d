"""How far a run is from its target windows, as one smooth number for an optimiser to make small."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

MISSING_DISTANCE = 10.0
"""Distance in half widths of a window that counts for a value that does not exist (a CV without spikes, say)."""


def window_distance(value: float, low: float, high: float) -> float:
    """Distance of a value from a window: 0 inside; outside quadratic near the edge and linear far away.

    With e the distance from the nearer edge in half widths of the window it is the pseudo-Huber function
    sqrt(1 + e^2) - 1 (Charbonnier et al. 1994, doi 10.1109/ICIP.1994.413553), which is smooth everywhere, and in
    which one rate that is far off does not hide all others.

    Parameters
    ----------
    value : float
        May be NaN, which counts as `MISSING_DISTANCE` half widths.
    low, high : float
        Edges of the window, ``low < high``.

    Examples
    --------
    >>> window_distance(12.0, 10.0, 14.0), round(window_distance(16.0, 10.0, 14.0), 3)
    (0.0, 0.414)
    """
    if not low < high:
        raise ValueError(f"a window needs low < high, not {low:g} and {high:g}")
    excess = max(low - value, value - high, 0.0) / (0.5 * (high - low)) if np.isfinite(value) else MISSING_DISTANCE
    return float(np.sqrt(1.0 + excess**2) - 1.0)


def distance(judged: pd.DataFrame, weights: Mapping[str, float]) -> float:
    """Mean of `window_distance` over judged quantities, weighted by the kind of quantity.

    Parameters
    ----------
    judged : DataFrame
        `Judgement.judged` (`network.analysis.targets.judge`) of one or several runs; columns ``quantity``, ``value``,
        ``low`` and ``high``.
    weights : mapping of quantity to float
        For instance ``{"rate": 1.0, "cv": 0.3}``; what is not named, or has the weight 0, does not count.

    Returns
    -------
    float
        0 if everything that counts is inside its window.

    Raises
    ------
    ValueError
        If nothing counts.
    """
    counted = judged[judged["quantity"].map(lambda name: weights.get(name, 0.0) > 0.0).astype(bool)]
    if counted.empty:
        raise ValueError(f"nothing to compare: no target window of {', '.join(weights) or 'any quantity'}")
    each = [window_distance(v, lo, hi) for v, lo, hi in counted[["value", "low", "high"]].to_numpy(dtype=float)]
    return float(np.average(each, weights=[weights[name] for name in counted["quantity"]]))
