"""Measures of the response of a population to a transient input, by zone: ``POPULATION EE``."""

from __future__ import annotations

from ...response import zone_table
from .base import Measure, NotMeasuredError, RunData

TRIALS = 20
"""Fewest transients from which a response is judged: with fewer its edges are those of the noise."""


class ZoneMeasure(Measure):
    """A column of `network.analysis.response.zone_table`."""

    section = "response"

    def value(self, data: RunData, name: str) -> float:
        """NaN for a zone that the response does not have."""
        population, _, zone = name.rpartition(" ")
        about = f"the response of {population} is not judged"
        try:
            response = data.response(population)
        except ValueError as error:
            raise NotMeasuredError(f"{about}: {error}") from error
        if (n := len(response.rates)) < TRIALS:
            raise NotMeasuredError(f"{about}: that needs {TRIALS} transients; recorded: {n}")
        table = zone_table(response)
        return float(table[self.name][zone]) if zone in table.index else float("nan")


class Latency(ZoneMeasure):
    """When the zone begins."""

    name = "latency"
    text = "start of the zone after the onset (ms)"
    short = "latency (ms)"


class Duration(ZoneMeasure):
    """How long the zone is."""

    name = "duration"
    text = "length of the zone (ms)"
    short = "duration (ms)"


class Area(ZoneMeasure):
    """Sum over the bins of 1 ms of the zone of the rate averaged over trials."""

    name = "area"
    text = "area of the zone (spikes/s x ms)"
    short = "area (1/s x ms)"
