"""Slurm's queue: which jobs are in it, why they wait, how they ended; and taking them out."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass

ACTIVE = {
    "PENDING",
    "RUNNING",
    "COMPLETING",
    "CONFIGURING",
    "SUSPENDED",
    "REQUEUED",
    "REQUEUE_HOLD",
    "RESIZING",
    "STOPPED",
}
BAD = {"FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "PREEMPTED"}
TOO_MUCH = "it asks for more than the partition allows, or has: cores, memory or time"
REASONS = {
    "Resources": "nodes are busy",
    "Priority": "other jobs come first",
    "PartitionConfig": TOO_MUCH,
    "PartitionNodeLimit": TOO_MUCH,
    "PartitionTimeLimit": TOO_MUCH,
    "BadConstraints": "no node has what it asks for: cores, memory or features",
    "JobHeldUser": "held by its owner: scontrol release",
    "JobHeldAdmin": "held by the administrators",
    "ReqNodeNotAvail": "nodes are down or reserved",
    "InvalidAccount": "the account is not valid",
    "InvalidQOS": "the quality of service is not valid",
}
"""What Slurm means by the reasons for which jobs wait; the others speak for themselves or are local."""
SECONDS = 60.0  # that Slurm's commands may take; assumed, a busy controller answers within some


@dataclass(frozen=True)
class Job:
    """A job in the queue, or one that was there lately.

    Attributes
    ----------
    number, name, state, comment : str
        As Slurm has them; states are written out, such as ``PENDING``.
    reason : str
        Why it waits, or how it ended.
    """

    number: str
    name: str
    state: str
    reason: str
    comment: str

    @property
    def why(self) -> str:
        """Reason, with what that means; empty if there is none."""
        reason = self.reason.strip("()")
        meaning = REASONS.get(reason.partition(",")[0])
        return f"{reason}: {meaning}" if meaning else "" if reason == "None" else reason

    @property
    def waits(self) -> str:
        """Why it waits, with what that means; empty if it does not, or Slurm has not looked at it yet."""
        if self.state != "PENDING" or self.reason in ("", "None"):
            return ""
        return self.why


def jobs_named(beginning: str) -> list[Job]:
    """Own jobs whose name begins so, with those that ended lately; empty where Slurm is not or does not answer."""
    command = ["squeue", "--noheader", "--states=all", f"--user={os.getuid()}", "--format=%A|%j|%T|%r|%k"]
    if shutil.which("squeue") is None:
        return []
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return []
    rows = (line.strip().split("|", 4) for line in answer.stdout.splitlines())
    return [Job(*row) for row in rows if len(row) == 5 and row[1].startswith(beginning)]


def active(jobs: Iterable[Job]) -> list[Job]:
    """Those that wait or run."""
    return [job for job in jobs if job.state in ACTIVE]


def cancel_named(beginning: str, *, seconds: float = 0.0) -> list[Job]:
    """Take own jobs whose name begins so out of the queue.

    Parameters
    ----------
    beginning : str
    seconds : float
        How long to wait until all are gone.

    Returns
    -------
    list of Job
        Those that are there still.
    """
    deadline = time.monotonic() + seconds
    asked: set[str] = set()
    while there := active(jobs_named(beginning)):
        if new := [job.number for job in there if job.number not in asked]:
            asked.update(new)
            with contextlib.suppress(subprocess.TimeoutExpired, FileNotFoundError):
                subprocess.run(["scancel", *new], capture_output=True, check=False, timeout=SECONDS)
        if time.monotonic() >= deadline:
            return there
        time.sleep(0.5)
    return []
