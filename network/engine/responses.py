"""What isolated cells do: a plan of `network.plans.isolated`, simulated and kept in memory instead of a run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cluster.ranks import present
from ..codegen import Compiled
from ..errors import EngineError, RefusedError
from ..plans.plan import Plan
from .changes import Changes
from .engines import engine_of
from .progress import Reporter, SilentReporter

STRETCH = 100.0
"""Biological time between two signs of life in ms."""


@dataclass(frozen=True, eq=False)
class Responses:
    """Potentials and spikes of cells.

    Attributes
    ----------
    times : ndarray
        Of the samples in ms, n_times.
    values : ndarray
        The recorded variable, (n_times, n_cells).
    spikes : tuple of ndarray
        Times in ms, one array per cell.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    spikes: tuple[NDArray[np.float64], ...]


class Laboratory:
    """Simulates isolated cells, several times if need be; the model is compiled once.

    Parameters
    ----------
    reporter : Reporter, optional
        Shows the progress; silent by default.
    """

    def __init__(self, reporter: Reporter | None = None) -> None:
        self.reporter = reporter or SilentReporter()
        self._compiled: tuple[tuple[object, ...], Compiled] | None = None

    def respond(self, make: Callable[[], Plan], name: str = "simulate") -> Responses:
        """Simulate a plan.

        Parameters
        ----------
        make : callable
            Makes the plan; once more where the fast code turns out not to have the model.
        name : str
            Of the phase that is shown.

        Raises
        ------
        EngineError
            In an MPI job, or if NEST refuses something.
        BuildError
            If the model cannot be compiled.
        """
        if present().size > 1:
            raise EngineError("cells are characterised by one process, not by an MPI job")
        plan, module = self._ready(make)
        engine = engine_of(plan)
        engine.join()
        simulation = engine.start(plan, module, SilentReporter())
        changes = Changes(plan, simulation.change)
        changes.apply(0)
        step, end = 0, round(plan.t_sim / plan.resolution)
        with self.reporter.phase(name, plan.t_sim, "ms") as phase:
            simulation.prepare()
            while step < end:
                if changes.steps_left(step) == 0:
                    simulation.cleanup()
                    changes.apply(step)
                    simulation.prepare()
                left = changes.steps_left(step)
                now = min(round(STRETCH / plan.resolution), end - step, end if left is None else left)
                simulation.run(now * plan.resolution)
                step += now
                phase.advance(now * plan.resolution)
            simulation.flush()
            simulation.cleanup()
        times, states = simulation.states[0].collect()
        values = next(iter(states.values()))
        spike_times, cells = simulation.spikes[0].collect()
        return Responses(
            times, values, tuple(np.sort(spike_times[cells == number]) for number in range(values.shape[1]))
        )

    def _ready(self, make: Callable[[], Plan]) -> tuple[Plan, Compiled]:
        plan = make()
        key = tuple(sorted(plan.models_by_target.items()))
        if self._compiled is not None and self._compiled[0] == key:
            return plan, self._compiled[1]
        try:
            module = engine_of(plan).compile(plan, self.reporter)
        except RefusedError:  # its note is read by the next plan
            again = make()
            if again.target == plan.target:
                raise
            return self._ready(make)
        self._compiled = key, module
        return plan, module
