"""Spike trains in tables of text, and in NWB files: what laboratories and other programs hand on.

A table has a line per spike and a first line with the names of its columns, for example ``train,time_ms``; what NEST's
recorders write (``sender  time_ms``) is one. NWB (Rübel et al. 2022, doi 10.7554/eLife.78362) keeps the times of its
units one after the other, in seconds, and where those of each end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .foreign import ForeignFileError

if TYPE_CHECKING:
    import h5py
    import numpy as np
    from numpy.typing import NDArray

MILLISECONDS = {
    **dict.fromkeys(("", "ms", "msec", "millisecond", "milliseconds"), 1.0),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1e3),
    **dict.fromkeys(("us", "µs", "usec", "microsecond", "microseconds"), 1e-3),
}
"""Length in ms of the units that times may have; without a unit they are in ms, as in SONATA."""
TIMES = ("time", "times", "t", "timestamp", "timestamps", "spike_time", "spike_times")
TRAINS = ("train", "trains", "cell", "cells", "neuron", "neuron_id", "node_id", "node_ids", "unit", "gid", "sender")
"""Names that columns may have, in any case; a unit follows the name of the times: ``time_ms``, ``time (s)``."""


class SpikeTableError(ForeignFileError):
    """A table holds no spikes that can be read; the message does not name the file."""


def read_table(path: Path) -> tuple[NDArray[Any], NDArray[Any], str]:
    """Times as they are written, numbers of the trains, and the unit of the times ("" where nothing is said).

    Raises
    ------
    SpikeTableError
        If it is no table of spikes.
    """
    names, columns = table_columns(path)
    time, train, unit = _columns(names)
    data = columns((time, train))
    return data[:, 0], data[:, 1], unit


def table_columns(path: Path) -> tuple[list[str], Callable[[tuple[int, ...]], NDArray[Any]]]:
    """Names of the columns of a table of text, and what reads some of them, (n_lines, n_columns).

    Raises
    ------
    SpikeTableError
        If it is no text; by what reads, if something is no number.
    """
    import numpy as np

    try:
        # what NumPy would only warn of is a recording without a spike
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise SpikeTableError("neither an HDF5 file (SONATA, NWB) nor a table of text (UTF-8)") from error
    while lines and lines[0].startswith("#"):
        del lines[0]
    head, rest = (lines[0], lines[1:]) if lines else ("", [])
    separator = next((one for one in (",", ";", "\t") if one in head), None)

    def columns(which: tuple[int, ...]) -> NDArray[Any]:
        if not rest:
            return np.empty((0, len(which)))
        try:
            return np.loadtxt(rest, delimiter=separator, usecols=which, ndmin=2)
        except (ValueError, IndexError) as error:
            raise SpikeTableError(f"not a table of numbers: {str(error).splitlines()[0]}") from error

    return [name.strip().strip('"') for name in head.split(separator)], columns


def unit_of_times(unit: str) -> float:
    """Length in ms of a unit of times; "" is ms.

    Raises
    ------
    SpikeTableError
        If it is none.
    """
    if unit not in MILLISECONDS:
        raise SpikeTableError(f"times are in {unit!r}; readable: ms, s, us")
    return MILLISECONDS[unit]


def _columns(names: Sequence[str]) -> tuple[int, int, str]:
    """Where times and trains are, and the unit of the times."""
    times, trains = {}, {}
    for at, name in enumerate(names):
        word, unit = named_column(name)
        if word in TIMES:
            times[at] = unit
        elif word in TRAINS:
            trains[at] = unit
    if len(times) != 1 or len(trains) != 1:
        raise SpikeTableError(
            "neither an HDF5 file (SONATA, NWB) nor a table whose first line names a column of times and one of trains"
            f", such as 'train,time_ms'; found: {', '.join(map(repr, names[:6]))[:80]}"
        )
    time, train = next(iter(times)), next(iter(trains))
    return time, train, times[time]


def named_column(column: str) -> tuple[str, str]:
    """Word and unit of the name of a column."""
    found = re.fullmatch(r"(.*?)(?:[_ ]*[\[(](\w+)[\])]|_(ms|s|us|[fpnum]?a|[num]?v))?", column.strip().lower())
    if found is None:
        return column, ""
    return found[1].strip().replace(" ", "_"), found[2] or found[3] or ""


def is_nwb(file: h5py.File) -> bool:
    """Whether an HDF5 file has units as NWB has them."""
    return "units" in file and "spike_times" in file["units"] and "spike_times_index" in file["units"]


def read_units(file: h5py.File) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times (s) and trains of the units of an NWB file; unit i of the table is train i.

    Raises
    ------
    SpikeTableError
        If the index does not belong to the times.
    """
    import numpy as np

    times, ends = np.asarray(file["units/spike_times"]), np.asarray(file["units/spike_times_index"])
    if times.ndim != 1 or times.dtype.kind not in "iuf" or ends.ndim != 1 or ends.dtype.kind not in "iu":
        raise SpikeTableError("/units/spike_times and its index are not lists of numbers")
    counts = ends.astype(np.int64)
    counts[1:] -= counts[:-1].copy()
    if np.any(counts < 0) or counts.sum() != len(times):
        raise SpikeTableError(f"/units/spike_times_index does not belong to {len(times)} spike_times")
    return times.astype(np.float64), np.repeat(np.arange(len(ends)), counts)
