"""What ``bgnest check invariance`` says: why an experiment depends on the split, and where runs part."""

from __future__ import annotations

import numpy as np
import pytest

from network.cli.check import _difference, _Split, _splits
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.split import split_reasons
from network.runs import RunFolder

NETWORK = "lindahl2016/activation_control"


def reasons(*overrides: str) -> list[str]:
    plan = make_plan(load_experiment(NETWORK, overrides=overrides))
    found = split_reasons(plan)
    assert bool(found) == plan.depends_on_split
    return found


def test_reasons_of_a_dependence_on_the_split_are_named():
    assert reasons() == []
    (wiring,) = reasons("simulation.wiring=nest")
    assert "NEST wires" in wiring and "and 27 more" in wiring and "simulation.wiring: nest" in wiring
    (drive,) = reasons("simulation.drive=device")
    assert "generators make the Poisson input" in drive and "(drive device)" in drive
    both = reasons("simulation.target=plain")
    assert len(both) == 2 and "onto cells of the target plain" in both[1]


@pytest.mark.parametrize(
    ("vps", "ranks_too", "independent", "expected"),
    [
        (4, True, True, ["1 x 1", "1 x 2", "2 x 1", "1 x 4", "2 x 2", "4 x 1"]),
        (4, False, True, ["1 x 1", "1 x 2", "1 x 4"]),
        (3, True, False, ["1 x 3", "3 x 1"]),
        (2, False, False, ["1 x 2", "1 x 2 again"]),
    ],
)
def test_splits_that_must_give_the_same(vps, ranks_too, independent, expected):
    assert [str(split) for split in _splits(vps, ranks_too, independent=independent)] == expected


@pytest.fixture
def make_run(plan_of_runs, tmp_path):
    def make(name: str, times: list[float], ids: list[int]):
        with RunFolder.create(tmp_path / name) as folder:
            folder.write_plan(plan_of_runs)
            with folder.spike_writer(["STN"]) as spikes:
                spikes.append("STN", np.array(times), np.array(ids, dtype=int))
            return folder.finish()

    return make


@pytest.fixture
def plan_of_runs():
    population = {"name": "STN", "model": "aeif_stn", "n_neurons": 3, "first_id": 0}
    return {"name": "tiny", "t_presim": 0.0, "t_sim": 50.0, "populations": [population], "projections": []}


def test_the_first_spike_that_differs_is_named(make_run):
    splits = [_Split(1, 1), _Split(1, 2)]
    one = make_run("one", [1.0, 2.0, 7.5], [0, 1, 2])
    assert _difference([one, make_run("same", [1.0, 2.0, 7.5], [0, 1, 2])], splits) is None
    moved = _difference([one, make_run("moved", [1.0, 2.0, 7.6], [0, 1, 2])], splits)
    assert moved == "spikes.h5 of 1 x 1 and 1 x 2 differ; the first spike that differs is of STN at 7.5 ms"
    fewer = _difference([one, make_run("fewer", [1.0, 2.0], [0, 1])], splits)
    assert "STN at 7.5 ms" in fewer
    silent = [make_run(name, [], []) for name in ("silent", "silent_too")]
    assert "no spikes to compare" in _difference(silent, splits)
