"""Files of other programs: whatever a library meets in one that is damaged or means something else is one error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import Error

ODD = (OSError, LookupError, RuntimeError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What h5py and NumPy raise: a link that leads nowhere, a group in place of numbers, a block that does not unpack."""


class ForeignFileError(ValueError):
    """A file is not what it is used for; the message says why, and not the file."""


@contextmanager
def foreign(what: str, refuse: Callable[[str], Exception] = ForeignFileError) -> Iterator[None]:
    """Refuse a file that cannot be read as ``what``; errors that say so already stay."""
    try:
        yield
    except (Error, ForeignFileError):
        raise
    except ODD as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise refuse(f"not a readable {what} ({said})") from error
