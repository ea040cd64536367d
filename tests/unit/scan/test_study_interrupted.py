"""An optimisation that is interrupted while it notes the outcome of a trial knows afterwards what it has."""

from __future__ import annotations

import pytest

from network.scans import optimise
from network.scans.goal import parse_optimisation

pytest.importorskip("optuna")

STUDY = {
    "optimise": "lindahl2016/activation_control",
    "search": {"STN": {"path": "inputs.CTX_to_STN.rate", "distribution": {"low": 500, "high": 600}}},
    "set": {"simulation.mock": {"rate": 10}},
}


@pytest.fixture
def study(tmp_path):
    study = optimise.Study(parse_optimisation(STUDY), tmp_path / "study")
    (tmp_path / "study" / "points").mkdir(parents=True)
    return study


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def again(study, monkeypatch, wanted):
    """What the next call of the same command does before it starts a run: returns the values that it tries."""
    tried = []

    class StartedError(Exception):
        """Instead of a run."""

    def start():
        tried.append(study.study.ask(fixed_distributions=distributions(study)).params)
        raise StartedError

    later = optimise.Study(study.spec, study.folder)
    monkeypatch.setattr(later, "_start", start)
    with pytest.raises(StartedError):
        later.run(wanted)
    return later, tried


def distributions(study):
    return {name: value for trial in study.study.trials for name, value in trial.distributions.items()}


def test_a_trial_whose_distance_was_not_noted_is_run_again(study, monkeypatch):
    """Its status, which is noted first, says that it is done."""
    trial = study._start()
    monkeypatch.setattr(optimise.pd, "concat", interrupt)
    with pytest.raises(KeyboardInterrupt):
        study._tell(trial, None)
    monkeypatch.undo()
    assert study.study.trials[0].user_attrs["status"] == "done"
    later, tried = again(study, monkeypatch, wanted=1)
    assert later.n_finished == 0 and later.table().empty
    assert tried == [trial.values]


@pytest.mark.parametrize("status", ["exploded", "failed"])
def test_a_trial_whose_outcome_was_noted_is_not_run_again(study, monkeypatch, status):
    trial = study._start()
    trial.failure = (status, "STN fires 900 spikes/s on average")
    monkeypatch.setattr(study.study, "tell", interrupt)
    with pytest.raises(KeyboardInterrupt):
        study._tell(trial, None)
    monkeypatch.undo()
    later, tried = again(study, monkeypatch, wanted=2)
    assert later.n_finished == 1 and list(later.table()["status"]) == [status]
    assert tried != [trial.values]
