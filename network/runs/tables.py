"""Synapses as tables for other programs: Parquet or CSV, a file per projection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import RunError

AT_A_TIME = 1_000_000
"""Rows that are converted and written together."""

Columns = Mapping[str, NDArray[Any]]


def write_parquet(path: Path, columns: Columns, about: Mapping[str, str], progress: Callable[[int], None]) -> None:
    """Write columns of equal length, and what they are about as metadata of the file."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RunError("Parquet needs the package pyarrow: pip install 'bgnest[scan]'; or take --format csv") from error
    n = len(next(iter(columns.values())))
    schema = pa.schema([(name, pa.from_numpy_dtype(values.dtype)) for name, values in columns.items()])
    with pq.ParquetWriter(path, schema.with_metadata(dict(about)), compression="zstd") as writer:
        for at in range(0, max(n, 1), AT_A_TIME):
            part = [values[at : at + AT_A_TIME] for values in columns.values()]
            writer.write_table(pa.table(part, schema=schema))
            progress(len(part[0]))


def write_csv(path: Path, columns: Columns, about: Mapping[str, str], progress: Callable[[int], None]) -> None:
    """Write columns of equal length with a header; numbers have all digits that they need to be read back the same."""
    import pandas as pd

    n = len(next(iter(columns.values())))
    for at in range(0, max(n, 1), AT_A_TIME):
        part = pd.DataFrame({name: values[at : at + AT_A_TIME] for name, values in columns.items()})
        part.to_csv(path, mode="a" if at else "w", header=not at, index=False)
        progress(len(part))


WRITERS = {"parquet": write_parquet, "csv": write_csv}
