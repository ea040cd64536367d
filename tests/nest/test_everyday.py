"""The page of frequent tasks works from its first command to its last, as it would be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from network.cli.main import app

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "everyday.md").read_text(encoding="utf-8")


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
    assert len(names["field"]) >= 1000 and float(names["field"]["absolute"].min()) >= 0.0
