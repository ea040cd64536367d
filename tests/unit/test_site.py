"""What the site reads off the code is complete; what it says of the environment is true; its pages lead somewhere."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "generated"} & set(path.parts))
SET_BY_OTHERS = {"PATH", "HOME", "CXX", "XDG_CACHE_HOME"}


@pytest.fixture(scope="module")
def generated():
    """Pages that are written when the site is built."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        yield dict(importlib.import_module("bgnest_reference").pages())
    finally:
        sys.path.remove(str(DOCS / "_ext"))


def test_every_variable_of_the_code_is_documented_and_none_that_is_not_there():
    text = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    said = set(re.findall(r"^\| `(BGNEST_\w+)`", text, re.MULTILINE))
    used = {
        name
        for path in (ROOT / "network").rglob("*.py")
        for name in re.findall(r"\"(BGNEST_[A-Z_]+)\"", path.read_text(encoding="utf-8"))
    }
    others = {
        name
        for path in (ROOT / "network").rglob("*.py")
        for name in re.findall(r"environ(?:\.get\(|\.setdefault\(|\[)\"([A-Z_]+)\"", path.read_text(encoding="utf-8"))
    }
    assert used == said
    assert {name for name in others | SET_BY_OTHERS - {"PATH", "HOME"} if f"`{name}`" not in text} <= {"PATH", "HOME"}


def test_every_command_option_and_key_has_a_text(generated):
    commands = generated["commands.md"]
    assert "## `bgnest run`" in commands and "## `bgnest scan run`" in commands and "`--set KEY=VALUE`" in commands
    assert "`projections.NAME.connect`" in generated["experiment.md"]
    assert "`rule: distance`" in generated["experiment.md"] and "`axes.NAME`" in generated["scan.md"]
    assert generated["experiments.md"].count("`lindahl2016/") > 5


def test_the_picture_of_the_packages_shows_all_of_them(generated):
    import bgnest_architecture

    boxes = bgnest_architecture.boxes()
    assert set(boxes) == {path.parent.name for path in (ROOT / "network").glob("*/__init__.py")}
    assert all(boxes[source][1] <= boxes[target][1] for source, target in bgnest_architecture.imports())
    assert generated["architecture.svg"].startswith("<svg")


def test_every_page_is_in_a_table_of_contents():
    listed = {DOCS / "index.md"}
    for page in PAGES:
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            names = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {found.resolve() for name in names for found in page.parent.glob(f"{name}.md")}
    assert [str(page.relative_to(DOCS)) for page in PAGES if page not in listed] == []


def test_links_between_pages_lead_to_pages():
    broken = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in link and "generated" not in link and not (page.parent / link).exists():
                broken.append(f"{page.relative_to(DOCS)}: {link}")
    assert broken == []


def test_the_gallery_shows_a_picture_per_experiment():
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    pictures = re.findall(r":img-top: (\S+)", text)
    assert len(pictures) > 20 and all((DOCS / picture).is_file() for picture in pictures)
    assert all((DOCS / f"{page}.md").is_file() for page in re.findall(r":link: (\S+)", text))


def test_every_network_has_a_page_in_the_list_of_networks():
    networks = {path.parent.name for path in (ROOT / "params").glob("*/*.yaml")} - {"cells"}
    text = (DOCS / "networks" / "index.md").read_text(encoding="utf-8")
    assert {name for name in networks if name not in text} == set()


def test_hooks_run_what_make_lint_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    names = [hook["id"] for repository in hooks["repos"] for hook in repository["hooks"]]
    assert {"ruff-check", "ruff-format", "mypy"} <= set(names)


def test_messages_that_are_explained_are_those_of_the_code():
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "network").rglob("*.py")))
    code = " ".join(re.sub(r'"\s*\n\s*f?"', "", code).split())
    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?)\s\| ", text, re.MULTILINE)
    messages = [message for row in rows for message in re.findall(r"`([^`]+)`", row)]
    assert len(messages) > 20
    parts = [(m, part.strip()) for m in messages for part in re.split(r"…|'[^']*'|\b[A-Z]{3,}\b", m)]
    assert [message for message, part in parts if len(part) > 5 and part not in code] == []


def test_all_kinds_of_errors_are_explained():
    code = (ROOT / "network" / "errors.py").read_text(encoding="utf-8")
    kinds = re.findall(r"^class (\w+)\(", code, re.MULTILINE)
    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    assert len(kinds) > 10 and [kind for kind in kinds if kind != "Error" and f"`{kind}`" not in text] == []


def test_nothing_that_tutorials_write_is_kept():
    kept = [path.name for path in (DOCS / "tutorials").iterdir() if path.suffix != ".md"]
    assert kept == [] and "nb_execution_in_temp = True" in (DOCS / "conf.py").read_text(encoding="utf-8")


def test_tests_that_the_walk_of_a_new_user_names_are_there():
    text = (DOCS / "notes" / "newcomer.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 40 and len(re.findall(r"^\| \d+ \|", text, re.MULTILINE)) == 35
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_tutorials_find_the_command_without_an_activated_environment(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(DOCS / "conf.py"))
    assert os.environ["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]
