"""Generic code knows no network: no population, group or state of any network below params is named in it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster
ROOT = Path(__file__).resolve().parents[2]
MODELS = [folder for folder in (ROOT / "params").iterdir() if folder.is_dir() and folder.name != "cells"]


@cache
def names_of(folder: Path) -> set[str]:
    """Populations and groups that any file of a network mentions, its states, and its own name."""
    found = {folder.name}
    for path in folder.rglob("*.yaml"):
        data = yaml.load(path.read_text(encoding="utf-8"), LOADER) or {}
        for section in ("populations", "groups"):
            found |= {str(name) for name in data.get(section) or {}}
        found |= {str(name) for name in data.get("states") or {}} if path.name == "targets.yaml" else set()
        found |= {str((data.get("meta") or {}).get("state"))}
    # words of everyday language, single letters and patterns say nothing about a network
    return {name for name in found if len(name) > 1 and re.fullmatch(r"\w*[A-Z0-9_]\w*", name) and name != "None"}


NAMES = sorted(set().union(*map(names_of, MODELS)), key=len, reverse=True)
# underscores part words, so that A is found in A_to_B and in g_A, too
WORDS = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(map(re.escape, NAMES))})(?![A-Za-z0-9])")


def places(text: str, file: str) -> list[str]:
    return [
        f"{file}:{number}: {match[1]}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in WORDS.finditer(line)
    ]


def test_the_search_finds_names_of_all_networks():
    assert len(MODELS) >= 2
    for folder in MODELS:
        assert names_of(folder) & set(NAMES), folder
    planted = 'x = "GPe_TI"\n# from STN to SNr\ny = plan["FSN_to_MSN_D2"]\nBETA, GPENT = 1, 2\n'
    assert [place.split(": ")[0] for place in places(planted, "f")] == ["f:1", "f:2", "f:2", "f:3", "f:3"]


def test_no_network_is_named_in_generic_code():
    found = [
        place
        for path in sorted((ROOT / "network").rglob("*.py"))
        if "_data" not in path.parts
        for place in places(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    ]
    assert not found, "names of one network in generic code:\n" + "\n".join(found)
