"""How the engine tells about its progress: phases with an amount of work; a front end may show them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Phase(Protocol):
    """A phase under way."""

    def advance(self, amount: float, note: str = "") -> None:
        """Say that ``amount`` more of the phase's total is done."""


class Reporter(Protocol):
    """Shows phases. ``total`` is in ``unit``: neurons, synapses, ms of biological time, models."""

    def phase(self, name: str, total: float, unit: str) -> AbstractContextManager[Phase]:
        """Open a phase; closing it ends it."""


class _Nothing:
    def advance(self, amount: float, note: str = "") -> None:
        """Show nothing."""


class SilentReporter:
    """Shows nothing: for tests, scripts, and all ranks but the first."""

    def phase(self, name: str, total: float, unit: str) -> AbstractContextManager[Phase]:
        """Return a phase that ignores its progress."""
        return nullcontext(_Nothing())
