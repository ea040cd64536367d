"""Measures of what rhythms of populations have in common, in the band that the network calls beta."""

from __future__ import annotations

import numpy as np

from ...common_rhythm import mean_frequency, shared
from .base import Measure, NotMeasuredError, PopulationMeasure, RunData


class CommonRhythm(PopulationMeasure):
    """Coherence of the rate with those of all other populations, their mean, where it is largest in the band.

    Near 1 where the whole network follows one rhythm; chance is somewhat above one over the number of windows, which
    are as long as those of pairs of units and overlap by half. NaN with a single population that fires, or in a
    recording of fewer than two windows.
    """

    name = "common_rhythm"
    text = "coherence with the rates of the other populations, largest in the beta band (dimensionless)"
    short = "common rhythm"

    def of(self, data: RunData, name: str) -> float:
        """Groups are compared with the populations outside of them."""
        members = set(data.run.groups.get(name, (name,)))
        found = data.coherences
        if found is None or name not in found.names:
            return float("nan")
        others = [k for k, other in enumerate(found.names) if other not in members and other in data.run.recorded]
        if not others:
            return float("nan")
        inside = _inside(found.frequencies, data)
        return float(shared(found.coherence, found.names.index(name), others)[inside].max())

    def chance(self, data: RunData, name: str) -> float:
        """Of independent rates, at any one frequency."""
        return float("nan") if data.coherences is None else data.coherences.chance


class BetaFrequency(PopulationMeasure):
    """Mean frequency of the power in the beta band."""

    name = "beta_frequency"
    text = "mean frequency of the power in the beta band (Hz)"
    short = "beta freq. (Hz)"

    def of(self, data: RunData, name: str) -> float:
        """NaN for a population that does not fire."""
        return mean_frequency(*data.spectrum(name), data.presentation.beta.limits)


class RateCoherence(Measure):
    """Coherence of the rates of two populations ``A/B``, where it is largest in the beta band."""

    name = "rate_coherence"
    text = "coherence of two rates, largest in the beta band (dimensionless)"
    short = "coherence of rates"
    section = "pairs"

    def value(self, data: RunData, name: str) -> float:
        """NaN if one of them was not recorded or does not fire."""
        if data.coherences is None:
            raise NotMeasuredError("coherence of rates is not judged: the recording has fewer than two windows")
        names = data.coherences.names
        if not {*(pair := name.split("/"))} <= {*names}:
            return float("nan")
        first, second = (names.index(one) for one in pair)
        inside = _inside(data.coherences.frequencies, data)
        return float(data.coherences.coherence[first, second][inside].max())

    def chance(self, data: RunData, name: str) -> float:
        """Of independent rates, at any one frequency."""
        return float("nan") if data.coherences is None else data.coherences.chance


def _inside(frequencies: np.ndarray, data: RunData) -> np.ndarray:
    low, high = data.presentation.beta.limits
    return (frequencies >= low) & (frequencies <= high)
