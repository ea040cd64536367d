"""The page of all NESTML neurons is what its script makes of what was measured, and hides nothing."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "neurons"))
import models_page

ROOT = Path(__file__).resolve().parents[2]
ROW = {
    "gsl": True,
    "vectorised": {"ns": 10.0, "reference": {"mV": 0.001, "steps": 1.0, "spikes": 30}},
    "plain": {"ns": 20.0},
    "reference": {"ns": 150.0},
    "network": {"spikes": [20, 30], "steps": 0.0, "mV": 0.001},
}


def changed(target: str, **values: object) -> dict[str, object]:
    return {**ROW, target: {**ROW[target], **values}}


def test_what_misses_an_aim_is_named():
    assert models_page.misses(ROW) == []
    other_spikes = {"mV": 0.5, "steps": None, "spikes": 30}
    assert models_page.misses(changed("vectorised", reference=other_spikes)) == ["spikes", "potential"]
    assert models_page.misses(changed("vectorised", ns=30.0)) == ["ratio", "slower than plain"]
    assert models_page.misses(changed("network", steps=2.0)) == ["network"]
    assert models_page.misses({**ROW, "gsl": False, "reference": {"ns": 30.0}}) == []
    text = models_page.page({"a": changed("vectorised", ns=30.0), "b": {}}, "9.0.0")
    assert "* `a` (ratio, slower than plain): not known" in text and "Not measured: `b`." in text


def test_a_model_that_the_fast_code_refuses_is_judged_by_the_general_one():
    row = {**ROW, "vectorised": {"refused": "a.nestml:3: loops"}, "network": None}
    assert models_page.best(row) == "plain" and models_page.misses(row) == ["ratio"]
    assert "* `a`, vectorised: a.nestml:3: loops" in models_page.page({"a": row}, "9.0.0")


def test_the_page_is_that_of_the_file_and_every_miss_has_a_reason():
    rows = json.loads((ROOT / "docs" / "data" / "models.json").read_text())
    text = (ROOT / "docs" / "notes" / "models.md").read_text()
    assert list(models_page.unknown(rows)) == []
    made = models_page.page(rows, version("nestml"))
    assert text.startswith(made.removesuffix("\n"))
