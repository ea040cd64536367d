"""Whose run folder it is: a lock that ends with its process, and for other machines a sign of life.

The process that makes a run holds a lock of the operating system on ``.lock`` in the folder. It cannot outlive that
process, however that ends, and it is seen by every process on the same machine, in other containers too, and on
other machines where the file system passes locks on. Where it does not, the age of the newest file tells: the
process that holds the lock touches it twice a minute.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import fcntl
import os
import socket
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

LOCK = ".lock"
BEAT = 30.0
"""Seconds between two signs of life. NEST lets no other thread of its process work while it connects a projection or
simulates a chunk: a sign may come that much later."""
SILENCE = 600.0
"""Seconds without a sign of life after which a run on another machine is taken for dead; assumed: many times longer
than NEST takes for a chunk or a projection."""
PATIENCE = 1.0
"""Seconds until a lock is taken for held: who only looks whether there is one has it himself for a moment."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF}


class Claim:
    """A lock on a run folder, held until `release` or the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        stop = threading.Event()
        # not by `threading.Thread`, whose start waits for ever for a thread that dies at once for want of memory
        _thread.start_new_thread(_beat, (descriptor, stop))
        self.release = weakref.finalize(self, _release, path, descriptor, stop, os.getpid())
        """Remove the lock; also when nobody refers to it any more, and at the end of Python."""

    @classmethod
    def take(cls, folder: Path) -> Claim | None:
        """Lock a folder; None if another process, or another run of this one, has it.

        The file of a dead process is replaced, not locked: if that process is alive after all, on a machine whose
        locks are not seen here, it finds its own gone (`lost`).
        """
        path = folder / LOCK
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ours = not path.exists()
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if ours else 0), 0o666)
            except (FileExistsError, FileNotFoundError):
                continue  # another process was quicker
            if _lock(descriptor, fcntl.LOCK_EX) is not False and _is(descriptor, path):
                if ours:
                    return cls(path, descriptor)
                path.unlink()
            os.close(descriptor)
            if ours:
                time.sleep(0.02)
        return None

    @property
    def lost(self) -> bool:
        """Whether the folder was removed, or taken over from another machine, behind our back."""
        return not self.release.alive or not _is(self._descriptor, self.path)


def _release(path: Path, descriptor: int, stop: threading.Event, process: int) -> None:
    if os.getpid() != process:  # a fork of the process that has it
        return
    stop.set()
    with contextlib.suppress(OSError):
        if _is(descriptor, path):
            path.unlink()
    os.close(descriptor)


def _beat(descriptor: int, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(descriptor)


def _lock(descriptor: int, how: int) -> bool | None:
    """Try to lock; None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    return True


def _is(descriptor: int, path: Path) -> bool:
    try:
        here, there = os.fstat(descriptor), path.stat()
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def is_locked(folder: Path) -> bool | None:
    """Whether a living process holds the lock of a folder; None if there is no lock, or the file system has none."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        free = _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)
    return None if free is None else not free


def boot_id() -> str | None:
    """Name of this start of this machine's kernel, the same in all its containers; None where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def this_process() -> dict[str, Any]:
    """Identify this process, so that a later one can tell whether it still runs."""
    return {
        "host": socket.gethostname(),
        "boot": boot_id(),
        "pid": os.getpid(),
        "created": psutil.Process().create_time(),
    }


@dataclass(frozen=True)
class Holder:
    """What can be said of the process that a run says it belongs to.

    Attributes
    ----------
    alive : bool
        Whether the run is going on, or has to be taken as such.
    certain : bool
        Whether that is known; if not, it is on another machine and gave a sign of life lately.
    seen : float
        Last sign of life, seconds since 1970.
    who : str
        The process, in words.
    """

    alive: bool
    certain: bool
    seen: float
    who: str

    @classmethod
    def of(cls, folder: Path, process: Mapping[str, Any]) -> Holder:
        """Look at the lock of a folder and at the process that its record names."""
        locked, seen = is_locked(folder), last_sign(folder)
        who = f"process {process.get('pid', '?')} on {process.get('host', '?')}"

        def found(alive: bool, certain: bool = True) -> Holder:
            return cls(alive, certain, seen, who)

        if locked:
            return found(True)
        same_host = process.get("host") == socket.gethostname()
        if process.get("boot") is not None and process["boot"] == boot_id():
            if locked is False:  # its process would have it
                return found(False)
            if same_host:
                return found(_exists(process))
        elif same_host and process.get("boot") is None:
            return found(_exists(process))
        elif same_host and seen < psutil.boot_time():
            return found(False)
        silent = time.time() - seen > SILENCE
        return found(not silent, certain=silent)

    def explain(self, folder: Path) -> str:
        """Say that the run goes on, how that is known, and what can be done."""
        if self.certain:
            return (
                f"{folder}: a run is going on in this folder ({self.who}, last sign of life {ago(self.seen)}); wait "
                "for it, end it, or choose another folder"
            )
        free = datetime.fromtimestamp(self.seen + SILENCE, UTC).strftime("%H:%M:%S UTC")
        return (
            f"{folder}: a run on another machine seems to be going on in this folder ({self.who}, last sign of life "
            f"{ago(self.seen)}). Wait for it, or choose another folder; if that machine is gone, --take-over lets "
            f"go of the folder now, and from {free} on it is let go of without that"
        )


def ago(moment: float) -> str:
    """Time that has passed, in words.

    >>> ago(time.time() - 90)
    '90 s ago'
    """
    seconds = max(0.0, time.time() - moment)
    return f"{seconds:.0f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"


def last_sign(folder: Path) -> float:
    """Time of the newest file of a run: the lock, its progress, its log, its record, parts of ranks."""
    times = [0.0]
    for place in (folder, folder / "log"):
        with contextlib.suppress(OSError):
            times += [entry.stat(follow_symlinks=False).st_mtime for entry in os.scandir(place) if entry.is_file()]
    return max(times)


def _exists(process: Mapping[str, Any]) -> bool:
    """Whether a process of this machine still exists: its creation time tells it from a later one of its number."""
    try:
        return abs(psutil.Process(int(process["pid"])).create_time() - float(process["created"])) < 2.0
    except (psutil.Error, KeyError, ValueError, TypeError):
        return False
