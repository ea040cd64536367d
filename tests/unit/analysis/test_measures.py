"""Measures are read from one registry: what is added there is judged, searched for and tabulated."""

from __future__ import annotations

import json

import bgnest
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from network.analysis.plots.scan import QUANTITIES
from network.analysis.statistics import fano_factor, window_rates
from network.analysis.targets import measures
from network.analysis.targets.judge import judge_run, run_targets
from network.analysis.targets.measures import PopulationMeasure, RunData, base, family, known
from network.analysis.targets.windows import load_targets, unknown_populations
from network.cli.main import app
from network.errors import SpecError
from network.runs import RunFolder
from network.scans.collect import NUMBERS
from network.scans.metrics import metrics, population_rows
from network.scans.schema import RESERVED


def make_run(path, state="rest", model="ring"):
    """1,000 ms of two populations: A fires like a clock at 10 spikes/s, B at 20 in half of its cells."""
    populations = [
        {"name": "A", "model": "lif", "n_neurons": 10, "first_id": 0},
        {"name": "B", "model": "lif", "n_neurons": 10, "first_id": 10},
    ]
    meta = {"model": model, "state": state}
    plan = {"name": "x", "seed": 1, "t_presim": 0.0, "t_sim": 1000.0, "populations": populations, "meta": meta}
    with RunFolder.create(path) as folder:
        folder.write_plan({**plan, "inputs": [], "groups": {"both": ["A", "B"]}})
        folder.write_timers({"real_time_factor": 1.0})
        with folder.spike_writer(["A", "B"]) as writer:
            for name, cells, rate in (("A", range(10), 10), ("B", range(5), 20)):
                times = np.repeat((np.arange(rate) + 0.5) * 1000.0 / rate, len(cells))
                writer.append(name, times, np.tile(list(cells), rate))
        return folder.finish()


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Targets of a network of the user's own, by any measures."""
    folder = tmp_path / "params" / "ring"
    folder.mkdir(parents=True)
    (folder / "sources.yaml").write_text("book: {what: a book}\n")
    monkeypatch.setenv("BGNEST_PARAMS", str(folder.parent))

    def write(acceptance, **references):
        state = {"acceptance": {"assumed": "by hand", "n_neurons": 20, **acceptance}, "references": references}
        (folder / "targets.yaml").write_text(yaml.safe_dump({"states": {"rest": state}}))
        return folder

    return write


@pytest.fixture
def fano():
    """A measure that is added: one class."""

    class Fano(PopulationMeasure):
        name, text, short = "fano", "Fano factor of counts in 100 ms (dimensionless)", "Fano factor"

        def of(self, data, name):
            train = data.spikes[name]
            return float(np.nanmean(fano_factor(train.times, train.node_ids, train.n_neurons, *data.window)))

    yield Fano
    del base._REGISTRY["fano"]


def test_every_measure_of_populations_is_a_column_of_scans_and_can_be_drawn():
    assert {"rate", "cv", "active", "synchrony", "peak_frequency", "beta_share", "beta_power"} | {
        "beta_frequency",
        "burst_share",
        "fano_factor",
        "common_rhythm",
        "peak_ratio",
        "unit_beta_power",
    } == set(family(PopulationMeasure))
    for name, measure in family(PopulationMeasure).items():
        assert name in metrics() and name in NUMBERS and name in RESERVED and QUANTITIES[name] == measure.text
    assert all("(" in measure.text and measure.short for measure in known().values())


def test_any_measure_can_have_windows_and_is_judged_by_them(params, tmp_path):
    params(
        {
            "populations": {"A": {"low": 9, "high": 11}},
            "active": {"A": {"low": 1, "high": 1}, "B": {"low": 0.6, "high": 1}},
        }
    )
    run = make_run(tmp_path / "run")
    judged = judge_run(run, run_targets(run))
    assert judged.of("active")["verdict"].to_dict() == {"A": "pass", "B": "low"}
    assert judged.rates["verdict"].to_dict() == {"A": "pass", "B": "-", "both": "-"}  # all, also those without a band
    assert "active    B" in judged.text() and judged.outcome() == "FAIL"


def test_a_class_is_all_that_a_new_measure_takes(fano, params, tmp_path):
    run = make_run(tmp_path / "run")
    row = next(row for row in population_rows(run) if row["population"] == "A")
    assert row["fano"] == pytest.approx(0.0) and row["rate"] == pytest.approx(10.0)
    assert measures.find("fano").value(RunData(run), "nobody") != row["fano"]  # NaN


def test_network_without_targets_or_state_is_not_judged(params, tmp_path):
    run = make_run(tmp_path / "free", state="of my own")
    assert run_targets(run) is None  # no file at all
    params({"populations": {}})
    assert run_targets(run) is None  # a state without targets
    with pytest.raises(SpecError, match="no state 'of my own'"):
        run_targets(run, "of my own")
    assert judge_run(run, None).outcome() == "nothing to judge"


@pytest.mark.parametrize(
    ("acceptance", "message"),
    [
        (
            {"fanno": {"A": {"low": 0, "high": 1}}},
            "acceptance.fanno: unknown key; keys: source, assumed, ",
        ),
        ({"cv": {"A": {"low": 0, "hihg": 1}}}, "cv.A.hihg: unknown key; did you mean 'high'? keys: low, high"),
        ({"cv": {"A": {"low": 2, "high": 1}}}, "acceptance.cv.A: low must not be above high, not 2 and 1"),
        ({"n_neurons": 0}, "states.rest.acceptance.n_neurons: 0 must be at least 1"),
        ({"cv": {"A": {"low": "few", "high": 1}}}, "states.rest.acceptance.cv.A.low: must be a number, not 'few'"),
        ({"pairs": {"phase": {"A/B": {"low": 0}}}}, "states.rest.acceptance.pairs.phase.A/B.high: is missing"),
        ({"response": {"latency": {}}}, "states.rest.acceptance.response.population: is missing"),
    ],
)
def test_mistakes_in_targets_are_placed(params, acceptance, message):
    params(acceptance)
    with pytest.raises(SpecError) as found:
        load_targets("ring", "rest")
    assert message in str(found.value) and "ring/targets.yaml:" in str(found.value)


def test_what_targets_say_of_populations_that_there_are_not_is_found(params):
    params(
        {
            "source": "book",
            "populations": {"A": {"low": 0, "high": 1}, "C": {"low": 0, "high": 1}},
            "pairs": {"phase": {"A/D": {"low": 0, "high": 1}}},
            "response": {"population": "E", "latency": {"EE": {"low": 0, "high": 1}}},
        },
        paper={"source": "book", "populations": {"F": {"rate": 1.0}}},
    )
    found = unknown_populations(load_targets("ring", "rest"), ("A", "B", "both"))
    assert found == [("references.paper", "F"), ("rate", "C"), ("phase", "D"), ("latency", "E")]
    params({"source": "bok", "populations": {}})
    with pytest.raises(SpecError, match="unknown source 'bok'; did you mean 'book'"):
        load_targets("ring", "rest")


def test_smaller_networks_are_not_failed(params, tmp_path):
    params({"populations": {"A": {"low": 11, "high": 12}}, "n_neurons": 200})
    run = make_run(tmp_path / "run")
    judged = judge_run(run, run_targets(run))
    assert judged.too_small and judged.rates["verdict"]["A"] == "low"
    assert (judged.outcome(), judged.outcome(any_size=True)) == ("not judged at this size", "FAIL")
    params({"populations": {"A": {"low": 9, "high": 12}}, "n_neurons": 200})
    assert judge_run(run, run_targets(run)).outcome() == "PASS"


def test_rates_of_windows_and_channels(tmp_path):
    run = make_run(tmp_path / "run")
    table = window_rates(run, [(0.0, 500.0), (500.0, 1000.0), (0.0, 100.0)], channels=2)
    assert table.loc["A"].tolist() == [10.0, 10.0, 10.0]  # a spike in the middle of every 100 ms
    assert table.loc["B 1"].tolist() == [12.0, 12.0, 12.0] and table.loc["B 2"].tolist() == [8.0, 8.0, 8.0]  # 3, 2 of 5
    assert list(table.columns) == ["0:500", "500:1000", "0:100"] and "both 1" not in table.index
    with pytest.raises(ValueError, match="not within the recording, 0:1000 ms"):
        window_rates(run, [(900.0, 1100.0)])


def test_windows_on_the_command_line(tmp_path):
    run = str(make_run(tmp_path / "run").path)
    said = CliRunner().invoke(app, ["rates", run, "--window", "0:500", "--window", "500:1000", "--channels", "2"])
    assert said.exit_code == 0 and "change 500:1000" in said.output and "+0 %" in said.output and "B 2" in said.output
    for wrong in ("500", "500:100", "0:2000"):
        assert CliRunner().invoke(app, ["rates", run, "--window", wrong]).exit_code != 0


def test_any_measure_of_a_run_without_windows(tmp_path):
    """On the command line and in Python: A is a clock; half of the cells of B fire."""
    run = make_run(tmp_path / "run")
    door = bgnest.open_run(run.path)
    table = door.measure("active", "fano_factor", "burst_share")
    assert table["value"]["active", "A"] == 1.0 and table["value"]["active", "B"] == 0.5
    assert table["value"]["fano_factor", "A"] == pytest.approx(0.0) and table["value"]["burst_share", "A"] == 0.0
    assert set(table.index.get_level_values("of")) == {"A", "B", "both"}
    shown = CliRunner().invoke(app, ["measure", str(run.path), "active", "fano_factor", "--of", "B"])
    header, _, row = shown.output.splitlines()
    assert header.split("  ")[0] == "of" and "Fano factor" in header and row.split()[:2] == ["B", "0.500"]
    as_json = json.loads(CliRunner().invoke(app, ["measure", str(run.path), "active", "--json"]).output)
    assert {"measure": "active", "of": "B", "value": 0.5, "chance": None} in as_json["values"]
    listed = CliRunner().invoke(app, ["measure", str(run.path)]).output
    assert all(name in listed for name in known())


def test_the_average_around_spikes_on_the_command_line(tmp_path):
    """Cells of A fire every 100 ms at the same time: nothing for 50 ms around, but the others at once."""
    run, made = make_run(tmp_path / "run"), tmp_path / "out" / "a.svg"
    words = ["measure", str(run.path), "--around", "A", "--figure", str(made), "--csv", str(tmp_path / "a.csv")]
    shown = CliRunner().invoke(app, words, catch_exceptions=False).output
    assert shown.startswith("A (spikes/s) around 80 spikes of A") and "highest 1,000 at -100 ms" in shown
    assert made.is_file() and len((tmp_path / "a.csv").read_text().splitlines()) == 202
    assert bgnest.open_run(run.path).triggered("A")["rate"][0.0] == pytest.approx(900.0)  # nine of ten others


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["burst_shar"], "did you mean 'burst_share'"),
        (["fano_factor", "--of", "C"], "no 'C' is recorded; populations and groups: A, B, both"),
        (["coherence"], "name them: --of A/B"),
        (["coherence", "--of", "A"], "is of a pair of populations A/B, not of 'A'"),
        (["field_beta_power"], "recording.fields"),
        (["latency"], "no input changes during the run"),
        (["--around", "A:x"], "no 'x'; populations, fields and traces: A, B, both"),
        (["--around", "A", "--reach", "600"], "need more than 1200 ms; recorded: 1000 ms"),
        (["--around", "A", "--figure", "a.doc"], "ends with .png, .pdf, .svg"),
        (["active", "--figure", "a.png"], "with --around only"),
        (["active", "--around", "A"], "takes no measures"),
    ],
)
def test_what_cannot_be_measured_is_said(tmp_path, words, says):
    run = make_run(tmp_path / "run")
    done = CliRunner().invoke(app, ["measure", str(run.path), *words])
    assert done.exit_code != 0 and says in " ".join(f"{done.output} {done.exception}".split()), done.output
