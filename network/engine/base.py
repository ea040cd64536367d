"""What the life of a run needs of a simulator; `network.engine.nest` and `network.engine.mock` are two.

The session (`network.engine.session`) knows these protocols alone: phases, chunks, readouts, the guard and changes
during a run are the same whoever computes the spikes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..codegen import Compiled
from ..plans.parts import RecorderPlan, Segment, WeightsPlan
from ..plans.plan import Plan
from .progress import Reporter


class SpikeSource(Protocol):
    """Spikes of one population on this rank, read out chunk by chunk."""

    @property
    def population(self) -> str:
        """Name."""

    @property
    def count(self) -> int:
        """Spikes seen since the start, those that are kept no longer included."""

    def collect(self, *, whole: bool = False) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
        """Spikes since the last call: times in ms and 0-based node ids, sorted; see `SpikeRecorder` of NEST."""


class StateSource(Protocol):
    """State variables of chosen cells on this rank, read out chunk by chunk."""

    @property
    def plan(self) -> RecorderPlan:
        """What is recorded."""

    @property
    def node_ids(self) -> NDArray[np.int64]:
        """Cells that this rank holds, sorted."""

    @property
    def first_time(self) -> float:
        """Time of the first sample in ms."""

    def collect(self, *, torn: bool = False) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Samples since the last call: times (ms); per variable (n_times, n_cells), columns as `node_ids`.

        ``torn``: the simulator has stopped within a slice; what only some of the cells have got is left out.
        """


class WeightSource(Protocol):
    """Weights of synapses of one projection."""

    @property
    def plan(self) -> WeightsPlan:
        """What is recorded."""

    @property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """0-based ids of the source and the target of every synapse."""

    def sample(self) -> NDArray[np.float64]:
        """Weights now; not while prepared."""


class Simulation(Protocol):
    """A network that stands in a simulator, with its input and recorders."""

    timers: dict[str, float]
    """Seconds of creating and connecting."""

    @property
    def spikes(self) -> Sequence[SpikeSource]:
        """One for each population whose spikes are recorded, in the order of the plan."""

    @property
    def states(self) -> Sequence[StateSource]:
        """One for each trace of the plan, in its order."""

    @property
    def weights(self) -> Sequence[WeightSource]:
        """One for each recording of weights of the plan, in its order."""

    def audit(self, *, exhaustive: bool = False) -> dict[str, Any]:
        """Compare what stands in the simulator with the plan, on this rank, before time begins.

        ``differences`` lists in words what is not as planned; a sample is read back, or everything.
        """

    def prepare(self) -> None:
        """Get ready for `run`; nothing can be changed or read out until `cleanup`."""

    def run(self, duration: float) -> None:
        """Advance by so many ms; EngineError says when it stopped, and why.

        Of a cell whose state is not finite it is a `network.engine.stops.NotFiniteStopError`; what was recorded until
        then can be read out after `cleanup`.
        """

    def flush(self) -> None:
        """Let recorders get what they are still owed at the end; while prepared."""

    def cleanup(self) -> None:
        """End a stretch that `prepare` began."""

    def change(self, segment: Segment) -> None:
        """Set what a segment changes; not while prepared."""

    def native_timers(self) -> dict[str, float]:
        """Seconds by the simulator's own timers."""


class Engine(Protocol):
    """A simulator, and how the processes of a job that run it act together."""

    name: str

    def versions(self) -> dict[str, str]:
        """Versions of what computes the result."""

    def compile(self, plan: Plan, reporter: Reporter) -> Compiled:
        """Get the cells of a plan ready; before `join`."""

    def join(self) -> None:
        """Load the simulator and wait until all ranks have."""

    def synchronise(self) -> None:
        """Wait until all ranks have come here."""

    def rank(self) -> int:
        """Rank of this process."""

    def can_sum(self) -> bool:
        """Whether `summed` works."""

    def summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of an array over all ranks, on all ranks."""

    def start(self, plan: Plan, module: Compiled, reporter: Reporter, built: Any = None) -> Simulation:
        """Build the network of a plan, or take one that is built, and attach its input and recorders."""
