"""NESTML models to compiled NEST modules: ``build(["qif_msn"], target="plain")``."""

from __future__ import annotations

from network.codegen.builder import build
from network.codegen.errors import CodegenError
from network.codegen.info import BuiltModule, ModelInfo
from network.codegen.targets import Target, available

__all__ = ["BuiltModule", "CodegenError", "ModelInfo", "Target", "available", "build"]
