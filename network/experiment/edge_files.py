"""Synapses in SONATA files, as the programs of the field write them.

The format (https://github.com/AllenInstitute/sonata, Dai et al. 2020, doi 10.1371/journal.pcbi.1007696) has the cells
at both ends of every edge of a population, and what differs from edge to edge (``syn_weight``, ``delay``) in a group.

What a plan needs to know of a file is found by reading it once; the edges themselves are read when they are wired.
NumPy and h5py are imported by what reads: most experiments have no such files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpecError, choices
from .foreign import foreign, reading, refuse_what_memory_cannot_hold, state_of

if TYPE_CHECKING:
    import h5py
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint32]

AT_A_TIME = 4_000_000
MAX_CELLS = 50_000_000
"""At one end of edges: degrees of all of them are counted."""
ENDS = ("source_node_id", "target_node_id")


class EdgeFileError(SpecError):
    """A file has no edges that can be read; the message names the file."""

    def __init__(self, path: str | Path, message: str) -> None:
        super().__init__([f"{path}: {message}"])


@dataclass(frozen=True, eq=False)
class Edges:
    """What the edges of a population of a file are like.

    Attributes
    ----------
    population : str
        Name in the file.
    n : int
        Edges.
    in_degrees, out_degrees : ndarray of int64
        Edges of each target and source cell, up to the last that has any.
    repeated : bool
        Whether a pair of cells has several.
    to_self : bool
        Whether source and target of an edge have one number.
    columns : tuple of str
        What is there for every edge.
    digest : str
        SHA-256 of the file.
    """

    path: Path
    population: str
    n: int
    in_degrees: NDArray[np.int64]
    out_degrees: NDArray[np.int64]
    repeated: bool
    to_self: bool
    columns: tuple[str, ...]
    digest: str

    def pairs(self) -> tuple[Numbers, Numbers]:
        """Source and target of every edge, in the order of the file."""
        with _reading(self.path) as file:
            source, target = (_node_ids(file[f"edges/{self.population}"], self.path, end) for end in ENDS)
        return source, target

    def values(self, column: str) -> NDArray[np.float64]:
        """Numbers of a column, in the order of the edges."""
        import numpy as np

        with _reading(self.path) as file:
            group = file[f"edges/{self.population}"]
            found: NDArray[np.float64] = np.empty(self.n)
            group[f"0/{column}"].read_direct(found)
            places = _places(group, self.n)
            return found if places is None else found[places]


def read_edges(path: str | Path, population: str | None = None) -> Edges:
    """Look at the edges of a population; without a name of the only one.

    Raises
    ------
    EdgeFileError
        If the file cannot be read, is no SONATA file of edges, or lacks the population.
    """
    try:
        state = state_of(path)
        return _read(Path(path), population, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise EdgeFileError(path, error.strerror or str(error)) from error


@lru_cache(maxsize=512)
def limits(path: Path, population: str, column: str, digest: str) -> tuple[float, float, float]:
    """Smallest, largest and mean value of a column; 0 where there are no edges."""
    values = read_edges(path, population).values(column)
    if not values.size:
        return 0.0, 0.0, 0.0
    low, high = float(values.min()), float(values.max())
    if not low <= high:
        raise EdgeFileError(path, f"{column} of {population} has values that are no numbers")
    return low, high, float(values.mean())


@contextmanager
def _reading(path: Path) -> Iterator[h5py.File]:
    import h5py

    refuse = partial(EdgeFileError, path)
    with foreign("HDF5 file, as SONATA files of edges are", refuse), reading(path), h5py.File(path, "r") as file:
        yield file


@lru_cache(maxsize=512)
def _read(path: Path, wanted: str | None, changed: int, size: int) -> Edges:
    """Many experiments of a scan have the same file."""
    import numpy as np

    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    with _reading(path) as file:
        population, group = _population(file, path, wanted)
        source, target = (_node_ids(group, path, end) for end in ENDS)
        if len(source) != len(target):
            raise EdgeFileError(path, f"{population} has {len(source)} sources but {len(target)} targets")
        columns = _columns(group, path, population, len(source))
    in_degrees, out_degrees = np.bincount(target), np.bincount(source)
    to_self = bool((source == target).any())
    key = target * np.int64(len(out_degrees)) + source
    del source, target
    if key.size and not (key[1:] >= key[:-1]).all():
        key.sort()
    repeated = bool((key[1:] == key[:-1]).any())
    return Edges(path, population, len(key), in_degrees, out_degrees, repeated, to_self, columns, digest)


def _population(file: h5py.File, path: Path, wanted: str | None) -> tuple[str, h5py.Group]:
    groups = {name: group for name, group in dict(file.get("edges") or {}).items() if hasattr(group, "keys")}
    if not groups:
        raise EdgeFileError(path, "no population in /edges; not a SONATA file of edges")
    if wanted is None and len(groups) == 1:
        return next(iter(groups.items()))
    if wanted is None or wanted not in groups:
        found = choices(wanted or "", groups, "populations of the file")
        raise EdgeFileError(path, f"no edges of {wanted!r}; {found}" if wanted else f"name a population; {found}")
    return wanted, groups[wanted]


def _node_ids(group: h5py.Group, path: Path, name: str) -> Numbers:
    """Numbers of cells, 4 bytes each."""
    import numpy as np

    data = group.get(name)
    where = group.name.removeprefix("/edges/")
    if data is None or hasattr(data, "keys") or data.dtype.kind not in "iu" or data.ndim != 1:
        raise EdgeFileError(path, f"{where} has no {name} that is a list of whole numbers; not a SONATA file of edges")
    refuse_what_memory_cannot_hold(2 * 16 * len(data))  # both ends, and their order
    found: Numbers = np.empty(len(data), dtype=np.uint32)
    for first in range(0, len(data), AT_A_TIME):
        part = data[first : first + AT_A_TIME]
        if part.min() < 0 or part.max() >= MAX_CELLS:
            told = f"{part.min()} to {part.max()}; they count cells from 0 on, at most {MAX_CELLS:,}"
            raise EdgeFileError(path, f"{where}: {name} from {told}")
        found[first : first + AT_A_TIME] = part
    return found


def _columns(group: h5py.Group, path: Path, population: str, n: int) -> tuple[str, ...]:
    several = [name for name, item in group.items() if name.isdigit() and hasattr(item, "keys")]
    if len(several) > 1:
        raise EdgeFileError(path, f"{population} has {len(several)} groups of edges; a file with one can be read")
    if several not in ([], ["0"]):
        raise EdgeFileError(path, f"{population}: its group of edges is called {several[0]!r}, not '0'")
    items = group[several[0]].items() if several else ()
    return tuple(name for name, item in items if getattr(item, "shape", None) == (n,) and item.dtype.kind in "iuf")


def _places(group: h5py.Group, n: int) -> NDArray[np.int64] | None:
    """Where the numbers of an edge stand in its group; None if in the order of the edges."""
    import numpy as np

    if (data := group.get("edge_group_index")) is None:
        return None
    for first in range(0, n, AT_A_TIME):
        part = data[first : first + AT_A_TIME]
        if not np.array_equal(part, np.arange(first, first + len(part))):
            places: NDArray[Any] = data[()]
            return places.astype(np.int64)
    return None
