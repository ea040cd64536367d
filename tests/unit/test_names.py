"""The package has two names and is one; what users call `network` hides neither."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from network import program

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "packaging"), str(ROOT)])}


def python(*arguments: str, cwd: Path = ROOT, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    options = {"env": ENVIRONMENT, **options}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, **options)


@pytest.mark.parametrize("first", ["network", "bgnest"])
def test_both_names_are_one_package(first):
    code = (
        f"import {first}; import network, bgnest, network.errors, bgnest.errors\n"
        "from network.plans import make as one; from bgnest.plans import make as other\n"
        "assert network is bgnest and network.errors is bgnest.errors and one is other\n"
        "assert network.errors.Error.__module__ == 'bgnest.errors' and one.__spec__.name == 'bgnest.plans.make'"
    )
    answer = python("-c", code)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("module", ["bgnest", "network", "network.cli.main", "bgnest.cli.main"])
def test_every_way_to_start_the_command(module):
    assert "Usage: " in python("-m", module, "--help").stdout


def test_what_a_user_calls_network_hides_nothing(tmp_path):
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "__init__.py").write_text("raise RuntimeError('of the user')\n")
    code = "import bgnest; from bgnest.experiment import list_experiments; print(len(list_experiments()))"
    assert int(python("-c", code, cwd=tmp_path).stdout) > 5
    hidden = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])}
    answer = subprocess.run(program.command("list"), capture_output=True, text=True, check=False, env=hidden)
    assert answer.returncode == 0 and "lindahl2016/activation_control" in answer.stdout
