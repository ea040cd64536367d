"""Positions of cells in a run folder: ``nodes.h5``, nodes of SONATA with coordinates in micrometres.

Only populations that have positions are in it. On a ring ``x`` is the way along the circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import RunMissingError
from .h5 import open_h5

NODES = "nodes.h5"
AXES = ("x", "y", "z")

Positions = NDArray[np.float64]


def write_positions(path: Path, positions: Mapping[str, Positions]) -> None:
    """Write the coordinates of all populations, one row per cell."""
    temporary = path.with_name(f".{path.name}.tmp")
    with h5py.File(temporary, "w") as file:
        file.attrs["magic"], file.attrs["version"] = np.uint32(0x0A7A), np.array([0, 1], dtype=np.uint32)
        for name, rows in positions.items():
            ids = np.arange(len(rows), dtype=np.uint64)
            group = file.create_group(f"nodes/{name}")
            group["node_id"], group["node_group_index"] = ids, ids
            group["node_group_id"] = group["node_type_id"] = np.zeros(len(rows), dtype=np.uint64)
            for axis, column in zip(AXES, rows.T, strict=False):
                group[f"0/{axis}"] = column
                group[f"0/{axis}"].attrs["units"] = "um"
    temporary.replace(path)


def read_positions(path: Path, population: str) -> Positions:
    """Coordinates of the cells of a population in um, one row per cell.

    Raises
    ------
    RunMissingError
        If it has none, with the populations that do.
    """
    known: list[str] = []
    if path.is_file():
        with open_h5(path) as file:
            known = list(file["nodes"])
            if population in known:
                group = file["nodes"][population]["0"]
                return np.stack([group[axis][:] for axis in AXES if axis in group], axis=1)
    having = ", ".join(known) or "none"
    raise RunMissingError(f"{path}: no positions of {population!r}; populations with positions: {having}")
