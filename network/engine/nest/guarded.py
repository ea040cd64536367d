"""What cells throw while NEST updates them: the functions of ``runtime/guard_interface.h``, which every module has."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from ...codegen import BuiltModule


@dataclass(frozen=True)
class Failure:
    """A cell that could not be updated.

    Attributes
    ----------
    until : float
        Begin of the slice in ms: up to then all cells were updated.
    node : int
        Number of the cell in NEST.
    text : str
        What it says.
    """

    until: float
    node: int
    text: str


class Guard:
    """Stands in front of all cells while NEST runs.

    NEST cannot end by itself when a cell throws: its other threads and all other ranks would wait for the thread of the
    cell. Guarded cells throw nothing; NEST runs to its end, in which nothing is updated any more on this rank, and
    `failures` are asked for then.

    Parameters
    ----------
    module : BuiltModule
        Any that NEST has loaded.
    """

    def __init__(self, module: BuiltModule) -> None:
        self._module = module

    @cached_property
    def _library(self) -> ctypes.CDLL:
        library = ctypes.CDLL(str(self._module.library))
        for name in ("failures", "share"):
            getattr(library, f"bgnest_{name}").restype = ctypes.c_char_p
        return library

    @contextmanager
    def standing(self) -> Iterator[None]:
        """While NEST runs; nobody may ask NEST for a node meanwhile."""
        self._library.bgnest_guard_cells(ctypes.c_int32(1))
        try:
            yield
        finally:
            self._library.bgnest_guard_cells(ctypes.c_int32(0))

    def failures(self) -> list[Failure]:
        """What cells of this rank have thrown since NEST began to run, at most one cell of each thread."""
        lines = self._library.bgnest_failures().decode(errors="replace").splitlines()
        parts = [line.split(" ", 2) for line in lines]
        return [Failure(float(until), int(node), text) for until, node, text in parts]

    def shared(self, text: str) -> list[str]:
        """Lines of text of all ranks, in their order. All have to call this."""
        given = "".join(f"{line}\n" for line in text.splitlines()).encode()
        return self._library.bgnest_share(given).decode(errors="replace").splitlines()
