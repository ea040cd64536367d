"""Processes that must not outlive the one that started them, however that one ends.

A program that starts others tells them apart by a mark in their environment, which all that they start inherit, and
starts a watchman beside them: a process that does nothing but wait on a pipe. When its owner ends, even by
``kill -9``, the kernel closes the pipe and the watchman ends every process that has the mark. A forked process, which
has no environment of its own, asks the kernel to be ended with its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import watchman

_PR_SET_PDEATHSIG = 1  # Linux


class Family:
    """Processes that end with this one.

    Attributes
    ----------
    mark : str
        Their mark; contains those of the families that this process belongs to.
    """

    def __init__(self) -> None:
        self.mark = "/".join(filter(None, [os.environ.get(watchman.VARIABLE), uuid.uuid4().hex]))

    @property
    def environment(self) -> dict[str, str]:
        """Variables that a process of the family gets besides its others."""
        return {watchman.VARIABLE: self.mark}


@contextlib.contextmanager
def family(keep: Sequence[int] = ()) -> Iterator[Family]:
    """Family whose processes have all ended when the block has, or this process.

    Parameters
    ----------
    keep : sequence of int
        Descriptors that stay open until then, such as those of locks.
    """
    made = Family()
    # a session of its own: what ends the process group of this one, or Ctrl-C, must not end the watchman
    watching = subprocess.Popen(
        [sys.executable, "-P", str(Path(watchman.__file__)), made.mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=keep,
        start_new_session=True,
        cwd="/",
    )
    try:
        yield made
    finally:
        assert watching.stdin is not None
        with contextlib.suppress(OSError):
            watching.stdin.close()
        ended_all = False
        try:
            ended_all = watching.wait() == 0
        finally:
            if not ended_all:  # it was ended itself
                watchman.end(made.mark)


def end_with_parent(parent: int | None = None) -> None:
    """Let the kernel end this process when its parent ends; for a forked child, right after the fork.

    Parameters
    ----------
    parent : int, optional
        Number of the parent: if it has ended already, so does this process.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
