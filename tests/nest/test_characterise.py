"""A cell is characterised by command: a leaky integrate-and-fire cell has all measures in closed form."""

from __future__ import annotations

import json
import math

import pytest
import yaml

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

C, G, E, THRESHOLD, RESET, REFRACTORY = 250.0, 16.6667, -70.0, -55.0, -60.0, 2.0  # of lif_cond_alpha


def rate(current: float) -> float:
    drive = current / G
    if drive <= THRESHOLD - E:
        return 0.0
    return 1000.0 / (REFRACTORY + C / G * math.log((drive + E - RESET) / (drive + E - THRESHOLD)))


@pytest.fixture(scope="module")
def leaky(bgnest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cell")
    answer = bgnest("characterise", "lif_cond_alpha", "--json", "-q", "--out", folder, "--duration", "600")
    assert answer.returncode == 0, answer.stderr
    return folder, json.loads(answer.stdout)


def test_measures_are_those_of_the_equation(leaky):
    found = {measure["name"]: measure["value"] for measure in leaky[1]["measures"]}
    assert found["resting potential"] == pytest.approx(E, abs=1e-3)
    assert found["input resistance"] == pytest.approx(1000.0 / G, rel=1e-3)
    assert found["time constant"] == pytest.approx(C / G, rel=0.01)
    assert found["rheobase"] == pytest.approx(G * (THRESHOLD - E), rel=0.05)
    assert found["adaptation index"] == pytest.approx(0.0, abs=1e-2)
    assert found["sag"] == 0.0


def test_the_curve_of_rates_is_that_of_the_equation(leaky):
    points = leaky[1]["rates"]
    assert len(points) == 40
    for point in points:
        expected = rate(point["current_pA"])
        if expected == 0.0 or expected > 10.0:  # a slow train has few intervals within a step
            assert point["rate"] == pytest.approx(expected, rel=0.01)


def test_files_are_written(leaky):
    names = {path.name for path in leaky[0].iterdir()}
    assert names == {f"lif_cond_alpha{end}" for end in (".png", "_measures.csv", "_rates.csv")}


def test_a_population_of_an_experiment_and_a_cell_of_the_catalogue_are_the_same(bgnest, tmp_path):
    """Both are the mean cell at the level of dopamine there; they begin at other potentials. A known rate agrees."""
    found = []
    for name in ("stn", "lindahl2016/activation_control:STN"):
        answer = bgnest("characterise", name, "--json", "-q", "--duration", "500", cwd=tmp_path)
        assert answer.returncode == 0, answer.stderr
        found.append(json.loads(answer.stdout))
    first, second = ({measure["name"]: measure["value"] for measure in one["measures"]} for one in found)
    assert first.keys() == second.keys()
    for name, tolerance in (("rate by itself", 0.05), ("gain", 0.005), ("highest rate", 2.0), ("rheobase", 1.0)):
        assert first[name] == pytest.approx(second[name], abs=tolerance)
    assert [one["verdict"] for one in found[0]["known"]] == ["agrees"]
    assert not list(tmp_path.iterdir())  # --json alone writes nothing


def test_a_cell_of_ones_own(bgnest, tmp_path):
    """A file of parameters, with a change: the smaller capacitance makes a shorter time constant."""
    about = {"type": "mine", "region": "none", "certainty": "assumed", "reason": "a test"}
    cell = {"about": about, "model": "lif_cond_alpha", "defaults": "model", "neuron": {"g_L": 10.0}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(cell))
    arguments = ("characterise", "mine.yaml", "--set", "C_m=100", "--duration", "400", "-q")
    answer = bgnest(*arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    row = next(line for line in answer.stdout.splitlines() if line.startswith("time constant"))
    assert float(row.split()[2]) == pytest.approx(10.0, rel=0.02)
    assert (tmp_path / "characteristics" / "mine" / "mine.png").is_file()


OF_ONES_OWN = """
model names_of_ones_own:
    state:
        U mV = level
        timer ms = 0 ms
    equations:
        kernel psp = exp(-t / tau_in)
        inline syn pA = convolve(psp, spikes_in) * 1 pA
        U' = -(U - level) / tau + (syn + injected) / cap
    parameters:
        level mV = -65 mV
        crit mV = -50 mV
        tau ms = 15 ms
        cap pF = 100 pF
        tau_in ms = 3 ms
        dead_time ms = 2 ms
    input:
        spikes_in <- spike
        injected pA <- continuous
    output:
        spike
    update:
        if timer > 0 ms:
            timer -= resolution()
        else:
            integrate_odes(U)
            if U >= crit:
                emit_spike()
                U = level
                timer = dead_time
"""


def test_a_model_of_ones_own_is_characterised_by_its_file(bgnest, tmp_path):
    """No name in it is one of ours, and no setting says where it lies."""
    (tmp_path / "names_of_ones_own.nestml").write_text(OF_ONES_OWN)
    arguments = ("characterise", "names_of_ones_own.nestml", "--duration", "400", "-q", "--json")
    answer = bgnest(*arguments, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    found = {measure["name"]: measure["value"] for measure in json.loads(answer.stdout)["measures"]}
    assert found["resting potential"] == pytest.approx(-65.0, abs=1e-3)
    assert found["input resistance"] == pytest.approx(150.0, rel=1e-3)
    assert found["time constant"] == pytest.approx(15.0, rel=0.01)
    assert found["rheobase"] == pytest.approx(100.0, rel=0.05)


def test_a_model_without_current_says_what_it_lacks(bgnest, tmp_path):
    lines = [line for line in OF_ONES_OWN.splitlines() if "continuous" not in line]
    (tmp_path / "names_of_ones_own.nestml").write_text("\n".join(lines).replace("(syn + injected)", "syn"))
    answer = bgnest("characterise", "names_of_ones_own.nestml", "-q", cwd=tmp_path)
    assert answer.returncode == 1 and "I_stim pA <- continuous" in answer.stderr, answer.stderr
    assert str(tmp_path / "names_of_ones_own.nestml") in answer.stderr
