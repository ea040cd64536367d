"""Identity of networks and simulations: SHA-256 of canonical JSON.

Canonical means sorted keys, no spaces, floats by ``repr``, and a format version inside.  What is at its default is left
out, so that a field that is added later with a default changes no hash of a plan that does not use it.  Fields that are
labels (`LABEL`) are left out, too: names of runs and traces, paths, how virtual processes are split into ranks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from typing import Any

HASH_FORMAT = 2

_NETWORK = ("populations", "projections", "models", "resolution", "seed", "wiring")
"""Fields of a plan that are what is built; all others that are no labels are the simulation."""

LABEL = {"identity": False}
"""Metadata of a field (`dataclasses.field`) that is not identity."""


def encode(value: Any) -> Any:
    """Plain data of a frozen part of a plan: dictionaries, lists, numbers, text."""
    if is_dataclass(value):
        # what kind it is of a family; never left out, since two kinds may have equal fields
        return {**getattr(value, "TAG", {}), **{f.name: encode(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def essential(value: Any) -> Any:
    """What identity is made of: as `encode`, without labels and defaults, but with the kind of each part.

    The kind is the name of the class: two distributions may have the same numbers and be different.
    """
    if is_dataclass(value):
        kind: Any = type(value)
        content = {}
        for name, default in _fields(kind):
            item = getattr(value, name)
            if not default or item != default[0]():
                content[name] = essential(item)
        return {"kind": kind.__name__, "content": content}
    if isinstance(value, dict):
        return {key: essential(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [essential(item) for item in value]
    return value


@cache
def _fields(kind: type) -> tuple[tuple[str, tuple[Callable[[], Any], ...]], ...]:
    """Fields that are no labels, each with what makes its default, if it has one."""
    found = []
    for declared in fields(kind):
        default: tuple[Callable[[], Any], ...] = ()
        if declared.default_factory is not MISSING:
            default = (declared.default_factory,)
        elif declared.default is not MISSING:
            default = (partial(_itself, declared.default),)
        if declared.metadata.get("identity", True):
            found.append((declared.name, default))
    return tuple(found)


def _itself(value: Any) -> Any:
    return value


def canonical_json(data: Any) -> str:
    """JSON text that is the same for equal data.

    Raises
    ------
    ValueError
        If a number is infinite or not a number.
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(data: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(data).encode()).hexdigest()


def short(value: str, length: int = 8) -> str:
    """Label of a hash in folder names."""
    return value[:length]


def hashes(plan: Any, virtual_processes: int) -> tuple[str, str]:
    """Identity of the network and of the simulation that a plan describes.

    The first is what is built: populations, projections, NESTML sources, step of the delays, seed. The second adds
    everything else but labels, and the number of virtual processes (0 if it does not matter).
    """
    content = essential(plan)["content"]
    built = {key: content.pop(key) for key in _NETWORK if key in content}
    network = digest({"format": HASH_FORMAT, "kind": "network", **built})
    whole = {"format": HASH_FORMAT, "kind": "simulation", "network": network, "virtual_processes": virtual_processes}
    return network, digest({**whole, **content})
