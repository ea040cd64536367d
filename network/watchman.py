"""Program that waits until the process that started it ends, and then ends the processes that have its mark.

Started by `network.processes` as a file, with the mark as only argument; imports nothing of this package.
"""

from __future__ import annotations

import os
import sys
import time

import psutil

VARIABLE = "BGNEST_FAMILY"
"""Variable with the mark of a family of processes; all programs that they start inherit it."""
GRACE = 2.0
"""Seconds that a process gets to end by itself, and to end others on other machines."""
PATIENCE = 30.0
"""Seconds after which a process that cannot be ended, because a disk does not answer it, say, is left."""


def members(mark: str) -> list[psutil.Process]:
    """Living processes of this machine and user that have a mark, without this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and (process.environ().get(VARIABLE) or "").startswith(mark):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # of another user, or gone
    return [process for process in found if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def end(mark: str) -> None:
    """End all processes that have a mark, and those that they start meanwhile; returns when none is left."""
    begin = time.monotonic()
    asked: set[int] = set()
    while (left := members(mark)) and time.monotonic() - begin < PATIENCE:
        for process in left:
            try:
                if time.monotonic() - begin > GRACE:
                    process.kill()
                elif process.pid not in asked:
                    asked.add(process.pid)
                    process.terminate()
            except psutil.Error:
                continue
        time.sleep(0.02)


def main() -> None:
    """Wait for the end of the pipe from our owner, then end its family."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    end(sys.argv[1])


if __name__ == "__main__":
    main()
