"""Steps of programs without NEST: a cell of Hodgkin and Huxley with a conductance and a refractory time, in blocks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from network.codegen import targets, toolchain

pytestmark = pytest.mark.nestml

PROGRAM = Path(__file__).with_name("lane_program.cpp")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    target = targets.get("vectorised")
    folder = tmp_path_factory.mktemp("lane_program")
    compiler = toolchain.find_compiler()
    flags = ["-std=c++20", "-fopenmp-simd", "-march=native", *target.flags, *target.include_flags()]
    command = [*compiler.command, *flags, str(PROGRAM), "-o", "program"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    lines = subprocess.run([folder / "program"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines}


def test_a_cell_does_not_depend_on_those_that_share_its_block(printed: dict[str, float]) -> None:
    """Not in a bit, although some need four stages, some six, and some sub-steps, at the same time.

    Nor on those with which it takes turns in the places for sub-steps: alone among its like in a team of blocks, more
    lanes wait for them than there are places.
    """
    assert printed["spikes"] > 20
    assert printed["most"] > 16
    assert printed["others"] == 0


def test_potentials_are_exact_to_a_hundredth_of_a_millivolt(printed: dict[str, float]) -> None:
    """In upstrokes of 400 mV/ms, too."""
    assert printed["worst"] < 0.01


def test_cells_that_wait_stand_still(printed: dict[str, float]) -> None:
    assert printed["waiting"] > 50
    assert printed["moved"] == 0
