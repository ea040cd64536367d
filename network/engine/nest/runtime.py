"""What a compiled module can do besides being models of NEST: the functions of ``runtime/row_interface.h``.

NEST has loaded the module already; this finds the same copy of it and calls C functions with NumPy arrays.
"""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...codegen import BuiltModule
from ...errors import EngineError
from ...experiment.distributions import Clamped, Drawn, Listed, LogNormal, TruncatedNormal, Uniform

SOURCES_OF_TARGETS, TARGETS_OF_SOURCES, LISTED = range(3)
PLASTICITY = ("plastic", "U", "tau_psc", "tau_rec", "tau_fac")
"""What the rows of a projection have in common."""
_CONSTANT, _UNIFORM, _NORMAL_CLAMPED, _NORMAL_REDRAWN, _LOGNORMAL_CLAMPED, _LOGNORMAL_REDRAWN = range(6)


class Distribution(ctypes.Structure):
    """``RowDistribution`` of ``row_random.h``."""

    _fields_ = [
        ("kind", ctypes.c_int32),
        ("a", ctypes.c_double),
        ("b", ctypes.c_double),
        ("low", ctypes.c_double),
        ("high", ctypes.c_double),
    ]

    @classmethod
    def of(cls, value: Drawn | float) -> Distribution:
        """How the runtime draws a value of a plan."""
        if isinstance(value, Uniform):
            return cls(_UNIFORM, value.low, value.high)
        if isinstance(value, Clamped):
            return cls(_NORMAL_CLAMPED, value.mean, value.sd, value.low, value.high)
        if isinstance(value, TruncatedNormal):
            return cls(_NORMAL_REDRAWN, value.mean, value.sd, value.low, value.high)
        if isinstance(value, LogNormal):
            high = np.inf if value.high is None else value.high
            kind = _LOGNORMAL_CLAMPED if value.beyond == "clamp" else _LOGNORMAL_REDRAWN
            return cls(kind, *value.of_logarithm, value.low, high)
        if isinstance(value, Listed):
            return cls(_UNIFORM, value.low, value.high)  # stands in until each has its own
        return cls(_CONSTANT, float(value))


class Projection(ctypes.Structure):
    """``RowProjection`` of ``row_projection.h``."""

    _fields_ = [
        ("kind", ctypes.c_int32),
        ("multapses", ctypes.c_int32),
        ("without_self", ctypes.c_int32),
        ("port", ctypes.c_int32),
        ("source_first", ctypes.c_int64),
        ("n_sources", ctypes.c_int64),
        ("target_first", ctypes.c_int64),
        ("n_targets", ctypes.c_int64),
        ("n_sets", ctypes.c_int64),
        ("degree", ctypes.c_int64),
        ("degrees", ctypes.POINTER(ctypes.c_int32)),
        ("n_pairs", ctypes.c_int64),
        ("pair_source", ctypes.POINTER(ctypes.c_uint32)),
        ("pair_target", ctypes.POINTER(ctypes.c_uint32)),
        ("pair_lag", ctypes.POINTER(ctypes.c_double)),
        ("key", ctypes.c_uint64),
        ("quantum", ctypes.c_double),
        ("weight", Distribution),
        ("delay", Distribution),
        ("plastic", ctypes.c_int32),
        ("U", ctypes.c_double),
        ("tau_psc", ctypes.c_double),
        ("tau_rec", ctypes.c_double),
        ("tau_fac", ctypes.c_double),
        ("graded", ctypes.c_int32),
    ]


class GradedProjection(ctypes.Structure):
    """``GradedProjection`` of ``graded_wiring.h``."""

    _fields_ = [
        ("number", ctypes.c_int64),
        ("source_first", ctypes.c_int64),
        ("n_sources", ctypes.c_int64),
        ("gate", ctypes.c_char_p),
        ("conductance", ctypes.c_char_p),
    ]


def key_of(seed: int, *purpose: str) -> int:
    """Key of the random numbers of one purpose: 64 bits that depend on nothing else."""
    parts = [zlib.crc32(part.encode()) for part in purpose]
    return int(np.random.SeedSequence([seed, *parts]).generate_state(1, np.uint64)[0])


def pointer(array: NDArray[Any] | None, kind: Any) -> Any:
    """Pointer to the numbers of an array; the array must outlive its use."""
    return None if array is None else array.ctypes.data_as(ctypes.POINTER(kind))


def _shape(value: NDArray[np.float64] | Sequence[float] | float) -> int:
    """How a value is told to ``bgnest_set``."""
    return -1 if isinstance(value, np.ndarray) else len(value) if isinstance(value, Sequence) else 0


class Runtime:
    """The functions of one module.

    Parameters
    ----------
    module : BuiltModule
        Of a target that has them, and loaded by NEST.
    """

    def __init__(self, module: BuiltModule) -> None:
        self._module = module

    @cached_property
    def _library(self) -> ctypes.CDLL:
        library = ctypes.CDLL(str(self._module.library))
        library.bgnest_error.restype = ctypes.c_char_p
        for name in ("count", "port", "count_spikes", "count_values"):
            getattr(library, f"bgnest_{name}").restype = ctypes.c_int64
        return library

    def _call(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, name)(*arguments):
            raise EngineError(self._library.bgnest_error().decode(errors="replace"))

    def clear(self) -> None:
        """Forget what belongs to the network of before."""
        self._library.bgnest_clear()

    def wire(self, projection: Projection, number: int) -> int:
        """Draw the synapses of a projection onto the cells of this rank; returns how many there are."""
        made = ctypes.c_int64()
        self._call("bgnest_wire", ctypes.byref(projection), ctypes.c_int64(number), ctypes.byref(made))
        return made.value

    def give_weights(self, projection: Projection, number: int, weights: NDArray[np.float64]) -> None:
        """Give the synapses of a projection that was wired from a list of pairs a weight each, in the order of that."""
        given = np.ascontiguousarray(weights, dtype=np.float64)
        values = pointer(given, ctypes.c_double)
        self._call("bgnest_give_weights", ctypes.byref(projection), ctypes.c_int64(number), values)

    def connect_carriers(self) -> int:
        """Let NEST hand the spikes of all sources to their rows; returns the number of NEST's connections."""
        made = ctypes.c_int64()
        assert self._module.carrier is not None
        self._call("bgnest_connect_carriers", self._module.carrier.encode(), ctypes.byref(made))
        return made.value

    def connect_graded(self, projections: Sequence[GradedProjection], longest: int, slice_steps: int) -> None:
        """Let the targets of graded synapses, whose rows are there, listen; delays are in steps."""
        listed = (GradedProjection * len(projections))(*projections)
        ends = (ctypes.c_int64(one) for one in (len(projections), longest, slice_steps))
        self._call("bgnest_connect_graded", listed, *ends)

    def synapses(
        self, number: int, last: int | None = None, room: int | None = None
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[Any], NDArray[np.uint32]]:
        """Synapses of a projection on this rank: source and target (numbers in their populations), weight, steps.

        Parameters
        ----------
        number : int
            Of the projection.
        last : int, optional
            Those onto targets up to this one; of all if not given.
        room : int, optional
            How many these are likely to be; more are found as well.
        """
        n = self.count(number) if last is None or room is None else room
        while True:
            source, target, delay = (np.empty(n, dtype=np.uint32) for _ in range(3))
            weight = np.empty(n)
            kinds = (ctypes.c_uint32, ctypes.c_uint32, ctypes.c_double, ctypes.c_uint32)
            arrays: tuple[NDArray[Any], ...] = (source, target, weight, delay)
            pointers = (pointer(array, kind) for array, kind in zip(arrays, kinds, strict=True))
            found = ctypes.c_int64()
            ends = (ctypes.c_int64(one) for one in (number, np.iinfo(np.int64).max if last is None else last, n))
            self._call("bgnest_read", *ends, *pointers, ctypes.byref(found))
            if found.value <= n:
                return source[: found.value], target[: found.value], weight[: found.value], delay[: found.value]
            n = found.value

    def count(self, number: int) -> int:
        """Number of synapses of a projection on this rank."""
        return int(self._library.bgnest_count(ctypes.c_int64(number)))

    def port(self, number: int) -> int:
        """Number of the port of a projection, -1 if it has no synapses on this rank."""
        return int(self._library.bgnest_port(ctypes.c_int64(number)))

    def plasticity(self, number: int, n_threads: int) -> list[dict[str, float]]:
        """Constants with which the rows of a projection release, of every thread of this rank that has some.

        ``plastic`` is 1 or 0; of rows that are not plastic the others mean nothing.
        """
        values = np.empty(len(PLASTICITY))
        places = pointer(values, ctypes.c_double)
        found = []
        for thread in range(n_threads):
            if self._library.bgnest_plasticity(ctypes.c_int64(number), ctypes.c_int64(thread), places):
                found.append(dict(zip(PLASTICITY, values.tolist(), strict=True)))
        return found

    def set(self, ids: range, values: Mapping[str, NDArray[np.float64] | Sequence[float] | float]) -> None:
        """Set parameters of cells by their ids in NEST; those of other ranks are left to them.

        A value is a number for all, an array with one number for each id, or a list: a vector that all get.
        """
        arrays = [np.atleast_1d(np.ascontiguousarray(value, dtype=np.float64)) for value in values.values()]
        n = len(arrays)
        names = (ctypes.c_char_p * n)(*(name.encode() for name in values))
        data = (ctypes.POINTER(ctypes.c_double) * n)(*(pointer(array, ctypes.c_double) for array in arrays))
        shapes = (ctypes.c_int32 * n)(*map(_shape, values.values()))
        whole = (ctypes.c_int32 * n)(*(isinstance(value, int) for value in values.values()))
        ends = (ctypes.c_int64(end) for end in (ids.start, ids.stop, ids.step, n))
        self._call("bgnest_set", *ends, names, data, shapes, whole)

    def list_cells(self) -> None:
        """After ``Prepare``: find the cells that `hidden_cells` hides."""
        self._call("bgnest_list_cells")

    @contextmanager
    def hidden_cells(self) -> Iterator[None]:
        """Hide cells that NEST does not update from its loop over nodes; nobody may ask NEST for a node meanwhile."""
        self._call("bgnest_hide_cells", ctypes.c_int32(1))
        try:
            yield
        finally:
            self._call("bgnest_hide_cells", ctypes.c_int32(0))

    def log_spikes(self, on: bool) -> None:
        """Begin or end to write down the spikes of all cells of the module."""
        self._library.bgnest_log_spikes(ctypes.c_int32(on))

    def take_spikes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Spikes of this rank since the last call: step at whose end each was sent, and id of the cell in NEST."""
        n = int(self._library.bgnest_count_spikes())
        step, cell = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
        self._library.bgnest_take_spikes(pointer(step, ctypes.c_int64), pointer(cell, ctypes.c_int64))
        return step, cell

    def trace(self, cells: NDArray[np.int64], variables: Sequence[str], interval: int, first: int, last: int) -> int:
        """Let cells (ids in NEST) write down variables; returns the number of the trace.

        A sample is taken at the end of each step whose time is a multiple of the interval, from first to last (steps).
        """
        number = ctypes.c_int64()
        ids = np.ascontiguousarray(cells, dtype=np.int64)
        names = (ctypes.c_char_p * len(variables))(*(name.encode() for name in variables))
        sizes = (ctypes.c_int64(n) for n in (len(variables), interval, first, last))
        n_names, *times = sizes
        given = pointer(ids, ctypes.c_int64), ctypes.c_int64(len(ids)), names, n_names
        self._call("bgnest_trace", *given, *times, ctypes.byref(number))
        return number.value

    def take_trace(self, number: int, n_cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """What a trace has got since the last call: ids of its cells on this rank, numbers of values, all values.

        The values of a cell are all variables of one time, then those of the next.
        """
        cell, length = np.empty(n_cells, dtype=np.int64), np.empty(n_cells, dtype=np.int64)
        values = np.empty(int(self._library.bgnest_count_values(ctypes.c_int64(number))))
        places = pointer(cell, ctypes.c_int64), pointer(length, ctypes.c_int64), pointer(values, ctypes.c_double)
        self._library.bgnest_take_trace(ctypes.c_int64(number), *places)
        return cell, length, values
