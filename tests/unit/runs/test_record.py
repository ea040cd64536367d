"""Provenance says which code ran where."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from network.runs import collect_record, git_state, peak_memory_bytes
from network.runs.record import cpu_model


@pytest.fixture
def checkout(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (tmp_path / "package.py").write_text("x = 1\n")

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    git("init")
    git("add", "package.py")
    git("commit", "-m", "first")
    return tmp_path


def test_git_state_of_a_clean_and_a_changed_checkout(checkout):
    state = git_state(checkout / "package.py")
    assert len(state["commit"]) == 40
    assert state["dirty"] is False
    (checkout / "package.py").write_text("x = 2\n")
    assert git_state(checkout / "package.py") == {"commit": state["commit"], "dirty": True}


def test_an_untracked_package_does_not_borrow_the_commit_around_it(checkout):
    installed = checkout / ".venv" / "package.py"
    installed.parent.mkdir()
    installed.write_text("x = 1\n")
    assert git_state(installed) is None
    assert git_state(checkout / "nowhere" / "package.py") is None


def test_record_is_plain_data():
    record = collect_record(versions={"nest": "3.10.0"}, threads=2, ranks=4, command=["bgnest", "run"])
    assert json.loads(json.dumps(record)) == record
    assert record["versions"]["nest"] == "3.10.0"
    assert (record["threads"], record["ranks"], record["command"]) == (2, 4, ["bgnest", "run"])
    assert record["machine"]["cores"] >= 1
    assert record["machine"]["memory_bytes"] >= peak_memory_bytes() > 1e6


def test_cpu_model(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert cpu_model(tmp_path / "cpuinfo") == "Some CPU @ 2 GHz"
    assert cpu_model(tmp_path / "missing")
