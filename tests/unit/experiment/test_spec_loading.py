"""Includes, overlays and overrides; and that the origin of every value survives them."""

import os

import pytest
import yaml

from network.errors import SpecError
from network.experiment import (
    dump_experiment,
    experiment_origins,
    files,
    list_experiments,
    list_overlays,
    load_experiment,
)
from network.plans import make_plan


def weight(experiment, name="P_to_Q"):
    return experiment.projections[name].weight


def test_include_and_conversion_to_nest_units(tiny_params):
    experiment = load_experiment("tiny/base")
    c_m = experiment.populations["P"].neuron["C_m"]
    assert (c_m.value, c_m.unit, c_m.source) == (100.0, "pF", "book")
    delay = experiment.projections["P_to_Q"].delay
    assert (delay.value, delay.unit) == (pytest.approx(1.7), "ms")
    assert experiment.populations["P"] == experiment.populations["Q"]


def test_overlay_replaces_a_quantity_as_a_whole(published):
    experiment = published("projections: {Q_to_Q: {weight: {value: 0.003, unit: uS, source: paper}}}")
    changed = weight(experiment, "Q_to_Q")
    assert (changed.value, changed.unit, changed.source) == (3.0, "nS", "paper")
    assert changed.assumed is None  # the reason of the value below must not stick to the new one
    assert experiment.projections["Q_to_Q"].delay.value == 2.0


def test_scale_and_add(published):
    experiment = published(
        "projections:\n  P_to_Q: {weight: {scale: 1.5, source: paper}, delay: {add: 500, unit: us, source: paper}}\n"
    )
    assert weight(experiment).value == 3.0
    assert weight(experiment).source == "paper"
    assert weight(experiment).note == "1.5 x 2 (source: book)"
    assert experiment.projections["P_to_Q"].delay.value == pytest.approx(2.2)


def test_globs_reach_every_match_and_later_keys_win(published):
    experiment = published(
        "projections:\n"
        "  '*': {delay: {value: 3.0, unit: ms, source: paper}}\n"
        "  Q_to_?: {delay: {value: 4.0, unit: ms, source: paper}}\n"
    )
    assert [p.delay.value for p in experiment.projections.values()] == [3.0, 4.0]


def test_null_removes(published):
    experiment = published("projections: {Q_to_Q: null, P_to_Q: {weight_spread: null}}")
    assert list(experiment.projections) == ["P_to_Q"]
    assert experiment.projections["P_to_Q"].weight_spread is None


def test_another_kind_of_modulation_replaces_the_old_one(tiny_params, published):
    square = (
        "{kind: square, frequency: {value: 20, unit: Hz, source: book}, amplitude: {value: 0.1, unit: 1, source: book}}"
    )
    (tiny_params / "tiny" / "modulated.yaml").write_text(
        f"overlay_of: base\ninputs: {{X_to_P: {{modulation: {square}}}}}"
    )
    (tiny_params / "tiny" / "overlays" / "pulse.yaml").write_text(
        "overlay_of: ../base\n"
        "inputs: {X_to_P: {modulation: {kind: pulse, start: {value: 10, unit: ms, source: book}, "
        "duration: {value: 5, unit: ms, source: book}, factor: {value: 3, unit: 1, source: book}}}}\n"
    )
    experiment = load_experiment("tiny/modulated", ["pulse"])
    assert experiment.inputs["X_to_P"].modulation.kind == "pulse"
    plan = make_plan(experiment)
    assert plan.inputs[0].rate == 400.0
    assert plan.inputs[0].waveform.value(12.0) == pytest.approx(3.0)


def test_override_keeps_the_unit_and_says_who_set_it(tiny_params):
    experiment = load_experiment("tiny", overrides=["projections.P_to_Q.delay=0.002"])
    delay = experiment.projections["P_to_Q"].delay
    assert delay.value == 2.0  # the file has seconds
    assert delay.source is None
    assert delay.set_by == "command line"
    assert str(experiment.origin("projections.P_to_Q.delay")) == "command line (projections.P_to_Q.delay=0.002)"


def test_overrides_of_every_kind(tiny_params):
    experiment = load_experiment(
        "tiny",
        overrides=[
            "simulation.seed=7",
            "simulation.t_sim=0.5 s",
            "simulation.drive=device",
            "projections.*.delay_spread=2.5e-1",
            "projections.Q_to_Q.weight.scale=1e-1",
            "projections.P_to_Q.enabled=off",
            "recording.spikes=[P]",
            "recording.traces.P.cells=4",
            "populations.Q.neuron.I_e=12",
        ],
    )
    assert experiment.simulation.seed == 7
    assert experiment.simulation.t_sim.value == 500.0
    assert experiment.simulation.drive == "device"
    assert [p.delay_spread.value for p in experiment.projections.values()] == [0.25, 0.25]
    assert weight(experiment, "Q_to_Q").value == pytest.approx(0.1)
    assert not experiment.projections["P_to_Q"].enabled
    assert experiment.recording.spikes == ("P",)
    assert experiment.recording.traces["P"].cells == 4
    # P and Q share their cells in the file, but not in the experiment
    assert experiment.populations["Q"].neuron["I_e"].value == 12.0
    assert experiment.populations["P"].neuron["I_e"].value == 0.0


def test_overrides_as_a_mapping(tiny_params):
    experiment = load_experiment("tiny", overrides={"network.n_neurons": 200, "network.dopamine": 0.25})
    assert (experiment.network.n_neurons.value, experiment.network.dopamine.value) == (200, 0.25)


def test_override_without_value_is_refused(tiny_params):
    with pytest.raises(SpecError, match=r"'simulation.seed' is not KEY.PATH=VALUE"):
        load_experiment("tiny", overrides=["simulation.seed"])


def test_bare_numbers_in_a_users_overlay(user):
    experiment = user(
        "projections:\n"
        "  Q_to_P:\n"
        "    {source: Q, target: P, receptor: inh, in_degree: 3, weight: 0.7, delay: 1.5}\n"
        "populations: {P: {neuron: {C_m: 0.2}}}\n"
    )
    new = experiment.projections["Q_to_P"]
    assert (new.in_degree.value, new.weight.value, new.weight.unit) == (3, 0.7, "nS")
    assert new.weight.set_by == "mine.yaml"
    assert experiment.populations["P"].neuron["C_m"].value == 200.0  # 0.2 nF, the unit of the value replaced
    assert str(experiment.origin("projections.Q_to_P.weight")) == "mine.yaml:3"


def test_a_population_of_the_user_with_a_fixed_size(user, tmp_path):
    experiment = user(
        "populations:\n"
        "  R:\n"
        "    label: mine\n"
        "    model: tiny\n"
        "    transmitter: GABA\n"
        "    n_neurons: 7\n"
        "    neuron: {C_m: 50, g_L: 5, E_L: -65, V_th: -50, I_e: 0,\n"
        "             a: {value: 0.1, unit: 1/ms, assumed: mine}, p: {value: 1, unit: 1, assumed: mine}}\n"
        "    receptors:\n"
        "      exc: {tau_syn: 2, E_rev: 0, V_act: -20, S_act: 16}\n"
        "      inh: {tau_syn: 5, E_rev: -70}\n"
    )
    plan = make_plan(experiment)
    assert [(p.name, p.n_neurons) for p in plan.populations] == [("P", 50), ("Q", 50), ("R", 7)]
    assert plan.population("R").first_id == 100
    assert plan.population("R").params["C_m"] == 50.0


def test_origins_name_file_and_line(published, tiny_params):
    experiment = published("projections: {Q_to_Q: {weight: {value: 3.0, unit: nS, source: paper}}}")
    assert str(experiment.origin("projections.Q_to_Q.weight")) == "tiny/overlays/change.yaml:2"
    origin = experiment.origin("populations.P.neuron.g_L")
    text = (tiny_params / "tiny" / "cells.yaml").read_text().splitlines()
    assert origin.where == "tiny/cells.yaml"
    assert "g_L" in text[origin.line - 1]
    origins = experiment_origins(experiment)
    assert origins["network.dopamine"].startswith("tiny/base.yaml:")
    assert origins["projections.Q_to_Q.weight"].startswith("tiny/overlays/change.yaml:2; source paper: ")
    # the value below the overlay is gone, and so is its origin
    assert not any(key.startswith("projections.Q_to_Q.weight.") for key in origins)


def test_every_quantity_has_an_origin(tiny_params):
    experiment = load_experiment("tiny", overrides=["network.dopamine=0.1"])

    def quantities(node, path=()):
        for key, child in node.items():
            if isinstance(child, dict):
                if "value" in child:
                    yield ".".join((*path, key))
                else:
                    yield from quantities(child, (*path, key))

    found = list(quantities(experiment.to_dict()))
    assert len(found) > 50
    assert set(found) <= set(experiment.origins)


def test_resolved_experiment_loads_to_the_same(tiny_params, tmp_path):
    experiment = load_experiment("tiny", overrides=["projections.P_to_Q.weight=1e-07", "simulation.seed=3"])
    path = tmp_path / "params.yaml"
    path.write_text(dump_experiment(experiment))
    again = load_experiment(path)
    assert again.to_dict() == experiment.to_dict()
    assert make_plan(again).simulation_hash == make_plan(experiment).simulation_hash
    # readable by any YAML reader as numbers
    assert yaml.safe_load(path.read_text())["projections"]["P_to_Q"]["weight"]["value"] == 1e-7


def test_resolved_lindahl_network_loads_to_the_same(tmp_path):
    experiment = load_experiment("lindahl2016/slow_wave_depleted", ["paper_table_rates"])
    path = tmp_path / "params.yaml"
    path.write_text(dump_experiment(experiment))
    assert make_plan(load_experiment(path)).to_dict() == make_plan(experiment).to_dict()


def test_names_of_runs(tiny_params, tmp_path):
    assert load_experiment("tiny").name == "tiny-base"
    assert load_experiment("tiny", overrides=["meta.name=my-run"]).name == "my-run"
    (tmp_path / "my run.yaml").write_text("overlay_of: tiny/base\n")
    assert load_experiment(tmp_path / "my run.yaml").name == "my_run"


def test_the_name_of_a_network_means_its_base(tiny_params, tmp_path):
    """In `overlay_of` as on the command line: below the params, and beside the file."""
    (tmp_path / "mine.yaml").write_text("overlay_of: tiny\nsimulation: {seed: 5}\n")
    assert load_experiment(tmp_path / "mine.yaml").meta.model == "tiny"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "base.yaml").write_text("overlay_of: tiny/base\nmeta: {title: deep}\n")
    (tmp_path / "other.yaml").write_text("overlay_of: deep\n")
    assert load_experiment(tmp_path / "other.yaml").meta.title == "deep"
    (tmp_path / "wrong.yaml").write_text("overlay_of: tinny\n")
    with pytest.raises(SpecError, match=r"no file 'tinny'; files and experiments: .*tiny/base"):
        load_experiment(tmp_path / "wrong.yaml")


def test_an_overlay_brings_the_overlays_it_stands_on(tiny_params):
    (tiny_params / "tiny" / "one.yaml").write_text("# first\noverlay_of: base\nsimulation: {seed: 5}\n")
    (tiny_params / "tiny" / "two.yaml").write_text("# second\noverlay_of: one\nrecording: {spikes: [P]}\n")
    experiment = load_experiment("tiny", ["two"])
    assert experiment.simulation.seed == 5
    assert experiment.recording.spikes == ("P",)
    (tiny_params / "tiny" / "part.yaml").write_text("# a part of others\nsimulation: {seed: 5}\n")
    (tiny_params / "tiny" / "whole.yaml").write_text("# another network\nmeta: {model: tiny}\n")
    listed = {"base": "A tiny network", "one": "first", "two": "second", "whole": "another network"}
    assert list_experiments() == {f"tiny/{name}": comment for name, comment in listed.items()}
    assert list_overlays("tiny") == {"one": "first", "two": "second"}


def test_overlay_of_another_network_is_refused(tiny_params, tmp_path):
    (tiny_params / "other.yaml").write_text("meta: {title: other}\n")
    (tmp_path / "wrong.yaml").write_text("overlay_of: other\n")
    with pytest.raises(SpecError, match=r"other\.yaml is not part of this experiment; loaded: .*tiny/base\.yaml"):
        load_experiment("tiny", [tmp_path / "wrong.yaml"])


def test_circles_are_refused(tiny_params):
    (tiny_params / "tiny" / "a.yaml").write_text("include: b\n")
    (tiny_params / "tiny" / "b.yaml").write_text("include: a\n")
    with pytest.raises(SpecError, match=r"tiny/a.yaml -> tiny/b.yaml -> tiny/a.yaml"):
        load_experiment("tiny/a")


def test_an_empty_mapping_empties_a_section_and_null_removes_a_key(tiny_params, user):
    assert load_experiment("tiny").recording.traces
    assert load_experiment("tiny", overrides=["recording.traces={}"]).recording.traces == {}
    assert load_experiment("tiny", overrides=["recording.traces=null"]).recording.traces == {}
    assert user("recording: {traces: {}}\n").recording.traces == {}
    assert user("inputs: {}\nprojections: {}\n").inputs == {}
    with pytest.raises(SpecError, match=r"projections\.P_to_Q\.weight\.value: is missing"):
        load_experiment("tiny", overrides=["projections.P_to_Q.weight={}"])


def test_pipes_are_refused_by_name_and_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("pipe", "other.yaml"):
        os.mkfifo(name)
    (tmp_path / "mine.yaml").write_text("overlay_of: pipe\n")
    for name, found in (("pipe", "^pipe"), ("other", "other.yaml"), ("mine.yaml", "mine.yaml:1: overlay_of: .*pipe")):
        with pytest.raises(SpecError, match=f"{found}: is not a file|no experiment '{name}'"):
            load_experiment(name)
    with pytest.raises(SpecError, match="no overlay 'pipe'"):
        load_experiment("lindahl2016/activation_control", ["pipe"])


def test_the_name_of_a_file_of_the_working_directory_needs_no_suffix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("overlay_of: lindahl2016/activation_control\nnetwork: {n_neurons: 20000}\n")
    assert load_experiment("mine").network.n_neurons.value == 20000


@pytest.mark.parametrize("place", ["me@there/mine.yaml", "mi@ne.yaml", "me@there/mi@ne.yaml"])
def test_names_of_files_and_folders_may_have_the_sign_of_variants(tmp_path, monkeypatch, place):
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    variants = "variants: {few: {changes: {network: {n_neurons: 20000}}}}"
    file.write_text(f"overlay_of: lindahl2016/activation_control\n{variants}\n")
    monkeypatch.chdir(tmp_path)
    for name in (file, place, place.removesuffix(".yaml") if "/" in place else f"./{place}"):
        assert load_experiment(name).network.n_neurons.value == 80000
        assert load_experiment(f"{name}@few").network.n_neurons.value == 20000
    assert files.beside(file.stem, file.parent) == str(file)
    assert files.beside(f"{file.name}@few", file.parent) == f"{file}@few"
