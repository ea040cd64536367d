"""Standard streams that no run depends on: they may be closed, or their readers and terminals may go away.

What a run computes matters more than what it says about its progress. Text that nobody can read any more, as in
``bgnest run | head -1``, goes nowhere, and the run goes on.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""Errors of a stream without a reader: a closed pipe, a terminal that has been hung up, a closed descriptor."""


def secure() -> None:
    """Replace standard input, output and error by streams that are always there.

    A descriptor that is closed would be given to the next file that is opened, a recording say, and whatever is
    written to the terminal would end up in it: it leads nowhere instead.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - until the end
    sys.stdout = _lasting(sys.stdout, 1, any_error=False)
    sys.stderr = _lasting(sys.stderr, 2, any_error=True)


def flushed() -> str | None:
    """Write what is left of the standard output; returns why that is not possible (a full disk, say)."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError):  # or Python would try again when it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return f"standard output: {error.strerror}"
    return None


class _Lasting(io.FileIO):
    """Writes to a descriptor, and to nowhere once that has no reader."""

    def __init__(self, descriptor: int, *, any_error: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._any_error = any_error

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _GONE and not self._any_error:
                raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # libraries write to the descriptor, too
        os.close(nowhere)
        return memoryview(data).nbytes


def _lasting(stream: TextIO | None, descriptor: int, *, any_error: bool) -> TextIO:
    """Put a stream like the one that Python has opened onto a descriptor."""
    buffer = io.BufferedWriter(_Lasting(descriptor, any_error=any_error))
    encoding = "utf-8" if stream is None else stream.encoding
    # a letter that the terminal does not have is no reason to stop
    errors = "replace" if stream is None or stream.errors in (None, "strict") else stream.errors
    line_buffering = stream is None or bool(getattr(stream, "line_buffering", False))
    return io.TextIOWrapper(buffer, encoding=encoding, errors=errors, line_buffering=line_buffering)
