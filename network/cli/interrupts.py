"""Ctrl-C that no moment swallows.

Python runs the handler of a signal between two instructions, whichever they are. In a finaliser, in the callback of a
weak reference or of a library an exception cannot go on to the caller: it is printed as ignored, and the command would
go on as if nobody had pressed a key. Here it comes again a moment later, from where it can end the command.
"""

from __future__ import annotations

import signal
import sys
import threading
from functools import partial
from types import CodeType, FrameType
from typing import Any

from ..cluster.job import Terminated

_SOON = 0.01
"""Seconds until a lost interrupt comes again, and again as long as it is lost."""


def keep() -> None:
    """Let interrupts that Python would ignore come again; other exceptions that are ignored are told as before.

    But not those of HDF5, which tries again to write a file when it is forgotten: whoever wrote it has told already.
    """
    usual = sys.unraisablehook

    def hook(lost: Any) -> None:
        error = lost.exc_value
        if _of_forgotten_file(error):
            return
        if not isinstance(error, KeyboardInterrupt | Terminated):
            usual(lost)
        elif threading.current_thread() is threading.main_thread():  # others get no signals
            # a timer: a thread would take locks that whoever is interrupted may hold
            signal.signal(signal.SIGALRM, partial(_again, error, hook.__code__))
            signal.setitimer(signal.ITIMER_REAL, _SOON)

    sys.unraisablehook = hook


def quieten() -> None:
    """Show nothing of files that HDF5 has forgotten; Cython shows what it ignores by the usual hook, too."""
    shown = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if not _of_forgotten_file(error):
            shown(kind, error, trace)

    sys.excepthook = show


def _of_forgotten_file(error: BaseException | None) -> bool:
    return isinstance(error, RuntimeError) and "Can't decrement id ref count" in str(error)


def _again(error: BaseException, hook: CodeType, number: int, frame: FrameType | None) -> None:
    """Raise an exception in the midst of the command, or later if this is the hook, in which it would be lost."""
    while frame is not None:
        if frame.f_code is hook:
            signal.setitimer(signal.ITIMER_REAL, _SOON)
            return
        frame = frame.f_back
    raise error.with_traceback(None)
