"""Compiled models and their runs, made once per target and session; NEST itself only ever runs in other processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from lindahl_cells import CASES, MODELS, RESOLUTION  # noqa: E402

from network import codegen  # noqa: E402
from network.codegen import toolchain  # noqa: E402

TARGETS = ("plain", "vectorised")


def require(target: str) -> None:
    if target not in codegen.available():
        pytest.skip(f"no code generation target {target!r} yet")


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """Every test that takes this holds for every target that is available."""
    require(request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def needs_gsl() -> None:
    """For tests against the target reference: the only one that needs a library that no package index has."""
    if not toolchain.has_header(toolchain.find_compiler(), "gsl/gsl_odeiv.h"):
        pytest.skip("no headers of the GNU Scientific Library (Debian: libgsl-dev) for the target reference")


@pytest.fixture(scope="session")
def module() -> Callable[[str], codegen.BuiltModule]:
    """All models of the project, compiled for a target."""
    built: dict[str, codegen.BuiltModule] = {}

    def build(target: str) -> codegen.BuiltModule:
        if target not in built:
            built[target] = codegen.build(sorted(set(MODELS.values())), target=target)
        return built[target]

    return build


class Results:
    """Recordings of all cases of ``lindahl_cells.py`` on one target."""

    def __init__(self, file: Path) -> None:
        with np.load(file) as content:
            self._data = dict(content)

    def spikes(self, case: str) -> np.ndarray:
        """Spike times in ms."""
        return self._data[f"{case}/spikes"]

    def trace(self, case: str, variable: str = "V_m") -> tuple[np.ndarray, np.ndarray]:
        """Times in ms and values of a recorded variable."""
        return self._data[f"{case}/times"], self._data[f"{case}/{variable}"]


@pytest.fixture(scope="session")
def run(
    module: Callable[[str], codegen.BuiltModule], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Results]:
    """Simulate a set of cases in one NEST process; ``run(target, threads=1, cases="usual", step=0.1)``."""
    done: dict[tuple[str, int, str, float], Results] = {}

    def simulate(target: str, threads: int = 1, cases: str = "usual", step: float = RESOLUTION) -> Results:
        wanted = target, threads, cases, step
        if wanted not in done:
            built = module(target)
            folder = tmp_path_factory.mktemp(f"{target}-{threads}-{cases}-{step}")
            ports = {name: dict(info.ports) for name, info in built.models.items()}
            (folder / "ports.json").write_text(json.dumps(ports))
            command = [str(built.path), str(folder / "ports.json"), str(folder / "results.npz")]
            command += [str(threads), cases, str(step)]
            answer = subprocess.run(
                [sys.executable, str(HERE / "nest_job.py"), *command],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
            assert answer.returncode == 0, answer.stderr
            done[wanted] = Results(folder / "results.npz")
        return done[wanted]

    return simulate


@pytest.fixture
def cases() -> dict[str, object]:
    """All cases by name."""
    return dict(CASES)
