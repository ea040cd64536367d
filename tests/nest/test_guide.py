"""The page that adds a population to a network does what it says, in small."""

from __future__ import annotations

import re
from pathlib import Path

import bgnest
import pytest

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "chin.md").read_text(encoding="utf-8")
SMALL = {
    "network.n_neurons": 1500,
    "network.small_network": "multapses",
    "simulation.t_presim": 300,
    "simulation.t_sim": 600,
    "inputs.thalamus_to_ChIN.modulation.start": 600,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Working directory with the files of the page."""
    monkeypatch.chdir(tmp_path)
    for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_new_population_fires_answers_its_drive_and_reaches_its_targets(folder, capsys):
    assert {path.name for path in folder.iterdir()} == {"chin.yaml", "chin_driven.yaml", "chin_to_msn.yaml"}
    run = bgnest.load("chin_to_msn.yaml", changes=SMALL).run(out="acting", progress=False)
    assert run.populations["ChIN"] == 100
    times = run.spike_arrays("ChIN").times
    before, after, pause = (
        ((times >= start) & (times < stop)).sum() / 100 / (stop - start) * 1000
        for start, stop in ((300, 600), (600, 800), (840, 900))
    )
    assert 3 < before < 12 and after > 1.5 * before and pause < 0.5 * before
    synapses = run.connections("ChIN_to_MSN_D1")
    assert (synapses.groupby("target").size() == 10).all()
    assert synapses["weight"].to_numpy() == pytest.approx(0.05)
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(code, "chin.md", "exec"), {})
    assert capsys.readouterr().out.count("spikes/s") == 3 and (folder / "chin.png").stat().st_size > 10_000
