"""What `bgnest new` makes runs at once, and does what its own targets say."""

from __future__ import annotations

import bgnest
import pytest
from bgnest.door.starting import new_network

pytestmark = [pytest.mark.nest, pytest.mark.nestml]


def test_a_new_network_runs_and_is_inside_its_targets(tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    new_network("mine", folder=tmp_path)
    run = bgnest.run("mine", out=tmp_path / "run", progress=False)
    assert run.verdict().passed, run.verdict()
    more = bgnest.run("mine/more_input", out=tmp_path / "more", progress=False)
    assert more.verdict().passed, more.verdict()
    assert more.rates()["rate"]["principal"] > 1.3 * run.rates()["rate"]["principal"]
