"""A cell whose state is not finite stops the run; what was recorded until then is kept. Here on the mock engine."""

from __future__ import annotations

import json

import numpy as np
import pytest

from network.engine.mock.engine import MockSimulation
from network.engine.run import run
from network.engine.stops import NotFinite, NotFiniteStopError
from network.errors import NotFiniteError, RunawayError, RunIncompleteError
from network.experiment import load_experiment
from network.runs.layout import run_status
from network.runs.reader import Run

SMALL = ("network.n_neurons=10000", "simulation.t_presim=200", "simulation.t_sim=400", "simulation.mock={rate: 10}")
STOP = NotFinite("STN", 3, 437.3, 437.0, {"C_m": 60.0, "k": float("inf")}, {"V_m": float("nan")})


def experiment(*changes):
    return load_experiment("lindahl2016/activation_control", overrides=[*SMALL, *changes])


@pytest.fixture
def stopping(monkeypatch):
    """Engine that stops within the chunk from 400 ms on; it has got some spikes of the torn slice, too."""
    usual = MockSimulation.run

    def advance(self, duration):
        usual(self, duration)
        if self._time > STOP.until:
            raise NotFiniteStopError(STOP)

    monkeypatch.setattr(MockSimulation, "run", advance)


def test_the_run_is_kept_up_to_the_stop_and_says_everything_about_the_cell(stopping, tmp_path):
    with pytest.raises(NotFiniteError, match=r"cell 3 of STN is no longer finite in the step after 437.3 ms") as error:
        run(experiment(), out=tmp_path / "run")
    assert "V_m=nan" in str(error.value) and "C_m=60, k=inf" in str(error.value) and error.value.exit_code == 3
    assert run_status(tmp_path / "run") == "exploded"
    with pytest.raises(RunIncompleteError, match="cell 3 of STN"):
        Run.open(tmp_path / "run")
    partial = Run.open(tmp_path / "run", allow_incomplete=True)
    partial.verify()
    stopped = partial.record["stopped"]
    assert (stopped["population"], stopped["cell"], stopped["time"]) == ("STN", 3, 437.3)
    assert stopped["states"] == {"V_m": "nan"} and stopped["parameters"] == {"C_m": 60.0, "k": "inf"}
    assert partial.window == (200.0, 437.0)


def test_spikes_and_traces_end_where_the_last_whole_slice_does(stopping, tmp_path, monkeypatch):
    with pytest.raises(NotFiniteError):
        run(experiment(), out=tmp_path / "run")
    monkeypatch.undo()
    whole, partial = run(experiment(), out=tmp_path / "whole"), Run.open(tmp_path / "run", allow_incomplete=True)
    for name in whole.recorded:
        expected, found = whole.spikes(name), partial.spikes(name)
        kept = expected.times < 437.0 + 1e-6
        assert np.array_equal(found.times, expected.times[kept]) and len(found.times) > 0
        assert np.array_equal(found.node_ids, expected.node_ids[kept])
    assert whole.reports
    for population, variable in whole.reports:
        times = partial.report(population, variable).times
        assert 430.0 < times.max() <= 437.0 + 1e-6


def test_the_same_again_is_not_tried_whatever_the_guard(stopping, tmp_path, monkeypatch):
    with pytest.raises(NotFiniteError):
        run(experiment(), out=tmp_path / "run")
    monkeypatch.undo()
    before = (tmp_path / "run" / "record.json").read_bytes()
    with pytest.raises(RunawayError, match="cell 3 of STN"):
        run(experiment("simulation.guard.rate=900"), out=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "record.json").read_bytes() == before
    done = run(experiment(), out=tmp_path / "run")
    assert done.record["status"] == "complete" and "stopped" not in json.loads(before)["predicted"]


def test_silent_populations_stand_in_the_record(tmp_path):
    done = run(experiment("simulation.mock.rates={STN: 0, SNr: 0}"), out=tmp_path / "run")
    assert done.record["silent"] == ["STN", "SNr"]
