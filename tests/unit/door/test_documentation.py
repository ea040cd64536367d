"""The examples of docs/howto/python.md work, one after the other, with a network that the mock engine plays."""

from __future__ import annotations

import re
from pathlib import Path

import bgnest

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_every_example_works(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "howto" / "python.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) == 6
    load, names = bgnest.load, {}
    mock = {"simulation.mock": {"rate": 10, "rates": {"STN": 30}}}
    monkeypatch.setattr(bgnest, "load", lambda name, **short: load(name, changes=mock, **short))
    for example in examples:
        exec(compile(example, "docs/howto/python.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "20.7 nS nS lindahl2016/projections.yaml:" in printed and "did you mean 'FSN_to_MSN_D2'?" in printed
    assert names["other"].plan().dopamine == 0.2 and names["experiment"].plan().dopamine == 0.8
    assert abs(names["rates"].loc["STN", "rate"] - 30.0) < 5.0
    assert list(names["traces"].columns) == ["time_ms", "cell", "w"]
    assert (tmp_path / "two.png").stat().st_size > 10_000
    assert len(names["scan"].plan().points) == 3
