"""Fits: what a target file says, how far a run is from it, readable refusals, and a fit from beginning to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import network as bgnest
from network.errors import SpecError
from network.experiment import load_experiment
from network.runs.layout import run_status
from network.scans.best import best_overlays
from network.scans.fit import load_fit, parse_fit
from network.scans.optimise import Study
from network.scans.traces import Recorded, Signal

TINY = """
meta: {model: own, title: two populations}
network: {}
populations:
  STN: {label: STN, model: aeif_stn, n_neurons: {value: 49, unit: 1, source: mine}, defaults: model}
  SNr: {label: SNr, model: aeif_stn, n_neurons: {value: 20, unit: 1, assumed: test}, defaults: model}
projections:
  STN_to_SNr: &p
    source: STN
    target: SNr
    receptor: ampa
    in_degree: {value: 2, unit: 1, assumed: test}
    weight: {value: 1.5, unit: nS, assumed: test}
    delay: {value: 1.5, unit: ms, assumed: test}
  STN_to_STN: {<<: *p, target: STN, weight: {value: 0.5, unit: nS, assumed: test}}
  SNr_to_STN: {<<: *p, source: SNr, target: STN}
simulation:
  resolution: {value: 0.1, unit: ms, assumed: test}
  t_presim: {value: 0, unit: ms, assumed: test}
  t_sim: {value: 200, unit: ms, assumed: test}
  mock: {rate: {value: 10, unit: spikes/s, assumed: test}}
"""
SEARCH = {"SNr": {"path": "simulation.mock.rates.SNr", "distribution": {"low": 5, "high": 80}}}
LIMITS = {"low": 5, "high": 80, "log": True}
TIMES = np.arange(1.0, 200.0, 0.5)


@pytest.fixture(autouse=True)
def tiny(tmp_path):
    """Experiment that everything here fits."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "sources.yaml").write_text("mine: {what: a bibliography beside the experiment}")
    return str(tmp_path / "tiny.yaml")


def wave(cell):
    """What the mock engine plays for every variable."""
    return -60.0 + 5.0 * np.sin(2 * np.pi * TIMES / 100.0 + cell)


@pytest.fixture
def traces(tmp_path):
    """Two cells of STN: the first as the mock engine plays it, the second 3 mV higher in its second half."""
    other = wave(2) + np.where(TIMES.mean() < TIMES, 3.0, 0.0)
    table = pd.DataFrame({"t (s)": TIMES / 1000, "one": wave(0), "two": other, "note": "x"})
    table.to_csv(tmp_path / "recorded.csv", index=False)
    return tmp_path / "recorded.csv"


COLUMNS = {"one": "STN.V_m[0]", "two": "STN.V_m[2]"}


def target(file, **changes):
    return {"traces": str(file), "columns": COLUMNS, "time_unit": "s", **changes}


def study(tmp_path, targets, **changes):
    data = {"fit": "tiny.yaml", "search": SEARCH, "targets": targets, **changes}
    spec = parse_fit(data, "my.yaml", beside=tmp_path)
    return Study(spec, tmp_path / "fits", "my.yaml")


def recorded(values, **changes):
    signals = tuple(Signal("A", "V_m", cell) for cell in range(np.shape(values)[1]))
    return Recorded("x", np.arange(1.0, 1 + len(values)), signals, np.asarray(values, float), 0.5, **changes)


def test_traces_count_with_their_root_mean_square_where_something_was_recorded():
    wanted = recorded([[-60.0, -50.0], [-60.0, np.nan], [-60.0, 20.0]], clip=(-70.0, -40.0))
    found = np.array([[-57.0, -50.0], [-64.0, 0.0], [-60.0, -45.0]])
    assert wanted.difference(found) == pytest.approx([np.sqrt(25 / 3), np.sqrt(25 / 2)])


def test_a_run_records_what_the_file_has_on_its_grid(tmp_path, traces):
    aim = study(tmp_path, {"soma": target(traces, start=50, stop=120)}).aims[0]
    (key, entry), *more = aim.changes.items()
    assert not more and key == "recording.traces.fit_soma_STN_V_m"
    assert entry["cells"] == [0, 2] and entry["variables"] == ["V_m"]
    assert [entry[name]["value"] for name in ("interval", "start", "stop")] == [0.5, 49.5, 120.5]
    assert aim.recorded[0].times[[0, -1]] == pytest.approx([50.0, 120.0])


def test_experiments_beside_the_file_need_no_suffix(tmp_path):
    target = {"rate": {"values": {"rate": {"STN": 10}}, "experiment": "tiny"}}
    spec = parse_fit({"fit": "tiny", "search": SEARCH, "targets": target}, "my.yaml", beside=tmp_path)
    assert spec.fit == (str(tmp_path / "tiny.yaml"),) and spec.targets["rate"].experiment == spec.fit[0]


def test_the_loss_adds_what_each_target_counts(tmp_path):
    spec = parse_fit(
        {
            "fit": "tiny.yaml",
            "search": SEARCH,
            "targets": {
                "v": {"traces": "x.csv", "weight": 2},
                "r": {"values": {"rate": {"STN": 10, "SNr": 20}}},
                "w": {"windows": {"cv": {"STN": [0.2, 0.4]}}, "weight": 3},
            },
        }
    )
    rows = pd.DataFrame({"term": ["v", "v", "r", "r", "w"], "error": [3.0, 4.0, 0.1, -0.2, 0.5]})
    value, terms = spec.loss(rows)
    assert terms == pytest.approx({"v": np.sqrt(12.5), "r": np.sqrt(0.025), "w": 0.5})
    assert value == pytest.approx(2 * np.sqrt(12.5) + np.sqrt(0.025) + 1.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"traces": "none.csv"}, "my.yaml: targets.soma.traces: no file"),
        ({"time": "ms"}, "targets.soma.time: recorded.csv has no 'ms'; columns: t (s), one, two, note"),
        (
            {"columns": {"oen": "STN.V_m"}},
            "targets.soma.columns.oen: recorded.csv has no such column; did you mean 'one'",
        ),
        ({"columns": {}}, "targets.soma.columns.one: 'one' goes with no cell: give its POPULATION.VARIABLE[CELL]"),
        ({"columns": {"one": "SNT.V_m"}}, "no population 'SNT'; did you mean 'STN'"),
        ({"columns": {"one": "STN.V_m[49]"}}, "STN has 49 cells, the last is [48], not [49]"),
        ({"columns": {"one": "STN.Vm"}}, "STN.Vm: did you mean 'V_m'"),
        ({"columns": {"note": "STN.V_m"}}, "recorded.csv: note: could not convert"),
        ({"offset": 150}, "its times are 151 to 349.5 ms, those of the run 0 to 200 ms"),
        ({"clip": [-40, -90]}, "clip: the first value must be below the second"),
        ({"values": {"rate": {"STN": 5}}}, "give one of traces, values and windows; not traces and values"),
        ({"colums": {}}, "unknown key; did you mean 'columns'"),
    ],
)
def test_mistakes_in_targets_of_traces_are_named(tmp_path, traces, change, message):
    with pytest.raises(SpecError) as found:
        study(tmp_path, {"soma": target(traces, **change)})
    assert message in str(found.value)
    assert not (tmp_path / "fits").exists()


@pytest.mark.parametrize(
    ("targets", "changes", "message"),
    [
        (
            {"r": {"values": {"rate": {"SNT": 3}}}},
            {},
            "targets.r.values.rate.SNT: no population 'SNT'; did you mean 'STN'",
        ),
        ({"r": {"values": {"rate": {"STN": 0}}}}, {}, "no relative distance from 0; give windows"),
        ({"r": {"values": {"speed": {"STN": 1}}}}, {}, "no measure"),
        (
            {"r": {"windows": {"rate": {"STN": [3, 2]}}}},
            {},
            "targets.r.windows.rate.STN: the first value must be below",
        ),
        ({"r": {"windows": {"rate": {"STN": [2, 3]}}, "clip": [1, 2]}}, {}, "clip belongs to traces, not to windows"),
        ({"r": {"weight": 2}}, {}, "give one of traces, values and windows; none is given"),
        ({"r": {"values": {"rate": {"STN": 3}}}}, {"method": "cma_es"}, "cma_es needs two or more parameters"),
        ({"r": {"values": {"rate": {"STN": 3}}}}, {"method": "cma"}, "method"),
        (
            {"r": {"values": {"rate": {"STN": 3}}}},
            {"fit": ["tiny.yaml", "lindahl2016/activation_control"]},
            "targets.r: there are several experiments; say experiment",
        ),
        (
            {"r": {"values": {"rate": {"STN": 3}}, "experiment": "tny.yaml"}},
            {},
            "targets.r.experiment: 'tny.yaml' is not in fit; did you mean",
        ),
    ],
)
def test_mistakes_in_a_fit_are_named(tmp_path, targets, changes, message):
    with pytest.raises(SpecError) as found:
        study(tmp_path, targets, **changes)
    assert message in str(found.value)


def test_a_trace_without_end_is_refused(tmp_path, traces):
    table = pd.read_csv(traces)
    table.loc[3, "two"] = -np.inf
    table.to_csv(traces, index=False)
    with pytest.raises(SpecError, match=r"recorded\.csv: one, two: not all numbers are finite"):
        study(tmp_path, {"soma": target(traces)}).aims  # noqa: B018


def test_a_file_that_is_missing_is_said(tmp_path):
    with pytest.raises(SpecError, match="no fit file 'mine'"):
        load_fit("mine")


def test_the_best_parameters_are_an_overlay_with_final_values(tmp_path, tiny):
    """Scaled values, and those of all that a pattern matches, are written as what they are."""
    changed = load_experiment(tiny, overrides={"projections.STN_to_*.weight": {"scale": 2.0}})
    texts = best_overlays({"a": changed, "b": changed}, ["projections.STN_to_*.weight"], "fitted: loss 1")
    assert list(texts) == ["a"]
    (tmp_path / "best.yaml").write_text(texts["a"])
    again = load_experiment(tiny, overlays=[tmp_path / "best.yaml"])
    weights = {name: projection.weight.value for name, projection in again.projections.items()}
    assert weights == pytest.approx({"STN_to_SNr": 3.0, "STN_to_STN": 1.0, "SNr_to_STN": 1.5})
    assert again.projections["STN_to_SNr"].weight.assumed == "fitted: loss 1"


def test_an_evolution_goes_on_where_it_was_killed(tmp_path, recwarn):
    pytest.importorskip("cmaes")
    search = {name: {"path": f"simulation.mock.rates.{name}", "distribution": LIMITS} for name in ("STN", "SNr")}
    how = {"method": "cma_es", "search": search, "start": {"STN": 15, "SNr": 15}}
    (tmp_path / "fits" / "points").mkdir(parents=True)

    def trials(number):
        """What a process does that is killed during its last trial."""
        of = study(tmp_path, {"r": {"values": {"rate": {"STN": 60, "SNr": 20}}}}, **how)
        for left in of.study.get_trials(deepcopy=False):
            if left.state.name == "RUNNING":
                of._settle(left)
        for _ in range(number):
            begun = of._start()
            begun.ask.set_user_attr("status", "done")
            of.study.tell(begun.ask, np.log(begun.values["STN"] / 60) ** 2 + np.log(begun.values["SNr"] / 20) ** 2)
        return of, of._start().values

    _, lost = trials(14)
    second, _ = trials(14)
    tried = second.study.get_trials(deepcopy=False)
    assert tried[0].params == how["start"] and tried[14].params == tried[15].params == lost
    assert second.n_finished == 28 and len(tried) == 30
    generations = [trial.system_attrs["cma:generation"] for trial in tried if "cma:generation" in trial.system_attrs]
    assert generations == sorted(generations) and len(generations) > 25 and generations[-1] > 3 > generations[14] >= 1
    assert second.best.value < 0.3 * tried[0].value
    assert second.best_values()[0].startswith("STN = ") and second.best_values()[0].endswith(" spikes/s")
    assert not [str(one.message) for one in recwarn if "x0" in str(one.message)]


def test_trials_vary_graded_conductances_in_the_unit_of_the_limits(tmp_path, monkeypatch):
    data = Path(__file__).parents[2] / "nest" / "data" / "graded"
    monkeypatch.setenv("BGNEST_MODELS", str(data))
    weight = {"path": "projections.A_to_B.weight", "unit": "nS", "distribution": {"low": 0.5, "high": 20}}
    closes = {"path": "projections.A_to_B.synapse.k_minus", "distribution": {"low": 0.01, "high": 1, "log": True}}
    targets = {"r": {"values": {"rate": {"B": 3}}}}
    of = study(tmp_path, targets, fit=str(data / "pair.yaml"), search={"g": weight, "k": closes})
    (point,) = of._points({"g": 3.0, "k": 0.5})
    plan = of._planner.plan(point)
    assert [p.weight for p in plan.projections] == [3.0, 1.0]
    assert plan.population("A").params["k_minus_abbott_marder"] == 0.5
    with pytest.raises(SpecError, match=r"A_to_B\.weight: wrong unit 'mV'; accepted: nS"):
        study(tmp_path, targets, fit=str(data / "pair.yaml"), search={"g": {**weight, "unit": "mV"}})
    with pytest.raises(SpecError, match="a factor has no unit"):
        study(tmp_path, targets, fit=str(data / "pair.yaml"), search={"g": {**weight, "operation": "scale"}})


FILE = """
fit: tiny.yaml
set: {simulation.mock.pace: 1}
search:
  SNr: {path: simulation.mock.rates.SNr, distribution: {low: 5, high: 80}}
targets:
  soma: {traces: recorded.csv, columns: {one: "STN.V_m[0]", two: "STN.V_m[2]"}, time_unit: s}
  firing: {values: {rate: {SNr: 30}}, weight: 10}
  calm: {windows: {rate: {STN: [5, 15]}}}
trials: 3
"""


def test_a_fit_by_command_is_interrupted_goes_on_and_finds_a_rate(bgnest, start_bgnest, traces, tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / "my.yaml").write_text(FILE)
    out = tmp_path / "out"
    process = start_bgnest("fit", tmp_path / "my.yaml", "--out", out)
    assert process.stdout.readline().startswith("trial 0: loss ")
    _, errors = process.interrupt()
    assert process.returncode == 130 and "Traceback" not in errors, errors
    before = pd.read_csv(out / "trials.csv")
    assert 1 <= len(before) < 3

    done = bgnest("fit", tmp_path / "my.yaml", "--out", out)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out / "trials.csv").set_index("trial")
    assert len(table) == 3 and (table["status"] == "done").all()
    # half of the samples of one of two traces are 3 mV off
    assert table["term soma"].to_numpy() == pytest.approx(3.0 / 2, rel=1e-3)
    assert (table["term calm"] == 0).all()
    relative = (table["tiny rate SNr"] - 30).abs() / 30
    assert table["term firing"].to_numpy() == pytest.approx(relative.to_numpy(), rel=1e-4)
    best = table["loss"].idxmin()
    assert best == (table["SNr"] - 30).abs().idxmin() and f"the best is number {best} " in done.stdout
    overlay = yaml.safe_load((out / "best.yaml").read_text())
    assert overlay["simulation"]["mock"]["rates"]["SNr"]["value"] == pytest.approx(table["SNr"][best], rel=1e-5)
    assert (out / "fit.png").stat().st_size > 10_000
    assert run_status(out / "runs" / f"trial-{best:04d}_tiny") == "complete"


def test_the_door_takes_tables_and_key_paths(tmp_path, tiny):
    table = pd.DataFrame({"time_ms": TIMES, "STN.V_m[0]": wave(0)})
    experiment = bgnest.load(tiny)
    path = "simulation.mock.rates.SNr"
    made = bgnest.fit(experiment, {path: (5, 80)}, {"soma": {"traces": table}}, folder=tmp_path / "fit", trials=1)
    assert made.study.aims[0].recorded[0].signals == (Signal("STN", "V_m", 0),)
    assert str(made).startswith("no trial yet")
    with pytest.raises(bgnest.Error, match=r"give its limits \(low, high\), not 3"):
        bgnest.fit(experiment, {path: 3}, {"soma": {"traces": table}})
    with pytest.raises(bgnest.Error, match="give parameters and targets"):
        bgnest.fit(experiment)
