"""Kinds of receptors: told from the model, free names of ports and parameters, units and signs of weights."""

from pathlib import Path

import pytest

from network import resources
from network.errors import SpecError
from network.experiment import dump_experiment, load_experiment
from network.experiment.nestml import parse_nestml
from network.plans import make_plan, plan_from_dict

CELL = (Path(__file__).parent / "data" / "currents.yaml").read_text()
MINUS = "+ 0) * 1 pA -"


def problems(path, *overrides):
    with pytest.raises(SpecError) as caught:
        load_experiment(path, overrides=overrides)
    return caught.value.problems


def test_a_cell_with_currents_needs_no_reversal_potential_and_no_constant_current(currents):
    plan = make_plan(load_experiment(currents()))
    (cell,) = plan.populations
    assert cell.params["tau_a"] == 2.0 and cell.params["tau_b"] == 3.0
    assert {name: (r.port, r.unit, r.effect) for name, r in cell.receptors.items()} == {
        "a": ("a_spikes", "pA", 1),
        "b": ("b_spikes", "pA", 1),
    }
    (projection,) = plan.projections
    assert (projection.weight.low, projection.weight.high) == pytest.approx((-6.0, -4.0))  # nA in the file
    assert plan_from_dict(plan.to_dict()) == plan


def test_what_the_model_subtracts_inhibits(currents):
    (cell,) = make_plan(load_experiment(currents(MINUS))).populations
    assert {name: r.effect for name, r in cell.receptors.items()} == {"a": 1, "b": -1}
    experiment = load_experiment(currents(MINUS), overrides=["populations.X.receptors.b.effect=excitatory"])
    assert make_plan(experiment).populations[0].receptors["b"].effect == 1


def test_the_resolved_experiment_loads_to_the_same(currents, tmp_path):
    experiment = load_experiment(currents(), overrides=["projections.X_to_X.weight=7"])
    (tmp_path / "again.yaml").write_text(dump_experiment(experiment))
    again = load_experiment(tmp_path / "again.yaml")
    assert again.projections == experiment.projections and again.populations == experiment.populations
    assert experiment.projections["X_to_X"].weight.unit == "pA"


@pytest.mark.parametrize("key", ["weight", "weights.b"])
def test_a_weight_in_the_unit_of_another_kind_is_refused_with_its_place(currents, key):
    entry = "projections.X_to_X.weight" if key == "weight" else "inputs.in_X.weights.b"
    (problem,) = problems(currents(), f"{entry}={{value: 2, unit: nS, assumed: t}}")
    assert "command line" in problem and f"{entry}: wrong unit 'nS'; accepted: pA" in problem and "current" in problem
    text = CELL.replace("{value: 20, unit: pA", "{value: 20, unit: nS")
    (problem,) = problems(currents(text=text))
    line = 1 + text[: text.index("weights: {b")].count("\n")
    assert problem.startswith(f"own.yaml:{line}: inputs.in_X.weights.b: ") or f"own.yaml:{line}: " in problem


def test_a_current_is_no_unit_of_a_conductance(tiny_params):
    (problem,) = problems("tiny", "projections.P_to_Q.weight={value: 2, unit: pA, assumed: t}")
    assert "wrong unit 'pA'; accepted: nS" in problem and "'exc' of Q is a conductance" in problem
    (problem,) = problems("tiny", "projections.P_to_Q.weight=-2")
    assert "at least 0" in problem


def test_a_kind_that_there_is_not_is_refused(currents):
    assert "kind must be one of" in "\n".join(problems(currents(), "populations.X.receptors.a.kind=magnetic"))


def test_ports_and_parameters_that_a_model_does_not_have(currents):
    (port, *_) = problems(currents(), "populations.X.receptors.a.port=c_spikes")
    assert "receptors.a.port: not a port of psc; did you mean" in port or "ports: a_spikes, b_spikes" in port
    found = problems(currents(), "populations.X.receptors.a.E_rev=0")
    assert any("psc has no parameter 'E_rev_a_spikes'" in problem for problem in found) and len(found) == 1
    (problem,) = problems(currents(), "populations.X.receptors.a.parameters.tau_a={value: 2, unit: mV, assumed: t}")
    assert "wrong unit 'mV'" in problem
    (problem,) = problems(currents(), "populations.X.receptors.b.parameters.tau_a={value: 2, unit: ms, assumed: t}")
    assert "tau_a of psc has a value in receptors.a, too" in problem
    (problem,) = problems(currents(), "projections.X_to_X.receptor=a_spikes")
    assert "X has no receptor 'a_spikes'" in problem


def test_parameters_of_ports_may_stand_with_those_of_the_cell(currents):
    start, end = CELL.index("    receptors:"), CELL.index("projections:")
    neuron = "      tau_a: {value: 2, unit: ms, assumed: t}\n      tau_b: {value: 3, unit: ms, assumed: t}\n"
    text = (CELL[:start] + neuron + CELL[end:]).replace("receptor: a,", "receptor: a_spikes,")
    plan = make_plan(load_experiment(currents(text=text.replace("weights: {b:", "weights: {b_spikes:"))))
    assert {name: r.unit for name, r in plan.populations[0].receptors.items()} == {"a_spikes": "pA", "b_spikes": "pA"}


def test_ports_that_nest_tells_apart_by_the_sign_of_weights(currents):
    (problem,) = problems(currents(qualifier="excitatory "))
    assert "a negative weight never reaches the port 'a_spikes' of psc, which is excitatory" in problem
    text = CELL.replace("port: a_spikes,", "port: a_spikes, kind: conductance,").replace(
        "{value: -0.005, unit: nA", "{value: 5, unit: nS"
    )
    (projection,) = make_plan(load_experiment(currents(qualifier="inhibitory ", text=text))).projections
    assert (projection.weight.low, projection.weight.high) == pytest.approx((-6.0, -4.0))


@pytest.mark.parametrize(
    ("term", "unit", "reversal"),
    [
        ("inline I pA = unit_psg * convolve(K, s) * (V_m - E_exc)", "nS", "E_exc"),
        ("inline I pA = (G_0 + unit_psg * convolve(K, s)) * (V_m - E_exc)", "nS", "E_exc"),
        ("recordable inline g nS = convolve(K, s) * 1 nS", "nS", ""),
        ("inline I pA = unit_psc * convolve(K, s)", "pA", ""),
        ("V_m' = -(V_m - E_L) / tau_m + unit_psp * convolve(K, s) / (1 ms) + I_e / C_m", "mV", ""),
        ("inline x real = convolve(K, s)", "", ""),
        ("V_m' = (G_0 * (E_L - V_m) + convolve(K, s) * pA + I_e) / C_m", "pA", ""),
        ("V_m' = (G_0 * (E_x - V_m) - convolve(K, s) * nS * (V_m - E_exc) + I_e) / C_m", "nS", "E_exc"),
        ("V_m' = (G_0 * (E_x - V_m) + convolve(K, s) * nS * (0 mV - V_m) + I_e) / C_m", "nS", ""),
        ("V_m' = (G_0 * (E_x - V_m) + (I_e + 2 * (unit_psc * convolve(K, s) + I_e))) / C_m", "pA", ""),
        ("x' = (1 + (I_e / pA + convolve(K, s)) * cos(x)) / tau_m", "", ""),
    ],
)
def test_what_a_spike_does_is_told_from_the_equations(term, unit, reversal):
    text = f"""
model cell:
    state:
        V_m mV = 0 mV
    equations:
        {term}
    parameters:
        C_m pF = 1 pF
        I_e pA = 0 pA
        G_0 nS = 1 nS
        E_exc mV = 0 mV
        E_x mV = 0 mV
        E_L mV = 0 mV
        tau_m ms = 1 ms
    internals:
        unit_psg nS = 1 nS
        unit_psc pA = 1 pA
        unit_psp mV = 1 mV
    input:
        s <- spike
"""
    use = parse_nestml(text).uses["s"]
    assert (use.unit, use.reversal) == (unit, reversal)


@pytest.mark.parametrize(
    "equation",
    [
        "(-g_L * (V_m - E_L) - g_a * (V_m - E_a) - g_b * (V_m - E_b)) / C_m",
        "-(V_m - E_L) / tau_m + (g_b * (E_b - V_m) + 2 * (g_a * (E_a - V_m))) / C_m",
    ],
)
def test_every_conductance_has_its_own_reversal_in_a_sum_within_brackets(equation):
    text = f"""model several:
    state:
        V_m mV = -70 mV
    equations:
        kernel K = exp(-t / tau)
        inline g_a nS = convolve(K, a) * 1 nS
        inline g_b nS = convolve(K, b) * 1 nS
        V_m' = {equation}
    parameters:
        C_m pF = 200 pF
        g_L nS = 10 nS
        tau ms = 5 ms
        tau_m ms = 10 ms
        E_L mV = -70 mV
        E_a mV = 0 mV
        E_b mV = -80 mV
    input:
        a <- spike
        b <- spike
"""
    assert {port: use.reversal for port, use in parse_nestml(text).uses.items()} == {"a": "E_a", "b": "E_b"}


@pytest.mark.parametrize("path", sorted(Path(resources.nestml_dir()).glob("*.nestml")), ids=lambda p: p.stem)
def test_our_own_models_have_conductances_or_say_otherwise(path):
    model = parse_nestml(path.read_text())
    currents = "_psc_" in path.name
    assert {port: (use.unit, use.reversal) for port, use in model.uses.items()} == {
        port: ("pA", "") if currents else ("nS", f"E_rev_{port}") for port in model.ports
    }


def test_an_overlay_that_says_the_kind_keeps_what_the_receptor_has(currents):
    said = make_plan(load_experiment(currents(), overrides=["populations.X.receptors.a.kind=current"]))
    assert said.network_hash == make_plan(load_experiment(currents())).network_hash


def test_numbers_in_place_of_receptors_are_refused(user):
    with pytest.raises(SpecError, match=r"populations\.P\.receptors\.value"):
        user("overlay_of: tiny/base\npopulations: {P: {receptors: {value: 1.0, unit: s, assumed: x}}}\n")
