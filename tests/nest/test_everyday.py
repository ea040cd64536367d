"""The page of frequent tasks works from its first command to its last, as it would be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import network
from network.cli.main import app

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "everyday.md").read_text(encoding="utf-8")
THIRD = "run third.yaml --n-neurons 2000 --set network.small_network=multapses --out third"


def test_every_task_does_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    names: dict[str, object] = {}
    said = {}
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if language == "yaml":
            (tmp_path / re.match(r"# (\S+)\n", text)[1]).write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, "everyday.md", "exec"), names)
        for line in re.findall(r"^\$ bgnest (.*)$", text, re.MULTILINE) if language == "console" else ():
            words = shlex.split(line, comments=True)
            done = CliRunner().invoke(app, words + (["--no-figures"] if words[0] == "run" else []))
            assert done.exit_code in ((0, 1) if words[0] == "doctor" else (0,)), (line, done.output, done.exception)
            said[line.split(" #")[0].strip()] = done.output
    printed = capsys.readouterr().out
    assert "principal" in printed and "mean" in printed
    compared = said["compare base stronger"]
    assert "interneuron_to_principal" in compared and "principal" in compared
    assert {path.name for path in tmp_path.iterdir()} >= {
        "base",
        "stronger",
        "driven",
        "recorded",
        "connections",
        "paper",
    }
    assert len(list((tmp_path / "connections").glob("*.csv"))) == 2
    assert (tmp_path / "circuit" / "circuit_config.json").is_file() and (tmp_path / "base" / "figures").is_dir()
    # a population more, another rule, synapses that learn: not only valid, but there
    chin = network.open_run("third").rates().loc["ChIN"]
    assert chin["n_neurons"] == 100 and 1.0 < chin["rate"] < 20.0 and "ChIN" in said[THIRD]
    drawn = network.open_run("by_chance").connections("interneuron_to_principal")
    degrees = np.bincount(drawn["target"], minlength=400)  # of 100 with a probability of 0.2: 20, standard deviation 4
    assert abs(degrees.mean() - 20.0) < 1.0 and 3.0 < degrees.std() < 5.0
    assert np.log(drawn["weight"]).std() == pytest.approx(np.sqrt(np.log(1.25)), rel=0.1)
    weights = network.open_run("learning").weights()
    assert weights.shape[1] == 100 and (weights.iloc[0] == 0.3).all()
    changed = np.abs(weights.iloc[-1] - 0.3) > 1e-3
    assert changed.mean() > 0.5 and weights.to_numpy().min() >= 0.0 and weights.to_numpy().max() <= 0.6
    assert len(names["field"]) >= 1000 and float(names["field"]["absolute"].min()) >= 0.0
