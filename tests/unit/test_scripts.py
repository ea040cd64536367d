"""What the scripts import of the package is there: nothing else runs them when the package changes."""

from __future__ import annotations

import ast
import runpy
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "scripts").rglob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_imports_of_the_package_are_there(script):
    missing = []
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("network", "bgnest"):
            module = import_module(node.module)
            for name in (alias.name for alias in node.names):
                part = hasattr(module, "__path__") and find_spec(f"{node.module}.{name}") is not None
                if not hasattr(module, name) and not part:
                    missing.append(f"line {node.lineno}: {node.module}.{name}")
    assert missing == []


FIGURES = [
    path
    for path in SCRIPTS
    if path.stem.startswith(("figure_", "reproduce_", "transient_")) and path.stem != "figure_options"
]


@pytest.mark.parametrize("script", FIGURES, ids=lambda path: path.stem)
def test_scripts_of_figures_begin(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.syspath_prepend(str(script.parent))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0 and "--help" in capsys.readouterr().out
