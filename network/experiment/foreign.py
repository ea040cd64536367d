"""Files of other programs: whatever a library meets in one that is damaged or means something else is one error."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Error
from ..patience import reading as reading
from ..room import memory_here

ODD = (OSError, LookupError, RuntimeError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What h5py and NumPy raise: a link that leads nowhere, a group in place of numbers, a block that does not unpack."""


class ForeignFileError(ValueError):
    """A file is not what it is used for; the message says why, and not the file."""


def state_of(path: str | Path) -> os.stat_result:
    """State of a file; OSError if it is none: who reads a pipe or a device may wait for ever."""
    state = Path(path).stat()
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "Not a file, but a pipe or a device", str(path))
    return state


def refuse_what_memory_cannot_hold(size: float) -> None:
    """Raise MemoryError for arrays of so many bytes in all; files can say that they are long and hold little."""
    if size > memory_here():
        raise MemoryError


@contextmanager
def foreign(what: str, refuse: Callable[[str], Exception] = ForeignFileError) -> Iterator[None]:
    """Refuse a file that cannot be read as ``what``; errors that say so already stay."""
    try:
        yield
    except (Error, ForeignFileError):
        raise
    except MemoryError as error:
        raise refuse("more numbers than there is memory for") from error
    except ODD as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise refuse(f"not a readable {what} ({said})") from error
