"""Digest of the code that decides what a simulation gives, so that results of different code are told apart.

The plan, and with it every parameter and NESTML source, is the identity of a simulation already
(`network.plans.identity`). What remains is the code that turns a plan into spikes: the engine and the code
generator with its templates. Comments, docstrings and layout of Python files do not count.
"""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..memo import remembered
from ..resources import PACKAGE

DECIDING = ("engine", "codegen")


@cache
def code_digest(parts: tuple[str, ...] = DECIDING) -> str:
    """SHA-256 of parts of this installation, by default engine and code generator, 64 hexadecimal digits."""
    files = list(_files(parts))
    # what counts as content is decided here, and by Python's own way to write its syntax
    question = f"digest of the code in {', '.join(parts)} by Python {platform.python_version()}"
    return remembered(question, [Path(__file__), *files], lambda: _digest(files))


def _files(parts: tuple[str, ...]) -> Iterator[Path]:
    for part in parts:
        yield from (p for p in sorted((PACKAGE / part).rglob("*")) if p.is_file() and p.suffix != ".pyc")


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(_content(path) + b"\0")
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    return bare_python(path.read_text(encoding="utf-8")).encode() if path.suffix == ".py" else path.read_bytes()


def bare_python(text: str) -> str:
    """Python source without comments and docstrings, in a standard layout."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [s for s in node.body if not _is_text(s)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a string that nothing uses, as docstrings are."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
