"""Measures of the power spectrum of a population rate."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from ...certainty import freedom, peak_limit, poisson_level
from ...spectra import oscillation_index, unit_spectrum
from ...statistics import RATE_BIN
from .base import PopulationMeasure, RunData

HIGHEST = 100.0
"""Hz up to which spectra are looked at."""


class _Spectral(PopulationMeasure):
    """NaN for a population that does not fire."""

    def of(self, data: RunData, name: str) -> float:
        frequencies, power = data.spectrum(name)
        looked_at = (frequencies > 0) & (frequencies <= HIGHEST)
        return self.of_spectrum(frequencies, power, data) if power[looked_at].any() else float("nan")

    @abstractmethod
    def of_spectrum(self, frequencies: np.ndarray, power: np.ndarray, data: RunData) -> float:
        """Value from a spectrum with power in it."""


class PeakFrequency(_Spectral):
    """Where the largest power is, up to `HIGHEST`."""

    name = "peak_frequency"
    text = "frequency of the spectral peak (Hz)"
    short = "peak (Hz)"

    def of_spectrum(self, frequencies: np.ndarray, power: np.ndarray, data: RunData) -> float:
        """Value from a spectrum with power in it."""
        looked_at = (frequencies > 0) & (frequencies <= HIGHEST)
        return float(frequencies[looked_at][np.argmax(power[looked_at])])


class BetaShare(_Spectral):
    """A flat spectrum has about the width of the band over `HIGHEST`."""

    name = "beta_share"
    text = "power in the beta band (fraction of that up to 100 Hz)"
    short = "beta share"

    def of_spectrum(self, frequencies: np.ndarray, power: np.ndarray, data: RunData) -> float:
        """Value from a spectrum with power in it."""
        return oscillation_index(frequencies, power, data.presentation.beta.limits, HIGHEST)

    def chance(self, data: RunData, name: str) -> float:
        """Share of a flat spectrum: frequencies in the band, of those that are looked at."""
        if name not in data.spikes:
            return float("nan")
        frequencies, _ = data.spectrum(name)
        flat = np.where(frequencies > 0, 1.0, 0.0)  # the mean is taken off
        return oscillation_index(frequencies, flat, data.presentation.beta.limits, HIGHEST)


class BetaPower(_Spectral):
    """Integral of the power over the band."""

    name = "beta_power"
    text = "power in the beta band ((spikes/s)$^2$)"
    short = "beta power ((1/s)^2)"

    def of_spectrum(self, frequencies: np.ndarray, power: np.ndarray, data: RunData) -> float:
        """Value from a spectrum with power in it."""
        inside = (frequencies >= data.presentation.beta.low) & (frequencies <= data.presentation.beta.high)
        return float(power[inside].sum() * (frequencies[1] - frequencies[0]))

    def chance(self, data: RunData, name: str) -> float:
        """Power of independent Poisson cells of the same rate."""
        if name not in data.spikes:
            return float("nan")
        frequencies, power = data.spectrum(name)
        level = poisson_level(int(data.table["n_spikes"][name]), data.spikes[name].n_neurons, *data.window)
        return self.of_spectrum(frequencies, np.full_like(power, level), data)


class PeakRatio(_Spectral):
    """How far the spectrum rises above the level of independent Poisson cells.

    Cells that fire more regularly than that, or at a common rhythm, move the whole spectrum; compare with `chance`.
    """

    name = "peak_ratio"
    text = "spectral peak over the level of independent cells (dimensionless)"
    short = "peak over chance"

    def of(self, data: RunData, name: str) -> float:
        """NaN for a population that does not fire."""
        level = poisson_level(int(data.table["n_spikes"][name]), data.spikes[name].n_neurons, *data.window)
        return super().of(data, name) / level if level else float("nan")

    def of_spectrum(self, frequencies: np.ndarray, power: np.ndarray, data: RunData) -> float:
        """Value from a spectrum with power in it."""
        return float(power[(frequencies > 0) & (frequencies <= HIGHEST)].max())

    def chance(self, data: RunData, name: str) -> float:
        """What the highest of all frequencies reaches in one of a hundred recordings of independent Poisson cells."""
        if name not in data.spikes:
            return float("nan")
        start, stop = data.window
        frequencies, _ = data.spectrum(name)
        degrees = freedom(int((stop - start) / RATE_BIN + 1e-9), 2 * (len(frequencies) - 1))
        return peak_limit(degrees, int(((frequencies > 0) & (frequencies <= HIGHEST)).sum()))


CELLS = 200
"""Cells whose spectra are averaged; more do not change the mean."""


class UnitBetaPower(PopulationMeasure):
    """Integral over the band of the mean spectrum of single cells: rhythms count that cells do not share, too."""

    name = "unit_beta_power"
    text = "power of single cells in the beta band ((spikes/s)$^2$)"
    short = "beta power of cells ((1/s)^2)"

    def of(self, data: RunData, name: str) -> float:
        """Of the first `CELLS` cells; NaN for a population that does not fire."""
        data.has_spectra()
        train, band = data.spikes[name], data.presentation.beta
        if not len(train.times):
            return float("nan")
        n_cells = min(train.n_neurons, CELLS)
        kept = np.asarray(train.node_ids) < n_cells
        times, ids = np.asarray(train.times)[kept], np.asarray(train.node_ids)[kept]
        frequencies, power = unit_spectrum(times, ids, n_cells, *data.window)
        inside = (frequencies >= band.low) & (frequencies <= band.high)
        return float(power[inside].sum() * (frequencies[1] - frequencies[0]))

    def chance(self, data: RunData, name: str) -> float:
        """Power of Poisson trains of the same rate, which is the rate at every frequency."""
        band = data.presentation.beta
        return float(data.table["rate"][name]) * (band.high - band.low) if name in data.spikes else float("nan")
