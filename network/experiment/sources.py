"""The bibliography: what the ``source`` keys of quantities stand for."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from .. import resources
from ..errors import SpecError
from .bibliography import FILE, Source
from .limits import NAME_PATTERN
from .messages import placed_problems
from .yamlfile import read_yaml


def load_sources(*folders: Path | None) -> dict[str, Source]:
    """Entries of ``params/sources.yaml``, of that of the catalogue of cells, and of those in further folders.

    Raises
    ------
    SpecError
        If a file is malformed.
    """
    files = [place / FILE for root in resources.params_dirs() for place in (root, root / "cells")]
    files += [folder / FILE for folder in folders if folder is not None]
    present = dict.fromkeys(file.resolve() for file in files if file.is_file())
    return dict(_read(tuple((path, path.stat().st_mtime_ns) for path in present)))


def folders_of(model: object) -> list[Path]:
    """Folders of a network below the folders of parameters, whose bibliography counts wherever an overlay lies."""
    if not isinstance(model, str) or not re.fullmatch(NAME_PATTERN, model):
        return []
    return [root / model for root in resources.params_dirs()]


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
                problems += placed_problems(error, Source, path.name, lines, (key,))
    if problems:
        raise SpecError(problems)
    return found
