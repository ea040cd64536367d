"""What NESTML models the vectorised target takes, what it refuses, and on which CPUs its code runs.

This file, started as a program with the path of a module, the name of a model and of a file for its results,
simulates the model.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.nestml

Result = dict[str, np.ndarray]

# A bit of everything: a current port, an alpha kernel, input that acts on V_m at once, an internal, a
# boolean, literal and variable powers, functions, a state without equation, a nested reset.
MIXED = """
model vectorised_mixed:
    state:
        V_m mV = -65 mV
        q real = 0.5
        n_spikes real = 0

    equations:
        kernel A = (e / tau_a) * t * exp(-t / tau_a)
        kernel D = delta(t)
        inline V_bounded mV = min(V_m, V_cap)
        recordable inline I_a pA = convolve(A, alpha_port) * 1 pA
        inline gate real = tanh(q) + ln(1 + q**2) + q**n_gate + 0.1 * q**0.5
        inline jump mV/ms = convolve(D, delta_port) * 1 mV / ms
        inline I pA = I_a + I_stim + gate * 1 pA
        V_m' = (-g_L * (V_bounded - E_L) + 0.02 nS/mV * (V_bounded - E_L)**2 + I) / C_m + jump
        q' = (clip((V_bounded + 70 mV) / 40 mV, 0.0, 1.0) - q) / tau_q

    parameters:
        C_m pF = 100 pF
        g_L nS = 5 nS
        E_L mV = -65 mV
        V_th mV = 0 mV
        V_cap mV = 20 mV
        V_reset mV = -70 mV
        tau_a ms = 2 ms
        tau_q ms = 30 ms
        n_gate integer = 3
        deep boolean = false

    internals:
        V_deep mV = V_reset - 5 mV

    input:
        alpha_port <- spike
        delta_port <- spike
        I_stim pA <- continuous

    output:
        spike

    update:
        integrate_odes()

    onCondition(V_m >= V_th):
        n_spikes += 1
        if deep:
            V_m = V_deep
        elif q > 0.8:
            V_m = V_reset + 3 mV
        else:
            V_m = V_reset
        q += 0.05
        emit_spike()
"""

# everything linear: no numerical solver at all
LINEAR = """
model vectorised_linear:
    state:
        V_m mV = -65 mV

    equations:
        kernel K = exp(-t / tau_syn)
        V_m' = -(V_m - E_L) / tau_m + (convolve(K, spikes) * 1 pA + I_e + I_stim) / C_m

    parameters:
        tau_m ms = 10 ms
        tau_syn ms = 2 ms
        C_m pF = 100 pF
        E_L mV = -65 mV
        V_th mV = -55 mV
        I_e pA = 90 pA

    input:
        spikes <- spike
        I_stim pA <- continuous

    output:
        spike

    update:
        integrate_odes()

    onCondition(V_m >= V_th):
        V_m = E_L
        emit_spike()
"""

SIMPLE = """
model {name}:
    state:
        V_m mV = -65 mV
        {state}

    equations:
        kernel K = exp(-t / 2 ms)
        V_m' = -(V_m - E_L) / tau_m {equation}

    parameters:
        tau_m ms = 10 ms
        E_L mV = -65 mV
        C_m pF = 100 pF

    input:
        spikes <- spike

    output:
        spike

    update:
        {update}

{extra}
    onCondition(V_m >= -55 mV):
        {condition}
        V_m = E_L
        emit_spike()
"""

REFUSED: dict[str, dict[str, str]] = {
    "call": {"condition": "z = 1\n        integrate_odes(V_m)"},
}


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.nestml"
    file.write_text(text + "\n")
    return file


# ---------------------------------------------------------------------------------------------- jobs


def main() -> None:
    module, model, out = sys.argv[1:4]
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.Install(module)
    cells = nest.Create(model, 10)
    rng = np.random.default_rng(5)
    ports = cells[0].receptor_types if "receptor_types" in cells[0].get() else {}
    ports = ports or {"SPIKES": 0}
    weights = {"ALPHA_PORT": 150.0, "DELTA_PORT": 4.0, "SPIKES": 60.0}
    for cell in cells:
        cell.set(E_L=float(rng.uniform(-67.0, -63.0)), C_m=float(rng.uniform(90.0, 110.0)))
        for port, receptor in ports.items():
            times = np.unique(np.round(rng.uniform(1.0, 195.0, 60), 1))
            generator = nest.Create("spike_generator", params={"spike_times": list(times)})
            nest.Connect(generator, cell, syn_spec={"weight": weights[port], "delay": 1.5, "receptor_type": receptor})
    step = nest.Create(
        "step_current_generator",
        params={"amplitude_times": [20.0, 80.0, 140.0], "amplitude_values": [60.0, -40.0, 30.0]},
    )
    nest.Connect(step, cells, syn_spec={"delay": 1.0, "weight": 1.5})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    names = ["V_m"] + (["q", "I_a", "n_spikes"] if model == "vectorised_mixed" else [])
    meter = nest.Create("multimeter", params={"interval": 0.1, "record_from": names})
    nest.Connect(meter, cells)
    nest.Simulate(200.0)
    cells[2].set(**({"deep": True, "n_gate": 2} if model == "vectorised_mixed" else {"tau_m": 20.0}))
    nest.Simulate(50.0)
    result: Result = {}
    spikes, traces = recorder.get("events"), meter.get("events")
    order = np.lexsort((spikes["times"], spikes["senders"]))
    result["spikes"] = np.round(spikes["times"][order] * 10)
    result["senders"] = spikes["senders"][order]
    order = np.lexsort((traces["times"], traces["senders"]))
    for name in names:
        result[name] = traces[name][order]
    np.savez(out, **result)


def simulate(module: Any, model: str, folder: Path) -> Result:
    file = folder / "out.npz"
    command = [sys.executable, __file__, str(module.path), model, str(file)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-4000:]
    with np.load(file) as content:
        return dict(content)


# --------------------------------------------------------------------------------------------- tests


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Result]]:
    """Both models on both targets."""
    from network import codegen

    folder = tmp_path_factory.mktemp("models")
    files = [write(folder, "vectorised_mixed", MIXED), write(folder, "vectorised_linear", LINEAR)]
    out: dict[str, dict[str, Result]] = {}
    for target in ("vectorised", "plain"):
        built = codegen.build(files, target=target)
        out[target] = {
            model: simulate(built, model, tmp_path_factory.mktemp(target))
            for model in ("vectorised_mixed", "vectorised_linear")
        }
    return out


def test_linear_model_is_exact(results: dict[str, dict[str, Result]]) -> None:
    """Without a numerical solver both targets do the same arithmetic."""
    ours, theirs = (results[target]["vectorised_linear"] for target in ("vectorised", "plain"))
    assert len(ours["spikes"]) > 50
    np.testing.assert_array_equal(ours["spikes"], theirs["spikes"])
    np.testing.assert_array_equal(ours["senders"], theirs["senders"])
    np.testing.assert_allclose(ours["V_m"], theirs["V_m"], rtol=1e-11)


def test_mixed_model_equals_plain(results: dict[str, dict[str, Result]]) -> None:
    ours, theirs = (results[target]["vectorised_mixed"] for target in ("vectorised", "plain"))
    assert len(ours["spikes"]) > 50
    np.testing.assert_array_equal(ours["senders"], theirs["senders"])
    assert np.count_nonzero(ours["spikes"] != theirs["spikes"]) <= 1
    np.testing.assert_allclose(ours["I_a"], theirs["I_a"], rtol=1e-11, atol=1e-9)
    np.testing.assert_array_equal(ours["n_spikes"][-1], theirs["n_spikes"][-1])
    difference = np.abs(ours["V_m"] - theirs["V_m"])
    assert np.median(difference) < 1e-4
    assert np.quantile(difference, 0.98) < 0.02
    assert np.abs(ours["q"] - theirs["q"]).max() < 2e-3


def test_the_reader_of_the_text_knows_the_functions_that_the_printer_lacks() -> None:
    from pynestml.symbols.predefined_functions import PredefinedFunctions
    from pynestml.symbols.predefined_types import PredefinedTypes
    from pynestml.symbols.predefined_units import PredefinedUnits

    from network.codegen.vectorised.printer import FUNCTIONS, RANDOM
    from network.experiment import nestml_support

    PredefinedUnits.register_units()
    PredefinedTypes.register_types()
    PredefinedFunctions.register_functions()
    of_the_language = {"convolve", "delta", "deliver_spike", "emit_spike", "integrate_odes"}
    printed = {*FUNCTIONS, *RANDOM, "resolution", "timestep"}
    lacking = set(PredefinedFunctions.name2function) - printed - of_the_language
    assert lacking <= set(nestml_support.FUNCTIONS)
    assert not set(nestml_support.FUNCTIONS) & printed


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_names_the_remedy(name: str, tmp_path: Path) -> None:
    from network import codegen

    parts = {"state": "z real = 1", "equation": "", "update": "integrate_odes()", "extra": "", "condition": "z = 1"}
    text = SIMPLE.format(name=f"refused_{name}", **{**parts, **REFUSED[name]})
    with pytest.raises(codegen.BuildError, match=rf"refused_{name}.*--target auto"):
        codegen.build([write(tmp_path, f"refused_{name}", text)], target="vectorised")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of x86 CPUs")
@pytest.mark.parametrize("march", ["x86-64", "portable"])
def test_other_cpus(march: str, module: Any, tmp_path: Path) -> None:
    """Code for SSE2 alone and for AVX2 (``--march portable``) gives the spikes of the code for this CPU.

    Rounding differs (no fused multiply-add without AVX2): of 17 cells for 120 ms at most one spike may fall into a
    neighbouring step, and potentials agree to 1e-3 mV in nine samples of ten (a spike magnifies any difference).
    """
    from test_vectorised import N_CELLS, run_jobs

    from network import codegen

    native = run_jobs(module("vectorised"), ["whole"], tmp_path)["whole"]
    other = run_jobs(codegen.build(["qif_msn"], target="vectorised", march=march), ["whole"], tmp_path)["whole"]
    moved = 0
    for i in range(N_CELLS):
        assert len(native[f"spikes{i}"]) == len(other[f"spikes{i}"])
        moved += int(np.count_nonzero(native[f"spikes{i}"] != other[f"spikes{i}"]))
        assert np.quantile(np.abs(native[f"V_m{i}"] - other[f"V_m{i}"]), 0.9) < 1e-3
    assert moved <= 1


if __name__ == "__main__":
    main()
