"""The table of a scan: one row per point and population, with the axes as columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import ScanError
from .metrics import all_rows, metrics
from .status import DONE, PointStatus
from .workflow import INSTALL

if TYPE_CHECKING:
    import xarray

NUMBERS = (*metrics(), "rtf", "seconds")


def collect(folder: Path, statuses: Sequence[PointStatus], axes: Sequence[str]) -> pd.DataFrame:
    """Table of a scan.

    Parameters
    ----------
    folder : Path
        Folder of the scan; metrics of every run are kept in ``folder/metrics``.
    statuses : sequence of PointStatus
    axes : sequence of str

    Returns
    -------
    DataFrame
        ``point``, one column per axis, ``population``, ``status``, `metrics` and ``verdict`` (see
        `network.scans.metrics.population_rows`), ``rtf`` and ``seconds`` (of the whole run). A point that is not
        done has the same rows, with its status and without numbers.
    """
    done = [status for status in statuses if status.state == DONE]
    (folder / "metrics").mkdir(parents=True, exist_ok=True)
    runs = [(status.run, folder / "metrics" / f"{status.label}.json") for status in done]
    found = dict(zip((status.label for status in done), all_rows(runs, len(os.sched_getaffinity(0))), strict=True))
    names = list(dict.fromkeys(row["population"] for rows in found.values() for row in rows))
    records: list[dict[str, Any]] = []
    for status in statuses:
        head = {"point": status.label, **{axis: status.point.values.get(axis) for axis in axes}}
        for row in found.get(status.label) or [{"population": name} for name in names or [None]]:
            records.append({**head, "status": status.state, **row, "seconds": status.seconds})
    columns = ["point", *axes, "population", "status", *metrics(), "verdict", "rtf", "seconds"]
    table = pd.DataFrame.from_records(records).reindex(columns=columns)
    for column in NUMBERS:
        table[column] = table[column].astype(float)
    for axis in axes:
        if table[axis].map(type).nunique() > 1 and not pd.api.types.is_numeric_dtype(table[axis].infer_objects()):
            table[axis] = table[axis].astype(str)  # numbers and words in one axis: a column has one type
    return table


def write_table(table: pd.DataFrame, stem: Path) -> list[Path]:
    """Write ``<stem>.csv`` and ``<stem>.parquet``; returns the files.

    Raises
    ------
    ScanError
        If pyarrow is not installed.
    """
    csv, parquet = stem.with_name(f"{stem.name}.csv"), stem.with_name(f"{stem.name}.parquet")
    csv.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(csv, index=False, float_format="%.6g")
    try:
        table.to_parquet(parquet, index=False)
    except ImportError as error:
        raise ScanError(f"{csv} is written; for Parquet install pyarrow: {INSTALL}") from error
    return [csv, parquet]


def to_xarray(table: pd.DataFrame, axes: Sequence[str]) -> xarray.Dataset:
    """Metrics on a grid: dimensions are the axes and ``population``.

    For grids; where there is no point, values are NaN. Needs xarray.
    """
    return table.set_index([*axes, "population"])[[*NUMBERS, "verdict", "status"]].to_xarray()
