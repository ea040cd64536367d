"""A limit of time for what cannot be interrupted: a library in C that does not come back from a damaged file.

A forked process waits beside this one. It says in one sentence what took too long, and ends this process.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS, BYTES_PER_SECOND = 60.0, 2e6
"""What reading a file may take at least, and how fast it is read at worst (a busy network, compressed data)."""

_limited = False


def may_fork() -> bool:
    """Whether this process can have forked helpers: not with an MPI library, which may forbid it."""
    maps = Path("/proc/self/maps")
    return maps.is_file() and "/libmpi" not in maps.read_text(encoding="utf-8", errors="replace")


def limit() -> None:
    """From now on end this process where a file takes too long: for commands, not for notebooks."""
    global _limited
    _limited = True


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Read a file of another program; a command that does not come back from it is ended with the name of the file."""
    if not _limited:
        yield
        return
    seconds = SECONDS + Path(path).stat().st_size / BYTES_PER_SECOND
    with within(seconds, f"bgnest: {path}: damaged, or too slow: not read within {seconds:.0f} s"):
        yield


@contextmanager
def within(seconds: float, told: str) -> Iterator[None]:
    """End this process with a sentence if what is inside takes longer; without a limit where nothing can be forked."""
    if not may_fork():
        yield
        return
    read, write = os.pipe()
    owner = os.getpid()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
        child = os.fork()
    if child == 0:
        _wait(read, write, owner, seconds, f"{told}\n".encode())
    os.close(read)
    try:
        yield
    finally:
        os.close(write)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _wait(read: int, write: int, owner: int, seconds: float, told: bytes) -> None:
    try:
        os.close(write)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # they are for the owner, whose end closes the pipe
        if not select.select([read], [], [], seconds)[0] and os.getppid() == owner:
            os.write(2, told)
            os.kill(owner, signal.SIGKILL)
    finally:
        os._exit(0)
