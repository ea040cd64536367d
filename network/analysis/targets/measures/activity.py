"""Measures of how often and how regularly the cells of a population fire."""

from __future__ import annotations

from .base import PopulationMeasure, RunData


class _Column(PopulationMeasure):
    """A column of `network.analysis.statistics.population_table`."""

    def of(self, data: RunData, name: str) -> float:
        return float(data.table[self.name][name])


class MeanRate(_Column):
    """Spikes per second and cell; silent cells count."""

    name = "rate"
    text = "mean rate (spikes/s)"
    short = "rate (1/s)"
    compared = True

    @property
    def key(self) -> str:
        """Rates are what targets are about above all."""
        return "populations"


class Irregularity(_Column):
    """Mean over cells with at least three spikes; 1 for a Poisson process, 0 for a clock."""

    name = "cv"
    text = "CV of inter-spike intervals (dimensionless)"
    short = "CV"
    compared = True


class ActiveCells(_Column):
    """Fraction of cells with at least one spike."""

    name = "active"
    text = "cells that fired (fraction)"
    short = "active"


class Synchrony(_Column):
    """Grows when cells fire together; compare populations of one size only."""

    name = "synchrony"
    text = "variance over mean of the population rate (spikes/s)"
    short = "synchrony (1/s)"
    compared = True
