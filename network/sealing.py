"""Digests by which damage is found: of files, and of small JSON objects that carry their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEAL = "digest"
"""Key of the digest in a sealed object."""


def sha256(path: Path) -> str:
    """Digest of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(value: Mapping[str, Any]) -> str:
    content = {key: entry for key, entry in value.items() if key != SEAL}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """Object of JSON's types with a digest of its content."""
    return {**value, SEAL: _digest(value)}


def seal_holds(value: object) -> bool:
    """Whether an object is as it was sealed; False for one that never was."""
    return isinstance(value, dict) and SEAL in value and value[SEAL] == _digest(value)


def damage(path: Path, *, size: int | None, digest: str | None) -> str | None:
    """What is wrong with a file, in words; None if nothing is. What is None is not compared."""
    try:
        found = path.stat().st_size
        if path.is_dir():
            return "a folder"
        if size is not None and found != size:
            return f"{found} bytes, not {size}"
        return None if digest is None or sha256(path) == digest else "content differs from its sha256"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return str(error.strerror)
