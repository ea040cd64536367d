"""What the command line changes about an experiment arrives in it, in every command that reads one."""

import json

import pytest
from typer.testing import CliRunner

from network.cli.main import app

CHANGES = ["--seed", "7", "--t-sim", "250", "--t-presim", "50", "--n-neurons", "10000", "--set", "network.dopamine=0.4"]


def bgnest(*words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_changes_arrive_in_the_plan():
    plan = json.loads(bgnest("plan", "lindahl2016/activation_depleted", *CHANGES, "--json"))
    assert (plan["seed"], plan["t_sim"], plan["t_presim"], plan["dopamine"]) == (7, 250.0, 50.0, 0.4)
    assert sum(population["n_neurons"] for population in plan["populations"]) == pytest.approx(10_000, abs=10)


def test_validate_and_submit_take_the_same_changes():
    shown = bgnest("validate", *CHANGES, "--show", "simulation")
    assert "simulation.seed = 7    [command line" in shown
    assert "simulation.t_presim = 50 ms" in shown
    same, other = (bgnest("submit", *CHANGES, "--seed", seed, "--dry-run") for seed in ("7", "8"))
    assert bgnest("submit", *CHANGES, "--dry-run") == same
    assert other != same  # another seed is another simulation, with a run folder of its own


def test_an_overlay_comes_before_the_short_options():
    plan = json.loads(bgnest("plan", "--overlay", "laptop", "--n-neurons", "9000", "--json"))
    assert sum(population["n_neurons"] for population in plan["populations"]) == pytest.approx(9000, abs=10)


def test_validate_shows_values_with_units_and_origins_and_no_sections():
    shown = bgnest("validate", "--set", "projections.FSN_to_MSN_D2.weight=18.5", "--show", "projections.FSN_to_MSN_D2")
    first, *lines = shown.splitlines()
    assert first == "lindahl2016-activation_control: valid"
    values = {path: rest for path, _, rest in (line.strip().partition(" = ") for line in lines)}
    changed = "18.5 nS    [command line (projections.FSN_to_MSN_D2.weight=18.5)]"
    assert values["projections.FSN_to_MSN_D2.weight"] == changed
    assert values["projections.FSN_to_MSN_D2.plasticity.tau_rec"].startswith("902 ms    [lindahl2016/projections.yaml:")
    assert "projections.FSN_to_MSN_D2.plasticity" not in values and "Quantity" not in shown


def test_validate_shows_sources_reasons_and_what_a_factor_was_applied_to(tmp_path):
    (tmp_path / "scaled.yaml").write_text(
        "overlay_of: lindahl2016/activation_control\nprojections: {FSN_to_MSN_D2: {weight: {scale: 1.2}}}\n"
    )
    shown = bgnest("validate", str(tmp_path / "scaled.yaml"), "--show", "projections.FSN_to_MSN_D2")
    assert "weight = 24.84 nS    [" in shown and "    note: 1.2 x 20.7 (source: bgmodel_default_params)\n" in shown
    assert "]  source bgmodel_default_params\n" in shown
    assert shown.count("\n  source bgmodel_default_params: Code of Lindahl") == 1, "each publication once, at the end"
    assert "    assumed: " in bgnest("validate", "--show", "simulation.guard")


def test_a_network_too_small_for_its_traces_says_which():
    """Published ones record three cells of everything; asked of a population that is never so large, it is an error."""
    small = ("--n-neurons", "1000", "--set", "network.small_network=multapses")
    told = CliRunner().invoke(app, ["validate", *small]).stderr
    assert "bgnest: recordings with fewer cells than asked for, as there are no more: GPe_TI_S 1 of 3\n" in told
    told = CliRunner().invoke(
        app, ["validate", "--t-presim", "100", "--t-sim", "200", "--set", "recording.traces.STN.interval=400"]
    )
    assert "without a sample, as no multiple of their interval is in their window: STN\n" in told.stderr
    assert "fewer" not in CliRunner().invoke(app, ["validate"]).stderr


def test_validate_shows_that_an_entry_was_taken_away():
    shown = bgnest("validate", "--set", "projections.STN_to_SNr=null", "--show", "projections.STN_to_SNr")
    assert "projections.STN_to_SNr is taken away    [command line" in shown


def test_validate_names_numbers_of_a_file_that_say_not_where_they_are_from(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(
        "overlay_of: lindahl2016/activation_control\nprojections:\n"
        "  STN_to_SNr: {weight: 0.1}\n"
        "  FSN_to_MSN_D2: {weight: {value: 20, unit: nS, assumed: a try}}\n"
    )
    told = bgnest("validate", str(path), "--set", "network.dopamine=0.3")
    assert "own: valid" in told
    (line,) = (line for line in told.splitlines() if "without a source" in line)
    assert line.endswith("1 in your file: projections.STN_to_SNr.weight")
    assert "without a source" not in bgnest("validate", "--set", "network.dopamine=0.3")


def test_runs_in_the_folder_of_own_networks_are_no_experiments(tmp_path, monkeypatch):
    for name in ("mine", "run"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ("base.yaml" if name == "mine" else "params.yaml")).write_text("# own\nmeta: {}\n")
    (tmp_path / "run" / "record.json").write_text("{}")
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    listed = bgnest("list")
    assert "mine/base" in listed and "run/params" not in listed


def test_what_begins_when_the_simulation_has_ended_is_told():
    """A short version of an experiment may leave its stimulus out, but not without a word."""
    pulse = "inputs.CTX_to_STN.modulation={kind: pulse, start: 1200, duration: 100, factor: 5}"
    current = (
        "currents.step={target: STN, times: {value: [500, 900], unit: ms}, amplitudes: {value: [10, 0], unit: pA}}"
    )
    words = ("validate", "--set", pulse, "--set", current, "--t-presim", "500")
    told = CliRunner().invoke(app, [*words, "--t-sim", "500"]).stderr
    assert "bgnest: begins when the simulation has ended, at 1000 ms: inputs.CTX_to_STN\n" in told
    assert "has ended" not in CliRunner().invoke(app, [*words, "--t-sim", "1000"]).stderr
    told = CliRunner().invoke(app, [*words, "--t-presim", "0", "--t-sim", "500"]).stderr
    assert "at 500 ms: inputs.CTX_to_STN, currents.step\n" in told
