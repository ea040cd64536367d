"""A process whose threads wait for one another for ever is ended, and its run says why; others are left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

WATCHED = """
import os, sys, threading, time
from pathlib import Path
from network.engine.standstill import watched

def compute(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass

with watched(Path(sys.argv[1]), threads=int(sys.argv[3]), looks=2) as watch:
    time.sleep(0.5)
    with watch.advancing():
        {"wait": lambda: time.sleep(60), "compute": lambda: compute(5)}[sys.argv[2]]()
    time.sleep(4)  # not while it advances
print("ended well")
"""


def watched(folder, what, threads=2):
    (folder / "record.json").write_text('{"status": "running", "seed": 3}')
    words = [sys.executable, "-c", WATCHED, str(folder), what, str(threads)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_process_that_stands_still_is_ended_and_its_record_says_why(tmp_path):
    process = watched(tmp_path, "wait")
    _, said = process.communicate(timeout=50)
    assert process.returncode == -signal.SIGKILL
    assert said.startswith("bgnest: NEST stands still") and "--threads 1" in said and str(tmp_path) in said
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["status"] == "failed" and record["seed"] == 3 and "stands still" in record["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_one_that_computes_or_waits_outside_of_time_is_left_alone(tmp_path):
    process = watched(tmp_path, "compute")
    out, said = process.communicate(timeout=50)
    assert (process.returncode, out, said) == (0, "ended well\n", "")
    assert json.loads((tmp_path / "record.json").read_text())["status"] == "running"


def test_one_that_is_stopped_from_outside_is_left_alone_and_no_watcher_is_left_behind(tmp_path):
    process = watched(tmp_path, "wait")
    deadline = time.monotonic() + 30.0
    while not (children := psutil.Process(process.pid).children()) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1.0)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(4.0)
    assert psutil.Process(process.pid).status() == psutil.STATUS_STOPPED and children[0].is_running()
    process.kill()
    process.communicate()
    psutil.wait_procs(children, timeout=20.0)
    assert not children[0].is_running()


@pytest.mark.parametrize("threads", [1])
def test_with_one_thread_nobody_watches(tmp_path, threads):
    process = watched(tmp_path, "compute", threads)
    time.sleep(1.0)
    assert psutil.Process(process.pid).children() == []
    process.kill()
    process.communicate()
