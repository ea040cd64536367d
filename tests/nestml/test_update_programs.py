"""Models whose update block is more than integrate_odes(), against NESTML's own code at a tight tolerance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import program_cells
import pytest
from program_cells import INSTALLED, N_CELLS, OWN

from network import codegen

pytestmark = pytest.mark.nestml

Results = dict[str, np.ndarray]
NEURONS = Path(sys.prefix) / "models" / "neurons"
EXACT = ("upd_counters",)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, needs_gsl: None) -> Callable[[str], Results]:
    """Recordings of all models on a target."""
    folder = tmp_path_factory.mktemp("programs")

    @cache
    def run(target: str) -> Results:
        files = [NEURONS / f"{name}.nestml" for name in INSTALLED]
        for name, text in OWN.items():
            files.append(folder / f"{name}.nestml")
            files[-1].write_text(text)
        built = codegen.build(files, target=target)
        table = {name: {"ports": info.ports, "currents": info.continuous_ports} for name, info in built.models.items()}
        (folder / "ports.json").write_text(json.dumps(table))
        output = folder / f"{target}.npz"
        command = [sys.executable, program_cells.__file__, str(built.path), str(output), str(folder / "ports.json")]
        environment = {**os.environ, "PYNEST_QUIET": "1"}
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-4000:]
        with np.load(output) as content:
            return dict(content)

    return run


@pytest.mark.parametrize("model", [*INSTALLED, *OWN])
def test_spikes_equal_those_of_the_code_of_nestml(model: str, recorded: Callable[[str], Results]) -> None:
    """The same spikes in every cell; a spike may fall into a neighbouring step where no solution is exact."""
    ours, theirs = recorded("vectorised"), recorded("reference")
    n = 0
    for i in range(N_CELLS):
        found, expected = ours[f"{model}/spikes{i}"], theirs[f"{model}/spikes{i}"]
        assert len(found) == len(expected), i
        np.testing.assert_allclose(found, expected, atol=0.0 if model in EXACT else 0.11)
        n += len(expected)
    assert n > 10


@pytest.mark.parametrize("model", [*INSTALLED, *OWN])
def test_traces_equal_those_of_the_code_of_nestml(model: str, recorded: Callable[[str], Results]) -> None:
    """States at the ends of steps, as long as all spikes were in the same steps: to 0.01 mV, or to rounding."""
    ours, theirs = recorded("vectorised"), recorded("reference")
    names = [key for key in theirs if key.startswith(f"{model}/") and "/spikes" not in key]
    assert f"{model}/V_m" in names
    for i in range(N_CELLS):
        found, expected = ours[f"{model}/spikes{i}"], theirs[f"{model}/spikes{i}"]
        moved = np.flatnonzero(np.abs(found - expected) > 0.05)
        end = round(10 * expected[moved[0]]) - 5 if len(moved) else None
        for name in names:
            difference = np.abs(ours[name][i, :end] - theirs[name][i, :end])
            if model in EXACT:
                assert difference.max() < 1e-8, (name, i)
            else:
                assert np.quantile(difference, 0.98) < 0.01, (name, i)


def test_what_moves_while_a_cell_is_refractory(recorded: Callable[[str], Results]) -> None:
    """In integrate_odes(refr_t) V_m is held to the last digit, and the synapses go on."""
    ours = recorded("vectorised")
    V_m, refr_t = ours["iaf_cond_alpha_neuron/V_m"], ours["iaf_cond_alpha_neuron/refr_t"]
    held = refr_t > 0.05
    assert held.sum() > 100
    assert np.all(V_m[held] == -60.0)
    assert np.ptp(V_m[~held]) > 5.0
    g = ours["iaf_cond_alpha_neuron/g_exc__X__exc_spikes"]
    assert np.ptp(g[held]) > 1.0
