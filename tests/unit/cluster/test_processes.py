"""What a command has started ends with it, however the command ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from network.errors import ScanError
from network.processes import family
from network.scans.running import execute, hold
from network.watchman import VARIABLE, members

FAMILY = """
import os, subprocess, sys
from network.processes import family
with family() as one:
    inner = "import subprocess; subprocess.run(['sleep', '1000'], start_new_session=True)"
    command = f"sleep 1000 & trap '' TERM; {sys.executable} -c \\"{inner}\\""
    with subprocess.Popen(["bash", "-c", command], env=os.environ | one.environment):
        print(one.mark, flush=True)
"""
FORK = """
import multiprocessing, os, time
from network.processes import end_with_parent
def child(parent):
    end_with_parent(parent)
    print(os.getpid(), flush=True)
    time.sleep(1000)
process = multiprocessing.get_context("fork").Process(target=child, args=(os.getpid(),))
process.start()
process.join()
"""
SCAN = """
import sys
from pathlib import Path
from network.scans.running import execute, hold
folder = Path(sys.argv[1])
with hold(folder) as lock:
    execute(folder, ["bash", "-c", "bash -c 'sleep 1000; touch late' & touch begun; wait"], lock, lambda: None)
"""


@pytest.fixture
def start():
    started = []

    def begin(code, *arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_until(happened, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_and_their_children_end_with_a_command_that_is_killed(start, number):
    process = start(FAMILY)
    mark = process.stdout.readline().strip()
    wait_until(lambda: len(members(mark)) >= 3)  # sleep, Python, and what Python has started
    process.send_signal(number)
    wait_until(lambda: not members(mark))


def test_nothing_is_left_after_the_block_and_others_are_left_alone():
    other = subprocess.Popen(["sleep", "1000"], env=os.environ | {VARIABLE: "another"})
    with family() as one:
        process = subprocess.Popen(["sleep", "1000"], env=os.environ | one.environment)
        (watching,) = [p for p in psutil.Process().children() if one.mark in p.cmdline()]
    assert process.wait() == -signal.SIGTERM and not watching.is_running()
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_family_in_a_family_ends_with_the_outer_one(monkeypatch):
    with family() as outer:
        monkeypatch.setenv(VARIABLE, outer.mark)
        with family() as inner:
            monkeypatch.delenv(VARIABLE)
            assert inner.mark.startswith(outer.mark) and inner.mark != outer.mark


def test_a_fork_ends_with_its_parent(start):
    process = start(FORK)
    child = int(process.stdout.readline())
    assert psutil.pid_exists(child)
    process.kill()
    process.wait()
    wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_a_killed_scan_leaves_no_process_and_no_lock(start, tmp_path):
    (tmp_path / "log").mkdir()
    process = start(SCAN, tmp_path)
    wait_until((tmp_path / "begun").exists)
    with pytest.raises(ScanError, match=rf"run already \(process {process.pid} on"), hold(tmp_path):
        pass
    process.kill()
    process.wait()
    with hold(tmp_path) as lock:  # at once
        assert not [p for p in psutil.process_iter() if _works_in(p, tmp_path)]
        assert execute(tmp_path, ["bash", "-c", "exit 5"], lock, lambda: None) == 5


def _works_in(process, folder):
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder)
    except psutil.Error:
        return False
