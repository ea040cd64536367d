"""A run folder belongs to one process at a time, and to nobody when that process is gone."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from network.cli.main import app
from network.cluster import job
from network.engine import restart
from network.errors import RunError, RunExistsError
from network.runs import Run, RunBusyError, RunFolder, claim
from network.runs.claim import LOCK, SILENCE, Claim, is_locked
from network.runs.layout import run_status

HOLD = """
import sys, time
from pathlib import Path
from network.runs import RunFolder
folder = RunFolder.create(Path(sys.argv[1]), overwrite=True)
number = 0
while True:
    number += 1
    folder.write_json("plan.json", {"populations": [], "number": number})
    if number == 1:
        print("begun", flush=True)
"""


@pytest.fixture
def begin():
    """Start a process that makes a run and never ends."""
    started = []

    def start(path):
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "begun\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def elsewhere(path, **fields):
    """Let a run say that it belongs to a process of another machine."""
    record = json.loads((path / "record.json").read_text())
    record["process"] |= {"host": "another-machine", "boot": "another-boot", **fields}
    (path / "record.json").write_text(json.dumps(record))


def silent(path, seconds):
    """Let the last sign of life of a run be so long ago."""
    for file in path.iterdir():
        with suppress(FileNotFoundError):  # the run replaces its progress meanwhile
            os.utime(file, (time.time() - seconds,) * 2)


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"overwrite": True, "take_over": True}])
def test_a_run_that_goes_on_is_left_alone_by_any_other(tmp_path, begin, options):
    process = begin(tmp_path / "run")
    restart.release(tmp_path / "run")
    assert run_status(tmp_path / "run") == "running"
    with pytest.raises(RunBusyError, match=rf"going on in this folder \(process {process.pid} on .*wait for it"):
        RunFolder.create(tmp_path / "run", **options)
    before = json.loads((tmp_path / "run" / "plan.json").read_text())["number"]
    time.sleep(0.2)
    assert json.loads((tmp_path / "run" / "plan.json").read_text())["number"] > before


def test_a_lock_counts_though_the_record_names_another_host(tmp_path, begin):
    """Containers of one machine have names of their own."""
    begin(tmp_path / "run")
    elsewhere(tmp_path / "run")
    silent(tmp_path / "run", 2 * SILENCE)
    with pytest.raises(RunBusyError):
        RunFolder.create(tmp_path / "run", take_over=True)


def test_a_killed_run_lets_go_at_once_whatever_it_was_doing(tmp_path, begin):
    for _ in range(3):
        process = begin(tmp_path / "run")
        time.sleep(random.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert run_status(tmp_path / "run") == "interrupted"
    folder = RunFolder.create(tmp_path / "run")
    assert run_status(folder.path) == "running"


def test_a_killed_run_of_a_container_of_this_machine_lets_go_at_once(tmp_path, begin):
    process = begin(tmp_path / "run")
    process.kill()
    process.wait()
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    record["process"]["host"] = "5c1d2ab90e7f"
    (tmp_path / "run" / "record.json").write_text(json.dumps(record))
    RunFolder.create(tmp_path / "run")


def test_two_runs_of_one_process_are_two(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    with pytest.raises(RunBusyError):
        RunFolder.create(tmp_path / "run")
    with folder:
        folder.fail("enough")
    RunFolder.create(tmp_path / "run")


def test_of_many_that_begin_together_one_gets_the_folder(tmp_path):
    code = HOLD.replace("number = 0", "sys.stdin.read(); sys.exit()")
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    pipes = dict.fromkeys(("stdin", "stderr"), subprocess.PIPE)
    many = [subprocess.Popen(command, text=True, **pipes) for _ in range(4)]
    while len(left := [process for process in many if process.poll() is None]) > 1:
        time.sleep(0.05)
    errors = [process.communicate()[1] for process in many]
    assert len(left) == 1 and sorted(process.returncode for process in many) == [0, 1, 1, 1]
    assert sum("RunBusyError" in error for error in errors) == 3


def test_a_run_of_a_machine_that_is_gone_has_a_way_out_that_the_message_names(tmp_path):
    path = RunFolder.create(tmp_path / "run").path  # its lock is gone with the last reference to it
    elsewhere(path)
    for options in ({}, {"overwrite": True}):
        with pytest.raises(RunBusyError, match=r"another-machine, last sign of life \d s ago\).*--take-over"):
            RunFolder.create(path, **options)
    restart.release(path)  # what --resume does
    assert run_status(path) == "running"
    assert run_status(RunFolder.create(path, take_over=True).path) == "running"


def test_silence_lets_go_of_a_run_on_another_machine(tmp_path):
    path = RunFolder.create(tmp_path / "run").path
    elsewhere(path)
    silent(path, SILENCE - 60)
    assert run_status(path) == "running"
    silent(path, SILENCE + 60)
    assert run_status(path) == "interrupted"
    RunFolder.create(path)


def test_who_is_taken_over_though_alive_does_not_write_any_more(tmp_path):
    old = RunFolder.create(tmp_path / "run")
    (old.path / ".lock").unlink()  # as for a machine that does not see the lock
    elsewhere(old.path)
    new = RunFolder.create(tmp_path / "run", take_over=True)
    for write in (lambda: old.write_params("late: 1\n"), lambda: old.finish()):
        with pytest.raises(RunError, match="taken over"):
            write()
    new.write_params("early: 1\n")


def test_a_requeued_slurm_job_takes_its_own_run_and_no_living_one(tmp_path, monkeypatch):
    monkeypatch.setattr(restart, "identity", lambda: {"slurm": "7"})
    monkeypatch.setattr(job.shutil, "which", lambda name: None)
    folder = RunFolder.create(tmp_path / "run", record={"job": {"slurm": "7"}})
    restart.release(folder.path)
    assert run_status(folder.path) == "running"
    path = folder.path
    folder._claim.release()
    elsewhere(path)
    restart.release(path)
    assert run_status(path) == "failed"


def test_a_lock_is_gone_after_the_run_and_its_file_is_no_part_of_it(tmp_path, plan):
    with RunFolder.create(tmp_path / "run") as folder:
        folder.write_plan(plan)
        with folder.spike_writer(["STN"]):
            pass
        run = folder.finish()
    assert not (run.path / ".lock").exists() and ".lock" not in run.manifest["files"]
    assert is_locked(run.path) is None
    with pytest.raises(RunExistsError, match="complete run"):
        RunFolder.create(run.path)
    Run.open(run.path).verify()


def test_looking_does_not_keep_a_run_from_beginning(tmp_path):
    for number in range(50):
        folder = tmp_path / str(number)
        folder.mkdir()
        claim = Claim.take(folder)
        assert claim is not None and is_locked(folder)
        claim.release()
        assert Claim.take(folder) is not None


def test_a_submitted_run_is_queued_until_its_job_begins(tmp_path, monkeypatch):
    """Slurm is a script that takes the job; the folder and ``bgnest runs`` say how far it is."""
    sbatch = tmp_path / "sbatch"
    sbatch.write_text("#!/bin/sh\necho Submitted batch job 7\n")
    sbatch.chmod(0o755)
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\necho PENDING\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    out = tmp_path / "runs" / "job"
    words = ["submit", "lindahl2016/activation_control", "--n-neurons", "10000", "--out", str(out)]
    answer = CliRunner().invoke(app, words)
    assert "Submitted batch job 7" in answer.output and run_status(out) == "queued"
    listed = CliRunner().invoke(app, ["runs", str(tmp_path / "runs")]).output
    assert re.search(r"^job +queued", listed, re.MULTILINE)
    again = CliRunner().invoke(app, words)
    assert "queued already" in str(again.exception)
    assert CliRunner().invoke(app, [*words, "--take-over"]).exit_code == 0
    squeue.write_text("#!/bin/sh\necho slurm_load_jobs error: Invalid job id specified >&2; exit 1\n")
    listed = CliRunner().invoke(app, ["runs", str(tmp_path / "runs")]).output
    assert "interrupted" in listed and "job 7 has ended before the run began" in listed
    assert CliRunner().invoke(app, words).exit_code == 0  # handed in again
    with RunFolder.create(out):  # the job begins
        assert run_status(out) == "running"
    sbatch.write_text("#!/bin/sh\necho no such partition >&2; exit 1\n")
    assert CliRunner().invoke(app, [*words[:-1], str(tmp_path / "runs" / "other")]).exit_code == 1
    assert run_status(tmp_path / "runs" / "other") == "failed"


def test_a_thread_that_cannot_begin_is_not_waited_for(tmp_path, monkeypatch):
    """`threading.Thread.start` waits for ever where the new thread dies at once, as with a megabyte of memory left."""
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("waits for the thread"))
    monkeypatch.setattr(claim, "BEAT", 0.01)
    held = Claim.take(tmp_path)
    before = (tmp_path / LOCK).stat().st_mtime_ns
    deadline = time.monotonic() + 20.0
    while (tmp_path / LOCK).stat().st_mtime_ns == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / LOCK).stat().st_mtime_ns > before
    held.release()
