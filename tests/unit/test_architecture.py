"""The walls between the parts of the package: imports go one way, and none hides inside a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "network"
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    (
        "errors",
        "names",
        "hidden",
        "resources",
        "program",
        "processes",
        "together",
        "watchman",
        "sealing",
        "text",
        "refusals",
        "memo",
        "room",
        "patience",
    ),
    ("experiment",),
    ("plans",),
    ("codegen",),
    ("runs", "cluster"),
    ("engine",),
    ("analysis",),
    ("bench", "describe", "scans", "single"),
    ("report",),
    ("door",),
    ("cli",),
)
"""Each imports from its own and from the layers before it; what stands together may import each other."""
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}
SPEAKERS = ("cli", "door", "__init__", "__main__")
"""May import late: so that a command or an import of the package starts quickly."""


def name_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(PACKAGE).with_suffix("").parts


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All parts of a module."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imports(path: Path) -> tuple[tuple[tuple[str, ...], int, bool], ...]:
    """Modules of ours that a module imports when it runs: name, line, whether inside a function."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[tuple[str, ...], int, bool]]:
    for_types = {
        id(node)
        for block in nodes(path)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    late = {
        id(node)
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    here = name_of(path)
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level and id(node) not in for_types:
            base = here[: len(here) - node.level]
            module = (*base, *(node.module.split(".") if node.module else ()))
            names = [(*module, alias.name) for alias in node.names] if not node.module else [module]
            yield from ((name, node.lineno, id(node) in late) for name in names)


def place(path: Path, line: int) -> str:
    return f"network/{path.relative_to(PACKAGE)}:{line}"


def test_every_part_has_its_place():
    parts = {name_of(path)[0] for path in MODULES} - {"__init__", "__main__"}
    assert parts <= set(HEIGHT), "a new part: say in LAYERS where it stands"


def test_imports_go_one_way():
    wrong = [
        f"{place(path, line)} imports {'.'.join(name)}"
        for path in MODULES
        for name, line, _ in imports(path)
        if name_of(path)[0] in HEIGHT and HEIGHT.get(name[0], 0) > HEIGHT[name_of(path)[0]]
    ]
    assert wrong == []


def test_no_import_hides_in_a_function():
    hidden = [
        f"{place(path, line)} imports {'.'.join(name)}"
        for path in MODULES
        for name, line, late in imports(path)
        if late and name_of(path)[0] not in SPEAKERS
    ]
    assert hidden == []


def test_modules_import_each_other_in_no_circle():
    graph = {name_of(path): set() for path in MODULES}
    for path in MODULES:
        for name, _, _ in imports(path):
            found = next((name[:n] for n in range(len(name), 0, -1) if name[:n] in graph), None)
            if found is not None:
                graph[name_of(path)].add(found)
    done: set[tuple[str, ...]] = set()

    def visit(module: tuple[str, ...], above: tuple[tuple[str, ...], ...]) -> None:
        assert module not in above, " -> ".join(".".join(m) for m in (*above[above.index(module) :], module))
        if module not in done:
            for imported in graph[module]:
                visit(imported, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize(("library", "home"), [("nest", "engine/nest"), ("pynestml", "codegen"), ("typer", "cli")])
def test_libraries_that_only_one_part_knows(library, home):
    wrong = [
        place(path, node.lineno)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and library
        in [
            name.split(".")[0]
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
            + ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
        ]
        and not str(path.relative_to(PACKAGE)).startswith(home)
    ]
    assert wrong == []


def test_a_plan_is_data_and_knows_no_maker():
    known = {name[-1] for name, _, _ in imports(PACKAGE / "plans" / "plan.py")}
    assert not known & {"make", "cost", "summary", "modulation", "codec", "schema", "loading"}
