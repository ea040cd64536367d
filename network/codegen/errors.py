"""The exceptions of the code generator: what is wrong, where, and the remedy, in one message."""

from __future__ import annotations


class CodegenError(RuntimeError):
    """A model cannot be turned into a NEST module; the message names the cause and the remedy."""


class NoCompilerError(CodegenError):
    """Nothing can be compiled on this machine."""
