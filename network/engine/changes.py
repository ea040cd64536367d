"""Changes of parameters during a run: when which segment of a plan is due."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..plans.parts import Segment
from ..plans.plan import Plan


class Changes:
    """Segments of a plan that are still to come; steps are counted from the start of the simulation.

    Parameters
    ----------
    plan : Plan
    make : callable
        Makes the changes of a segment; the simulation must not be prepared.
    """

    def __init__(self, plan: Plan, make: Callable[[Segment], None]) -> None:
        self._make = make
        self._pending = deque((round(s.time / plan.resolution), s) for s in plan.segments)

    def steps_left(self, step: int) -> int | None:
        """Return the number of steps until the next change, None if there is none; 0 if it is due."""
        return self._pending[0][0] - step if self._pending else None

    def apply(self, step: int) -> None:
        """Make all changes that are due."""
        while self._pending and self._pending[0][0] <= step:
            self._make(self._pending.popleft()[1])
