"""Tables for programs: what a command prints with ``--json``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def print_json(value: Any) -> None:
    """Print a value as JSON; numbers that JSON does not have (NaN, infinity) are null."""
    print(json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table, with its index where that has a name, and columns of several levels as texts."""
    named = table.reset_index() if any(table.index.names) else table
    return [{str(key): value for key, value in row.items()} for row in named.to_dict("records")]


def plain(value: Any) -> Any:
    """Value in types of JSON."""
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:  # NumPy's scalars
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)
