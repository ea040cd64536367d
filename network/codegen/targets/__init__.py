"""Code generation targets: what C++ a NESTML model becomes.

Each target is one value of :class:`Target` in a module of its own; :data:`TARGETS` lists them.
"""

from __future__ import annotations

import importlib
import importlib.util

from ...errors import BuildError
from .base import Target

NAMES = ("vectorised", "plain", "reference")


def available() -> tuple[str, ...]:
    """Names of the targets that can be chosen."""
    return tuple(name for name in NAMES if importlib.util.find_spec(f"{__name__}.{name}") is not None)


def get(name: str) -> Target:
    """Target of a name.

    Raises
    ------
    BuildError
        With the names there are.
    """
    if name not in available():
        raise BuildError(f"no code generation target {name!r}; targets: {', '.join(available())}")
    target: Target = importlib.import_module(f"{__name__}.{name}").TARGET
    return target


__all__ = ["NAMES", "Target", "available", "get"]
