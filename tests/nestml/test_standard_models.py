"""The standard cells (lif_cond_alpha, adex_cond_exp) against NEST's built-in models of the same equations.

NEST tests thresholds and ends refractory periods at the ends of steps. Its models run in steps of 0.001 ms here, ours
in steps of 0.1 ms, inside which they locate both.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import standard_cells
from standard_cells import ADEX, CASES, LIF, NEURONS

from network import codegen

pytestmark = pytest.mark.nestml

RESOLUTION = 0.1  # ms
FINE = 0.001  # ms
BEFORE_SPIKE = 3.0  # ms; the upstroke of an exponential cell is not subthreshold

FIRING = [
    name for name, case in CASES.items() if case.inputs or case.current == max(standard_cells.CURRENTS[case.cell])
]
Results = dict[str, np.ndarray]


def simulate(module: str, resolution: float, folder: Path) -> Results:
    """Recordings of all cases from a process of its own."""
    file = folder / "results.npz"
    command = [sys.executable, standard_cells.__file__, module, str(resolution), str(file)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-4000:]
    with np.load(file) as content:
        return dict(content)


@pytest.fixture(scope="module")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """NEST's own models."""
    return simulate("builtin", FINE, tmp_path_factory.mktemp("builtin"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Results]:
    """Our models on a target."""

    @cache
    def run(target: str) -> Results:
        built = codegen.build([ADEX, LIF], target=target)
        return simulate(str(built.path), RESOLUTION, tmp_path_factory.mktemp(target))

    return run


def test_cases_fire(builtin: Results) -> None:
    """The comparison is of cells that are at rest, and of cells that fire regularly, irregularly, and in bursts."""
    for name in CASES:
        assert (len(builtin[f"{name}/spikes"]) > 0) == (name in FIRING)
    assert sum(len(builtin[f"{name}/spikes"]) for name in FIRING) > 70
    assert np.diff(builtin["SNr_bursting_300pA/spikes"]).min() < 5.0


@pytest.mark.parametrize("name", CASES)
def test_spikes(ours, builtin, target, name) -> None:
    """Every spike is in the step in which the built-in model has it, up to ties at the end of a step."""
    spikes, expected = ours(target)[f"{name}/spikes"], builtin[f"{name}/spikes"]
    assert len(spikes) == len(expected)
    late = spikes - expected
    assert np.all((late > -0.02) & (late < RESOLUTION + 0.02))


@pytest.mark.parametrize("name", CASES)
def test_state(ours, builtin, target, name) -> None:
    """Potential and adaptation outside of upstrokes; a spike of the built-in model is 0.0005 ms late on average."""
    found, expected = ours(target), builtin
    times = found[f"{name}/times"]
    np.testing.assert_allclose(times, expected[f"{name}/times"])
    quiet = np.ones(len(times), dtype=bool)
    for spike in expected[f"{name}/spikes"]:
        quiet &= (times < spike - BEFORE_SPIKE) | (times > spike + RESOLUTION)
    assert quiet.sum() > 500
    for variable in ["V_m", *(["w"] if CASES[name].model == ADEX else [])]:
        error = np.abs(found[f"{name}/{variable}"] - expected[f"{name}/{variable}"])[quiet]
        assert error.max() < 0.02
        assert np.median(error) < 0.01


@pytest.mark.parametrize("cell", NEURONS)
def test_conductances_are_exact(ours, target, cell) -> None:
    """An alpha function peaks at the weight, an exponential starts there."""
    case, found = CASES[f"{cell}_random"], ours(target)
    for receptor, (arrivals, weight) in case.inputs.items():
        since = found[f"{cell}_random/times"][:, None] - np.array(arrivals)[None, :]
        s = np.where(since > -1e-6, since, np.inf) / case.params[f"tau_syn_{receptor}"]
        course = np.where(np.isinf(s), 0.0, np.where(np.isinf(s), 0.0, s) * np.exp(1.0 - s))
        course = np.exp(-s) if case.model == ADEX else course
        np.testing.assert_allclose(found[f"{cell}_random/g_{receptor}"], weight * course.sum(1), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("cell", NEURONS)
def test_refractory_period(ours, target, cell) -> None:
    """V_m stays at V_reset for t_ref after a spike, not longer, whatever arrives."""
    found, params = ours(target), CASES[f"{cell}_random"].params
    times, V_m = found[f"{cell}_random/times"], found[f"{cell}_random/V_m"]
    for spike in found[f"{cell}_random/spikes"][:-1]:
        held = (times > spike - 1e-6) & (times < spike + params["t_ref"] - RESOLUTION - 1e-6)
        free = (times > spike + params["t_ref"] + 1e-6) & (times < spike + params["t_ref"] + 3 * RESOLUTION)
        assert held.sum() == round(params["t_ref"] / RESOLUTION) - 1
        assert np.all(V_m[held] == params["V_reset"])
        assert np.all(V_m[free] != params["V_reset"])


def test_interval_of_a_leaky_cell(ours, target) -> None:
    """Constant current: t_ref + tau_m ln((I - g_L (V_reset - E_L)) / (I - g_L (V_th - E_L)))."""
    p = CASES["D1_400pA"].params
    tau_m = p["C_m"] / p["g_L"]
    drive = [p["I_e"] - p["g_L"] * (p[V] - p["E_L"]) for V in ("V_reset", "V_th")]
    expected = p["t_ref"] + tau_m * math.log(drive[0] / drive[1])
    spikes = ours(target)["D1_400pA/spikes"]
    assert (spikes[-1] - spikes[0]) / (len(spikes) - 1) == pytest.approx(expected, abs=RESOLUTION / (len(spikes) - 1))
