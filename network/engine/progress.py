"""How the engine tells about its progress: phases with an amount of work; a front end may show them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

from ..runs.layout import PROGRESS


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


class FileReporter:
    """Passes everything on to another reporter, and writes a file that others may read while a run goes on.

    ``progress.json`` holds the phase, how much of it is done and the total, in its unit.
    """

    INTERVAL = 1.0
    """Seconds between two versions of the file."""

    def __init__(self, folder: Path, reporter: Reporter) -> None:
        self.path = folder / PROGRESS
        self.reporter = reporter
        self.written = 0.0

    @contextmanager
    def phase(self, name: str, total: float, unit: str) -> Iterator[Phase]:
        """Open a phase."""
        with self.reporter.phase(name, total, unit) as shown:
            phase = _FiledPhase(self, shown, name, total, unit)
            self.write(phase)
            yield phase

    def write(self, phase: _FiledPhase) -> None:
        """Write the state of a phase; a reader never sees half a file."""
        state = {"phase": phase.name, "done": phase.done, "total": phase.total, "unit": phase.unit}
        temporary = self.path.with_suffix(".partial")
        temporary.write_text(json.dumps(state) + "\n", encoding="utf-8")
        temporary.replace(self.path)
        self.written = time.monotonic()


class _FiledPhase:
    def __init__(self, file: FileReporter, shown: Phase, name: str, total: float, unit: str) -> None:
        self.file, self.shown, self.name, self.total, self.unit = file, shown, name, total, unit
        self.done = 0.0

    def advance(self, amount: float, note: str = "") -> None:
        self.shown.advance(amount, note)
        self.done += amount
        if time.monotonic() - self.file.written > self.file.INTERVAL:
            self.file.write(self)
