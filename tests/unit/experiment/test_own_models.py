"""Any NESTML neuron in a network: ports, parameters and currents by the model's own names, values from its file."""

import json
import sys
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from network.cli.main import app
from network.errors import SpecError
from network.experiment import dump_experiment, load_experiment
from network.experiment.example import example_of
from network.experiment.nestml import model_interfaces, parse_nestml
from network.plans import make_plan, plan_from_dict

INSTALLED = Path(sys.prefix) / "models" / "neurons"
NEURONS = sorted(path.stem for path in INSTALLED.glob("*.nestml"))
INHIBITORY = {"inh_spikes", "GABA_A", "GABA_B"}
UNITS = {"psc": "pA", "cond": "nS"}

CELL = """model bare:
    state:
        V_m mV = -65 mV
    equations:
        kernel K = exp(-t / tau_s)
        V_m' = -V_m / tau_m + (convolve(K, spikes) * 1 pA + I_dend + I_soma) / C_m
    parameters:
        tau_m ms = 0.02 s
        tau_s ms = 2 ms
        C_m pF = 200 pF [[C_m > 0 pF]]
        scale real = 1E-1
        odd mol = 3 mol
        I_bias nA = 0.1 nA
    input:
        spikes <- spike
        I_dend pA <- continuous
        I_soma pA <- continuous
    output:
        spike
    update:
        integrate_odes()
    onCondition(V_m > 10 mV):
        emit_spike()
"""


@pytest.fixture
def installed(monkeypatch):
    if not NEURONS:
        pytest.skip("this NESTML has been installed without its models")
    monkeypatch.setenv("BGNEST_MODELS", str(INSTALLED))


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Write the example of a model without I_e, refractory time and reversal potentials, with changes of its text."""
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    (tmp_path / "bare.nestml").write_text(CELL)

    def write(*changes):
        text = example_of("bare", model_interfaces()["bare"])
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "net.yaml").write_text(text)
        return tmp_path / "net.yaml"

    return write


@pytest.mark.parametrize("name", NEURONS or ["none"])
def test_every_neuron_of_nestml_stands_in_a_network_by_its_own_names(name, installed, tmp_path):
    model = model_interfaces()[name]
    (tmp_path / "net.yaml").write_text(example_of(name, model))
    plan = make_plan(load_experiment(tmp_path / "net.yaml"))
    assert plan_from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert {p.receptor for p in plan.projections} == set(model.ports)
    (_, cell) = plan.populations
    assert cell.params == {key: value for key, (value, *_) in model.defaults.items()} or "u" in str(model.parameters)
    for port in model.ports:
        receptor = cell.receptors[port]
        if receptor.unit == "nS":
            assert receptor.effect == (-1 if port in INHIBITORY else 1)
        expected = {unit for part, unit in UNITS.items() if f"_{part}_" in name and "delta" not in name}
        assert not expected or receptor.unit in expected


def test_values_of_the_file_have_their_place_in_it_and_nest_s_unit(bare, tmp_path):
    experiment = load_experiment(bare())
    (cell, _) = make_plan(experiment).populations
    assert cell.params == {"tau_m": 20.0, "tau_s": 2.0, "C_m": 200.0, "scale": 0.1, "I_bias": 100.0}
    assert str(experiment.origin("populations.source.neuron.C_m")).startswith(f"{tmp_path / 'bare.nestml'}:10")
    (tmp_path / "again.yaml").write_text(dump_experiment(experiment))
    assert make_plan(load_experiment(tmp_path / "again.yaml")).network_hash == make_plan(experiment).network_hash


def test_what_is_given_goes_before_what_the_file_declares(bare):
    given = (
        "receptors: {in: {port: spikes, parameters: {tau_s: {value: 5, unit: ms, assumed: t}}}}\n    defaults: model"
    )
    path = bare(("defaults: model", given), ("receptor: spikes", "receptor: in"), ("weights: {spikes", "weights: {in"))
    (cell, _) = make_plan(load_experiment(path, overrides=["populations.source.neuron.tau_m=7 ms"])).populations
    assert (cell.params["tau_s"], cell.params["tau_m"], cell.params["C_m"]) == (5.0, 7.0, 200.0)


def test_without_the_word_every_parameter_must_be_given_and_the_error_says_the_word(bare):
    with pytest.raises(SpecError) as caught:
        load_experiment(bare(("    defaults: model", "    # ")))
    assert (
        "no value for parameters of bare: tau_m, tau_s, C_m, scale, odd, I_bias; give them, or write `defaults: mo"
        in (str(caught.value))
    )


def test_currents_go_to_the_continuous_ports_that_are_named(bare):
    plan = make_plan(load_experiment(bare()))
    assert [(c.target, c.port, c.times, c.amplitudes) for c in plan.currents] == [
        ("target", "I_dend", (50.0, 150.0), (200.0, 0.0)),
        ("target", "I_soma", (50.0, 150.0), (200.0, 0.0)),
    ]
    assert plan.segments == ()
    without = make_plan(load_experiment(bare(), overrides=["currents.into_I_soma.enabled=false"]))
    assert len(without.currents) == 1 and without.simulation_hash != plan.simulation_hash
    assert without.network_hash == plan.network_hash


def test_currents_onto_another_parameter_than_i_e(bare):
    plan = make_plan(load_experiment(bare(("port: I_dend", "parameter: I_bias"))))
    assert [(s.time, s.params) for s in plan.segments] == [
        (50.0, {"target": {"I_bias": 300.0}}),
        (150.0, {"target": {"I_bias": 100.0}}),
    ]
    assert [c.port for c in plan.currents] == ["I_soma"]


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (
            "",
            "target (bare) has no parameter I_e to add a current to; say where it goes: parameter: I_bias, port:",
        ),
        ("port: I_den, ", "port: not a continuous port of bare; did you mean 'I_dend'?"),
        ("parameter: I_soma, ", "target (bare) has no parameter I_soma to add a current to"),
        ("parameter: tau_m, ", "parameter: tau_m of bare is in ms, not a current"),
        ("parameter: I_bias, port: I_dend, ", "give 'parameter' or 'port', not both"),
    ],
)
def test_where_a_current_goes_is_asked_for_with_the_choices(bare, new, message):
    with pytest.raises(SpecError) as caught:
        load_experiment(bare(("port: I_dend, ", new)))
    (problem,) = caught.value.problems
    assert "net.yaml:" in problem and message in problem


def test_a_current_takes_the_only_way_there_is(bare, tmp_path):
    text = CELL.replace("        I_dend pA <- continuous\n", "").replace("I_dend + ", "")
    (tmp_path / "bare.nestml").write_text(text)
    (current,) = make_plan(load_experiment(bare(("port: I_soma, ", "")))).currents
    assert current.port == "I_soma"


def test_the_sign_that_a_port_wants_is_said(installed, tmp_path):
    text = example_of("iaf_psc_exp_neuron", model_interfaces()["iaf_psc_exp_neuron"])
    (tmp_path / "net.yaml").write_text(text.replace("value: -60", "value: 60"))
    with pytest.raises(SpecError, match=r"never reaches the port 'inh_spikes' .* inhibitory; write -60 pA"):
        load_experiment(tmp_path / "net.yaml")


def test_reversal_potentials_are_found_under_other_names():
    text = "model m:\n    equations:\n        inline I pA = -convolve(K, A) * 1 nS * (V_m - A_E_rev)\n"
    text += "    parameters:\n        A_E_rev mV = -80 mV\n    input:\n        A <- spike\n"
    model = parse_nestml(text)
    assert (model.uses["A"].unit, model.uses["A"].reversal) == ("nS", "A_E_rev")


def test_models_lie_beside_the_parameters_of_a_user(tmp_path, monkeypatch):
    for place in ("", "nestml_models", "net"):
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        (folder / f"bare_{place or 'top'}.nestml").write_text(CELL.replace("bare", f"bare_{place or 'top'}"))
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    assert {"bare_top", "bare_nestml_models", "bare_net"} <= set(model_interfaces())


def test_the_example_of_a_model_is_a_command_and_runs_without_a_simulator(bare, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(app, ["models", "example", "bare", "--out", "mine.yaml"]).exit_code == 0
    mock = "simulation.mock={rate: {value: 20, unit: spikes/s, assumed: t}}"
    done = runner.invoke(app, ["run", "mine.yaml", "--set", mock, "--out", "out", "--no-figures"])
    assert done.exit_code == 0, done.output
    assert "target" in done.output and (tmp_path / "out" / "report_target_V_m.h5").is_file()


def test_bare_numbers_have_the_units_of_the_model_wherever_they_stand(installed, tmp_path):
    """Of a port's own parameters, and of a NESTML synapse, as of the cell; a wrong name is told as that alone."""
    text = """
    overlay_of: lindahl2016
    populations:
      X:
        label: X
        model: iaf_psc_exp_neuron
        n_neurons: 5
        defaults: model
        neuron: {tau_m: 12}
        receptors: {wire: {port: exc_spikes, parameters: {tau_syn_exc: 3}}}
    projections:
      STN_to_X:
        {source: STN, target: X, receptor: wire, in_degree: 2, weight: 10, delay: 1.5,
         synapse: {kind: nestml, model: stdp_synapse, parameters: {tau_tr_pre: 30}}}
    """
    path = tmp_path / "mine.yaml"
    path.write_text(textwrap.dedent(text))
    experiment = load_experiment(path)
    own = experiment.populations["X"].receptors["wire"].parameters["tau_syn_exc"]
    assert (own.value, own.unit) == (3.0, "ms")
    synapse = experiment.projections["STN_to_X"].synapse.parameters["tau_tr_pre"]
    assert (synapse.value, synapse.unit) == (30.0, "ms")
    for name, wrong in (("tau_tr_pre", "tau_tr_pr"), ("tau_syn_exc", "tau_syn_ex"), ("tau_m:", "tau_mm:")):
        path.write_text(textwrap.dedent(text).replace(name, wrong))
        with pytest.raises(SpecError, match="did you mean") as caught:
            load_experiment(path)
        assert "no unit" not in str(caught.value), caught.value
