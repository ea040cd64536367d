"""SONATA files: spikes and frame reports, written in pieces while a simulation runs and read back as arrays.

A writer appends to resizable HDF5 datasets, so a long run never holds all its spikes in memory. Format:
https://github.com/AllenInstitute/sonata (Dai et al. 2020, doi 10.1371/journal.pcbi.1007696); libsonata
opens both kinds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import RunError, RunMissingError
from ..experiment.spike_files import SpikeFileError, read_group
from .h5 import Writer, open_h5

logger = logging.getLogger(__name__)

Times = NDArray[np.float64]
NodeIds = NDArray[np.uint64]

SORTING = {"none": 0, "by_id": 1, "by_time": 2}
_SORTING_TYPE = h5py.enum_dtype(SORTING, basetype="u1")
_SPIKE_CHUNK = 16384  # spikes per HDF5 chunk: 128 KiB of times
_REPORT_CHUNK = 65536  # values per HDF5 chunk: 256 KiB
SORT_LIMIT = 100_000_000  # spikes of one population that may be sorted in memory (about 4 GB while sorting)


@dataclass(frozen=True)
class Spikes:
    """Spikes of one population or group, sorted by time and then by neuron.

    Attributes
    ----------
    times : ndarray of float64, shape (n_spikes,)
        In ms since the start of the simulation (warm-up included).
    node_ids : ndarray of uint64, shape (n_spikes,)
        0-based index within the population (or within the group, members one after the other).
    n_neurons : int
        Size of the population, silent neurons included.
    """

    times: Times
    node_ids: NodeIds
    n_neurons: int

    def __len__(self) -> int:
        return len(self.times)

    def between(self, t_start: float, t_stop: float) -> Spikes:
        """Spikes in ``[t_start, t_stop)`` ms; times keep their origin."""
        chosen = (self.times >= t_start) & (self.times < t_stop)
        return Spikes(self.times[chosen], self.node_ids[chosen], self.n_neurons)


@dataclass(frozen=True)
class Report:
    """One variable of chosen neurons over time.

    Attributes
    ----------
    times : ndarray of float64, shape (n_times,)
        In ms.
    node_ids : ndarray of uint64, shape (n_elements,)
        Ascending, 0-based within the population.
    values : ndarray of float32, shape (n_times, n_elements)
        In ``units``.
    trace : str
        Name under which the recording was asked for; empty where the file does not say.
    """

    population: str
    variable: str
    units: str
    times: Times
    node_ids: NodeIds
    values: NDArray[np.float32]
    trace: str = ""


def create_spike_group(file: h5py.File, name: str, n_neurons: int | None, n_spikes: int | None = None) -> h5py.Group:
    """Datasets of one population: resizable, or of fixed size and contiguous where ``n_spikes`` is known."""
    group = file.create_group(f"spikes/{name}")
    group.attrs.create("sorting", SORTING["none"], dtype=_SORTING_TYPE)
    if n_neurons is not None:
        group.attrs["n_neurons"] = np.uint64(n_neurons)
    layout = (
        {"shape": (0,), "maxshape": (None,), "chunks": (_SPIKE_CHUNK,)} if n_spikes is None else {"shape": (n_spikes,)}
    )
    group.create_dataset("timestamps", dtype="f8", **layout).attrs["units"] = "ms"
    group.create_dataset("node_ids", dtype="u8", **layout)
    return group


def checked_spikes(times: ArrayLike, node_ids: ArrayLike, n_neurons: int | None, name: str) -> tuple[Times, NodeIds]:
    """Arrays of equal length, ids within the population; otherwise ``ValueError`` naming it."""
    times = np.asarray(times, dtype=np.float64)
    ids = np.asarray(node_ids)
    if times.ndim != 1 or times.shape != ids.shape:
        raise ValueError(f"spikes of {name}: times {times.shape} and node_ids {ids.shape} must be 1-d and equally long")
    if ids.size:
        if not np.issubdtype(ids.dtype, np.integer):
            raise ValueError(f"spikes of {name}: node_ids must be integers, not {ids.dtype}")
        if int(ids.min()) < 0 or (n_neurons is not None and int(ids.max()) >= n_neurons):
            raise ValueError(
                f"spikes of {name}: node_ids {ids.min()}..{ids.max()} do not fit 0..{n_neurons} (excluded)"
            )
        if not np.isfinite(times).all():
            raise ValueError(f"spikes of {name}: times must be finite")
    return times, ids.astype(np.uint64)


def sort_spikes(times: Times, node_ids: NodeIds) -> tuple[Times, NodeIds]:
    """Sort by time, simultaneous spikes by neuron: the one order that no split over threads changes."""
    order = np.lexsort((node_ids, times))
    return times[order], node_ids[order]


class SpikeWriter(Writer):
    """Write a SONATA spike file in chunks.

    Chunks that follow each other in time (as from a simulation run in slices) leave the file sorted by time
    without a second pass. Otherwise a population is sorted when the file is closed, provided it has at most
    ``sort_limit`` spikes; beyond that it stays as it came, its ``sorting`` attribute says ``none``, and a
    warning is logged.

    Parameters
    ----------
    path : path
        Final name; must not exist.
    populations : mapping of name to n_neurons
        Every population gets its datasets, also when it never fires. ``None`` where the size is unknown.

    Examples
    --------
    >>> with SpikeWriter(tmp / "spikes.h5", {"A": 388}) as writer:
    ...     writer.append("A", [1.5, 0.3], [7, 12])
    >>> read_spikes(tmp / "spikes.h5", "A")[0]
    array([0.3, 1.5])
    """

    def __init__(
        self, path: str | Path, populations: Mapping[str, int | None], *, sort_limit: int = SORT_LIMIT
    ) -> None:
        super().__init__(path)
        self._sizes = dict(populations)
        self._sort_limit = sort_limit
        self._last: dict[str, tuple[float, int]] = {}
        self._ordered = dict.fromkeys(self._sizes, True)
        self.counts = dict.fromkeys(self._sizes, 0)
        with self._out.writing():
            self._out.opened().create_group("spikes")
            # kept, so that HDF5 keeps what it has not written yet until it closes the file
            self._groups = {
                name: create_spike_group(self._out.opened(), name, n_neurons) for name, n_neurons in self._sizes.items()
            }
            self._datasets = {
                name: {key: group[key] for key in ("timestamps", "node_ids")} for name, group in self._groups.items()
            }

    def append(self, population: str, times: ArrayLike, node_ids: ArrayLike) -> None:
        """Add spikes: times in ms, 0-based ids within the population, any order."""
        self._out.opened()
        if population not in self._sizes:
            raise ValueError(f"{self.path}: no population {population!r}; populations: {', '.join(self._sizes)}")
        times, ids = checked_spikes(times, node_ids, self._sizes[population], population)
        if not times.size:
            return
        times, ids = sort_spikes(times, ids)
        if population in self._last and (times[0], int(ids[0])) < self._last[population]:
            self._ordered[population] = False
        self._last[population] = (float(times[-1]), int(ids[-1]))
        old, new = self.counts[population], self.counts[population] + len(times)
        with self._out.writing():
            for key, values in (("timestamps", times), ("node_ids", ids)):
                self._datasets[population][key].resize((new,))
                self._datasets[population][key][old:new] = values
        self.counts[population] = new

    def flush(self) -> None:
        """Hand everything to the operating system, so that a killed run leaves a readable ``.partial``."""
        with self._out.writing():
            self._out.opened().flush()

    def close(self) -> dict[str, int]:
        """Sort, give the file its final name and return the number of spikes per population."""
        file = self._out.opened()
        for name, count in self.counts.items():
            group = file[f"spikes/{name}"]
            if not self._ordered[name] and count <= self._sort_limit:
                group["timestamps"][...], group["node_ids"][...] = sort_spikes(
                    group["timestamps"][()], group["node_ids"][()]
                )
                self._ordered[name] = True
            if self._ordered[name]:
                group.attrs.create("sorting", SORTING["by_time"], dtype=_SORTING_TYPE)
            else:
                logger.warning("%s: the %d spikes of %s were too many to sort", self.path, count, name)
        self._out.finish()
        return dict(self.counts)


def spike_populations(path: str | Path) -> list[str]:
    """Names of the populations in a spike file."""
    with open_h5(path) as file:
        if "spikes" not in file:
            raise RunError(f"{path}: no group /spikes; not a SONATA spike file")
        return list(file["spikes"])


def read_spikes(path: str | Path, population: str) -> tuple[Times, NodeIds]:
    """Read times (ms) and node ids of one population, sorted by time and neuron."""
    choices = spike_populations(path)
    if population not in choices:
        raise RunMissingError(f"{path}: no spikes of {population!r}; populations: {', '.join(choices)}")
    with open_h5(path) as file:
        try:
            return read_group(file[f"spikes/{population}"])
        except SpikeFileError as error:
            raise RunError(f"{path}: {error}") from error


class ReportWriter(Writer):
    """Write a SONATA report of one population and variable, whole frames at a time.

    Parameters
    ----------
    path : path
        Final name; must not exist.
    node_ids : sequence of int
        0-based ids within the population, no duplicates; order of the columns passed to `append`.
    units : str
        Unit of the values, for example ``mV``.
    start, interval : float
        Time of the first frame and distance of frames in ms.
    trace : str
        Name under which the recording was asked for.
    """

    def __init__(
        self,
        path: str | Path,
        population: str,
        variable: str,
        node_ids: Sequence[int] | NDArray[np.integer],
        *,
        units: str,
        start: float,
        interval: float,
        trace: str = "",
    ) -> None:
        ids = np.asarray(node_ids)
        if ids.ndim != 1 or not ids.size or len(np.unique(ids)) != ids.size or int(ids.min()) < 0:
            raise ValueError(f"report {population}.{variable}: node_ids must be one or more different indices >= 0")
        if not interval > 0:
            raise ValueError(f"report {population}.{variable}: interval must be > 0 ms, not {interval}")
        self._order = np.argsort(ids)
        self._start, self._interval = float(start), float(interval)
        self.n_frames = 0
        super().__init__(path)
        group = self._out.opened().create_group(f"report/{population}")
        rows = max(1, min(1024, _REPORT_CHUNK // ids.size))
        self._data = group.create_dataset(
            "data", shape=(0, ids.size), maxshape=(None, ids.size), chunks=(rows, ids.size), dtype="f4"
        )
        self._data.attrs["units"] = units
        self._data.attrs["variable"] = variable
        self._data.attrs["trace"] = trace
        mapping = group.create_group("mapping")
        mapping.create_dataset("node_ids", data=ids[self._order].astype("u8")).attrs["sorted"] = np.uint8(1)
        # one element per node: point neurons have a single compartment, number 0
        mapping.create_dataset("index_pointers", data=np.arange(ids.size + 1, dtype="u8"))
        mapping.create_dataset("element_ids", data=np.zeros(ids.size, dtype="u4"))
        self._time = mapping.create_dataset("time", data=np.array([self._start, self._start, self._interval]))
        self._time.attrs["units"] = "ms"

    def append(self, values: ArrayLike) -> None:
        """Add frames, shape (n_frames, n_elements), columns in the order of ``node_ids``."""
        self._out.opened()
        with np.errstate(over="ignore"):  # of a cell that diverges: infinity is what four bytes can say of it
            frames = np.asarray(values, dtype=np.float32)
        if frames.ndim != 2 or frames.shape[1] != len(self._order):
            raise ValueError(f"{self.path}: frames of shape {frames.shape}, expected (n, {len(self._order)})")
        new = self.n_frames + len(frames)
        with self._out.writing():
            self._data.resize((new, len(self._order)))
            self._data[self.n_frames : new] = frames[:, self._order]
            self._time[1] = self._start + new * self._interval  # right-open
        self.n_frames = new

    def close(self) -> int:
        """Give the file its final name and return the number of frames."""
        self._out.finish()
        return self.n_frames


def frames_from_events(
    times: ArrayLike, senders: ArrayLike, values: ArrayLike, node_ids: Sequence[int] | NDArray[np.integer]
) -> tuple[Times, NDArray[np.float64]]:
    """Turn a flat list of samples (one per time and neuron, any order) into frames.

    Returns
    -------
    frame_times : ndarray, shape (n_frames,)
        In the unit of ``times``, ascending.
    frames : ndarray, shape (n_frames, n_elements)
        Columns in the order of ``node_ids``.

    Raises
    ------
    ValueError
        If a neuron lacks a sample at any time, or samples of other neurons are present.
    """
    times, senders, flat = (
        np.asarray(times, dtype=np.float64),
        np.asarray(senders),
        np.asarray(values, np.float64),
    )
    ids = np.asarray(node_ids)
    order = np.lexsort((senders, times))
    frame_times = np.unique(times)
    shape = (len(frame_times), len(ids))
    complete = times.size == shape[0] * shape[1] and np.array_equal(
        senders[order].reshape(shape), np.broadcast_to(np.sort(ids), shape)
    )
    if not complete:
        raise ValueError(f"{times.size} samples do not make {shape[0]} frames of the {shape[1]} neurons recorded")
    frames = np.empty(shape)
    frames[:, np.argsort(ids)] = flat[order].reshape(shape)
    return frame_times, frames


class ReportKey(NamedTuple):
    """What a report file holds: a variable of a population, recorded under the name of a trace."""

    population: str
    variable: str
    trace: str


def report_header(path: str | Path) -> ReportKey:
    """Return population, variable and trace of a report file."""
    with open_h5(path) as file:
        names = list(file.get("report", {}))
        if len(names) != 1:
            raise RunError(f"{path}: expected one population under /report, found {names}")
        attributes = file[f"report/{names[0]}/data"].attrs
        return ReportKey(names[0], str(attributes.get("variable", "")), str(attributes.get("trace", "")))


def read_report(path: str | Path) -> Report:
    """Read a whole report file."""
    population, variable, trace = report_header(path)
    with open_h5(path) as file:
        group = file[f"report/{population}"]
        values = group["data"][()]
        start, _, interval = group["mapping/time"][()]
        return Report(
            population,
            variable,
            str(group["data"].attrs["units"]),
            start + interval * np.arange(len(values)),
            group["mapping/node_ids"][()],
            values,
            trace,
        )
