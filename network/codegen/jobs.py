"""Builds in threads of this process, and how they are ended together with the programs that they have started."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import psutil


class Jobs:
    """Builds under way in threads of this process, which end when they are told to.

    Python's pool of threads forgets one that was just being started when Ctrl-C came: it would go on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._stopped = False

    def do(self, job: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """Do a job, unless there is to be no other."""
        with self._lock:
            if self._stopped:
                return ()
            self._under_way += 1
        try:
            return job()
        finally:
            with self._lock:
                self._under_way -= 1

    def stop(self) -> None:
        """Begin no other job, and end the programs of those under way until none is left."""
        with self._lock:
            self._stopped = True
        while self._under_way:  # a job may start one more program meanwhile
            for program in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    program.terminate()
            time.sleep(0.05)
