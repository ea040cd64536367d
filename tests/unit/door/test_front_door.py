"""``import bgnest`` gives eight names at once and loads nothing; a user's own ``network`` does not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bgnest
import pytest

import network

ROOT = Path(__file__).resolve().parents[3]
NAMES = [
    "Error",
    "cells",
    "characterise",
    "compare",
    "fit",
    "list_experiments",
    "load",
    "open_run",
    "plan",
    "run",
    "scan",
]


def python(*words: object, cwd: Path, paths: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run Python with this checkout as an editable install has it: behind what the user has."""
    found = [str(path) for path in (*paths, ROOT / "packaging")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(found)}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_door_has_its_names_and_a_version():
    assert bgnest is network
    assert sorted(bgnest.__all__) == NAMES
    assert dir(bgnest) == sorted([*NAMES, "__version__"])
    assert all(callable(getattr(bgnest, name)) for name in NAMES)
    assert bgnest.__version__[0].isdigit()
    with pytest.raises(
        AttributeError,
        match="has no attribute 'lod'; it has: Error, cells, characterise, compare, fit, list_experiments",
    ):
        bgnest.lod  # noqa: B018


def test_an_import_loads_no_library(tmp_path):
    done = python("-c", "import sys, bgnest; print(*sys.modules)", cwd=tmp_path)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "bgnest" in loaded
    assert not loaded & {"numpy", "pydantic", "nest", "pandas", "h5py", "yaml", "typer", "matplotlib", "scipy"}


def ways(script: Path) -> list[tuple[object, ...]]:
    """How a user starts us; where Python looks for ``network`` differs."""
    command = ("plan", "--n-neurons", "10000")
    return [
        ("-c", script.read_text()),
        (script,),
        ("-m", "bgnest", *command),
        (ROOT / "network" / "__main__.py", *command),
    ]


@pytest.mark.parametrize("kind", ["folder", "script", "path"])
def test_what_a_user_calls_network_hides_nothing(tmp_path, kind):
    (tmp_path / "elsewhere").mkdir()
    if kind == "script":
        (tmp_path / "network.py").write_text("raise SystemExit('the script of the user')\n")
    else:
        folder = tmp_path / ("network" if kind == "folder" else "elsewhere/network")
        folder.mkdir()
        (folder / "__init__.py").write_text("raise SystemExit('the package of the user')\n")
    paths = (tmp_path / "elsewhere",) if kind == "path" else ()
    script = tmp_path / "job.py"
    script.write_text("import bgnest\nprint(bgnest.load('lindahl2016/base').plan().n_neurons, bgnest.scan)\n")
    for words in ways(script)[: 4 if kind == "folder" else 1]:
        done = python(*words, cwd=tmp_path, paths=paths)
        assert done.returncode == 0, done.stderr
        assert "80,000" in done.stdout or "80000" in done.stdout or "10,000 neurons" in done.stdout


def test_the_example_is_typed_and_runs(run, tmp_path):
    cache = ROOT / ".mypy_cache" / "strict"  # one for every checkout: mypy trusts what it finds there
    environment = {**os.environ, "MYPYPATH": f"{ROOT}:{ROOT / 'packaging'}"}
    example, wrong = Path(__file__).with_name("example.py"), tmp_path / "wrong.py"
    wrong.write_text("import bgnest\n\nx: int = bgnest.open_run('x').window\ny = bgnest.lod\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent"]
    # a user's libraries without types are not what is tested
    command += ["--ignore-missing-imports", f"--cache-dir={cache}", str(example), str(wrong)]
    checked = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    errors = [line for line in checked.stdout.splitlines() if "error" in line and not line.startswith("Found")]
    assert [line.partition(": ")[0] for line in errors] == ["wrong.py:3", "wrong.py:4"], checked.stdout + checked.stderr
    done = python(example, run.path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no experiment 'nosuch'" in done.stdout and "['dopamine'] 2" in done.stdout
