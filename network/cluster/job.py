"""Make the ranks of a job behave as one program: only the first talks, an error on any of them ends all."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

from .ranks import present

_GRACE, _GRACE_BEFORE_MPI = 1.0, 10.0
"""Seconds that other ranks leave to rank 0, whose end ends them, too, to report an error that all have.

Before MPI is started all ranks do the same and have the same errors (a plan that cannot be, say).
"""

_terminal: IO[str] | None = None


def silence_other_ranks() -> None:
    """Let Python's output of all ranks but the first go nowhere; errors still come through `end`."""
    global _terminal
    if present().first or _terminal is not None:
        return
    _terminal = sys.stderr
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end


JOB_NAME = "BGNEST_JOB"
"""Variable with which `network.cluster.launch` names the jobs it starts."""


def identity() -> dict[str, str]:
    """Names of the job that this process belongs to: ours, and Slurm's number where Slurm runs it."""
    names = {"name": os.environ.get(JOB_NAME), "slurm": os.environ.get("SLURM_JOB_ID")}
    return {key: value for key, value in names.items() if value}


def is_gone(job: Mapping[str, str]) -> bool:
    """Whether a job is known to have ended; False where nobody can tell."""
    if not job.get("slurm") or shutil.which("squeue") is None:
        return False
    command = ["squeue", "--noheader", "--states=all", "--format=%T", "--jobs", job["slurm"]]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:  # Slurm has forgotten the job; a squeue that reaches no controller says so, too
        return "Invalid job id" in answer.stderr
    states = set(answer.stdout.split())
    return not states & {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED"}


SUBMITTED = "job.id"
"""File of a run folder with the number of the Slurm job that is to make the run."""


def note_submission(folder: Path, answer: str) -> None:
    """Keep the number of a job that ``sbatch`` has answered with, for `submission_ended`."""
    if found := re.search(r"\d+", answer):
        (folder / SUBMITTED).write_text(f"{found[0]}\n", encoding="utf-8")


def submission_ended(folder: Path) -> str:
    """Number of the job of a run that is still to be made if the job is known to have ended; else empty."""
    try:
        number = (folder / SUBMITTED).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return number if is_gone({"slurm": number}) else ""


def end(message: str, code: int, *, shared: bool = False) -> NoReturn:
    """Say why and end the whole job; a reason that all ranks share is told by the first alone.

    Python's orderly end would wait in MPI for ranks that wait for this one, and HDF5's crashes if the disk is full:
    the process ends at once, and a launcher ends the other ranks because of its exit code
    (MPICH's if it knows the rank).
    """
    here = present()
    if not here.first:
        time.sleep(_GRACE if "nest" in sys.modules and not shared else _GRACE_BEFORE_MPI)
        if shared:
            os._exit(code)
        message = f"rank {here.rank} of {here.size}: {message}"
    stream = _terminal or sys.stderr
    with suppress(OSError):  # a full disk may be the reason
        print(message, file=stream, flush=True)
        sys.stdout.flush()
    if here.size > 1 and "nest" not in sys.modules:
        _join_before_leaving()
    os._exit(code)


def _join_before_leaving() -> None:
    """Say to MPICH's launcher that this rank is one of its job, by its protocol (PMI 1).

    Hydra ends the other ranks of one that ends without having said goodbye, but not those of one that it has never
    heard of: they would wait in ``MPI_Init`` for ever. Other launchers end them because of the exit code.
    """
    with suppress(OSError, ValueError, KeyError):
        wire = int(os.environ["PMI_FD"])
        os.write(wire, b"cmd=init pmi_version=1 pmi_subversion=1\n")
        select.select([wire], [], [], _GRACE_BEFORE_MPI)


class Terminated(SystemExit):
    """A signal is to end this process; ``number`` is the exit code."""

    def __init__(self, signal_number: int) -> None:
        self.number = 128 + signal_number
        self.name = signal.Signals(signal_number).name
        super().__init__(self.number)

    def __str__(self) -> str:
        return f"ended by {self.name}"


@contextmanager
def terminated_as_exit() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this process in an orderly way: it can end its children and say what is unfinished.

    A signal that is ignored, as SIGHUP under ``nohup``, stays so. Of several signals the first counts.
    """
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        yield
        return
    heard = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]

    def leave(number: int, frame: object) -> None:
        for one in heard:
            signal.signal(one, signal.SIG_IGN)
        raise Terminated(number)

    before = {number: signal.signal(number, leave) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
