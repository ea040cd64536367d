"""What a command does does not depend on whether anybody reads what it says, and a signal leaves a word behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from network.cluster.job import Terminated, terminated_as_exit
from network.runs import RunFolder

PHASES = """
import contextlib, os, sys
from network.cli import terminal
terminal.secure()
from network.door.progress import TerminalReporter
recording = open("recording", "w")
for name in ("warm up", "simulate"):
    with TerminalReporter().phase(name, 100.0, "ms") as phase:
        phase.advance(100.0)
    print("rate \\u2013 12.4", flush=True)
    with contextlib.suppress(OSError):  # as streams of C++ do
        os.write(2, b"from a library")
print(recording.fileno(), sys.stdin.read() == "", file=recording)
"""
REDIRECTED = {
    "error closed": "2>&-",
    "output closed": ">&-",
    "all closed": "<&- >&- 2>&-",
    "nobody reads": "2>&1 | true",
    "one line is read": "2>&1 | head -1",
    "errors on a full disk": ">/dev/null 2>/dev/full",
}


@pytest.mark.parametrize("how", REDIRECTED)
def test_work_goes_on_and_ends_well(tmp_path, how):
    """Also what libraries write to the descriptor of the standard error does not end up in a file of the run."""
    line = f'"$0" -c "$1" {REDIRECTED[how]}; exit "${{PIPESTATUS[0]}}"'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    options = {"cwd": tmp_path, "env": environment, "stdin": subprocess.DEVNULL}
    done = subprocess.run(["bash", "-c", line, sys.executable, PHASES], check=False, capture_output=True, **options)
    assert done.returncode == 0
    descriptor, stdin = (tmp_path / "recording").read_text().split()
    assert int(descriptor) > 2 and stdin == "True"
    assert b"Traceback" not in done.stdout + done.stderr and b"Error" not in done.stdout + done.stderr


@pytest.mark.parametrize("settings", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}, {"LANG": "C"}])
def test_letters_that_a_terminal_does_not_have(bgnest, settings):
    environment = {key: value for key, value in os.environ.items() if key not in ("TERM", "LC_ALL", "LANG")}
    done = bgnest("--help", env={**environment, "PYTHONPATH": str(Path(__file__).parents[3]), **settings})
    assert done.returncode == 0 and "80,000-neuron" in done.stdout


def test_a_full_disk_loses_no_output_silently(start_bgnest):
    with Path("/dev/full").open("w") as full:
        process = start_bgnest("list", stdout=full)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (1, "bgnest: standard output: No space left on device\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_run_that_says_why(tmp_path, number):
    started_with = signal.signal(number, signal.SIG_DFL)  # nohup has tests ignore SIGHUP
    try:
        before = signal.getsignal(number)
        with pytest.raises(SystemExit) as ended, terminated_as_exit(), RunFolder.create(tmp_path / "run"):
            os.kill(os.getpid(), number)
            time.sleep(10.0)
        assert signal.getsignal(number) == before
    finally:
        signal.signal(number, started_with)
    assert ended.value.code == 128 + number
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert (record["status"], record["error"]) == ("failed", f"ended by {number.name}")
    assert ended.value.__notes__ == [f"the run in {tmp_path / 'run'} is marked incomplete"]


def test_what_nohup_lets_a_process_ignore_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminated_as_exit():
            os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(Terminated), terminated_as_exit():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10.0)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_that_is_ended_says_so_in_one_line(start_bgnest, tmp_path):
    process = start_bgnest("scan", "status", "lindahl2016/dopamine_level", "--watch", cwd=tmp_path)
    assert "30 missing" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120.0)
    assert (process.returncode, errors) == (143, "bgnest: ended by SIGTERM\n")
