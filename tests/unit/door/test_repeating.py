"""A run can be verified and repeated from its folder alone."""

from __future__ import annotations

import pytest

import network as bgnest
from network.door.repeating import compared
from network.errors import RunError

MOCK = {"simulation.mock.rate": 5, "simulation.t_presim": 50, "simulation.t_sim": 100, "network.n_neurons": 10_000}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return _run(tmp_path_factory.mktemp("again"))


def _run(folder, **changes):
    experiment = bgnest.load("lindahl2016/activation_control")
    for key, value in {**MOCK, **changes}.items():
        experiment[key] = value
    return experiment.run(out=folder / "run", progress=False)


def test_a_repeated_run_has_the_same_spikes(made):
    again = made.rerun(progress=False)
    assert again and again.path.name == "run-again"
    assert sum(n for n, _ in again.spikes.values()) > 100
    assert repr(again).startswith("IDENTICAL: all")


def test_another_seed_is_told_apart(made, tmp_path):
    other = _run(tmp_path, **{"simulation.seed": 7})
    found = compared(made.reader, other.reader)
    assert not found
    assert "not the same" in repr(found) and "DIFFERENT" in repr(found)


def test_a_run_is_not_repeated_onto_itself(made):
    with pytest.raises(RunError, match="the run itself"):
        made.rerun(made.path, overwrite=True, progress=False)
