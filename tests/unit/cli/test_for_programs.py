"""What programs and editors read: tables as JSON, schemas of files, the version, and what the machine has."""

from __future__ import annotations

import json

import jsonschema
import pytest
from bgnest import door
from typer.testing import CliRunner

import network
from network import resources
from network.cli.main import app
from network.codegen import toolchain
from network.door import doctor
from network.door.schemas import schema
from network.errors import BuildError
from network.experiment.files import first_lines
from network.experiment.yamlfile import read_yaml

SMALL = {"network.small_network": "multapses", "simulation.mock": {"rate": 10.0, "rates": {"STN": 30.0}}}


def said(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of cells that fire at given rates."""
    folder = tmp_path_factory.mktemp("runs")
    experiment = door.load("lindahl2016/activation_control", changes=SMALL, n_neurons=1000, t_sim=200, t_presim=0)
    for seed in (1, 2):
        experiment.with_changes(seed=seed).run(out=folder / f"seed{seed}", progress=False)
    return folder


def test_every_table_of_runs_is_there_for_programs(runs):
    first, second = runs / "seed1", runs / "seed2"
    rates = json.loads(said("rates", first, "--json"))
    assert rates["window_ms"] == [0.0, 200.0] and rates["run"] == str(first)
    by_name = {row["population"]: row for row in rates["populations"]}
    assert by_name["STN"]["rate"] == pytest.approx(30.0, rel=0.3) and set(by_name) > set(door.open_run(first).recorded)
    verdict = json.loads(said("verdict", first, "--no-pairs", "--json", code=2))
    assert verdict["outcome"] == "not judged at this size" and verdict["smaller_than_the_windows_hold_for"] is True
    assert {row["verdict"] for row in verdict["quantities"]} <= {"pass", "low", "high", "missing", "too short"}
    assert json.loads(said("verdict", first, "--no-pairs", "--any-size", "--json", code=1))["outcome"] == "FAIL"
    compared = json.loads(said("compare", first, second, "--json"))
    assert compared["parameters"] == [{"parameter": "simulation.seed", "A": "-", "B": "2"}]
    assert compared["A"]["seed"] == 1 and len(compared["populations"]) == len(rates["populations"])
    listed = json.loads(said("runs", runs, "--json"))
    assert [(entry["path"], entry["status"]) for entry in listed] == [(str(r), "complete") for r in (first, second)]
    assert json.loads(said("runs", runs, "--cost", "--json"))[0]["predicted"]["disk_bytes"] > 0
    windows = json.loads(said("rates", first, "--window", "0:100", "--window", "100:200", "--json"))
    assert {"population", "0:100", "100:200"} <= set(windows["populations"][0])


def test_a_run_may_print_nothing_but_json(tmp_path):
    words = ["--n-neurons", "1000", "--t-sim", "50", "--t-presim", "0", "--out", tmp_path / "run", "--no-figures"]
    changes = ["--set", "network.small_network=multapses", "--set", "simulation.mock={rate: 10}"]
    made = json.loads(said("run", *words, *changes, "--json"))
    assert made["run"] == str(tmp_path / "run") and made["figures"] == [] and made["populations"]


def test_what_was_looked_at_is_there_for_programs(runs, tmp_path):
    key = "projections.FSN_to_MSN_D2.weight"
    told = json.loads(said("validate", "--show", key, "--json"))
    (row,) = told["values"]
    assert (row["key"], row["value"], row["unit"]) == (key, 20.7, "nS") and row["origin"].startswith("lindahl2016/")
    assert list(told["sources"]) == [row["source"]] and told["without_source"] == []
    gone = json.loads(
        said("validate", "--set", "projections.STN_to_SNr=null", "--show", "projections.STN_to_SNr", "--json")
    )
    assert gone["values"][0]["value"] is None
    checked = json.loads(said("verify", runs / "seed1", "--files", "--json"))
    assert checked["files"] > 5 and checked["network"] is None
    again = json.loads(said("rerun", runs / "seed1", "--out", tmp_path / "again", "--json"))
    assert again["identical"] is True and again["different"] == [] and again["path"] == str(tmp_path / "again")
    assert any(entry["name"].endswith("drive_mallet") for entry in json.loads(said("scan", "optimise", "--json")))


def test_lists_are_there_for_programs():
    everything = json.loads(said("list", "--json"))
    names = {entry["name"]: entry for entry in everything["experiments"]}
    assert names["lindahl2016/activation_control"]["title"] and any(entry["variants"] for entry in names.values())
    assert {entry["network"] for entry in everything["overlays"]} <= {name.split("/")[0] for name in names}
    models = json.loads(said("models", "list", "--json"))
    assert set(models) == set(resources.list_models()) and "V_m" in models["qif_msn"]["states"]
    assert any(scan["name"].startswith("lindahl2016/") for scan in json.loads(said("scan", "list", "--json")))


def experiments_and_scans():
    for path in sorted(resources.params_dir().glob("*/**/*.yaml")):
        data = read_yaml(path, path.name)[0]
        kind = "scan" if "scan_of" in data else "experiment"
        other = set(path.parts) & {"cells", "published"} or path.name in ("presentation.yaml", "targets.yaml")
        if not other and (kind == "scan" or set(data) & {"meta", "populations", "overlay_of", "projections"}):
            yield kind, path, data


def test_the_schemas_take_every_file_there_is():
    validators = {kind: jsonschema.Draft7Validator(schema(kind)) for kind in ("experiment", "scan")}
    found = list(experiments_and_scans())
    assert {kind for kind, _, _ in found} == set(validators)
    wrong = [
        f"{path}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for kind, path, data in found
        for error in validators[kind].iter_errors(data)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("experiment", {"projection": {}}),
        ("experiment", {"projections": {"A_to_B": {"wieght": 3}}}),
        ("experiment", {"projections": {"A_to_B": {"weight": {"value": 1, "units": "nS"}}}}),
        ("experiment", {"simulation": {"seed": "one"}}),
        ("scan", {"scan_of": "x"}),
        ("scan", {"scan_of": "x", "axes": {"a": {"rnage": {"start": 0, "stop": 1, "n": 2}}}}),
        ("scan", {"scan_of": "x", "axes": {"seed": [1]}, "combine": "gird"}),
    ],
)
def test_the_schemas_refuse_what_cannot_be(kind, data):
    assert list(jsonschema.Draft7Validator(schema(kind)).iter_errors(data))


def test_the_schemas_explain_keys_and_take_what_overlays_write():
    made = schema("experiment")
    assert made["$defs"]["Projection"]["properties"]["within_action"]["description"]
    overlay = {
        "overlay_of": "base",
        "populations": {"FSN": None},
        "projections": {"*_to_B": {"weight": {"scale": 1.2}, "delay": "1.1 ms", "in_degree": 30}},
    }
    assert not list(jsonschema.Draft7Validator(made).iter_errors(overlay))


def test_the_command_writes_the_schema_and_names_the_line_for_editors(tmp_path):
    assert json.loads(said("schema", "scan")) == schema("scan")
    told = said("schema", "experiment", "--out", tmp_path / "own.json")
    assert "# yaml-language-server: $schema=own.json" in told
    assert json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))["properties"]["projections"]
    with pytest.raises(network.Error, match="did you mean 'scan'"):
        CliRunner().invoke(app, ["schema", "scn"], catch_exceptions=False)


def test_a_new_network_has_its_schemas_and_keeps_its_title(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said("new", "mine")
    line = "# yaml-language-server: $schema=experiment.schema.json"
    assert (tmp_path / "mine/base.yaml").read_text(encoding="utf-8").splitlines()[0] == line
    assert json.loads((tmp_path / "mine/experiment.schema.json").read_text(encoding="utf-8")) == schema("experiment")
    assert first_lines(tmp_path / "mine/base.yaml")[1].startswith("mine: a network")


def test_the_version():
    assert said("--version") == f"bgnest {network.__version__}\n"


def test_completion_is_offered():
    assert "--install-completion" in said("--help")


def test_doctor_says_what_there_is_and_what_to_do(monkeypatch):
    found = json.loads(said("doctor", "--json"))
    states = {finding["what"]: finding["state"] for finding in found["findings"]}
    assert states["NEST"] == states["C++ compiler"] == "ok" and found["ready"] is True

    def missing():
        raise BuildError("NEST is not installed for python. Install it with `pip install nest-simulator`.")

    monkeypatch.setattr(toolchain, "find_nest", missing)
    monkeypatch.setattr(doctor.launch, "mpi_python", lambda: (_ for _ in ()).throw(network.Error("none: no MPI")))
    text = said("doctor", code=1)
    assert "missing  NEST" in text and "No simulation is possible" in text
    assert "- NEST: NEST is not installed for python. Install it with" in text
    monkeypatch.setenv("BGNEST_PARAMS", "/no/such/folder")
    assert "no such folder: /no/such/folder" in said("doctor", code=1)
