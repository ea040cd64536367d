"""Real MPI jobs on small networks, with the NEST of ``make mpi`` (or any NEST that has MPI)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from network import program
from network.cluster import launch
from network.cluster.ranks import without_launcher
from network.errors import ClusterError

# 300 cells: populations of 1 to 4 cells, so that some ranks hold none of them
SMALL = (
    "--n-neurons",
    "300",
    "--set",
    "network.small_network=multapses",
    "--t-presim",
    "20",
    "--quiet",
    "--no-figures",
)
TIMEOUT = 300.0  # s; a job that hangs fails, however slow the machine


@pytest.fixture(scope="session")
def mpi_python() -> Path:
    """Python whose NEST has MPI, with the models compiled for it, so that no test waits for a compiler."""
    try:
        python = launch.mpi_python()
        launch.launcher_command(4)
    except ClusterError as error:
        pytest.skip(f"no MPI: {error}")
    models = ["aeif_gpe", "aeif_stn", "qif_fsn", "qif_msn"]
    build = program.command("models", "build", *models, python=python)
    subprocess.run(build, env=without_launcher(), check=True, capture_output=True)
    return python


@pytest.fixture(scope="session")
def bgnest(mpi_python, bgnest):
    """Run ``bgnest`` as a user would, from the environment of the tests, once the models are compiled."""
    return bgnest


@pytest.fixture(scope="session")
def mpirun(mpi_python):
    """Start a script as so many ranks, as a user would with ``mpirun``; returns the finished process."""

    def run(ranks: int, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*launch.launcher_command(ranks), str(mpi_python), "-P", str(script), *arguments]
        environment = {**without_launcher(), "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, env=environment, check=False)

    return run


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Options of a network that runs in seconds."""
    return SMALL


@pytest.fixture
def script(tmp_path):
    """Write a Python script that ends by calling bgnest with the arguments of the script."""

    def write(text: str) -> Path:
        path = tmp_path / "job.py"
        path.write_text(f"{text}\nfrom network.cli.main import main\nmain()\n")
        return path

    return write


def pytest_report_header() -> str:
    try:
        return f"NEST with MPI: {launch.mpi_python()}, {os.cpu_count()} cores"
    except ClusterError:
        return "NEST with MPI: none (make mpi)"
