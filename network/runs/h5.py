"""HDF5 files that are whole when they have their final name, also where the disk is full.

A file is written as ``<name>.partial`` and renamed when it is closed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np

from ..errors import RunError, RunMissingError

logger = logging.getLogger(__name__)


def open_h5(path: str | Path) -> h5py.File:
    """Open an HDF5 file for reading; missing and unreadable files each have their own message."""
    if not Path(path).is_file():
        raise RunMissingError(f"{path}: no such file")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise RunError(f"{path}: not a readable HDF5 file ({error})") from error


class PartialFile:
    """HDF5 file under ``<name>.partial`` that takes its final name when it is closed without an error."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.exists():
            raise RunError(f"{self.path}: exists already and is not overwritten")
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.file: h5py.File | None = None
        with self.writing():
            self.file = h5py.File(self.partial, "w")
            # what SONATA writes at the root of every file
            self.file.attrs["magic"], self.file.attrs["version"] = np.uint32(0x0A7A), np.array([0, 1], dtype=np.uint32)

    def opened(self) -> h5py.File:
        """Return the open file; an error once it is closed."""
        if self.file is None:
            raise RunError(f"{self.path}: the writer is closed")
        return self.file

    def finish(self) -> None:
        """Close the file and give it its final name."""
        with self.writing():
            self.opened().close()
        self.file = None
        self.partial.replace(self.path)

    def abandon(self, writer: object = None) -> None:
        """Close, keep what was written under the ``.partial`` name; raises nothing, an error is under way.

        On a full disk HDF5 crashes when it has to close a file: there the file and its writer stay open until the
        process ends.
        """
        if self.file is None:
            return
        if not _UNCLOSABLE:
            try:
                self.file.close()
            except (OSError, RuntimeError) as error:
                logger.debug("%s: %s", self.partial, error)
                _UNCLOSABLE.append(self.file)
        if _UNCLOSABLE:
            _UNCLOSABLE.append((writer, self.file))
        self.file = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Say of an error of the disk which file it is about and what is wrong, without HDF5's details."""
        try:
            yield
        except (OSError, RuntimeError) as error:  # HDF5 has both
            code = getattr(error, "errno", None) or _errno_in(str(error))
            if code is None:
                raise
            _UNCLOSABLE.append(self.file)
            with contextlib.suppress(OSError):
                os.truncate(self.partial, 0)  # worth nothing now; its room is needed to record what happened
            raise RunError(f"{self.path}: cannot be written: {os.strerror(code)}") from error


_UNCLOSABLE: list[object] = []
"""Files that HDF5 could not write, and all that were open then."""


def _errno_in(text: str) -> int | None:
    found = re.search(r"errno = (\d+)", text)
    return int(found.group(1)) if found else None


class Writer:
    """A file in the making: a ``with`` block closes it, and an error keeps what was written as ``.partial``.

    Parameters
    ----------
    path : path
        Final name; must not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self._out = PartialFile(path)

    @property
    def path(self) -> Path:
        """Final name of the file."""
        return self._out.path

    def close(self) -> object:
        """Complete the file and give it its final name."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._out.abandon(self)
        elif self._out.file is not None:
            self.close()
