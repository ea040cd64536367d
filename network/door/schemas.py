"""JSON schemas of the files that people write, by what a file is."""

from __future__ import annotations

import json
from typing import Any

from ..experiment.json_schema import COMMENT, experiment_schema, schema_of

FILES = {"experiment": "experiment.schema.json", "scan": "scan.schema.json"}
"""Kinds of files, and what their schemas are called beside them."""


def schema(kind: str) -> dict[str, Any]:
    """JSON schema of an ``experiment`` (also an overlay, or a part of one) or a ``scan``."""
    if kind == "experiment":
        return experiment_schema()
    from ..scans.schema import ScanSpec

    values = {"type": "array", "description": "Values of the axis, one after the other."}
    return schema_of(ScanSpec, "A scan of bgnest", required=True, short={"Axis": values})


def schema_text(kind: str) -> str:
    """Schema as the text of a file."""
    return json.dumps(schema(kind), indent=1, ensure_ascii=False) + "\n"


def editor_line(schema: str) -> str:
    """Comment by which editors find the schema of a YAML file; ``schema`` is the path of its file, relative to that."""
    return f"{COMMENT}{schema}"
