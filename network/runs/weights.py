"""Weights of synapses over time in a run folder: ``weights.h5``, a group for each recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ..cluster.ranks import rank_name
from ..errors import RunMissingError
from .h5 import open_h5

WEIGHTS = "weights.h5"


@dataclass(frozen=True)
class Weights:
    """Weights of some synapses of a projection.

    Attributes
    ----------
    projection, units : str
    times : ndarray, shape (n_times,)
        In ms since the start of the simulation.
    source, target : ndarray, shape (n_synapses,)
        0-based ids of the cells within their populations.
    values : ndarray, shape (n_times, n_synapses)
        A weight changes when a spike of its source arrives: each is that after the last one.
    """

    projection: str
    units: str
    times: NDArray[np.float64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    values: NDArray[np.float64]


def write_weights(path: Path, recorded: Sequence[tuple[str, Weights]]) -> None:
    """Write all recordings of a run, by name."""
    temporary = path.with_name(f".{path.name.strip('.')}.new.tmp")
    with h5py.File(temporary, "w") as file:
        for name, weights in recorded:
            group = file.create_group(f"weights/{name}")
            group.attrs["projection"], group.attrs["units"] = weights.projection, weights.units
            for key in ("times", "source", "target"):
                group[key] = getattr(weights, key)
            group["times"].attrs["units"] = "ms"
            group.create_dataset("values", data=weights.values, compression="gzip", shuffle=True)
    temporary.replace(path)


def weights_part(folder: Path, rank: int) -> Path:
    """File for the weights of one rank."""
    return folder / f".weights.{rank_name(rank)}.tmp"


def merge_weights(parts: Sequence[Path], path: Path, limits: Mapping[str, int]) -> None:
    """Make one file of those of all ranks, of which each has the synapses onto its own cells; remove them.

    Parameters
    ----------
    parts : sequence of Path
    path : Path
    limits : mapping of str to int
        Number of synapses of every recording, which are the first by target and source.
    """
    merged = []
    for name, limit in limits.items():
        found = [read_weights(part, name) for part in parts]
        source, target = (np.concatenate([getattr(one, key) for one in found]) for key in ("source", "target"))
        values = np.concatenate([one.values for one in found], axis=1)
        order = np.lexsort((source, target))[:limit]
        first = replace(found[0], source=source[order], target=target[order], values=values[:, order])
        merged.append((name, first))
    write_weights(path, merged)
    for part in parts:
        part.unlink()


def read_weights(path: Path, name: str | None = None) -> Weights:
    """Recording of a name, or the only one.

    Raises
    ------
    RunMissingError
        If there is none, or several; with the names.
    """
    known: list[str] = []
    if path.is_file():
        with open_h5(path) as file:
            known = list(file["weights"])
            if name is None and len(known) == 1:
                name = known[0]
            if name in known:
                group = file["weights"][name]
                arrays = (group[key][:] for key in ("times", "source", "target", "values"))
                return Weights(str(group.attrs["projection"]), str(group.attrs["units"]), *arrays)
    raise RunMissingError(f"{path}: no recording of weights {name or ''!r}; recordings: {', '.join(known) or 'none'}")
