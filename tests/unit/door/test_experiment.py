"""Values of an experiment are read in NEST's units, changed under the same rules as everywhere, and planned."""

from __future__ import annotations

import pickle

import bgnest
import numpy as np
import pytest
from bgnest.errors import SpecError
from bgnest.experiment import load_experiment
from bgnest.plans import make_plan

KEY = "projections.FSN_to_MSN_D2.weight"


def test_a_value_knows_its_unit_and_its_place(experiment):
    weight = experiment[KEY]
    assert weight == load_experiment("lindahl2016/activation_control").projections["FSN_to_MSN_D2"].weight.value
    assert weight.unit == "nS" and weight.origin.startswith("lindahl2016/projections.yaml:")
    assert str(weight) == f"{float(weight):g} nS"
    assert type(weight * 2) is float
    assert pickle.loads(pickle.dumps(weight)).unit == "nS"
    assert experiment["network.n_neurons"] == 1000 and experiment["simulation.seed"] == 1
    assert experiment["projections.FSN_to_MSN_D2"]["weight"] == weight


def test_changes_arrive_in_the_plan_and_leave_other_copies_alone(experiment):
    changed = experiment.with_changes({KEY: experiment[KEY] * 2}, seed=7)
    changed[KEY] /= 4
    assert changed[KEY] == pytest.approx(experiment[KEY] / 2)
    assert changed[KEY].origin.startswith("Python (projections.FSN_to_MSN_D2.weight=")
    before, after = (
        {p.name: p for p in plan.projections}["FSN_to_MSN_D2"].weight.mean
        for plan in (experiment.plan(), changed.plan())
    )
    assert after == pytest.approx(before / 2)
    assert changed.plan().seed == 7 and experiment.plan().seed == 1
    assert list(changed.changes)[-1] == KEY and KEY not in experiment.changes


def test_numbers_are_in_nests_unit_whatever_the_file_uses(tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text(
        "overlay_of: lindahl2016/activation_control\nprojections:\n"
        "  FSN_to_MSN_D2: {weight: {value: 0.02, unit: uS, assumed: a test}}\n"
    )
    mine = bgnest.load(file)
    assert (mine[KEY], mine[KEY].unit) == (20.0, "nS")
    mine[KEY] *= 1.5
    assert (mine[KEY], mine[KEY].unit) == (30.0, "nS")
    mine[KEY] = "0.04 uS"
    assert mine[KEY] == pytest.approx(40.0)
    mine[KEY] = np.float64(12.5)
    assert mine[KEY] == 12.5
    mine["simulation.t_sim"] = mine["projections.FSN_to_MSN_D2.delay"]  # ms, as it should be
    with pytest.raises(SpecError, match="wrong unit 'nS'"):
        mine["simulation.t_sim"] = mine[KEY]


def test_patterns_and_operations(experiment):
    changed = experiment.with_changes()
    before = changed.find("projections.FSN_to_*.delay")
    changed["projections.FSN_to_*.delay"] = {"scale": 2}
    changed["projections.FSN_to_*.delay"] = {"scale": 2}
    assert changed.find("projections.FSN_to_*.delay") == {key: 4 * delay for key, delay in before.items()}
    changed["projections.FSN_to_*.delay"] = 2.0
    assert set(changed.find("projections.FSN_to_*.delay").values()) == {2.0}
    changed["recording.traces.stn"] = None
    assert "recording.traces.stn" not in changed and "recording.traces.stn" in experiment


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("projections.FSN_to_MSN_D9.weight", 1.0, "did you mean 'FSN_to_MSN_D2'?"),
        ("network.n_neurons", 0, "network.n_neurons: 0 must be at least 1"),
        ("netwrk.dopamine", 0.2, "netwrk: unknown key; did you mean 'network'?"),
        ("simulation.t_sim", float("nan"), "must be a finite number, not nan"),
        ("n_neuron", 5, "did you mean 'n_neurons'?"),
    ],
)
def test_a_wrong_change_says_so_at_once_and_changes_nothing(experiment, key, value, message):
    changed = experiment.with_changes()
    with pytest.raises(bgnest.Error) as caught:
        changed[key] = value
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert changed.changes == experiment.changes and changed.plan() == experiment.plan()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("projections.FSN_to_MSN_D9.weight", "no 'FSN_to_MSN_D9' in projections; did you mean 'FSN_to_MSN_D2'?"),
        ("projections.*.weight", "'*' stands for several names"),
        ("netwrk", "no 'netwrk' in the experiment; did you mean 'network'?"),
    ],
)
def test_a_wrong_key_is_answered_with_the_names_there_are(experiment, key, message):
    with pytest.raises(bgnest.Error) as caught:
        experiment[key]
    assert message in str(caught.value)


def test_a_network_that_does_not_fit_is_refused_before_anything_is_built():
    with pytest.raises(bgnest.Error, match="Smallest n_neurons"):
        bgnest.load("lindahl2016/activation_control", n_neurons=100).validate()


def test_plans_are_short_to_look_at_and_the_same_as_before(experiment):
    plan = experiment.plan(threads=2)
    numbers = make_plan(experiment.spec, threads=2)
    assert plan.to_dict() == numbers.to_dict() and plan.simulation_hash == numbers.simulation_hash
    assert len(repr(plan)) < 200 and len(repr(numbers)) < 200 and "1,000 neurons" in repr(numbers)
    assert len(str(plan)) < 1500 and "STN" in str(plan) and "STN" in plan._repr_html_()
    assert plan.cost.memory_bytes > 1e7
    assert plan.summary().startswith(plan.name)


def test_experiments_and_lists_are_short_to_look_at(experiment):
    assert len(repr(experiment)) < 250 and "37 projections" in repr(experiment)
    assert "network.n_neurons" in experiment._repr_html_()
    listing = bgnest.list_experiments()
    assert "lindahl2016/activation_control" in listing
    assert repr(listing).splitlines()[0].startswith("bahuguna2015/base ")
    assert all(bgnest.load(name).name for name in list(bgnest.list_experiments("lindahl2016/dopamine_knockouts"))[:1])
    assert set(bgnest.list_experiments("two_cells")) == {"two_cells/half_centre", "two_cells/reciprocal"}
    assert "<td>lindahl2016/base</td>" in listing._repr_html_()


def test_the_words_of_the_command_line_load_the_same(experiment):
    changed = experiment.with_changes({"projections.FSN_to_*.delay": {"scale": 2}, KEY: 1e-05, "network.dopamine": 0.5})
    name, *options = changed._command()
    texts = [text for flag, text in zip(options[::2], options[1::2], strict=True) if flag == "--set"]
    again = load_experiment(name, (), texts)
    assert make_plan(again).to_dict() == changed.plan().to_dict()


def test_what_is_written_loads_again(experiment, tmp_path):
    (tmp_path / "same.yaml").write_text(experiment.to_yaml())
    assert bgnest.load(tmp_path / "same.yaml").plan() == experiment.plan()
