"""Weights that are recorded: when which sample is due, and the file of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..plans.plan import Plan
from ..runs.weights import Weights
from .base import WeightSource


class WeightSamples:
    """Samples of all recordings of a run; steps are counted from the start of the simulation."""

    def __init__(self, plan: Plan, sources: Sequence[WeightSource]) -> None:
        self._plan, self._sources = plan, sources
        self._pending = [[round(time / plan.resolution) for time in source.plan.times] for source in sources]
        self._taken: list[list[tuple[float, np.ndarray]]] = [[] for _ in sources]

    def steps_left(self, step: int) -> int | None:
        """Return the number of steps until the next sample, None if there is none."""
        due = [pending[0] for pending in self._pending if pending]
        return min(due) - step if due else None

    def take(self, step: int) -> None:
        """Take all samples that are due; not while the simulation is prepared."""
        for source, pending, taken in zip(self._sources, self._pending, self._taken, strict=True):
            while pending and pending[0] <= step:
                taken.append((round(pending.pop(0) * self._plan.resolution, 9), source.sample()))

    def recorded(self) -> list[tuple[str, Weights]]:
        """Everything, by name of the recording."""
        found = []
        for source, taken in zip(self._sources, self._taken, strict=True):
            projection = next(p for p in self._plan.projections if p.name == source.plan.projection)
            units = self._plan.population(projection.target).unit(projection.receptor)
            ids = source.pairs
            values = np.stack([values for _, values in taken]) if taken else np.empty((0, len(ids[0])))
            times = np.array([time for time, _ in taken], dtype=float)
            found.append((source.plan.name, Weights(projection.name, units, times, *ids, values)))
        return found
