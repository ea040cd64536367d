"""What holds for any sensible cell: parameters up to 30 % off, other input, input fifty times as strong.

Stated in docs/concepts/neuron_step.md: no spike is lost or added, each is within a step, V_m between spikes is within
0.1 mV at 0.1 ms, and the error goes to zero with the step.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from lindahl_cells import RESOLUTION, UNUSUAL
from scipy.integrate import solve_ivp
from scipy_reference import solve

from network import codegen

pytestmark = pytest.mark.nestml

FINE = RESOLUTION / 4.0
BEFORE_SPIKE, AFTER_SPIKE = 3.0, 1.0  # ms; see test_accuracy.py
NORMAL = [name for name in UNUSUAL if name.endswith("_1")]
STRONG = [name for name in UNUSUAL if not name.endswith("_1")]


def largest_error(results, name: str) -> float:
    """Of V_m in mV, away from spikes."""
    solution = solve(name)
    times, V_m = results.trace(name)
    common, ours, theirs = np.intersect1d(np.round(times, 3), np.round(solution.times, 3), return_indices=True)
    quiet = common < UNUSUAL[name].duration - BEFORE_SPIKE
    for spike in solution.spikes:
        quiet &= (common < spike - BEFORE_SPIKE) | (common > spike + AFTER_SPIKE)
    assert quiet.sum() > 100
    return float(np.abs(V_m[ours] - solution.V_m[theirs])[quiet].max())


@pytest.mark.parametrize("step", [RESOLUTION, FINE])
@pytest.mark.parametrize("name", UNUSUAL)
def test_every_spike_within_a_step(run, name, step):
    expected, found = solve(name).spikes, run("vectorised", 1, "unusual", step).spikes(name)
    assert len(found) == len(expected)
    late = found - expected  # a spike is stamped with the end of its step
    assert np.all(late > -0.1 * step) and np.all(late < 1.1 * step)


def test_there_are_spikes_in_most_cases():
    counts = [len(solve(name).spikes) for name in UNUSUAL]
    assert sum(count > 0 for count in counts) > 0.6 * len(counts) and sum(counts) > 200


def test_the_potential_is_right_and_the_error_goes_to_zero_with_the_step(run):
    coarse, fine = run("vectorised", 1, "unusual"), run("vectorised", 1, "unusual", FINE)
    errors = np.array([[largest_error(coarse, name), largest_error(fine, name)] for name in NORMAL])
    assert errors.max() < 0.1 and np.median(errors[:, 0]) < 0.01
    assert np.median(errors[:, 1]) < 0.5 * np.median(errors[:, 0]) and errors[:, 1].max() < errors[:, 0].max()


# ------------------------------------------------------------------------------- extremes


def in_nest(module, code: str) -> dict:
    """Run code in a process of its own with a module; it leaves its answer in ``answer``."""
    head = f"import json, os\nos.environ['PYNEST_QUIET'] = '1'\nimport nest\nnest.Install({str(module.path)!r})\n"
    script = f"{head}nest.verbosity = nest.VerbosityLevel.ERROR\n{code}\nprint('ANSWER', json.dumps(answer))\n"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.split("ANSWER ")[1])


# a leaky cell whose excitation decays within a step, on top of so much inhibition that V_m follows within a third of it
SUDDEN = {"C_m": 250.0, "g_L": 16.6667, "E_L": -70.0, "tau_syn_exc": 0.1, "tau_syn_inh": 5.0, "t_ref": 2.0}
INHIBITION, E_EXC, E_INH, V_TH = 9000.0, 0.0, -85.0, -80.0  # nS, mV


def highest_inside_a_step(weight: float) -> tuple[float, float]:
    """Largest V_m within the step after the spikes arrive, and V_m at its end, mV."""

    def slope(t, y):
        excitation, inhibition = (
            weight * np.exp(-t / SUDDEN["tau_syn_exc"]),
            INHIBITION * np.exp(-t / SUDDEN["tau_syn_inh"]),
        )
        leak = SUDDEN["g_L"] * (SUDDEN["E_L"] - y[0])
        return [(leak + excitation * (E_EXC - y[0]) + inhibition * (E_INH - y[0])) / SUDDEN["C_m"]]

    times = np.linspace(0.0, RESOLUTION, 2001)
    V = solve_ivp(slope, (0.0, RESOLUTION), [-84.0], method="DOP853", rtol=1e-10, atol=1e-10, t_eval=times).y[0]
    return float(V.max()), float(V[-1])


@pytest.mark.parametrize("target", ["vectorised", "plain"])
def test_a_threshold_that_is_crossed_and_left_within_a_step(target):
    weights = np.linspace(600.0, 1200.0, 60)
    highest, last = np.array([highest_inside_a_step(weight) for weight in weights]).T
    crossed = highest > V_TH
    assert np.sum(crossed & (last < V_TH - 0.1)) >= 10 and np.sum(~crossed) >= 10  # left again; never reached
    params = SUDDEN | {"E_rev_exc": E_EXC, "E_rev_inh": E_INH, "V_th": V_TH, "V_reset": E_INH, "V_m": -84.0}
    built = codegen.build(["lif_cond_exp"], target=target)
    ports = {port.lower(): number for port, number in built.models["lif_cond_exp"].ports.items()}
    found = in_nest(
        built,
        f"""
nest.resolution = 0.1
cells = nest.Create("lif_cond_exp", {len(weights)}, params={params})
cells.set(E_L=-84.0)
recorder = nest.Create("spike_recorder")
nest.Connect(cells, recorder)
both = nest.Create("spike_generator", params={{"spike_times": [4.0]}})
for cell, weight in zip(cells, {weights.tolist()}):
    nest.Connect(both, cell, syn_spec={{"weight": weight, "delay": 1.0, "receptor_type": {ports["exc"]}}})
    nest.Connect(both, cell, syn_spec={{"weight": {INHIBITION}, "delay": 1.0, "receptor_type": {ports["inh"]}}})
nest.Simulate(5.0)
cells.set(E_L=-70.0)
nest.Simulate(0.1)
answer = {{"fired": [int(sender) - 1 for sender in recorder.get("events", "senders")]}}
""",
    )
    clear = np.abs(highest - V_TH) > 0.1
    fired = np.isin(np.arange(len(weights)), found["fired"])
    assert np.array_equal(fired[clear], crossed[clear]), weights[clear & (fired != crossed)]


@pytest.mark.parametrize("target", ["vectorised", "plain"])
def test_a_spike_of_ten_thousand_nanosiemens(module, target):
    """The potential stays below the peak, the cell fires, and what follows is finite (adaptation may be huge)."""
    built = module(target)
    port = dict(built.models["aeif_gpe"].ports)["ampa_ext"]
    found = in_nest(
        built,
        f"""
cells = nest.Create("aeif_gpe", 4)
recorder = nest.Create("spike_recorder")
meter = nest.Create("multimeter", params={{"record_from": ["V_m"], "interval": 0.1}})
nest.Connect(cells, recorder)
nest.Connect(meter, cells)
source = nest.Create("spike_generator", params={{"spike_times": [10.0]}})
for cell, weight in zip(cells, (0.0, 1e4, 1e5, 1e6)):
    nest.Connect(source, cell, syn_spec={{"weight": weight, "delay": 1.0, "receptor_type": {port}}})
nest.Simulate(60.0)
senders = sorted({{int(sender) for sender in recorder.get("events", "senders")}})
answer = {{"peak": cells[0].V_peak, "V_m": list(meter.get("events", "V_m")), "fired": senders}}
""",
    )
    assert len(found["V_m"]) > 2000 and np.all(np.isfinite(found["V_m"]))
    assert max(found["V_m"]) <= found["peak"]
    assert {2, 3, 4} <= set(found["fired"])


GATE_OF_AN_UNSET_STATE = """
model gate_of_an_unset_state:
    state:
        V_m mV = -65 mV
        n real = n_start

    equations:
        n' = (0.5 - n) / 10 ms
        V_m' = (I_e / C_m) - n * (V_m + 65 mV) * abs(V_m + 65 mV) / (10 ms * 1 mV)

    parameters:
        C_m pF = 100 pF
        I_e pA = 200 pA

    internals:
        n_start real = 1.0 / (1.0 + exp(-(V_m / 1 mV) / 10.0))

    update:
        integrate_odes()
"""


@pytest.mark.parametrize("target", ["plain", "vectorised"])
def test_an_internal_that_reads_a_state_before_it_has_a_value_reads_zero(tmp_path, monkeypatch, target):
    """As traub_psc_alpha_neuron's gates do: never what an earlier simulation left in that memory."""
    monkeypatch.setenv("MALLOC_PERTURB_", "85")  # the C library fills memory that it hands out
    source = tmp_path / "gate_of_an_unset_state.nestml"
    source.write_text(GATE_OF_AN_UNSET_STATE)
    module = codegen.build([source], target=target)
    code = f"""
answer = []
for _ in range(2):
    nest.ResetKernel()
    nest.Install({str(module.path)!r})
    cells = nest.Create('gate_of_an_unset_state', 3)
    first = list(cells.get('n'))
    nest.Simulate(5.0)
    answer.append([first, list(cells.get('n')), list(cells.get('V_m'))])
"""
    runs = np.array(in_nest(module, code))
    assert np.all(runs[:, 0] == 0.5) and np.allclose(runs[:, 1], 0.5, atol=1e-12)
    assert np.all(runs[:, 2] > -65.0) and np.all(runs == runs[0, :, :1])


FALLING_BACK = """
model falling_back:
    state:
        V_m mV = -65 mV

    equations:
        V_m' = 20 mV / ms + (V_m + 65 mV) * (V_m + 65 mV) / (10 mV * ms)

    parameters:
        V_th mV = -52 mV

    update:
        integrate_odes()

    output:
        spike

    onCondition(V_m >= V_th):
        V_m -= 14 mV
        emit_spike()
"""


@pytest.mark.parametrize("target", ["plain", "vectorised"])
def test_a_reset_by_an_amount_happens_where_the_threshold_is_crossed(tmp_path, target):
    """Not at the end of the step: V_m moves by three millivolts in a step, the faster the higher it is."""
    source = tmp_path / "falling_back.nestml"
    source.write_text(FALLING_BACK)
    module = codegen.build([source], target=target)
    code = """
cells = nest.Create('falling_back', 1)
answer = []
for _ in range(50):
    nest.Simulate(0.1)
    answer.append(cells.get('V_m'))
"""
    found = np.array(in_nest(module, code))

    def crossed(_time, y):
        return y[0] + 52.0

    crossed.terminal, crossed.direction = True, 1
    time, V_m, expected = 0.0, -65.0, np.empty(50)
    ends = np.arange(1, 51) * 0.1
    while time < 5.0:
        course = solve_ivp(
            lambda _time, y: 20.0 + (y + 65.0) ** 2 / 10.0,
            (time, 5.0),
            [V_m],
            events=crossed,
            rtol=1e-10,
            atol=1e-10,
            dense_output=True,
        )
        until = course.t[-1]
        within = (ends >= time) & (ends <= until + 1e-12)
        expected[within] = course.sol(ends[within])[0]
        time, V_m = until, course.y[0, -1] - 14.0
    assert np.abs(found - expected).max() < 0.01
