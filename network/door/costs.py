"""What runs were expected to need beside what they have needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..plans.summary import table
from ..runs.layout import record_of
from ..text import human_bytes
from .listing import list_runs
from .tables import html

COLUMNS = ("memory", "disk", "create (s)", "connect (s)", "prepare (s)", "simulate (s)")


class CostListing(list[tuple[str, list[str]]]):
    """Runs and their cells, each ``predicted -> measured``; shown as a table."""

    @property
    def _rows(self) -> list[list[str]]:
        return [[name, *cells] for name, cells in self]

    def __repr__(self) -> str:
        if not self:
            return "no run here has written down what it was expected to need"
        return table(["predicted -> measured", *COLUMNS], self._rows, "l" + "r" * len(COLUMNS))

    def _repr_html_(self) -> str:
        return html("predicted and measured", [], ["run", *COLUMNS], self._rows)


def list_costs(folder: str | Path = "runs") -> CostListing:
    """Memory, disk and time of the runs in a folder, as planned and as measured; runs without are left out.

    Raises
    ------
    RunMissingError
        If there is no such folder.
    """
    records = ((entry.path.name, record_of(entry.path) or {}) for entry in list_runs(folder))
    return CostListing((name, cost_cells(record)) for name, record in records if record.get("predicted"))


def costs_of(folder: Path) -> dict[str, Any]:
    """What a run was ``predicted`` to need and what was ``measured``; empty where nothing is known."""
    record = record_of(folder) or {}
    return {key: record[key] for key in ("predicted", "measured") if record.get(key)}


def cost_cells(record: Mapping[str, Any]) -> list[str]:
    """Cells of `COLUMNS` for the record of a run; ``-`` where nothing is known."""
    sides = [record.get("predicted") or {}, record.get("measured") or {}]
    sizes = [[_size(side.get(key)) for side in sides] for key in ("memory_bytes", "disk_bytes")]
    phases = [column.removesuffix(" (s)") for column in COLUMNS[2:]]
    times = [[_seconds((side.get("seconds") or {}).get(phase)) for side in sides] for phase in phases]
    return [" -> ".join(pair) for pair in (*sizes, *times)]


def _size(value: float | None) -> str:
    return "-" if value is None else human_bytes(value)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
