"""An entry of the bibliography, and which of them an experiment uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .dumping import to_yaml
from .quantities import Spec

if TYPE_CHECKING:
    from .schema import Experiment

FILE = "sources.yaml"
"""Name of the file of a bibliography, in the folder of the parameters that use it."""


class Source(Spec):
    """One entry of ``sources.yaml``."""

    what: str
    """Authors, title, journal and year, or what it is."""
    doi: str | None = None
    """Of a publication."""
    url: str | None = None
    """Of a repository or page."""
    where: str | None = None
    """File or table inside the source."""


def dump_sources(experiment: Experiment) -> str:
    """Text of a ``sources.yaml`` with the entries that an experiment names, for a folder that stands alone."""
    used = dict.fromkeys(_keys(experiment.to_dict()))
    entries = {key: experiment.sources[key].model_dump(exclude_none=True) for key in used if key in experiment.sources}
    return to_yaml(entries) if entries else ""


def _keys(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(source := node.get("source"), str):
            yield source
        for item in node.values():
            yield from _keys(item)
    elif isinstance(node, list):
        for item in node:
            yield from _keys(item)
