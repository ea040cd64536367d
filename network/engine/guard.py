"""Stop a run whose activity explodes: the rates of its populations, looked at now and then.

A network with too much excitation fires hundreds of spikes per cell and second; it then costs ten times the
time and memory of a sound one and tells nothing more. The guard reads how many spikes the recorders hold (it
neither sorts nor moves them), so only populations whose spikes are recorded are watched. A look takes a
millisecond. All ranks of a job look at the same moment and at the same sums, so they decide alike.

A state that is not finite needs no guard: the cells themselves end the run, see `network.engine.stops`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..plans.plan import Plan
from .base import Engine, SpikeSource

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runaway:
    """Why a run was stopped: rates in spikes/s, the time in ms since its start (warm-up included)."""

    population: str
    time: float
    rate: float
    limit: float
    window: float

    def __str__(self) -> str:
        return (
            f"{self.population} fires {self.rate:,.0f} spikes/s on average over the last {self.window:g} ms, more than "
            f"simulation.guard.rate ({self.limit:g} spikes/s), at {self.time:g} ms"
        )

    def to_dict(self) -> dict[str, Any]:
        """Content for ``record.json``."""
        return {**asdict(self), "reason": str(self)}


class Guard:
    """Watches a run under way.

    Parameters
    ----------
    plan : Plan
        Says which limit holds; without one nothing is watched.
    recorders : sequence of SpikeSource
        Of the populations to watch.
    engine : Engine
        Adds up the counts of all ranks.
    """

    def __init__(self, plan: Plan, recorders: Sequence[SpikeSource], engine: Engine) -> None:
        self.recorders, self._engine = recorders, engine
        self.plan = plan.guard if self._possible(plan, engine) else None
        self._resolution = plan.resolution
        self._sizes = np.array([plan.population(r.population).n_neurons for r in recorders], dtype=float)
        self._step = 0
        self._counts = np.zeros(len(recorders))

    @staticmethod
    def _possible(plan: Plan, engine: Engine) -> bool:
        if plan.guard is None or engine.can_sum():
            return True
        logger.warning("activity is not watched: several ranks need the package mpi4py for it")
        return False

    def steps_left(self, step: int) -> int | None:
        """Return the number of steps until the next look, None if nothing is watched."""
        if self.plan is None or not self.recorders:
            return None
        return self._step + round(self.plan.window / self._resolution) - step

    def look(self, step: int) -> Runaway | None:
        """Look, if it is time, and say what is wrong; the same on all ranks, which must all call this."""
        left = self.steps_left(step)
        if left is None or left > 0 or self.plan is None:
            return None
        counts = self._engine.summed(np.array([recorder.count for recorder in self.recorders], dtype=float))
        window = (step - self._step) * self._resolution
        rates = (counts - self._counts) / self._sizes / window * 1000.0
        self._step, self._counts = step, counts
        worst = int(np.argmax(rates))
        if rates[worst] <= self.plan.rate:
            return None
        time = round(step * self._resolution, 9)
        return Runaway(self.recorders[worst].population, time, float(rates[worst]), self.plan.rate, window)
