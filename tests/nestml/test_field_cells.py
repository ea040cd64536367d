"""Leaky cells, those of Izhikevich, and those of Hodgkin and Huxley against a tight integration by SciPy."""

from __future__ import annotations

import subprocess
import sys

import field_cells
import numpy as np
import pytest
from field_case import RESOLUTION, solve
from field_cells import CASES, MODELS

from network import codegen

pytestmark = pytest.mark.nestml

TOLERANCE, SLOPING = 0.01, 0.02  # mV; of cells that are reset, and of those that make the slopes of their spikes


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """All cases in one NEST process, with one module."""
    file = tmp_path_factory.mktemp("field") / "results.npz"
    built = codegen.build(MODELS, target="vectorised")
    command = [sys.executable, field_cells.__file__, str(built.path), str(file)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-4000:]
    with np.load(file) as content:
        return dict(content)


@pytest.mark.parametrize("name", CASES)
def test_spikes_are_in_their_steps(recorded, name):
    case, expected = CASES[name], solve(name, CASES[name]).spikes
    spikes = recorded[f"{name}/spikes"]
    spikes = spikes[spikes <= case.duration]
    assert len(expected) > 2, "a case that fires"
    assert len(spikes) == len(expected)
    late = spikes - expected
    assert np.all((late > -0.1 * RESOLUTION) & (late < 1.1 * RESOLUTION))


@pytest.mark.parametrize("name", CASES)
def test_potentials(recorded, name):
    """But for the upstroke of a spike, and for what follows at once where the membrane makes it by itself."""
    case, solution = CASES[name], solve(name, CASES[name])
    times = recorded[f"{name}/times"]
    values = recorded[f"{name}/V_m"][times <= case.duration + 1e-9]
    times = times[times <= case.duration + 1e-9]
    before, after = (2.0, RESOLUTION) if case.reset is not None else (1.5, 3.5)
    expected = np.interp(times, solution.times, solution.V_m)
    quiet = np.ones(len(times), dtype=bool)
    for spike in solution.spikes:
        quiet &= (times < spike - before) | (times > spike + after)
    assert quiet.sum() > 500
    usual = SLOPING if case.reset is None else TOLERANCE
    assert np.abs(values - expected)[quiet].max() < usual
