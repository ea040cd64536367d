"""Cells and synapses as files of a SONATA circuit: HDF5 for what differs, CSV and JSON for what is common.

Format: https://github.com/AllenInstitute/sonata (Dai et al. 2020, doi 10.1371/journal.pcbi.1007696). What all
edges or cells of a population have in common is a dataset, too, which readers like libsonata want, but one that
takes no room: HDF5 gives the value it is filled with for whatever was never written.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .nodes import AXES

MAGIC, VERSION = np.uint32(0x0A7A), np.array([0, 1], dtype=np.uint32)
CHUNK = 131_072
"""Numbers that lie together on disk."""
AT_A_TIME = 16 * CHUNK
"""Numbers that are converted and written together."""

Column = NDArray[Any] | float


def write_nodes(path: Path, populations: Iterable[tuple[str, int, Mapping[str, Column], NDArray[Any] | None]]) -> None:
    """Write all cells.

    Parameters
    ----------
    path : Path
    populations : iterable of (name, number of cells, values, positions)
        Values by parameter, one number for all or an array with one for each; positions in um, a row per cell. The type
        of the cells of population i is i, see :func:`write_types`.
    """
    with _new(path) as file:
        for number, (name, n, values, positions) in enumerate(populations):
            group = file.create_group(f"nodes/{name}")
            _fill(group, "node_type_id", n, np.uint64(number))
            _members(group, "node", n)
            group.create_group("0")  # readers open it even where cells have no values
            for key, value in values.items():
                _column(group, f"0/dynamics_params/{key}", n, value)
            for axis, column in zip(AXES, () if positions is None else positions.T, strict=False):
                _column(group, f"0/{axis}", n, column)
                group[f"0/{axis}"].attrs["units"] = "um"


def write_edges(
    path: Path,
    name: str,
    edge_type: int,
    ends: Mapping[str, tuple[str, int, NDArray[np.int64]]],
    columns: Mapping[str, tuple[Column, str]],
    *,
    progress: Callable[[int], None] = lambda n: None,
) -> None:
    """Write the synapses of one projection, sorted by target, with indices for both ways to look them up.

    Parameters
    ----------
    path : Path
    name : str
        Of the population of edges.
    edge_type : int
        Number of its type.
    ends : mapping
        ``source`` and ``target``: name and size of the population, and cell of every synapse.
    columns : mapping of str to (values, unit)
        What the synapses have, by name; one number for all, or an array with one for each.
    progress : callable
        Called with the number of synapses that are on disk since the last call.
    """
    n = len(ends["target"][2])
    with _new(path) as file:
        group = file.create_group(f"edges/{name}")
        for side, (population, size, cells) in ends.items():
            _columns(_create(group, f"{side}_node_id", n, _whole(size)), cells)
            group[f"{side}_node_id"].attrs["node_population"] = population
        _fill(group, "edge_type_id", n, np.uint64(edge_type))
        _members(group, "edge", n)
        for key, (values, unit) in columns.items():
            _column(group, f"0/{key}", n, values)
            group[f"0/{key}"].attrs["units"] = unit
        _indices(group, ends, progress)


def _indices(
    group: h5py.Group, ends: Mapping[str, tuple[str, int, NDArray[np.int64]]], progress: Callable[[int], None]
) -> None:
    """For every cell the ranges of edges that it has, as source and as target; of many synapses with few copies."""
    (_, n_source, source), (_, n_target, target) = ends["source"], ends["target"]
    n = len(source)
    order = np.argsort(source, kind="stable").astype(_whole(n))
    by_source = source[order]
    first = np.ones(n, dtype=bool)
    first[1:] = (order[1:] != order[:-1] + 1) | (by_source[1:] != by_source[:-1])
    counts = np.bincount(by_source[first], minlength=n_source)
    del by_source
    starts, stops = order[first], order[np.roll(first, -1)] + 1
    del order, first
    _index(group, "source_to_target", counts, starts, stops)
    del starts, stops
    progress(n // 2)
    last = np.ones(n, dtype=bool)
    last[:-1] = target[1:] != target[:-1]
    stops = np.flatnonzero(last) + 1
    starts = np.concatenate([[0], stops[:-1]])[: len(stops)]
    _index(group, "target_to_source", np.bincount(target[starts], minlength=n_target), starts, stops)
    progress(n - n // 2)


def _index(group: h5py.Group, name: str, counts: NDArray[np.int64], starts: NDArray[Any], stops: NDArray[Any]) -> None:
    """Ranges of edges, by cell, and for every cell which of these are its own; ``counts`` says how many it has."""
    ends = np.cumsum(counts)
    own = np.stack([ends - counts, ends], axis=1)
    group.create_dataset(f"indices/{name}/node_id_to_ranges", data=own.astype(np.uint64))
    shape, kind = (len(starts), 2), _whole(int(stops.max(initial=0)))
    data = group.create_dataset(f"indices/{name}/range_to_edge_id", shape=shape, dtype=kind)
    for at in range(0, len(starts), AT_A_TIME):
        part = slice(at, at + AT_A_TIME)
        data[part] = np.stack([starts[part], stops[part]], axis=1)


def write_types(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what cells or synapses of a type have in common: a row per type, columns apart by spaces, as in SONATA."""
    header = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="NULL", delimiter=" ", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _new(path: Path) -> h5py.File:
    file = h5py.File(path, "w")
    file.attrs["magic"], file.attrs["version"] = MAGIC, VERSION
    return file


def _in_chunks(n: int) -> dict[str, Any]:
    """Options of a dataset of which parts may be missing; one without numbers has no parts.

    Nothing is compressed: the wheels of libsonata have an HDF5 that cannot decompress.
    """
    return {"chunks": (min(n, CHUNK),)} if n else {}


def _whole(largest: int) -> Any:
    """Type of whole numbers up to a largest: 4 bytes where they fit; readers take either."""
    return np.uint32 if largest < 2**32 else np.uint64


def _create(group: h5py.Group, name: str, n: int, kind: Any, **options: Any) -> h5py.Dataset:
    return group.create_dataset(name, shape=(n,), dtype=kind, **_in_chunks(n), **options)


def _columns(data: h5py.Dataset, values: NDArray[Any]) -> None:
    for at in range(0, len(values), AT_A_TIME):
        data[at : at + AT_A_TIME] = values[at : at + AT_A_TIME]


def _fill(group: h5py.Group, name: str, n: int, value: Any) -> None:
    """One value for all, that takes no room."""
    _create(group, name, n, np.asarray(value).dtype, fillvalue=value)


def _members(group: h5py.Group, what: str, n: int) -> None:
    """Say that all are in one group, in their order."""
    _fill(group, f"{what}_group_id", n, np.uint64(0))
    for name in (f"{what}_group_index", *(["node_id"] if what == "node" else [])):
        index = _create(group, name, n, _whole(n))
        for at in range(0, n, AT_A_TIME):
            index[at : at + AT_A_TIME] = np.arange(at, min(n, at + AT_A_TIME))


def _column(group: h5py.Group, name: str, n: int, values: Column) -> None:
    if isinstance(values, int | float):
        _fill(group, name, n, float(values))
    else:
        _columns(_create(group, name, n, values.dtype), values)
