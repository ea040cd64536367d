"""Measures of how single cells vary: counts in windows, and bursts."""

from __future__ import annotations

import numpy as np

from ...bursts import burst_share
from ...statistics import fano_factor
from .base import PopulationMeasure, RunData

WINDOW = 100.0
"""ms in which spikes are counted."""


class FanoFactor(PopulationMeasure):
    """Variance over mean of the spike counts of a cell in successive windows; 1 for a Poisson process."""

    name = "fano_factor"
    text = "Fano factor of counts in 100 ms (dimensionless)"
    short = "Fano factor"

    def of(self, data: RunData, name: str) -> float:
        """Mean over cells that fired; NaN in a recording shorter than two windows."""
        train, (start, stop) = data.spikes[name], data.window
        if stop - start < 2.0 * WINDOW or not len(train.times):
            return float("nan")
        return float(np.nanmean(fano_factor(train.times, train.node_ids, train.n_neurons, start, stop, WINDOW)))


class BurstShare(PopulationMeasure):
    """By the Poisson surprise, of the first 200 cells with four spikes or more."""

    name = "burst_share"
    text = "spikes in bursts (fraction)"
    short = "in bursts"

    def of(self, data: RunData, name: str) -> float:
        """NaN if no cell fires often enough."""
        return burst_share(data.spikes[name], *data.window)
