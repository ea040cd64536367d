"""The package has two names and is one; what users call `network` hides neither."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from network import program
from network.codegen.toolchain import find_nest
from network.errors import BuildError

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


@pytest.mark.parametrize(
    ("name", "words"),
    [("numpy", "list"), ("typer", "--help"), ("h5py", "rates x"), ("yaml", "list")],
)
def test_a_file_of_a_user_that_hides_a_module_is_named(tmp_path, name, words):
    (tmp_path / f"{name}.py").write_text("# mine\n")
    hidden = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])}
    started = program.command(*words.split())
    answer = subprocess.run(started, capture_output=True, text=True, check=False, env=hidden, cwd=tmp_path)
    (line,) = answer.stderr.splitlines()
    assert answer.returncode == 1 and line == (
        f"bgnest: {name} is hidden by {tmp_path / name}.py. Rename it, or take its folder off PYTHONPATH"
    )


@pytest.mark.parametrize("name", ["random", "typing"])
def test_a_file_that_hides_what_the_package_itself_needs_is_named(tmp_path, name):
    """Python's own library needs these before a module of the package can be imported."""
    (tmp_path / f"{name}.py").write_text("# mine\n")
    hidden = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])}
    line = f"{name} is hidden by {tmp_path / name}.py. Rename it, or take its folder off PYTHONPATH"
    command = "import sys; sys.argv = ['/bin/bgnest', 'list']; from bgnest.cli.main import main; main()"
    assert python("-c", command, env=hidden).stderr == f"bgnest: {line}\n"
    assert python("-c", "import bgnest", env=hidden).stderr.endswith(f"\nImportError: {line}\n")


def test_it_is_named_where_the_path_is_relative(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "yaml.py").touch()
    hidden = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(["mine", ENVIRONMENT["PYTHONPATH"]])}
    started = program.command("list")
    answer = subprocess.run(started, capture_output=True, text=True, check=False, env=hidden, cwd=tmp_path)
    assert answer.stderr.startswith("bgnest: yaml is hidden by ") and answer.stderr.count("\n") == 1


def test_a_mistake_of_our_own_keeps_its_traceback(tmp_path):
    (tmp_path / "statistics.py").write_text("# hides nothing that is asked for here\n")
    code = "import bgnest.cli, bgnest.names; bgnest.names.nothing"
    answer = python("-c", code, cwd=tmp_path)
    assert answer.returncode == 1 and "Traceback" in answer.stderr and "hidden" not in answer.stderr


@pytest.mark.parametrize("file", ["nest.py", "nest/__init__.py"])
def test_a_file_of_a_user_that_hides_nest_is_named(tmp_path, monkeypatch, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "nest", raising=False)
    with pytest.raises(BuildError, match=rf"^nest is hidden by {tmp_path / file}\. Rename it"):
        find_nest()
