"""A built wheel works without the checkout: it carries the parameters and the NESTML sources."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(out.glob("bgnest-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """Fresh environment with the wheel; the dependencies come from the present one, the checkout does not."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python]  # a pip of its own takes longer to install than the wheel
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    # a folder that a .pth file adds is searched, but its own .pth files (the editable install) are not read
    (Path(site.stdout.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(environment, tmp_path, program, *arguments):
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it may name the checkout
    command = [environment / "bin" / program, *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=without, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_parameter_and_model(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("params", "nestml_models"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert files
        for path in files:
            assert f"network/_data/{path.relative_to(ROOT)}" in inside
    assert any(name.endswith(".jinja2") for name in inside)
    assert "network/scans/templates/Snakefile" in inside
    assert any(name.endswith("solver.h") for name in inside)
    assert {"network/py.typed", "bgnest/py.typed", "bgnest/__init__.pyi"} <= inside


def test_the_front_door_of_the_wheel_opens_beside_a_network_of_the_user(environment, tmp_path):
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "__init__.py").write_text("raise SystemExit('the package of the user')\n")
    code = "import bgnest; print(bgnest.load('lindahl2016/base').plan().n_synapses, bgnest.scan, bgnest.__version__)"
    assert run(environment, tmp_path, "python", "-c", code).startswith("53872440 <function scan")
    assert "53,872,440" in run(environment, tmp_path, "python", "-m", "bgnest", "plan")
    assert "53,872,440" in run(environment, tmp_path, "bgnest", "plan")


def test_the_command_plans_the_full_network_outside_the_checkout(environment, tmp_path):
    assert "53,872,440" in run(environment, tmp_path, "bgnest", "plan")
    assert "qif_msn" in run(environment, tmp_path, "bgnest", "models", "list")
    where = run(environment, tmp_path, "python", "-c", "import network.resources as r; print(r.params_dir())")
    assert Path(where.strip()).is_relative_to(environment)
