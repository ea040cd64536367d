"""Jobs of a scan in Slurm's queue: what is to be said of them while Snakemake waits, and taking them out."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path

from ..cluster.queue import BAD, Job, active, cancel_named, jobs_named
from ..errors import ScanError

EVERY = 10.0
"""Seconds between two questions to Slurm; assumed, a controller answers thousands in that time."""
LINES = 5
"""Last lines of a log that are shown of a job that failed."""


def beginning(folder: Path) -> str:
    """How the names of all jobs of a scan begin, so that another process finds them, too."""
    return f"bgnest-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:10]}"


class ScanJobs:
    """Jobs of a scan in Slurm's queue.

    Parameters
    ----------
    folder : Path
        Of the scan.
    tell : callable
        Gets a line, or several, for the user: why jobs wait, which failed.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None] = lambda text: None) -> None:
        self.folder, self.tell = folder, tell
        self._beginning = beginning(folder)
        self._looked = float("-inf")
        self._said: set[str] = set()
        self.failures: list[str] = []

    def refuse_left_over(self) -> None:
        """ScanError if jobs of an earlier call are in the queue still: they would run beside the new ones."""
        if there := active(jobs_named(self._beginning)):
            numbers = " ".join(job.number for job in there)
            raise ScanError(
                f"{self.folder}: {len(there)} job(s) of this scan are in Slurm's queue, of a call that was killed; "
                f"wait until they have ended, or take them out: scancel {numbers}"
            )
        # those that ended before are nothing new
        self._said |= {job.number for job in jobs_named(self._beginning)}

    def look(self, *, now: bool = False) -> None:
        """Ask Slurm, now and then, and tell what is new."""
        if not now and time.monotonic() - self._looked < EVERY:
            return
        self._looked = time.monotonic()
        waiting: dict[tuple[str, str], list[Job]] = {}
        for job in jobs_named(self._beginning):
            if job.waits:
                waiting.setdefault((job.waits, _what(job).partition(" ")[0]), []).append(job)
            elif job.state in BAD and job.number not in self._said:
                self._said.add(job.number)
                self.failures.append(self._failure(job))
                self.tell(self.failures[-1])
        for (why, kind), jobs in waiting.items():
            if f"{kind} {why}" not in self._said:
                self._said.add(f"{kind} {why}")
                more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
                self.tell(f"Slurm: job {jobs[0].number} ({_what(jobs[0])}){more} waits: {why}")

    def cancel(self, seconds: float) -> None:
        """Take all of them out of the queue, and tell which are there after so many seconds."""
        if left := cancel_named(self._beginning, seconds=seconds):
            self.tell(f"Slurm: still in the queue: scancel {' '.join(job.number for job in left)}")

    def _failure(self, job: Job) -> str:
        what = _what(job)
        why = f", {job.why}" if job.why else ""
        logs = [self.folder / "log" / f"{what.removeprefix('point ')}.log"]
        logs += (self.folder / ".snakemake" / "slurm_logs").glob(f"**/{job.number}.log")
        shown = [log for log in logs if log.is_file() and log.stat().st_size]
        lines = [line for log in shown for line in [f"  {log}:", *(f"    {text}" for text in last_lines(log))]]
        return "\n".join([f"Slurm: job {job.number} ({what}) {job.state}{why}", *lines])


def _what(job: Job) -> str:
    """What a job is for, from the comment that Snakemake's executor gives it."""
    found = re.fullmatch(r"rule_(\w+?)(?:_wildcards_(.*))?", job.comment)
    if not found:
        return job.name
    return f"point {found[2]}" if found[2] else str(found[1])


def last_lines(log: Path, number: int = LINES) -> list[str]:
    """Last lines of a log that have text and are not Snakemake's own talk."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.rstrip() for line in lines if line.strip()][-number:]
