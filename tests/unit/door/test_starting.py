"""A network to start from is valid at once, and a copy of a network is that network under another name."""

from __future__ import annotations

from pathlib import Path

import bgnest
import pytest
import yaml
from bgnest.door.starting import networks, new_network
from typer.testing import CliRunner

from network.cli.main import app

BUILT_IN = sorted(networks())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Working directory whose networks are found by name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    return tmp_path


def bgnest_says(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_example_is_valid_and_complete(folder):
    said = bgnest_says("new", "mine")
    assert "8 files" in said and "bgnest validate mine" in said
    assert bgnest_says("validate", "mine") == "mine-base: valid\n"
    assert bgnest_says("validate", "mine/more_input") == "mine-more_input: valid\n"
    plan = bgnest.load("mine").plan()
    assert {p.name: p.n_neurons for p in plan.populations} == {"principal": 400, "interneuron": 100}
    assert len(plan.projections) == 2 and len(plan.inputs) == 2 and plan.meta["state"] == "base"
    assert bgnest.load("mine", n_neurons=1000).plan().n_neurons == 1000
    more = bgnest.load("mine/more_input").plan()
    rates = {i.name: i.rate for i in plan.inputs}
    assert {i.name: i.rate / rates[i.name] for i in more.inputs} == {
        "background_to_principal": pytest.approx(1.3),
        "background_to_interneuron": 1.0,
    }
    for path in (folder / "mine").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ") and "NETWORK" not in text and "cell: mine" not in text, path
    assert "(2009)" not in str(bgnest.load("mine").describe()) and "Meffin" in str(bgnest.load("mine").describe())


def test_it_needs_no_setting_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BGNEST_PARAMS", raising=False)
    bgnest_says("new", "mine")
    assert bgnest_says("validate", "mine") == "mine-base: valid\n"
    assert bgnest_says("validate", "mine/more_input") == "mine-more_input: valid\n"
    assert bgnest_says("validate", str(tmp_path / "mine")) == "mine-base: valid\n"


def test_targets_of_the_example_are_judged(folder):
    new_network("mine")
    rates = {"principal": 13, "interneuron": 34}
    run = bgnest.load("mine", {}, {"simulation.mock": {"rate": 1, "rates": rates}}).run(out="run", progress=False)
    judged = run.verdict().table
    assert len(judged) == 3 and set(judged["verdict"]) <= {"pass", "fail"}
    assert run.verdict().passed
    rates["principal"] = 40
    wrong = bgnest.load("mine", {}, {"simulation.mock": {"rate": 1, "rates": rates}}).run(out="wrong", progress=False)
    assert wrong.verdict().outcome == "FAIL"


def test_targets_that_lie_here_and_are_not_found_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BGNEST_PARAMS", raising=False)
    new_network("mine")
    bgnest.load("mine", {}, {"simulation.mock": {"rate": 1}}).run(out="run", progress=False)
    assert "those of mine in this folder are found after `export BGNEST_PARAMS=$PWD`" in bgnest_says("rates", "run")


@pytest.mark.parametrize("network", BUILT_IN)
def test_a_copy_is_the_same_network_under_its_own_name(folder, network):
    made = new_network("copied", network)
    files = {path.relative_to(made) for path in made.rglob("*.yaml")}
    source = networks()[network]
    assert files == {path.relative_to(source) for path in source.rglob("*.yaml")}
    there = [name for name in bgnest.list_experiments() if name.startswith(f"{network}/")]
    here = {name for name in bgnest.list_experiments() if name.startswith("copied/")}
    assert here == {f"copied/{name.partition('/')[2]}" for name in there}
    for name in there:
        old, new = bgnest.load(name), bgnest.load(f"copied/{name.partition('/')[2]}")
        assert new.spec.meta.model == "copied" and new.name.startswith("copied")
        assert new.plan().simulation_hash == old.plan().simulation_hash
    for path in made.rglob("*.yaml"):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key in ("scan_of", "overlay_of", "optimise"):
            assert not str(data.get(key, "")).startswith(f"{network}/")


def test_a_copy_can_be_copied_and_changed(folder):
    new_network("first", "two_cells")
    (folder / "first" / "half_centre.yaml").open("a").write("groups: {both: [left, right]}\n")
    assert bgnest.load(new_network("second", "first") / "half_centre.yaml").spec.groups == {"both": ("left", "right")}
    outside = new_network("third", str(folder / "second"), folder=folder)
    assert bgnest.load(outside / "half_centre.yaml").spec.meta.model == "third"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mine"], "mine: is there already; nothing was changed"),
        (["two_cells"], r"there is a network two_cells already \(.*two_cells\); give yours another name"),
        (["a-b"], "'a-b' cannot name a network: letters, digits and underscores"),
        (["../up"], "cannot name a network"),
        ([""], "cannot name a network"),
        (["other", "--from", "lindahl2061"], "--from: no network 'lindahl2061'; did you mean 'lindahl2016'"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_nothing(folder, words, message):
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").write_text("dear")
    before = sorted(Path(folder).rglob("*"))
    with pytest.raises(bgnest.Error, match=message) as error:
        CliRunner().invoke(app, ["new", *words], catch_exceptions=False)
    assert "\n" not in str(error.value)
    assert sorted(Path(folder).rglob("*")) == before
    assert (folder / "mine" / "notes.txt").read_text() == "dear"
