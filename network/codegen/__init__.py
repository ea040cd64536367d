"""NESTML models to compiled NEST modules: ``build(["qif_msn"], target="plain")``."""

from __future__ import annotations

from ..errors import BuildError, RefusedError
from .builder import build
from .choose import build_all, build_each
from .info import BuiltModule, Compiled, ModelInfo, Modules
from .pairs import Pair
from .sources import Partner
from .targets import Target, available

__all__ = [
    "BuildError",
    "BuiltModule",
    "Compiled",
    "ModelInfo",
    "Modules",
    "Pair",
    "Partner",
    "RefusedError",
    "Target",
    "available",
    "build",
    "build_all",
    "build_each",
]
