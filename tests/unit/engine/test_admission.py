"""What cannot fit is refused before anything is made, with what would fit; predictions stay beside what came of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from network.cli.main import app
from network.door.costs import list_costs
from network.engine import admission
from network.engine.run import run
from network.errors import RoomError
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.cost import estimate
from network.room import Limit

NAME = "lindahl2016/activation_control"
MOCK = ["simulation.mock={rate: 5}", "simulation.t_presim=0", "simulation.t_sim=100", "network.n_neurons=10000"]


@pytest.fixture(scope="module")
def experiment():
    return load_experiment(NAME, overrides=["network.n_neurons=200000"])


@pytest.fixture
def room(monkeypatch):
    """Set memory and disk of this machine."""

    def set_to(memory=1e15, disk=1e15, file=1e15):
        monkeypatch.setattr(admission, "memory_limits", lambda: [Limit(memory, "this machine has")])
        monkeypatch.setattr(admission, "free_disk", lambda path: disk)
        monkeypatch.setattr(admission, "largest_file", lambda: file)

    return set_to


def test_what_would_fit_does_fit(experiment, room, tmp_path):
    plan = make_plan(experiment)
    room(memory=1e9)
    with pytest.raises(RoomError) as error:
        admission.refuse_what_cannot_fit(experiment, plan, tmp_path / "run")
    assert "200,000 neurons" in str(error.value) and "this machine has 1.0 GB" in str(error.value)
    n = int(str(error.value).partition("--n-neurons ")[2].partition(")")[0])
    needs = lambda n: estimate(make_plan(admission._of_size(experiment, n))).memory_per_rank  # noqa: E731
    assert needs(n) <= 1e9 < needs(int(1.2 * n))


def test_several_ranks_share_a_machine(experiment, room, tmp_path):
    plan = make_plan(experiment, ranks=4)
    room(memory=3.0 * estimate(plan).memory_per_rank)
    admission.refuse_what_cannot_fit(experiment, plan, tmp_path, ranks_here=2)
    with pytest.raises(RoomError):
        admission.refuse_what_cannot_fit(experiment, plan, tmp_path, ranks_here=4)


def test_a_machine_too_small_for_any_size_says_no_size(experiment, room, tmp_path):
    room(memory=1e7)
    with pytest.raises(RoomError, match=r"this machine has 10\.0 MB\. --regardless"):
        admission.refuse_what_cannot_fit(experiment, make_plan(experiment), tmp_path)


@pytest.mark.parametrize(("disk", "file", "why"), [(2e7, 1e15, "are left 20.0 MB"), (1e15, 1e6, "ulimit -f")])
def test_recordings_that_the_disk_does_not_hold(experiment, room, tmp_path, disk, file, why):
    plan = replace(make_plan(experiment), t_sim=1e6, spike_stop=1e6 + 1000.0)
    room(disk=disk, file=file)
    with pytest.raises(RoomError, match=why) as error:
        admission.refuse_what_cannot_fit(experiment, plan, tmp_path)
    t = float(str(error.value).partition("--t-sim ")[2].partition(")")[0])
    fits = replace(plan, t_sim=t, spike_stop=t + 1000.0)
    assert estimate(fits).largest_file_bytes <= file and estimate(fits).disk_bytes <= disk + 600_000


def test_a_run_is_refused_before_its_folder_is_made_and_can_be_insisted_on(room, tmp_path):
    changes = [word for item in MOCK for word in ("--set", item)]
    command = ["run", NAME, *changes, "--no-figures", "--quiet", "--out", str(tmp_path / "run")]
    room(disk=1000.0)
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, RoomError) and not (tmp_path / "run").exists()
    assert CliRunner().invoke(app, [*command, "--regardless"]).exit_code == 0


def test_predicted_and_measured_are_kept(room, tmp_path):
    room()
    done = run(load_experiment(NAME, overrides=MOCK), out=tmp_path / "run")
    before, after = done.record["predicted"], done.record["measured"]
    assert before["disk_bytes"] > 0 and 0.1 < before["disk_bytes"] / after["disk_bytes"] < 10.0
    assert "memory_bytes" not in before and after["memory_bytes"] > 1e6  # nothing was built
    ((name, cells),) = list_costs(tmp_path)
    assert name == "run" and cells[0].startswith("- -> ") and cells[1].endswith("B")
    assert "predicted -> measured" in CliRunner().invoke(app, ["runs", str(tmp_path), "--cost"]).output
