"""The bibliography: what the ``source`` keys of quantities stand for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from .. import resources
from ..errors import SpecError
from .messages import placed_problems
from .quantities import Spec
from .yamlfile import read_yaml


class Source(Spec):
    """One entry of ``sources.yaml``."""

    what: str
    doi: str | None = None
    url: str | None = None
    where: str | None = None
    """File or table inside the source."""


def load_sources(folder: Path | None = None) -> dict[str, Source]:
    """Entries of ``params/sources.yaml``, of that of the catalogue of cells, and of a ``sources.yaml`` in ``folder``.

    Raises
    ------
    SpecError
        If a file is malformed.
    """
    files = [place / "sources.yaml" for root in resources.params_dirs() for place in (root, root / "cells")]
    if folder is not None:
        files.append(folder / "sources.yaml")
    present = dict.fromkeys(file.resolve() for file in files if file.is_file())
    return dict(_read(tuple((path, path.stat().st_mtime_ns) for path in present)))


@lru_cache(maxsize=8)
def _read(files: tuple[tuple[Path, int], ...]) -> dict[str, Source]:
    from pydantic import ValidationError

    found: dict[str, Source] = {}
    problems = []
    for path, _ in files:
        data, lines = read_yaml(path, path.name)
        for key, entry in data.items():
            try:
                found[key] = Source.model_validate(entry)
            except ValidationError as error:
                problems += placed_problems(error, path.name, lines, (key,))
    if problems:
        raise SpecError(problems)
    return found
