"""Traces that the cells' own module writes down, read out chunk by chunk."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineError
from ...plans.parts import RecorderPlan
from .runtime import Runtime


def first_sample(recorder: RecorderPlan) -> float:
    """Time of the first sample (ms): samples are taken at multiples of the interval, and never at 0."""
    return max(1, math.ceil(recorder.start / recorder.interval - 1e-9)) * recorder.interval


class LoggedStates:
    """State variables of chosen cells; see `network.engine.base.StateSource`.

    Samples have the times of those of NEST's multimeter, which belong to the end of a step, and its values.

    Parameters
    ----------
    first : int
        Id in NEST of the first cell of the population.
    node_ids : ndarray of int64
        Those of the plan's cells that this rank holds, sorted; may be none.
    """

    def __init__(
        self, runtime: Runtime, plan: RecorderPlan, first: int, node_ids: NDArray[np.int64], resolution: float
    ) -> None:
        self.plan, self.node_ids = plan, node_ids
        self._runtime, self._n_frames = runtime, 0
        interval, start, stop = (round(time / resolution) for time in (plan.interval, plan.start, plan.stop))
        self._trace = runtime.trace(node_ids + first, plan.variables, interval, start, stop - 1)

    @property
    def first_time(self) -> float:
        """Time of the first sample in ms."""
        return first_sample(self.plan)

    def collect(self, *, torn: bool = False) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Samples since the last call: times (ms); per variable (n_times, n_cells), columns as `node_ids`.

        ``torn``: what only some of the cells have got is left out.
        """
        n_cells, names = len(self.node_ids), self.plan.variables
        cells, lengths, values = self._runtime.take_trace(self._trace, n_cells)
        n = int(lengths.min()) // len(names) if n_cells else 0
        if (lengths != n * len(names)).any():
            if not torn:
                raise EngineError(f"recorder on {self.plan.population}: samples of some cells are missing")
            begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            values = np.concatenate([values[begin : begin + n * len(names)] for begin in begins])
        samples = values.reshape(n_cells, n, len(names))[np.argsort(cells)]
        steps = self._n_frames + np.arange(n, dtype=np.float64)
        self._n_frames += n
        times: NDArray[np.float64] = np.asarray(self.first_time + self.plan.interval * steps, dtype=np.float64)
        return times, {name: np.ascontiguousarray(samples[:, :, i].T) for i, name in enumerate(names)}
