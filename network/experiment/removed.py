"""Populations that a layer has taken away, and what still names them."""

from __future__ import annotations

from collections.abc import Iterable

from .origins import Tree
from .yamlfile import KeyPath

_ENTRIES = {"projections": 2, "inputs": 2, "spike_inputs": 2, "currents": 2, "stimulations": 2, "recording": 3}
"""Sections whose entries go as a whole, and how long the key paths of these are."""


def removed_populations(tree: Tree) -> set[str]:
    """Names of populations that were there below and are taken away."""
    present = tree.data.get("populations")
    known = present if isinstance(present, dict) else {}
    return {path[1] for path in tree.origins if len(path) == 2 and path[0] == "populations" and path[1] not in known}


def removed_message(users: Iterable[KeyPath]) -> str:
    """What names a population that is taken away, and the text that takes that away, too.

    >>> removed_message([("projections", "A_to_B", "source"), ("inputs", "I", "target")])
    'taken away, but named by 2 entries; take them away as well: projections: {A_to_B: null}, inputs: {I: null}'
    """
    entries: dict[str, list[str]] = {}
    others: list[str] = []
    for path in users:
        length = _ENTRIES.get(path[0], 0)
        if not length or len(path) < length:
            others.append(".".join(path))
            continue
        section, name = ": {".join(path[: length - 1]), path[length - 1]
        if name not in entries.setdefault(section, []):
            entries[section].append(name)
    written = [
        f"{section}: {{{', '.join(f'{name}: null' for name in names)}}}{'}' * section.count('{')}"
        for section, names in entries.items()
    ]
    n = sum(map(len, entries.values())) + len(set(others))
    text = f"taken away, but named by {n} {'entry' if n == 1 else 'entries'}"
    text += f"; take them away as well: {', '.join(written)}" if written else ""
    return text + (f"; change {', '.join(dict.fromkeys(others))}" if others else "")
