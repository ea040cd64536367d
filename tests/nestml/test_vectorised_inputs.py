"""What models of the vectorised target may do with their input, against NESTML's own code.

Kernels, onReceive blocks, ports for weights of either sign, vectors of ports, currents, functions, time, random
numbers.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from functools import cache

import inputs_cells
import numpy as np
import pytest
from inputs_cells import DURATION, MODELS, N_CELLS, OTHERS, RECORDED, TIMES
from scipy.integrate import solve_ivp

from network import codegen

pytestmark = pytest.mark.nestml

Results = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Results]:
    """Recordings of all models on a target; the vectorised one also has models that NESTML has not."""
    folder = tmp_path_factory.mktemp("inputs")

    @cache
    def run(target: str, threads: int = 1) -> Results:
        models = {**MODELS, **(OTHERS if target == "vectorised" else {})}
        files = []
        for name, text in models.items():
            files.append(folder / f"{name}.nestml")
            files[-1].write_text(text)
        module, output = codegen.build(files, target=target).path, folder / f"{target}-{threads}.npz"
        command = [sys.executable, inputs_cells.__file__, str(module), str(output), str(threads), *models]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-4000:]
        with np.load(output) as content:
            return dict(content)

    return run


@pytest.mark.parametrize("model", MODELS)
def test_spikes_and_traces_equal_those_of_the_code_of_nestml(model: str, recorded: Callable[..., Results]) -> None:
    """Equations that are solved exactly agree to rounding, others to the tolerance of the solver."""
    ours, theirs = recorded("vectorised"), recorded("plain")
    np.testing.assert_array_equal(ours[f"{model}/senders"], theirs[f"{model}/senders"])
    assert len(ours[f"{model}/spikes"]) > 50
    exact = model != "in_functions"
    late = np.abs(ours[f"{model}/spikes"] - theirs[f"{model}/spikes"])
    assert late.max() <= (0 if exact else 1)
    for name in RECORDED[model]:
        difference = np.abs(ours[f"{model}/{name}"] - theirs[f"{model}/{name}"])
        assert np.ptp(theirs[f"{model}/{name}"]) > 0.1
        assert np.quantile(difference, 1.0 if exact else 0.98) < (1e-8 if exact else 0.01), name


def test_a_condition_on_a_parameter(recorded: Callable[..., Results]) -> None:
    for target in ("vectorised", "plain"):
        assert "'n > 0'" in str(recorded(target)["in_terms/complaint"])


def test_a_current_that_multiplies_a_state(recorded: Callable[..., Results]) -> None:
    """The rate of decay is 1 + I / 100 pA over 200 ms; NESTML 9.0.0 computes it once, for no current.

    The current is 0 for 20 ms, 300 pA for 100 ms, then 120 pA, and arrives a millisecond later.
    """
    V_m = recorded("vectorised")["in_noise/V_m"].reshape(inputs_cells.N_CELLS, -1)[0]
    rates = -np.diff(np.log(V_m)) / 0.1 * 200
    for begin, end, expected in ((1.0, 20.5, 1.0), (22.0, 120.5, 4.0), (122.0, 290.0, 2.2)):
        np.testing.assert_allclose(rates[round(10 * begin) : round(10 * end)], expected, rtol=1e-5)


def test_the_built_in_input_and_spikes_arrive_together(recorded: Callable[..., Results]) -> None:
    """A block of statements sees the sum of a spike of weight 1 in every step and of drawn ones of weight 2."""
    found = recorded("vectorised")
    total, drawn = (found[f"in_noise/{name}"].reshape(inputs_cells.N_CELLS, -1) for name in ("sum", "drive_count"))
    np.testing.assert_allclose(total[::2] - 2 * drawn[::2], total[1::2])
    assert drawn[0, -1] > 100 and drawn[1, -1] == 0


# -- random numbers ------------------------------------------------------------------------------------


def noise(recorded: Results) -> dict[str, np.ndarray]:
    """Numbers that every cell has drawn, one row per cell, from the first spike on."""
    names = ("normal", "uniform", "counted", "other")
    return {name: recorded[f"in_noise/{name}"].reshape(inputs_cells.N_CELLS, -1)[:, 50:] for name in names}


def test_random_numbers_have_their_distributions(recorded: Callable[..., Results]) -> None:
    """Means and deviations to five standard errors of some 29,000 numbers (false alarms: one in a million each)."""
    drawn = noise(recorded("vectorised"))
    n = drawn["normal"].size
    expected = {"normal": (2.0, 0.5), "uniform": (0.5, 3 / 12**0.5), "counted": (2.0, 2**0.5), "other": (0.0, 1.0)}
    for name, (mean, deviation) in expected.items():
        assert abs(drawn[name].mean() - mean) < 5 * deviation / n**0.5
        assert abs(drawn[name].std() / deviation - 1) < 5 / n**0.5
    assert -1 <= drawn["uniform"].min() < -0.99 < 1.99 < drawn["uniform"].max() < 2
    assert np.array_equal(drawn["counted"], np.round(drawn["counted"])) and drawn["counted"].min() == 0
    fourth = ((drawn["other"] - drawn["other"].mean()) ** 4).mean()
    assert abs(fourth - 3) < 5 * (96 / n) ** 0.5


def test_random_numbers_are_independent(recorded: Callable[..., Results]) -> None:
    """Of other cells, of the step before, and of what else is drawn in the step (five standard errors)."""
    drawn = noise(recorded("vectorised"))
    scaled = {name: (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True) for name, x in drawn.items()}
    x, limit = scaled["other"], 5 / scaled["other"].shape[1] ** 0.5
    across = np.corrcoef(x)[np.triu_indices(len(x), 1)]
    assert np.abs(across).max() < limit
    assert np.abs((x[:, 1:] * x[:, :-1]).mean(1)).max() < limit
    for name in ("normal", "uniform", "counted"):
        assert np.abs((x * scaled[name]).mean(1)).max() < limit


def test_random_numbers_do_not_depend_on_threads(recorded: Callable[..., Results]) -> None:
    one, two = noise(recorded("vectorised")), noise(recorded("vectorised", threads=2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("model", TIMES)
def test_time_in_equations_is_that_of_the_moment(model: str, recorded: Callable[..., Results]) -> None:
    """Driven oscillations, and a logistic growth whose rate oscillates, agree with SciPy; a condition sees the time."""
    ours = recorded("vectorised")
    tau, period, cycle, amplitude = 10.0, 7.0, 20.0, 20.0

    def slopes(t: float, y: np.ndarray) -> list[float]:
        return [
            (amplitude * np.sin(2 * np.pi * t / cycle) - y[0]) / tau,
            y[1] * (1 - y[1] / 2) * np.cos(t / period) / tau,
            (y[1] - y[2]) / tau,
        ]

    found = {name: ours[f"{model}/{name}"].reshape(N_CELLS, -1) for name in ("V_m", "x", "y")}
    times = np.arange(1, found["x"].shape[1] + 1) / 10
    exact = solve_ivp(slopes, (0.0, DURATION), [0.0, 1.0, 0.0], t_eval=times, rtol=1e-10, atol=1e-12).y
    for values, expected in zip(found.values(), exact, strict=True):
        np.testing.assert_allclose(values, np.tile(expected, (N_CELLS, 1)), atol=1e-5)
    np.testing.assert_array_equal(ours[f"{model}/spikes"], np.full(N_CELLS, 1001))


def test_an_internal_may_be_the_resolution(recorded: Callable[..., Results]) -> None:
    decay = recorded("vectorised")["in_vectors/decay"].reshape(N_CELLS, -1)
    np.testing.assert_allclose(
        decay, np.tile(np.exp(-0.01 * np.arange(1, decay.shape[1] + 1)), (N_CELLS, 1)), rtol=1e-9
    )


def test_vectors_of_states(recorded: Callable[..., Results]) -> None:
    """A line of five places is read five steps later; a chain moves each value half of the way to the one before."""
    found = recorded("vectorised")
    V_m, late, _, *chain = (found[f"in_vectors/{name}"].reshape(N_CELLS, -1) for name in RECORDED["in_vectors"])
    assert V_m.max() > 10
    np.testing.assert_array_equal(late[:, 6:], V_m[:, :-6])  # of the start of the step, five steps before
    np.testing.assert_array_equal(chain[0][:, 1:], V_m[:, :-1])
    for before, after in itertools.pairwise(chain):
        np.testing.assert_allclose(after[:, 1:], 0.5 * (after[:, :-1] + before[:, :-1]), rtol=1e-12)
