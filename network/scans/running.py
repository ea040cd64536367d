"""Let Snakemake run a scan: one process at a time, watched, ended together with this one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import psutil

from .. import resources as folders
from ..errors import ScanError
from ..processes import end_with_parent, family
from .jobs import ScanJobs

LOCK = ".lock"
INTERRUPTED = 130
ENDING = 60.0
"""Seconds that processes of a killed scan may take to end; they are ended within two."""
PATIENCE = 20.0
"""Seconds that Snakemake may take to end after Ctrl-C, its jobs being gone; assumed."""


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[int]:
    """Be the only process that runs a scan; yields a descriptor to pass on to processes that belong to it.

    The lock is the kernel's: it ends with the last process that has it, however that ends. Where the process that
    ran the scan was killed, those that belonged to it are about to end, and are waited for.

    Raises
    ------
    ScanError
        If another process runs this scan.
    """
    with (folder / LOCK).open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + ENDING
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                file.seek(0)
                who = file.read().strip()
                if time.monotonic() > deadline or not _was_killed(who):
                    raise ScanError(f"{folder}: this scan is being run already ({who})") from error
            time.sleep(0.1)
        file.truncate(0)
        file.write(_myself() + "\n")
        file.flush()
        yield file.fileno()


def _myself() -> str:
    return f"process {os.getpid()} on {os.uname().nodename}"


def _was_killed(who: str) -> bool:
    """Whether the process that wrote its name into a lock is of this machine and gone."""
    found = re.fullmatch(r"process (\d+) on (.*)", who)
    return found is not None and found[2] == os.uname().nodename and not psutil.pid_exists(int(found[1]))


NO_ACCOUNTS = "Slurm keeps no accounts here; what Snakemake says below about sacct and accounts means nothing.\n"


def execute(
    folder: Path, command: Sequence[str], lock: int, watch: Callable[[], None], slurm: ScanJobs | None = None
) -> int:
    """Run Snakemake to its end, calling ``watch`` every second; returns its exit code, 130 after Ctrl-C.

    Ctrl-C reaches Snakemake and all jobs by themselves, being in our process group. SIGTERM is passed on to them as
    if it were Ctrl-C. If this process is killed, so are they, and the lock is free when they have ended.

    Jobs that Slurm has are taken out of its queue after either signal, by us, as Snakemake forgets some of those that
    wait; Snakemake is in a group of its own then, so that it hears of it once. If this process is killed they go on.
    """
    interrupted: float | None = None

    def interrupt(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted = time.monotonic() if interrupted is None else float("-inf")  # a second time: at once
        if number == signal.SIGTERM and slurm is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.send_signal(signal.SIGINT)
        if number == signal.SIGTERM or slurm is not None:
            process.send_signal(signal.SIGINT)

    log = folder / "log" / "snakemake.log"
    with (
        family([lock]) as jobs,
        _log(log, NO_ACCOUNTS if "squeue" in command else "") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_environment() | (jobs.environment if slurm is None else {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            preexec_fn=end_with_parent,
            process_group=None if slurm is None else 0,
        ) as process,
    ):
        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1.0)
                watch()
                if slurm is not None and interrupted is None:
                    slurm.look()
                elif slurm is not None and interrupted is not None:
                    slurm.cancel(0.0)
                    if time.monotonic() - interrupted > PATIENCE:
                        process.kill()
            if slurm is not None:
                # what is in the queue now nobody waits for: handed in at the last moment, or given up by Snakemake
                slurm.look(now=True)
                slurm.cancel(PATIENCE)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return INTERRUPTED if interrupted is not None else process.returncode


def _log(path: Path, beginning: str) -> TextIO:
    file = path.open("w", encoding="utf-8")
    file.write(beginning)
    file.flush()
    return file


def _environment() -> dict[str, str]:
    """Environment of the jobs, which run in another folder: names of files in it become absolute."""
    environment = dict(os.environ)
    for name in ("BGNEST_CACHE", "BGNEST_MODELS", "BGNEST_PARAMS"):
        if parts := environment.get(name):
            places = [str(folders.user_path(part).absolute()) for part in parts.split(os.pathsep) if part]
            environment[name] = os.pathsep.join(places)
    return environment
