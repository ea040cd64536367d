"""Cells that are alike and fire together are named, and what to do about it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from network.analysis.targets.judge import judge_run
from network.analysis.targets.lockstep import in_lockstep
from network.engine.run import run
from network.experiment import load_experiment


def spikes_of(**trains):
    """A run of populations of ten cells, by the times of their spikes."""
    arrays = {name: SimpleNamespace(times=np.asarray(times)) for name, times in trains.items()}
    return SimpleNamespace(populations=dict.fromkeys(arrays, 10), recorded=tuple(arrays), spikes=arrays.__getitem__)


def test_ten_cells_that_fire_in_the_same_steps_are_named():
    volleys = np.repeat([10.0, 40.0, 70.0, 100.0], 10)
    scattered = np.arange(40) * 2.5
    (told,) = in_lockstep(spikes_of(ChIN=volleys, MSN=scattered, silent=[]))
    assert told.startswith("warning: the 10 cells of ChIN fire at the same moments, 4 times")
    assert "`heterogeneity` and `initial`" in told


def test_a_rhythm_whose_spikes_spread_is_no_lockstep():
    rng = np.random.default_rng(1)
    volleys = np.round(np.repeat([10.0, 40.0, 70.0, 100.0], 10) + rng.normal(0.0, 0.5, 40), 1)
    assert not list(in_lockstep(spikes_of(ChIN=volleys)))
    assert not list(in_lockstep(spikes_of(ChIN=np.repeat([10.0, 40.0], 10))))  # twice may be chance


def test_poisson_cells_of_a_run_are_not_named(tmp_path):
    settings = (
        "network.n_neurons=10000",
        "simulation.t_presim=0",
        "simulation.t_sim=300",
        "simulation.mock={rate: 20}",
    )
    done = run(load_experiment("lindahl2016/activation_control", overrides=settings), out=tmp_path / "run")
    assert not any("same moments" in note for note in judge_run(done, None, pairs=False).notes)
