"""The command line as users have it: in processes of its own, with the code of this checkout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from network.cluster.ranks import without_launcher

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 300.0  # s; a command that hangs fails, however slow the machine


def command(arguments: tuple[object, ...]) -> list[str]:
    return [sys.executable, "-P", "-m", "network.cli.main", *map(str, arguments)]


def environment() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**without_launcher(), "PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture(scope="session")
def bgnest() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``bgnest`` to its end; ``options`` are those of `subprocess.run`."""

    def run(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
        how = {"env": environment(), "timeout": TIMEOUT, **options}
        return subprocess.run(command(arguments), capture_output=True, text=True, check=False, **how)

    return run


class Started(subprocess.Popen):
    """``bgnest`` under way, in a process group of its own as a terminal would have it."""

    def __init__(self, arguments: tuple[object, ...], **options) -> None:
        # a shell makes programs in the background ignore Ctrl-C, and so would all that they start
        listen = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment()}
        super().__init__(command(arguments), start_new_session=True, **{**listen, **pipes, **options})

    def wait_until(self, happened: Callable[[], object], seconds: float = 240.0) -> None:
        """Wait for something that the command is to do before it ends."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert self.poll() is None, self.communicate()
            assert time.monotonic() < deadline, "it does not happen"
            time.sleep(0.05)

    def interrupt(self) -> tuple[str, str]:
        """Press Ctrl-C, which reaches all processes of the group; return what was printed."""
        os.killpg(self.pid, signal.SIGINT)
        return self.communicate(timeout=120.0)


@pytest.fixture(scope="module")
def start_bgnest() -> Iterator[Callable[..., Started]]:
    """Start ``bgnest``; what still runs when the tests of the module are over is ended."""
    started: list[Started] = []

    def start(*arguments: object, **options) -> Started:
        started.append(Started(arguments, **options))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60.0)
