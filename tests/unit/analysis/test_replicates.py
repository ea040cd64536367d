"""Groups of runs: differences beyond the scatter between seeds are found, and others seldom."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

import network
from network.analysis import replicates
from network.analysis.replicates import Group, compare_groups
from network.cli.main import app
from network.engine.run import run
from network.errors import RunError
from network.experiment import load_experiment
from network.runs import Run

SMALL = ("network.n_neurons=1000", "network.small_network=multapses", "simulation.t_presim=0", "simulation.t_sim=400")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of 5 and of 8 spikes/s, three seeds each."""
    place = tmp_path_factory.mktemp("groups")
    for name, rate in (("a", 5), ("b", 8)):
        for seed in (1, 2, 3):
            changes = [*SMALL, f"simulation.mock={{rate: {rate}}}", f"simulation.seed={seed}"]
            run(load_experiment("lindahl2016/activation_control", overrides=changes), out=place / f"{name}-{seed}")
    return place


def group(folder, name):
    return Group.of([Run.open(path) for path in sorted(folder.glob(f"{name}-*"))], name)


def test_a_difference_beyond_the_scatter_is_found_and_is_the_test_of_scipy(folder):
    a, b = group(folder, "a"), group(folder, "b")
    table = compare_groups(a, b).set_index(["quantity", "population"])
    row = table.loc["rate", "MSN_D1"]
    rates = [[replicates.population_values(one).loc["MSN_D1", "rate"] for one in side.runs] for side in (a, b)]
    expected = stats.ttest_ind(rates[1], rates[0], equal_var=False)
    assert row["p"] == pytest.approx(expected.pvalue) and row["differs"] == "yes"
    assert tuple(row[["low", "high"]]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert row["p_permutation"] == pytest.approx(0.1)  # two of twenty ways to divide six runs
    paired = compare_groups(a, b, paired=True).set_index(["quantity", "population"]).loc["rate", "MSN_D1"]
    assert paired["p"] == pytest.approx(stats.ttest_rel(rates[1], rates[0]).pvalue)


def fake(monkeypatch, values):
    """Groups whose values are given: by run, a table of populations."""
    monkeypatch.setattr(replicates, "population_values", lambda run: run.table)
    monkeypatch.setattr(replicates, "compared", lambda: ["rate"])

    class Fake:
        def __init__(self, table, seed):
            self.table, self.plan = table, {"seed": seed}

    names = [f"P{k}" for k in range(values[0].shape[1])]
    tables = [[pd.DataFrame({"rate": row}, index=names) for row in side] for side in values]
    return [Group(tuple(Fake(t, k) for k, t in enumerate(side)), ()) for side in tables]


def test_where_nothing_differs_few_tables_say_so(monkeypatch):
    rng, said = np.random.default_rng(5), 0
    monkeypatch.setattr(replicates, "_permutation", lambda *_: np.nan)
    for _ in range(200):
        groups = fake(monkeypatch, [rng.normal(10.0, 1.0, (4, 8)), rng.normal(10.0, 1.0, (4, 8))])
        said += (compare_groups(*groups)["differs"] == "yes").any()
    assert said / 200 < 0.1


def test_one_run_against_several_counts_the_scatter_of_these(monkeypatch):
    several = np.array([[9.9], [10.0], [10.1], [10.0]])
    far = compare_groups(*fake(monkeypatch, [several, np.array([[12.0]])])).iloc[0]
    near = compare_groups(*fake(monkeypatch, [several, np.array([[10.15]])])).iloc[0]
    assert (far["differs"], near["differs"]) == ("yes", "no") and np.isnan(far["p_permutation"])


def test_one_run_each_says_nothing(monkeypatch):
    row = compare_groups(*fake(monkeypatch, [np.array([[9.0]]), np.array([[12.0]])])).iloc[0]
    assert row["differs"] == "-" and np.isnan(row["p"])


def test_populations_that_never_fire_do_not_differ(monkeypatch):
    groups = fake(monkeypatch, [np.zeros((3, 1)), np.zeros((3, 1))])
    assert compare_groups(*groups).iloc[0]["differs"] == "no"


def test_the_same_run_twice_is_no_replicate(folder):
    one = Run.open(folder / "a-1")
    with pytest.raises(RunError, match="are the same simulation, not two replicates"):
        Group.of([one, one], "A")


def test_pairs_need_equal_seeds(folder):
    a, b = group(folder, "a"), group(folder, "b")
    with pytest.raises(RunError, match="pairs need the same seeds"):
        compare_groups(Group(a.runs[:2], ()), Group(b.runs[1:], ()), paired=True)


def test_groups_on_the_command_line_and_in_python(folder, tmp_path):
    words = ["compare", str(folder / "a-*"), "--with", str(folder / "b-*"), "--csv", str(tmp_path / "t.csv")]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert shown.exit_code == 0 and "simulation.mock.rate" in shown.output and "Welch's t" in shown.output
    assert {"differs", "p"} <= set(pd.read_csv(tmp_path / "t.csv").columns)
    found = network.compare([folder / f"a-{k}" for k in (1, 2, 3)], [folder / f"b-{k}" for k in (1, 2, 3)])
    assert ("rate", "MSN_D1") in found.differing and "differs" in found._repr_html_()
    two = CliRunner().invoke(app, ["compare", str(folder / "a-1"), str(folder / "b-1")], catch_exceptions=False)
    assert "scatter between seeds is not known" in two.output and "do not meet: MSN_D1" in two.output
    wrong = CliRunner().invoke(app, ["compare", str(folder / "a-1")])
    assert "name two, or those of a second group with --with" in str(wrong.exception)


def test_rhythms_stand_beside_chance(folder):
    shown = CliRunner().invoke(app, ["rates", str(folder / "a-1"), "--rhythms"], catch_exceptions=False)
    assert "peak over chance" in shown.output and "(chance)" in shown.output
    table = network.open_run(folder / "a-1").rhythms()
    assert (table["peak_ratio"] < table["peak_ratio_chance"]).mean() > 0.8  # of independent cells
    assert table["beta_power"].to_numpy() == pytest.approx(table["beta_power_chance"].to_numpy(), rel=3.0)


@pytest.mark.parametrize("shift", [0.5, 7.0, -3.0])
def test_intervals_are_those_of_scipy(shift):
    rng = np.random.default_rng(4)
    a = rng.normal(5.0, 1.0, 6)
    b = a + shift + rng.normal(0.0, 0.3, 6)
    low, high, p = replicates._test(a, b, True)
    expected = stats.ttest_rel(b, a)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval(0.95))) and p == pytest.approx(
        expected.pvalue
    )


def test_one_run_beside_several_is_held_against_their_scatter():
    """Prediction interval of a further run: t with n - 1 degrees of freedom, sd sqrt(1 + 1/n)."""
    a, b = np.array([4.0, 5.0, 6.5, 5.5]), np.array([9.0])
    low, high, p = replicates._test(a, b, False)
    half = stats.t(3).ppf(0.975) * a.std(ddof=1) * np.sqrt(1.25)
    difference = 9.0 - a.mean()
    assert (low, high) == pytest.approx((difference - half, difference + half))
    assert p == pytest.approx(2.0 * stats.t(3).sf(difference / (a.std(ddof=1) * np.sqrt(1.25))))


@pytest.mark.parametrize(("other", "p"), [(5.0, 1.0), (5.1, 0.0)])
def test_without_any_scatter_every_difference_is_one(other, p):
    a, b = np.full(4, 5.0), np.full(4, other)
    assert replicates._test(a, b, False) == (pytest.approx(other - 5.0), pytest.approx(other - 5.0), p)
