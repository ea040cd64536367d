"""Progress as bars in terminals and notebooks, as plain lines in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from tqdm import tqdm

from ..engine.progress import Reporter, SilentReporter

BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit} [{elapsed}<{remaining}] {postfix}"


class _Bar:
    """A phase as a bar. For biological time it shows the real-time factor: wall time over biological time."""

    def __init__(self, name: str, total: float, unit: str, bar: tqdm[Any] | None, quiet: bool) -> None:
        self.name, self.total, self.unit, self.bar = name, total, unit, bar
        self.quiet = quiet
        self.start = time.perf_counter()
        self.done = 0.0

    def advance(self, amount: float, note: str = "") -> None:
        self.done += amount
        if self.bar is None:
            if note and not self.unit and not self.quiet:  # few and slow: a line each in a log
                print(f"{self.name:<10} {note}", file=sys.stderr, flush=True)
            return
        self.bar.update(amount)
        if self.unit == "ms":
            self.bar.set_postfix_str(f"RTF {self.real_time_factor:.1f}", refresh=False)
        elif note:
            self.bar.set_postfix_str(note, refresh=False)

    @property
    def real_time_factor(self) -> float:
        return (time.perf_counter() - self.start) * 1000.0 / self.done if self.done else 0.0

    def summary(self) -> str:
        """One line for the record: what, how much, how long."""
        seconds = time.perf_counter() - self.start
        text = f"{self.name:<10} {seconds:7.1f} s"
        if self.unit == "ms":
            factor = f"real-time factor {self.real_time_factor:.1f}"
            return f"{text}  {self.done:,.0f} ms of biological time, {factor}"
        return f"{text}  {self.done:,.0f} {self.unit}" if self.unit else text


def in_notebook() -> bool:
    """Whether the program runs in a kernel of Jupyter, whose standard error is no terminal and shows bars."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _bar() -> type[tqdm[Any]] | None:
    """Kind of bars for where the program runs; None for a log file."""
    if in_notebook():
        if find_spec("ipywidgets") is None:
            return tqdm  # text, which notebooks can rewrite, too
        from tqdm.notebook import tqdm as widgets

        return widgets
    return tqdm if sys.stderr.isatty() else None


class TerminalReporter:
    """Shows a bar while a phase runs and leaves one line when it has ended; in notebooks, too."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    @contextmanager
    def phase(self, name: str, total: float, unit: str) -> Iterator[_Bar]:
        """Open a phase."""
        bar = None
        quiet = self.quiet or sys.stderr is None  # Python has none where the descriptor is closed
        if not quiet and (made := _bar()) is not None:
            bar = made(
                total=total,
                desc=f"{name:<10}",
                unit=unit,
                unit_scale=unit in ("synapses", "neurons"),
                leave=False,
                dynamic_ncols=True,
                mininterval=0.2,
                bar_format=BAR,
            )
        phase = _Bar(name, total, unit, bar, quiet)
        try:
            yield phase
        finally:
            if bar is not None:
                bar.close()
        if not quiet:
            print(phase.summary(), file=sys.stderr, flush=True)


Progress = bool | Reporter
"""Show progress or not, or what shows it."""


def reporter_for(progress: Progress) -> Reporter:
    """Reporter that shows progress, or not."""
    if isinstance(progress, bool):
        return TerminalReporter() if progress else SilentReporter()
    return progress
