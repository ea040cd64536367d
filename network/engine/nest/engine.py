"""NEST as the engine of a run; see `network.engine.base` for what each part is for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import codegen
from ...codegen import Compiled, toolchain
from ...errors import EngineError
from ...plans.parts import Segment
from ...plans.plan import Plan
from ..progress import Reporter
from . import kernel
from .audit import MOST, N_CELLS, compare
from .audit_inputs import recorder_problems
from .build import build
from .changes import set_parameters
from .devices import StateRecorder, connect_inputs, connect_recorders
from .network import Network, graded_of, pairs_by_target
from .unstable import raise_failure
from .weights import WeightReader


class NestSimulation:
    """A network in NEST with its input and recorders."""

    def __init__(self, network: Network) -> None:
        self._network, self._nest = network, kernel.import_nest()
        self.timers = dict(network.timers)
        start = time.perf_counter()
        connect_inputs(network)
        self.timers["inputs"] = time.perf_counter() - start
        start = time.perf_counter()
        self.spikes, self.states = connect_recorders(network)
        self.weights = [WeightReader(network, recorder) for recorder in network.plan.weights]
        self.timers["recorders"] = time.perf_counter() - start

    def audit(self, *, exhaustive: bool = False) -> dict[str, Any]:
        """Compare what stands in NEST with the plan."""
        found = compare(self._network, None if exhaustive else N_CELLS, most=None if exhaustive else MOST)
        found.problems += recorder_problems(self._network, self.spikes, self.states)
        return {"exhaustive": exhaustive, **found.to_dict()}

    def prepare(self) -> None:
        """Let NEST prepare."""
        self._nest.Prepare()
        if self._network.runtime is not None:
            self._network.runtime.list_cells()

    def run(self, duration: float) -> None:
        """Advance by so many ms."""
        guard = self._network.guard
        try:
            with self._network.shortened_loop(), guard.standing():
                self._nest.Run(duration)
        except self._nest.NESTError as error:
            raise EngineError(f"NEST stopped at {self._nest.biological_time:g} ms: {error}") from error
        raise_failure(self._network, guard)

    def flush(self) -> None:
        """A multimeter gets the samples of a slice in the next one."""
        if any(isinstance(source, StateRecorder) for source in self.states):
            self._nest.Run(self._network.plan.min_delay)

    def cleanup(self) -> None:
        """Let NEST clean up."""
        self._nest.Cleanup()

    def change(self, segment: Segment) -> None:
        """Set new parameters of cells."""
        set_parameters(self._network, segment)

    def native_timers(self) -> dict[str, float]:
        """Seconds by NEST's timers."""
        return kernel.native_timers()


class NestEngine:
    """NEST, with threads and MPI."""

    name = "nest"

    def versions(self) -> dict[str, str]:
        """Version of NEST, which is not imported for it."""
        return {"nest": toolchain.find_nest().version}

    def compile(self, plan: Plan, reporter: Reporter) -> Compiled:
        """Compile the models that a plan uses, or find them in the cache."""
        alone, pairs, graded = plan.models_by_target, pairs_by_target(plan), graded_of(plan)
        number = len(graded) + sum(len(names) for made in (alone, pairs) for names in made.values())
        with reporter.phase("models", number, "") as phase:
            return codegen.build_each(alone, pairs=pairs, graded=graded, progress=lambda note: phase.advance(0, note))

    def join(self) -> None:
        """Import NEST, which starts MPI."""
        kernel.import_nest()
        kernel.synchronise()

    def synchronise(self) -> None:
        """Wait until all ranks have come here."""
        kernel.synchronise()

    def rank(self) -> int:
        """Rank of this process."""
        return kernel.rank()

    def can_sum(self) -> bool:
        """On one rank always, on several with mpi4py."""
        return kernel.can_sum()

    def summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over all ranks."""
        return kernel.summed(values)

    def start(self, plan: Plan, module: Compiled, reporter: Reporter, built: Network | None = None) -> NestSimulation:
        """Build the network, or take the one that is built, and attach input and recorders."""
        if built is None:
            module.check()
            kernel.reset(plan, *(part.path for part in module.parts))
            built = build(plan, module, reporter)
        return NestSimulation(replace(built, plan=plan))
