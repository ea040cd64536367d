"""Graded synapses as they are written: refusals in one sentence, plans, the text of the cells that have them."""

from pathlib import Path

import pytest

from network import resources
from network.engine.sums import evaluate
from network.errors import SpecError
from network.experiment import load_experiment
from network.experiment.currents import current_of_names, names_in
from network.experiment.graded_cells import Gate, GradedCells, Opened, current_of
from network.experiment.linear import why_not_linear
from network.experiment.nestml import model_interfaces, parse_nestml, read_nestml
from network.experiment.receptors import GradedReceptor
from network.plans import make_plan, plan_from_dict

DATA = Path(__file__).parents[2] / "nest" / "data" / "graded"
DRAWN = "{distribution: uniform, low: {value: 1, unit: mV, assumed: t}, high: {value: 2, unit: mV, assumed: t}}"
OF_SOURCE = "belongs to the source cells, all of whose synapses share it: give one number, not a distribution"
SYNAPSE = "projections.A_to_B.synapse"


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    """The models of these networks, and a folder for those of a test."""
    monkeypatch.setenv("BGNEST_MODELS", f"{tmp_path}:{DATA}")


def problems(name, *overrides):
    with pytest.raises(SpecError) as caught:
        make_plan(load_experiment(DATA / f"{name}.yaml", overrides=overrides))
    return caught.value.problems


def test_the_plan_has_gates_at_the_source_and_reversal_potentials_at_the_target():
    plan = make_plan(load_experiment(DATA / "mixed.yaml"))
    cells = plan.population("P")
    assert cells.gates == {"glu": "abbott_marder", "gaba": "tanh_rise"}
    assert {"v_th_glu": -55.0, "delta_glu": 3.0, "rate_gaba": 0.3, "E_rev_fast": 0.0, "E_rev_slow": -80.0}.items() <= (
        cells.params.items()
    )
    assert [cells.receptors[name].effect for name in ("fast", "slow")] == [1, -1]
    assert {plan.kept_by(p) for p in plan.projections} == {"compact"} and not plan.depends_on_split
    assert plan.recorders[0].units["g_fast"] == "nS" and plan.recorders[0].units["I_slow"] == "pA"
    assert plan_from_dict(plan.to_dict()) == plan
    assert plan.models_by_target == {}
    slower = make_plan(
        load_experiment(
            DATA / "mixed.yaml", overrides=[f"projections.{name}.synapse.k_minus=0.01" for name in ("opens", "shares")]
        )
    )
    assert slower.network_hash != plan.network_hash


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (f"{SYNAPSE}.k_minus={DRAWN}", f"{SYNAPSE}.k_minus: {OF_SOURCE}"),
        (f"{SYNAPSE}.v_th={DRAWN}", f"{SYNAPSE}.v_th: {OF_SOURCE}"),
        (f"{SYNAPSE}.delta={DRAWN}", f"{SYNAPSE}.delta: {OF_SOURCE}"),
        (f"{SYNAPSE}.s0={DRAWN}", f"{SYNAPSE}.s0: {OF_SOURCE}"),
        (f"{SYNAPSE}.parameters.v_th={DRAWN}", f"{SYNAPSE}.parameters.v_th: {OF_SOURCE}"),
        (f"{SYNAPSE}.delta=0", "0 mV must be greater than 0"),
        (f"{SYNAPSE}.k_minus={{value: 1, unit: mV, assumed: t}}", "wrong unit 'mV'; accepted: 1/ms"),
        (f"{SYNAPSE}.activation=tanhrise", "no activation 'tanhrise'; did you mean 'tanh_rise'"),
        (
            f"{SYNAPSE}.parameters.rate=1 1/ms",
            "rate: not a parameter of the activation abbott_marder; parameters: k_minus",
        ),
        ("projections.A_to_B.delay=0.01", "0.01 ms is shorter than the resolution of 0.025 ms"),
        ("simulation.wiring=nest", "NEST has no graded synapses; take simulation.wiring: compact"),
        ("simulation.target=plain", "graded synapses need cells of target 'vectorised' at both ends"),
        ("projections.A_to_B.receptor=exc", "'exc' of B is not a graded receptor"),
        ("populations.B.receptors.slow.current=I_x", "morris_lecar has no I_x that the current of this receptor"),
        ("populations.B.receptors.slow.current=C_m", "C_m of morris_lecar is in pF, not a current"),
        ("populations.B.receptors.slow.tau_syn=2", "a graded receptor has E_rev and current"),
        ("recording.traces.a.variables=[s_glu]", "morris_lecar cannot record 's_glu'"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(override, message):
    assert any(message in problem for problem in problems("pair", override))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("inputs.noise.weights.slow=1", "'slow' of P is a graded receptor, which no spikes reach"),
        ("projections.spikes.receptor=slow", "'slow' of P is a graded receptor, which no spikes reach"),
        ("projections.shares.synapse.v_th=-50", "give one of them another label"),
        ("projections.shares.synapse.s0=0.5", "give one of them another label"),
    ],
)
def test_spikes_and_shared_gates(override, message):
    (problem,) = problems("mixed", override)
    assert message in problem


def test_a_cell_without_a_potential_has_no_graded_synapses(tmp_path):
    text = (DATA / "morris_lecar.nestml").read_text().replace("V_m", "U")
    (tmp_path / "morris_lecar.nestml").write_text(text)
    found = problems("pair")
    assert any("A: morris_lecar has no potential V_m with an equation" in problem for problem in found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("s' = -s", "s' = -s\n        r' = -r", "one equation, that of s'"),
        ("s real = 0", "s real = 0\n        r real = 0", "one state, s, not s, r"),
        ("V_pre mV", "V mV", "one input, 'V_pre mV <- continuous', not V"),
        ("update:", "onCondition(s > 1):", "not onCondition"),
        (
            "integrate_odes()",
            "integrate_odes()\n        s = min(s, 1)",
            "nestml:10: the update block of an activation is",
        ),
        (
            "s' = -s",
            "s' = -s * s",
            "own.nestml:5: the equation of an activation must be linear in s, and s is multiplied",
        ),
        ("s' = -s", "s' = -s * (V_pre > 0 mV ? tanh(s) : 1)", "s is in tanh(); write it as s' = opening * (1 - s) - "),
        (
            "s' = -s",
            "inline x real = 1 + \\\n  s\n        s' = -s * x",
            "nestml:7: the equation of an activation must be",
        ),
    ],
)
def test_what_is_no_activation(tmp_path, old, new, message):
    text = """model own:
    state:
        s real = 0
    equations:
        s' = -s / ms + V_pre / (1 mV * ms)
    input:
        V_pre mV <- continuous
    update:
        integrate_odes()
"""
    (tmp_path / "own.nestml").write_text(text.replace(old, new))
    (problem, *_) = problems("pair", f"{SYNAPSE}={{kind: graded, activation: own}}")
    assert "own.nestml" in problem and message in problem


@pytest.mark.parametrize(
    ("overrides", "constants"),
    [
        (["activation=tanh_rise"], {}),
        (["parameters.rate=3 1/ms", "activation=tanh_rise"], {"rate": 3.0}),
        (["activation=tanh_rise", "s0=0.5"], {"s0": 0.5}),
        (["activation=abbott_marder"], {"k_minus": 0.1, "v_th": 0.0, "delta": 5.0, "s0": 0.1}),
        (["activation=tanh_rise", "activation=abbott_marder", "v_th=-5"], {"v_th": -5.0}),
    ],
)
def test_another_activation_takes_the_parameters_of_the_last_one_away(overrides, constants):
    changes = ["recording.traces={}", *(f"{SYNAPSE}.{override}" for override in overrides)]
    experiment = load_experiment(DATA / "pair.yaml", overrides=changes)
    changed, left = (experiment.projections[name].synapse_in_use for name in ("A_to_B", "B_to_A"))
    assert changed.constants == constants and left.constants["k_minus"] == 0.1
    assert changed.activation == ("abbott_marder" if "v_th" in constants else "tanh_rise")


def test_equations_that_are_linear_in_s():
    for text in (
        "(s_inf - s) / tau",
        "V_pre > -40 mV and not k ? s : 1 - s",
        "2 ms**-1 * -s + k**-V_pre * (1 - s)",
        "min(V_pre, 3.5e1 mV) * s",
        "x * s",
        "s *",  # no expression; NESTML will say so
    ):
        assert why_not_linear(text, "s", {"x": "k + V_pre", "y": "y"}) is None, text
    for text, why in {
        "k * s**2": "raised to a power",
        "k / (1 + s)": "in a divisor",
        "s > 0.5 ? k : -k": "in a condition",
        "y * s": "multiplied by itself",
        "1 - max(0, s)": "in max()",
    }.items():
        assert why_not_linear(text, "s", {"y": "x - 2 * x", "x": "(s)"}) == f"s is {why}", text


def test_the_text_of_a_cell_gains_what_it_needs_and_stays_otherwise(tmp_path):
    (tmp_path / "own.nestml").write_text(
        "model own:\n    state:\n        s real = 0\n    parameters:\n        tau ms = 3 ms  # V_pre is no word here\n"
        "    equations:\n        inline x real = \\\n            V_pre / 1 mV\n        s' = (x * (1 - s) - s) / tau\n"
        "    input:\n        V_pre mV <- continuous\n    update:\n        integrate_odes()\n"
    )
    text = (DATA / "morris_lecar.nestml").read_text()
    cells = GradedCells("morris_lecar", (Gate("glu", "own"),), (Opened("slow", "I_e"),))
    made = cells.text(text)
    assert "        inline x_glu real = V_m / 1 mV\n" in made
    assert "        s_glu' = (x_glu * (1 - s_glu) - s_glu) / tau_glu\n" in made
    assert "+ (I_e + I_slow)) / C_m" in made
    found = parse_nestml(made)
    assert {"s_glu": "real", "g_slow": "nS"}.items() <= found.states.items()
    assert {"tau_glu": "ms", "E_rev_slow": "mV", "I_e": "pA"}.items() <= found.parameters.items()
    assert set(cells.recordables) <= set(found.recordables)
    assert [line for line in text.splitlines() if line not in made.splitlines()] == [
        line for line in text.splitlines() if "V_m' =" in line
    ]


def test_a_name_that_the_model_has_already_is_refused():
    text = (DATA / "morris_lecar.nestml").read_text()
    with pytest.raises(SpecError, match="morris_lecar has a g_exc already; give the graded receptor exc another name"):
        GradedCells("morris_lecar", (), (Opened("exc", "I_e"),)).text(text)


EVERY_MODEL = sorted(path.stem for path in resources.nestml_dir().glob("*.nestml"))


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_every_model_of_the_package_opens_graded_receptors_and_has_them(name):
    """Its text gains the gate, and the current of the receptor has come into the equation of its potential."""
    model = model_interfaces()[name]
    current = current_of(
        GradedReceptor.model_validate({"kind": "graded", "E_rev": {"value": 0, "unit": "mV", "assumed": "t"}}), model
    )
    assert current, f"{name} takes no current"
    cells = GradedCells(name, (Gate("abbott_marder", "abbott_marder"),), (Opened("slow", current),))
    text = cells.text(read_nestml(resources.list_models()[name]))
    made = parse_nestml(text, name)
    assert {"s_abbott_marder", "g_slow", "I_slow"} <= set(made.recordables)
    assert set(made.ports) == set(model.ports) and set(model.recordables) < set(made.recordables)
    assert {"E_rev_slow", "v_th_abbott_marder"} <= made.parameters.keys() - model.parameters.keys()

    received = frozenset(carrier for use in model.uses.values() for carrier in use.carriers)
    formula = current_of_names(text, frozenset({"g_slow"}), received)
    values = dict.fromkeys(names_in(formula), 1.0) | {"C_m": 80.0, "g_slow": 3.0, "V_m": -60.0, "V_peak": 20.0}
    assert evaluate(formula, {**values, "E_rev_slow": -75.0}) == pytest.approx(3.0 * -15.0)
    assert evaluate(formula, {**values, "E_rev_slow": 0.0}) == pytest.approx(3.0 * 60.0)
