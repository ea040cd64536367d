"""Identity of networks and simulations: SHA-256 of canonical JSON.

Canonical means sorted keys, no spaces, floats by ``repr``, and a format version inside.  Names of runs and
traces, paths, the split of virtual processes into ranks and threads, comments and sources are not identity.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

HASH_FORMAT = 1

_NETWORK = ("populations", "projections", "models", "resolution", "seed")
_SIMULATION = (
    "inputs",
    "segments",
    "t_presim",
    "t_sim",
    "recorders",
    "spike_populations",
    "spike_start",
    "spike_stop",
    "target",
    "drive",
)


def encode(value: Any) -> Any:
    """Plain data of a frozen part of a plan: dictionaries, lists, numbers, text."""
    if is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
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


def hashes(data: Mapping[str, Any], virtual_processes: int) -> tuple[str, str]:
    """Identity of the network and of the simulation that a plan in its JSON form describes.

    The first is what is built: populations, projections, NESTML sources, step of the delays, seed. The second adds
    the input, times, recordings and the number of virtual processes.
    """
    network = digest({"format": HASH_FORMAT, "kind": "network", **{key: data[key] for key in _NETWORK}})
    content = {key: data[key] for key in _SIMULATION}
    # a file is what it contains, wherever it lies
    content["spike_inputs"] = [{k: v for k, v in item.items() if k != "file"} for item in data["spike_inputs"]]
    content["recorders"] = [{k: v for k, v in item.items() if k != "name"} for item in data["recorders"]]
    simulation = digest(
        {
            "format": HASH_FORMAT,
            "kind": "simulation",
            "network": network,
            "virtual_processes": virtual_processes,
            **content,
        }
    )
    return network, simulation
