"""NESTML models to compiled NEST modules: ``build(["qif_msn"], target="plain")``."""

from __future__ import annotations

from ..errors import BuildError
from .builder import build
from .info import BuiltModule, ModelInfo
from .targets import Target, available

__all__ = ["BuildError", "BuiltModule", "ModelInfo", "Target", "available", "build"]
