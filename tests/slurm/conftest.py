"""A Slurm of two nodes for the tests of each file, and an experiment that it runs in seconds."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from slurm_cluster import Cluster, problem

from network import program
from network.cluster.ranks import without_launcher

QUICK = {"overlay_of": "base", "simulation": {"t_presim": 20, "t_sim": 200}}
"""Of the network that `bgnest new` makes: 500 cells of one model."""


def pytest_report_header() -> str:
    return f"Slurm: {problem() or 'one of two nodes is started here'}"


@contextmanager
def under_way(*, accounts: bool) -> Iterator[Cluster]:
    """Slurm under way; skips with the reason where there can be none."""
    if (why := problem(accounts=accounts)) is not None:
        pytest.skip(f"no Slurm: {why}")
    made = Cluster(accounts=accounts)

    def leave(number: int, frame: object) -> None:
        raise KeyboardInterrupt  # pytest then takes down what there is

    before = signal.signal(signal.SIGTERM, leave)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        signal.signal(signal.SIGTERM, before)
    assert not made.left_over()


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A Slurm for the tests of a file, with accounts if it says ``ACCOUNTS = True``."""
    with under_way(accounts=getattr(request.module, "ACCOUNTS", False)) as made:
        yield made


@pytest.fixture(autouse=True)
def empty_queue(cluster: Cluster) -> Iterator[None]:
    """What a test that failed has left behind is not the fault of the next one."""
    yield
    cluster.ask("scancel", "--me", "--full")


@pytest.fixture
def scan_file(tiny: Path, tmp_path: Path) -> Path:
    """File of a scan of two points."""
    path = tmp_path / "scan.yaml"
    path.write_text(yaml.safe_dump({"scan_of": str(tiny), "axes": {"seed": [1, 2]}}))
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of an experiment that takes a second."""
    here = tmp_path_factory.mktemp("tiny")
    subprocess.run(program.command("new", "example"), cwd=here, env=without_launcher(), check=True, capture_output=True)
    path = here / "example" / "quick.yaml"
    path.write_text(yaml.safe_dump(QUICK))
    return path


@pytest.fixture(scope="module")
def models(cluster: Cluster) -> None:
    """Compile the model of the example, so that two tests alone wait for the compiler."""
    build = program.command("models", "build", "lif_cond_exp")
    subprocess.run(build, env=without_launcher(), check=True, capture_output=True)
