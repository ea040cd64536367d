"""Change parameters of populations during a run: dopamine schedules and current steps of a plan.

NEST accepts new parameters only outside a run, so each change costs a ``Cleanup``, one ``set`` per population
(about 30 us per cell) and a ``Prepare``. States, synapses and spikes under way stay as they are.
"""

from __future__ import annotations

from collections import deque

from ...errors import EngineError
from ...plans.plan import Segment
from . import kernel
from .build import Network


class Changes:
    """Segments of a plan that are still to come; steps are counted from the start of the simulation."""

    def __init__(self, network: Network) -> None:
        self.network = network
        resolution = network.plan.resolution
        self._pending = deque((round(s.time / resolution), s) for s in network.plan.segments)

    def steps_left(self, step: int) -> int | None:
        """Return the number of steps until the next change, None if there is none; 0 if it is due."""
        return self._pending[0][0] - step if self._pending else None

    def apply(self, step: int) -> None:
        """Make all changes that are due. NEST must not be prepared."""
        while self._pending and self._pending[0][0] <= step:
            set_parameters(self.network, self._pending.popleft()[1])


def set_parameters(network: Network, segment: Segment) -> None:
    """Set what a segment changes on all cells of the populations it names.

    Raises
    ------
    EngineError
        If NEST refuses a value; the message names population and time.
    """
    nest = kernel.import_nest()
    for name, params in segment.params.items():
        try:
            network.populations[name].set(dict(params))
        except nest.NESTError as error:
            raise EngineError(f"change of {name} at {segment.time:g} ms: NEST refused it: {error}") from error
