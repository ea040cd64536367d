"""YAML text with one quantity per line and numbers that YAML reads back as the same numbers."""

from __future__ import annotations

import json
import re
from typing import Any

from .origins import yaml_number

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*$")
_YAML_WORDS = {"on", "off", "yes", "no", "true", "false", "null", "y", "n"}


def to_yaml(data: dict[str, Any]) -> str:
    """Nested mappings in block style, everything without mappings below it in flow style."""
    return "\n".join(_block(data, 0)) + "\n"


def _block(data: dict[str, Any], depth: int) -> list[str]:
    lines = []
    for key, value in data.items():
        indent = "  " * depth
        if isinstance(value, dict) and value and "value" not in value:
            lines += [f"{indent}{key}:", *_block(value, depth + 1)]
        else:
            lines.append(f"{indent}{key}: {flow(value)}")
    return lines


def flow(value: Any) -> str:
    """Value on one line, in flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str):
        return value if _PLAIN.match(value) and value.lower() not in _YAML_WORDS else json.dumps(value)
    if isinstance(value, float):
        return yaml_number(value)
    return json.dumps(value)
