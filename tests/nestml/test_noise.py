"""The quadratic cell with white noise: its equations without noise against SciPy, and noise alone as a random walk."""

from __future__ import annotations

import subprocess
import sys

import noise_cells
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from network import codegen

pytestmark = pytest.mark.nestml


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    file = tmp_path_factory.mktemp("noise") / "results.npz"
    built = codegen.build(["qif_noise"], target="vectorised")
    command = [sys.executable, noise_cells.__file__, str(built.path), str(file)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-4000:]
    with np.load(file) as content:
        return dict(content)


def test_the_equations(recorded):
    """A cell that stays below its threshold: spikes onto all five receptors."""
    p = noise_cells.QUIET

    def slope(t, y):
        V, u = y
        current = p["I_e"]
        for port, (times, weight) in noise_cells.INPUTS.items():
            g = sum(weight * np.exp(-(t - at) / p[f"tau_syn_{port}"]) for at in times if at <= t)
            block = 1.0 / (1.0 + 0.28 * np.exp(-0.062 * V)) if port == "nmda" else 1.0
            current += g * block * (p[f"E_rev_{port}"] - V)
        dV = (p["k"] * (V - p["E_L"]) * (V - p["V_th"]) - u + current) / p["C_m"]
        return [dV, p["a"] * (p["b"] * (V - p["E_L"]) - u)]

    times = recorded["times"]
    solution = solve_ivp(slope, (0.0, times[-1]), [p["E_L"], 0.0], "LSODA", times, rtol=1e-9, atol=1e-9, max_step=0.1)
    assert np.ptp(solution.y[0]) > 4.0, "a cell that something happens to"
    assert np.abs(recorded["V_m"] - solution.y[0]).max() < 0.01


def test_noise_alone_is_a_random_walk(recorded):
    """Standard deviation: noise for every root of a millisecond; cells walk independently."""
    moved = recorded["walks"] - noise_cells.WALKING["E_L"]
    n, expected = len(moved), noise_cells.WALKING["noise"] * np.sqrt(noise_cells.WALK)
    assert abs(moved.mean()) < 4.0 * expected / np.sqrt(n)
    assert abs(moved.std() - expected) < 4.0 * expected / np.sqrt(2 * n)
    assert len(np.unique(moved)) == n
