"""How far a scan is, in one line: on a terminal, in a notebook, in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from ..scans.status import PointStatus, counts, seconds_left
from ..text import duration
from .progress import in_notebook

REPORT_EVERY = 30.0
"""Seconds between two lines in a log."""


class ScanProgress:
    """One line about a whole scan: rewritten on a terminal and in a notebook, now and then in a log."""

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs
        self.said, self.last = 0.0, ""

    def __call__(self, statuses: list[PointStatus]) -> None:
        """Show the state of all points."""
        line = progress_line(statuses, self.n_jobs)
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif in_notebook() and line != self.last:
            print(f"\r{line:<{len(self.last)}}", end="", file=sys.stderr, flush=True)
            self.last = line
        elif line != self.last and time.monotonic() - self.said > REPORT_EVERY:
            print(line, file=sys.stderr, flush=True)
            self.said, self.last = time.monotonic(), line

    def tell(self, text: str) -> None:
        """Show lines that stay, above the one that is rewritten."""
        print(f"\r\x1b[K{text}" if sys.stderr.isatty() else text, file=sys.stderr, flush=True)


def progress_line(statuses: Sequence[PointStatus], n_jobs: int) -> str:
    """Counts and time that is left."""
    left = seconds_left(statuses, n_jobs)
    return counts(statuses) + (f"; about {duration(left)} left" if left else "")
