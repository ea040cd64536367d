"""Poisson spikes at given rates, and a wave for every recorded variable, in place of a simulation.

With ``simulation.mock`` in an experiment a run takes its whole way (plan, folder, chunks, readouts, guard, files,
verdict, figures) without NEST and without a compiler: for tests, for tutorials, and to see what files will look like.
Its record says that nothing was simulated.
"""

from __future__ import annotations

import math
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...codegen import BuiltModule, Compiled
from ...errors import EngineError
from ...plans.parts import MockPlan, RecorderPlan, Segment, WeightsPlan
from ...plans.plan import Plan
from ..progress import Reporter

SLOT_MS = 100.0
"""Spikes are drawn for slots of this length, so that they do not depend on how a run is cut into chunks."""


class MockSpikes:
    """Poisson spikes of one population."""

    def __init__(self, plan: Plan, population: str, rate: float) -> None:
        self.population, self.count = population, 0
        self._plan, self._rate = plan, rate
        self._size = plan.population(population).n_neurons
        self._held: list[tuple[NDArray[np.float64], NDArray[np.uint64]]] = []

    def play(self, start: float, stop: float) -> None:
        """Let the spikes in (start, stop] ms happen."""
        for slot in range(int(start // SLOT_MS), math.ceil(stop / SLOT_MS)):
            times, ids = self._slot(slot)
            now = (times > start + 1e-6) & (times < stop + 1e-6)
            self.count += int(now.sum())
            self._held.append((times[now], ids[now]))

    def _slot(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
        key = [self._plan.seed, zlib.crc32(self.population.encode()), number]
        rng = np.random.default_rng(np.random.SeedSequence(key))
        n = rng.poisson(self._rate * self._size * SLOT_MS / 1000.0)
        steps = rng.integers(1, round(SLOT_MS / self._plan.resolution) + 1, n)
        times: NDArray[np.float64] = np.asarray(number * SLOT_MS + steps * self._plan.resolution, dtype=np.float64)
        return times, rng.integers(0, self._size, n).astype(np.uint64)

    def collect(self, *, whole: bool = False) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
        """Spikes since the last call; with ``whole`` also those from before the window of the plan."""
        times = np.concatenate([times for times, _ in self._held] or [np.empty(0)])
        ids = np.concatenate([ids for _, ids in self._held] or [np.empty(0, dtype=np.uint64)])
        self._held.clear()
        if not whole:
            kept = (times > self._plan.spike_start - 1e-6) & (times < self._plan.spike_stop - 1e-6)
            times, ids = times[kept], ids[kept]
        order = np.lexsort((ids, times))
        return times[order], ids[order]


class MockStates:
    """A wave of 10 Hz around -60 for each recorded variable; every cell has its own phase."""

    def __init__(self, recorder: RecorderPlan) -> None:
        self.plan = recorder
        self.node_ids: NDArray[np.int64] = np.sort(np.asarray(recorder.node_ids, dtype=np.int64))
        self._frames = 0
        self._time = 0.0

    @property
    def first_time(self) -> float:
        """Time of the first sample: a multiple of the interval, never 0."""
        return max(1, math.ceil(self.plan.start / self.plan.interval - 1e-9)) * self.plan.interval

    def play(self, stop: float) -> None:
        """Let time pass until ``stop`` ms."""
        self._time = stop

    def collect(self, *, torn: bool = False) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Samples since the last call."""
        end = min(self._time + 1e-9, self.plan.stop - 1e-6)
        n = max(0, math.floor((end - self.first_time) / self.plan.interval + 1e-9) + 1)
        times: NDArray[np.float64] = self.first_time + self.plan.interval * np.arange(self._frames, n, dtype=np.float64)
        self._frames = max(n, self._frames)
        wave = -60.0 + 5.0 * np.sin(2.0 * np.pi * times[:, None] / 100.0 + self.node_ids[None, :])
        return times, dict.fromkeys(self.plan.variables, wave)


class MockWeights:
    """Weights of no synapses: nothing is connected."""

    def __init__(self, plan: WeightsPlan) -> None:
        self.plan = plan
        self.pairs = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)

    def sample(self) -> NDArray[np.float64]:
        """Nothing."""
        return np.empty(0)


class MockSimulation:
    """Cells that fire as they are told."""

    def __init__(self, plan: Plan, mock: MockPlan) -> None:
        self._plan, self._mock, self._time = plan, mock, 0.0
        self.timers = {"create": 0.0, "connect": 0.0}
        self.spikes = [MockSpikes(plan, name, mock.rates.get(name, mock.rate)) for name in plan.spike_populations]
        self.states = [MockStates(recorder) for recorder in plan.recorders]
        self.weights = [MockWeights(recorder) for recorder in plan.weights]

    def audit(self, *, exhaustive: bool = False) -> dict[str, Any]:
        """Nothing stands anywhere that could be read back."""
        return {"exhaustive": exhaustive, "note": "mock engine: nothing was built", "differences": []}

    def prepare(self) -> None:
        """Nothing to prepare."""

    def run(self, duration: float) -> None:
        """Advance by so many ms, and take the time that is asked for."""
        stop = round(self._time + duration, 9)
        for spikes in self.spikes:
            spikes.play(self._time, stop)
        for states in self.states:
            states.play(stop)
        self._time = stop
        time.sleep(self._mock.pace * duration / 1000.0)

    def flush(self) -> None:
        """Nothing is owed."""

    def cleanup(self) -> None:
        """Nothing to clean up."""

    def change(self, segment: Segment) -> None:
        """Cells that compute nothing have no parameters."""

    def native_timers(self) -> dict[str, float]:
        """There are none."""
        return {}


class MockEngine:
    """Plays what a plan's ``mock`` says; one process."""

    name = "mock"

    def versions(self) -> dict[str, str]:
        """Say that nothing was simulated."""
        return {"engine": "mock (nothing was simulated)"}

    def compile(self, plan: Plan, reporter: Reporter) -> BuiltModule:
        """Nothing is compiled."""
        if plan.ranks > 1:
            raise EngineError("simulation.mock plays in one process; leave out --ranks")
        return BuiltModule(Path("none"), "none", {}, "mock", plan.target, Path("none"))

    def join(self) -> None:
        """There are no other processes."""

    def synchronise(self) -> None:
        """There are no other processes."""

    def rank(self) -> int:
        """Always the first."""
        return 0

    def can_sum(self) -> bool:
        """There is nothing to sum over."""
        return True

    def summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the one process."""
        return values

    def start(self, plan: Plan, module: Compiled, reporter: Reporter, built: Any = None) -> MockSimulation:
        """Let the cells stand ready."""
        assert plan.mock is not None  # the session takes this engine for such plans only
        return MockSimulation(plan, plan.mock)
