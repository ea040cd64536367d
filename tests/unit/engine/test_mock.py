"""The whole life of a run on the mock engine, in seconds and without NEST: what every engine owes the rest."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time

import numpy as np
import pytest

from network.engine.batch import BatchError, run_all
from network.engine.run import run
from network.errors import EngineError, RunawayError, RunExistsError, RunIncompleteError, RunMissingError
from network.experiment import load_experiment
from network.plans import make_plan, plan_from_dict
from network.runs.layout import run_status
from network.runs.reader import Run

MOCK = "simulation.mock={rate: 10, rates: {STN: 30}}"
SMALL = ("network.n_neurons=10000", "simulation.t_presim=200", "simulation.t_sim=400", MOCK)


def experiment(*changes: str):
    return load_experiment("lindahl2016/activation_control", overrides=[*SMALL, *changes])


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Run:
    return run(experiment(), out=tmp_path_factory.mktemp("mock") / "run")


def test_neither_nest_nor_a_compiler_is_touched(tmp_path):
    code = (
        "import sys, os; os.environ['PATH'] = ''\n"
        "from network.engine.run import run; from network.experiment import load_experiment\n"
        f"run(load_experiment('lindahl2016/activation_control', overrides={SMALL!r}), out={str(tmp_path / 'run')!r})\n"
        "assert 'nest' not in sys.modules and 'pynestml' not in sys.modules"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert Run.open(tmp_path / "run").record["versions"]["engine"].startswith("mock")


def test_cells_fire_at_their_rates_inside_the_window(done):
    for name, rate in (("MSN_D1", 10.0), ("STN", 30.0)):
        spikes = done.spikes(name)
        expected = rate * spikes.n_neurons * 0.4
        assert abs(len(spikes.times) - expected) < 5.0 * np.sqrt(expected)  # a Poisson count
        assert spikes.times.min() >= 200.0 - 1e-6 and spikes.times.max() < 600.0


def test_how_a_run_is_cut_into_chunks_does_not_matter(done, tmp_path, monkeypatch):
    monkeypatch.setattr("network.engine.session.DRAIN_MS", 35.0)
    monkeypatch.setattr("network.engine.session.PROGRESS_MS", 20.0)
    again = run(experiment("simulation.guard.window=30"), out=tmp_path / "run")
    for name in done.populations:
        assert np.array_equal(done.spikes(name).times, again.spikes(name).times)
        assert np.array_equal(done.spikes(name).node_ids, again.spikes(name).node_ids)


def test_recorded_variables_have_the_unit_of_the_model_and_a_sample_per_interval(tmp_path):
    traces = "recording.traces={STN: {population: STN, cells: 3, variables: [V_m, w, g_ampa], interval: 0.5}}"
    made = run(experiment(traces), out=tmp_path / "run")
    for variable, unit in (("V_m", "mV"), ("w", "pA"), ("g_ampa", "nS")):
        report = made.report("STN", variable)
        assert report.units == unit
        assert report.values.shape == (800, 3)
        assert report.times[0] == 200.0 and np.allclose(np.diff(report.times), 0.5)


def test_the_same_again_is_found_and_another_refused(done):
    before = done.manifest
    assert run(experiment(), out=done.path, resume=True).manifest == before
    with pytest.raises(RunExistsError, match="complete run"):
        run(experiment(), out=done.path)
    with pytest.raises(EngineError, match="another simulation"):
        run(experiment("simulation.seed=2"), out=done.path, resume=True)


def test_the_guard_ends_a_run_that_explodes(tmp_path):
    wild = experiment("simulation.mock.rates.STN=900")
    with pytest.raises(RunawayError, match=r"STN fires [89]\d\d spikes/s.*simulation.guard.rate"):
        run(wild, out=tmp_path / "run")
    stopped = Run.open(tmp_path / "run", allow_incomplete=True)
    assert stopped.record["status"] == "exploded" and len(stopped.spikes("STN").times)
    with pytest.raises(RunIncompleteError, match="stopped"):
        Run.open(tmp_path / "run")


def test_a_killed_run_is_run_again_by_the_same_call(tmp_path):
    slow, path = experiment("simulation.mock.pace=30"), tmp_path / "run"
    process = multiprocessing.get_context("fork").Process(target=run, args=(slow,), kwargs={"out": path})
    process.start()
    progress = path / "progress.json"
    while not (progress.is_file() and "warm up" in progress.read_text()):
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert run_status(path) == "interrupted"
    assert run(experiment(), out=path, resume=True).record["status"] == "complete"
    Run.open(path).verify()


def test_many_runs(tmp_path):
    experiments = {f"seed{seed}": experiment(f"simulation.seed={seed}") for seed in (1, 2)}
    runs = run_all(experiments, tmp_path, share_builds=True)
    assert set(runs) == set(experiments)
    assert not np.array_equal(runs["seed1"].spikes("STN").times, runs["seed2"].spikes("STN").times)


def test_a_complete_run_of_another_simulation_is_replaced_only_if_so_wanted(tmp_path):
    first = run_all({"a": experiment("simulation.seed=1")}, tmp_path)["a"]
    again = run_all({"a": experiment("simulation.seed=1")}, tmp_path)["a"]
    assert again.record["started"] == first.record["started"]
    with pytest.raises(BatchError, match="holds a complete run; choose another folder, or --overwrite it"):
        run_all({"a": experiment("simulation.seed=2")}, tmp_path)
    assert Run.open(tmp_path / "a").record["started"] == first.record["started"]
    other = run_all({"a": experiment("simulation.seed=2")}, tmp_path, overwrite=True)["a"]
    assert other.record["simulation_hash"] != first.record["simulation_hash"]


def test_it_is_another_simulation_than_that_of_nest():
    mock, real = make_plan(experiment()), make_plan(experiment("simulation.mock=null"))
    assert mock.network_hash == real.network_hash and mock.simulation_hash != real.simulation_hash
    assert plan_from_dict(mock.to_dict()) == mock


def test_ranks_are_refused(tmp_path):
    with pytest.raises(EngineError, match=r"simulation\.mock plays in one process"):
        run(experiment(), ranks=2, out=tmp_path / "run")


def test_positions_of_cells_are_in_the_run(done, tmp_path):
    box = "populations.STN.positions={shape: box, extent: {value: [1.5, 0.8], unit: mm, assumed: t}}"
    placed = experiment(box)
    made = run(placed, out=tmp_path / "run")
    positions = made.positions("STN")
    assert np.array_equal(positions, make_plan(placed).positions()["STN"])
    assert positions.shape == (made.populations["STN"], 2)
    assert (np.abs(positions) <= [750.0, 400.0]).all() and positions.std(axis=0) == pytest.approx([433, 231], rel=0.3)
    assert "nodes.h5" in (tmp_path / "run" / "manifest.json").read_text()
    with pytest.raises(RunMissingError, match="no positions of 'SNr'; populations with positions: STN"):
        made.positions("SNr")
    with pytest.raises(RunMissingError, match="populations with positions: none"):
        done.positions("STN")
