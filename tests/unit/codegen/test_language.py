"""What is refused by the text of a model is what the vectorised generator refuses, and nothing that it can do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from network.codegen.vectorised.printer import FUNCTIONS as PRINTED
from network.experiment import nestml_support

PACKAGE = Path(__file__).resolve().parents[3] / "network"
READER = PACKAGE / "experiment" / "nestml_support.py"
GENERATOR = sorted((PACKAGE / "codegen" / "vectorised").glob("*.py"))


def words(node: ast.expr) -> str:
    """Beginning of a text up to the first part that is filled in, or a remark in brackets."""
    if isinstance(node, ast.Constant):
        text = str(node.value)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        text = str(node.values[0].value)
    else:
        return ""
    return re.split(r"[(]", text)[0].strip()


def arguments(path: Path, name: str, place: int) -> Iterator[tuple[str, str]]:
    """An argument of every call of a function or method in a file, and where the call is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) > place:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = node.args[place]
            given = texts.get(given.id, given) if isinstance(given, ast.Name) else given
            for one in (given.body, given.orelse) if isinstance(given, ast.IfExp) else (given,):
                if called == name and words(one):
                    yield words(one), f"{path.name}:{node.lineno}"


def test_what_the_text_refuses_the_generator_refuses_in_the_same_words():
    """Who teaches the generator a construct removes its refusal, and this finds the reader of the text behind it."""
    refused = {text for path in GENERATOR for text, _ in arguments(path, "refuse", 0)}
    told = list(arguments(READER, "Unsupported", 1))
    assert len(refused) > 8 and told

    def known(text: str) -> bool:
        return any(own.startswith(text) or text.startswith(own) for own in refused)

    assert [f"{place}: {text}" for text, place in told if not known(text)] == []


def test_no_function_is_refused_by_the_text_that_the_generator_prints():
    assert set(nestml_support.FUNCTIONS) & set(PRINTED) == set()
