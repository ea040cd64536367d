"""A Slurm of two nodes for all tests of this folder, and an experiment that it runs in seconds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from slurm_cluster import Cluster, problem

from network import program
from network.cluster.ranks import without_launcher

TINY = {
    "overlay_of": "lindahl2016/activation_control",
    "network": {"n_neurons": 300, "small_network": "multapses"},
    "simulation": {"t_presim": 20, "t_sim": 200},
}


def pytest_report_header() -> str:
    return f"Slurm: {problem() or 'one of two nodes is started here'}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Slurm under way; skips with the reason where there can be none."""
    if (why := problem()) is not None:
        pytest.skip(f"no Slurm: {why}")
    made = Cluster()
    try:
        made.start()
        yield made
    finally:
        made.stop()
    assert not made.left_over()


@pytest.fixture(scope="session")
def models(cluster: Cluster) -> None:
    """Models of the tiny network in the cache, so that one test alone waits for the compiler."""
    build = program.command("models", "build", "aeif_gpe", "aeif_stn", "qif_fsn", "qif_msn")
    subprocess.run(build, env=without_launcher(), check=True, capture_output=True)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of an experiment of 300 cells."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path
