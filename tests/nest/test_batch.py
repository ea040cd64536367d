"""Runs that share one build give what runs by themselves give; a run that dies takes no other with it."""

from __future__ import annotations

import json
import os
import signal

import pytest

from network.engine.batch import BatchError, run_all
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.layout import run_status
from network.runs.reader import Run

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

BASE = """
overlay_of: lindahl2016/activation_control
network: {n_neurons: {value: 1000, unit: 1, assumed: small}, small_network: multapses}
simulation: {t_presim: {value: 50, unit: ms, assumed: short}, t_sim: {value: 100, unit: ms, assumed: short}}
recording: {traces: null}
"""
POINTS = {
    "same": "",
    "rate": "inputs: {CTX_to_STN: {rate: {value: 800, unit: spikes/s, assumed: more}}}",
    "phasic": (
        "network: {dopamine_schedule: {kind: steps, times: {value: [80], unit: ms, assumed: dip}, "
        "levels: {value: [0.1], unit: 1, assumed: dip}}}"
    ),
    "traces": (
        "recording: {spikes: [STN, GPe], traces: {stn: {population: STN, cells: 2, variables: [V_m], "
        "interval: {value: 0.5, unit: ms, assumed: enough}}}}"
    ),
    "longer": "simulation: {t_sim: {value: 1150, unit: ms, assumed: longer than the time between two readouts}}",
}
EXPLODES = "inputs: {CTX_to_STN: {rate: {value: 1.0e+6, unit: spikes/s, assumed: far too much}}}"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)

    def write(points):
        for name, text in points.items():
            (tmp_path / f"{name}.yaml").write_text(f"overlay_of: base.yaml\n{text}\n")
        return [str(tmp_path / f"{name}.yaml") for name in points]

    return write


def test_shared_builds_give_the_same_bytes(bgnest, files, tmp_path):
    """Input, times, recordings, changes of dopamine: everything that is applied after the network stands."""
    names = files(POINTS)
    done = bgnest("batch", *names, "--out", tmp_path / "shared", "--workers", 2)
    assert done.returncode == 0, done.stderr
    alone = bgnest("batch", *names, "--out", tmp_path / "alone", "--no-share")
    assert alone.returncode == 0, alone.stderr
    for name in POINTS:
        one, other = Run.open(tmp_path / "shared" / name), Run.open(tmp_path / "alone" / name)
        one.verify()
        assert one.record["shared_build"] and not other.record["shared_build"]
        assert one.record["simulation_hash"] == other.record["simulation_hash"]
        files_of = sorted(path.name for path in one.path.glob("*.h5"))
        assert files_of == sorted(path.name for path in other.path.glob("*.h5"))
        for file in files_of:
            assert (one.path / file).read_bytes() == (other.path / file).read_bytes(), (name, file)
        assert sum(one.record["n_spikes"].values()) > 20
    assert len({(tmp_path / "shared" / name / "spikes.h5").read_bytes() for name in POINTS}) == len(POINTS)


def test_a_run_that_fails_or_dies_takes_no_other_with_it(bgnest, start_bgnest, files, tmp_path):
    """One explodes, one is killed; both are marked, the others are complete; again, only one is run."""
    endless = "simulation: {t_sim: {value: 1000000, unit: ms, assumed: until it is killed}}"
    names = files({"first": "", "explodes": EXPLODES, "killed": endless, "last": POINTS["rate"]})
    out = tmp_path / "runs"
    process = start_bgnest("batch", *names, "--out", out, "--workers", 2)
    process.wait_until((out / "killed" / "spikes.rank-000000.h5.partial").exists)
    os.kill(json.loads((out / "killed" / "record.json").read_text())["process"]["pid"], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "2 of 4 runs failed" in errors and "killed by signal 9" in errors and "spikes/s on average" in errors
    assert {name: run_status(out / name) for name in ("first", "explodes", "killed", "last")} == {
        "first": "complete",
        "explodes": "exploded",
        "killed": "failed",
        "last": "complete",
    }
    before = (out / "first" / "manifest.json").stat().st_mtime_ns
    again = bgnest("batch", *names, "--out", out, "--t-sim", 100)
    assert again.returncode == 3 and "1 of 4 runs failed" in again.stderr
    assert (out / "first" / "manifest.json").stat().st_mtime_ns == before
    assert run_status(out / "killed") == "complete"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_children_and_marks_their_runs(start_bgnest, files, tmp_path, number):
    endless = "simulation: {t_sim: {value: 1000000, unit: ms, assumed: until it is interrupted}}"
    names = files({"first": "", "endless": endless, "never": POINTS["rate"]})
    out = tmp_path / "runs"
    process = start_bgnest("batch", *names, "--out", out)
    process.wait_until((out / "endless" / "spikes.rank-000000.h5.partial").exists)
    child = json.loads((out / "endless" / "record.json").read_text())["process"]["pid"]
    if number == signal.SIGTERM:
        process.send_signal(number)  # to the parent alone, whereas a terminal tells all
        _, errors = process.communicate(timeout=60)
    else:
        _, errors = process.interrupt()
    assert process.returncode in (130, 143) and "Traceback" not in errors, errors
    assert run_status(out / "first") == "complete" and run_status(out / "endless") == "failed"
    assert not (out / "never").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def plan(*changes, threads=1):
    return make_plan(load_experiment("lindahl2016/activation_control", overrides=changes), threads=threads)


def test_what_the_build_depends_on():
    """Weights, seed and size are built, and with devices the delays of input limit those of the network."""
    base = plan().build_identity
    assert base == plan("inputs.CTX_to_STN.rate=300", "simulation.t_sim=50", "recording.traces=null").build_identity
    different = (
        "projections.STN_to_SNr.weight=1",
        "simulation.seed=2",
        "network.dopamine=0.4",
        "network.n_neurons=9000",
    )
    for change in (*different, "simulation.target=plain"):
        assert plan(change).build_identity != base
    device = "simulation.drive=device"
    slow = "inputs.CTX_to_STN.delay={value: 20, unit: ms, assumed: slow}"
    assert plan(slow).build_identity == base
    assert plan(device, slow).build_identity != plan(device).build_identity


def test_errors_of_single_runs_come_at_the_end(tmp_path, monkeypatch):
    small = ("network.n_neurons=300", "network.small_network=multapses", "simulation.t_sim=20", "simulation.t_presim=0")
    changes = {"low": ["simulation.guard.rate=1", "simulation.guard.window=10"], "fine": ["simulation.seed=2"]}
    experiments = {
        name: load_experiment("lindahl2016/activation_control", overrides=[*small, *more])
        for name, more in changes.items()
    }
    with pytest.raises(BatchError, match="1 of 2 runs failed") as found:
        run_all(experiments, tmp_path)
    assert list(found.value.failures) == ["low"] and found.value.exit_code == 3
    assert found.value.runs["fine"].record["status"] == "complete"
