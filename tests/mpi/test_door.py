"""Ranks from Python: a script that is no rank starts the job, sees its progress, and gets the run or the error."""

from __future__ import annotations

import bgnest
import pytest

from network.cluster import launch
from network.engine.restart import run_status
from network.errors import RunExistsError

pytestmark = [pytest.mark.mpi, pytest.mark.nest]


def test_a_script_runs_with_ranks_and_is_told_what_is_wrong(mpi_python, tmp_path):
    experiment = bgnest.load(
        "lindahl2016/activation_control", n_neurons=300, small_network="multapses", t_sim=50, t_presim=20
    )
    run = experiment.run(ranks=2, out=tmp_path / "run", progress=False)
    assert run.plan.ranks == 2 and run.status == "complete"
    assert run.plan.simulation_hash == experiment.plan(ranks=2).simulation_hash
    with pytest.raises(RunExistsError, match="holds a complete run"):
        experiment.run(ranks=2, out=tmp_path / "run", progress=False)
    assert experiment.run(ranks=2, out=tmp_path / "run", resume=True, progress=False).path == run.path


def test_what_the_job_says_is_the_error(mpi_python, tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_LAUNCHER", f"{launch.launcher_command(2)[0]} --no-such-option -n {{ranks}}")
    experiment = bgnest.load("lindahl2016/activation_control", n_neurons=300, small_network="multapses", t_sim=50)
    with pytest.raises(bgnest.Error):
        experiment.run(ranks=2, out=tmp_path / "run", progress=False)
    assert run_status(tmp_path / "run") in ("missing", "failed")
