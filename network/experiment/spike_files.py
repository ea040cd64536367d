"""Spike trains in files: SONATA, as the programs of the field write it; tables and NWB are in `spike_tables`.

The format of SONATA (https://github.com/AllenInstitute/sonata, Dai et al. 2020, doi 10.1371/journal.pcbi.1007696)
leaves room: writers differ in the types of times and node ids, in how the unit and the order are said, and older files
have no group per population.  Whether a file is sorted is seen in its data, whatever the attribute says.

NumPy and h5py are imported by what reads: most experiments have no spike files, and their plans need neither.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import choices
from .foreign import ForeignFileError, foreign, reading, refuse_what_memory_cannot_hold, state_of
from .neo_files import NEO, read_neo
from .spike_tables import MILLISECONDS, SpikeTableError, is_nwb, read_table, read_units

if TYPE_CHECKING:
    import h5py
    import numpy as np
    from numpy.typing import NDArray

MOST_TRAINS = 10_000_000
"""More are node ids that do not count the trains."""


class SpikeFileError(ForeignFileError):
    """A file holds no spikes that can be read; the message does not name the file."""


@dataclass(frozen=True)
class Trains:
    """Spikes of one population of a file, sorted by time and then by train.

    Attributes
    ----------
    population : str
        Name in the file; empty where it has no group per population.
    times : ndarray of float64, shape (n_spikes,)
        In ms.
    node_ids : ndarray of uint64, shape (n_spikes,)
        Train of each spike.
    digest : str
        SHA-256 of the file.
    """

    population: str
    times: NDArray[np.float64]
    node_ids: NDArray[np.uint64]
    digest: str

    @property
    def n_trains(self) -> int:
        """Trains that the ids count, those without a spike included."""
        return int(self.node_ids.max()) + 1 if self.node_ids.size else 0


def read_trains(path: str | Path, population: str | None = None) -> Trains:
    """Read the trains of a population; without a name of the only one.

    Raises
    ------
    SpikeFileError
        If the file cannot be read, is no file of spikes, or lacks the population.
    """
    try:
        state = state_of(path)
        return _read(str(path), population, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise SpikeFileError(error.strerror or str(error)) from error


@lru_cache(maxsize=4)
def _read(path: str, population: str | None, changed: int, size: int) -> Trains:
    """Many experiments of a scan have the same file."""
    import h5py

    with Path(path).open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    try:
        if not h5py.is_hdf5(path) and Path(path).suffix.lower() in NEO:
            return Trains("", *_trains("Neo's block", *read_neo(path), "ms"), digest)
        if not h5py.is_hdf5(path):
            times, ids, unit = read_table(Path(path))
            return Trains("", *_trains("the table", times, ids, unit), digest)
        with (
            foreign("HDF5 file, as SONATA spike files are", SpikeFileError),
            reading(path),
            h5py.File(path, "r") as file,
        ):
            if is_nwb(file):
                return Trains("", *_trains("/units", *read_units(file), "s"), digest)
            name, group = _population(file, population)
            return Trains(name, *read_group(group), digest)
    except SpikeTableError as error:
        raise SpikeFileError(str(error)) from error


def _population(file: h5py.File, wanted: str | None) -> tuple[str, h5py.Group]:
    spikes = file.get("spikes")
    if not _is_group(spikes):
        raise SpikeFileError("no group /spikes; not a SONATA spike file")
    if "timestamps" in spikes:  # first version of the format
        return "", spikes
    groups = {name: group for name, group in spikes.items() if _is_group(group)}
    if wanted is None and len(groups) == 1:
        return next(iter(groups.items()))
    if wanted is None or wanted not in groups:
        found = choices(wanted or "", groups, "populations of the file")
        raise SpikeFileError(f"no spikes of {wanted!r}; {found}" if wanted else f"name a population; {found}")
    return wanted, groups[wanted]


def _is_group(item: Any) -> bool:
    return hasattr(item, "keys")


def read_group(group: h5py.Group) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Times (ms) and node ids of one population, sorted by time and neuron.

    Raises
    ------
    SpikeFileError
        If they are missing, not numbers, or do not belong together.
    """
    where = group.name.removeprefix("/spikes").strip("/") or "/spikes"
    times, ids = _numbers(group, where, "timestamps"), _numbers(group, where, "node_ids", "gids")
    if times.shape != ids.shape:
        raise SpikeFileError(f"{where} has {len(times)} timestamps but {len(ids)} node_ids")
    return _trains(where, times, ids, _text(group["timestamps"].attrs.get("units", "")))


def _trains(
    where: str, times: NDArray[Any], ids: NDArray[Any], unit: str
) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Times in ms and ids of trains, in order."""
    import numpy as np

    unit = unit.strip().lower()
    if unit not in MILLISECONDS:
        raise SpikeFileError(f"the timestamps of {where} are in {unit!r}; readable: ms, s, us")
    factor = MILLISECONDS[unit]
    milliseconds = times.astype(np.float64) if factor == 1.0 else times.astype(np.float64) * factor
    if not np.isfinite(milliseconds).all():
        raise SpikeFileError(f"the timestamps of {where} are not all finite")
    if ids.size and not (ids.min() >= 0 and (ids.dtype.kind != "f" or np.array_equal(ids, np.floor(ids)))):
        raise SpikeFileError(f"the node_ids of {where} are not all whole numbers from 0 on")
    if ids.size and ids.max() >= 2**63:  # more than a number of a cell can be, here and in NEST
        raise SpikeFileError(f"the node_ids of {where} go up to {ids.max():.20g}")
    return in_order(milliseconds, ids.astype(np.uint64))


def played_steps(
    trains: Trains, *, delay: float, shift: float, resolution: float, min_delay: float, t_stop: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps at which generators fire so that spikes arrive ``delay`` after the times of the file, and their trains.

    What would be before the first or after the last step is left out. Times go to the nearest step.
    """
    import numpy as np

    # a parrot behind each generator takes the shortest delay; what is left follows on the way to the cells
    early = delay - max(min_delay, delay - min_delay) - min_delay
    steps = np.round((trains.times + shift + early) / resolution)
    inside = (steps >= 1) & (steps <= round(t_stop / resolution))
    return steps[inside].astype(np.int64), trains.node_ids[inside].astype(np.int64)


def in_order(
    times: NDArray[np.float64], node_ids: NDArray[np.uint64]
) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Sort by time, simultaneous spikes by neuron, unless they are so already."""
    import numpy as np

    later, same = times[1:] > times[:-1], times[1:] == times[:-1]
    if np.all(later | (same & (node_ids[1:] >= node_ids[:-1]))):
        return times, node_ids
    order = np.lexsort((node_ids, times))
    return times[order], node_ids[order]


def _numbers(group: h5py.Group, where: str, *names: str) -> NDArray[Any]:
    """Read the first of some datasets that is there; an array of one dimension."""
    found = [group[name] for name in names if name in group and not _is_group(group[name])]
    if not found:
        raise SpikeFileError(f"{where} has no dataset {names[0]!r}; not a SONATA spike file")
    if found[0].dtype.kind not in "iuf" or found[0].ndim != 1:
        raise SpikeFileError(f"{where}: {names[0]!r} is not a list of numbers")
    refuse_what_memory_cannot_hold(4 * 8 * found[0].size)  # times and trains, as they are and in order
    data: NDArray[Any] = found[0][()]
    return data


def _text(value: Any) -> str:
    """Attribute as text, however it is stored."""
    if getattr(value, "ndim", 0):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
