"""Measures of pairs of units in the frequency band of a state, by pair of populations ``A/B``."""

from __future__ import annotations

from typing import ClassVar

from .base import Measure, NotMeasuredError, RunData

CYCLES = 3
"""Shortest recording in cycles of the rhythm that drives the network."""


class PairMeasure(Measure):
    """A column of `network.analysis.oscillations.pair_table`."""

    section = "pairs"
    column: ClassVar[str]
    by_chance: ClassVar[str] = ""
    """Column with the value of independent cells."""

    def value(self, data: RunData, name: str) -> float:
        """NaN for a pair without active cells, or without a recording that is long enough for this measure."""
        start, stop = data.window
        if stop - start < (needed := CYCLES * 1000.0 / data.band.drive):
            raise NotMeasuredError(
                f"unit pairs are not judged: that needs {needed:g} ms, {CYCLES} cycles; recorded: {stop - start:g} ms"
            )
        found = data.pair(name)
        return float("nan") if found is None else float(found[self.column])

    def chance(self, data: RunData, name: str) -> float:
        """As `pair_table` has it."""
        found = data.pair(name) if self.by_chance else None
        return float("nan") if found is None else float(found[self.by_chance])


class PairCoherence(PairMeasure):
    """Largest value in the band of the mean over pairs; chance is one over the number of windows."""

    name = column = "coherence"
    by_chance = "chance"
    text = "peak coherence of unit pairs (dimensionless)"
    short = "coherence"


class Phase(PairMeasure):
    """Judged by its magnitude, 0 to 180 degrees: which population is named first does not matter."""

    name = "phase"
    column = "phase_size"
    text = "magnitude of the mean phase difference (degrees)"
    short = "phase (deg)"


class Resultant(PairMeasure):
    """Length of the mean over pairs and times of unit vectors at their phase difference."""

    name = column = "resultant"
    by_chance = "resultant_chance"
    text = "concentration of phase differences (dimensionless)"
    short = "R of phases"
