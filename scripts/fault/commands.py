"""Commands of bgnest in processes of their own, what must hold when they end, and a table of the outcomes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "BGNEST_FAULT_TRY"
PATIENCE = 20.0
"""Seconds in which processes of a killed command have to end."""
LONGEST = 600.0
"""Seconds after which a command hangs, on a busy machine."""
CHANGES = ["simulation.mock={rate: 40, pace: 0.5}", "simulation.t_presim=0", "simulation.t_sim=600"]
RUN = ["run", "tiny/base", *[word for change in CHANGES for word in ("--set", change)], "--no-figures", "--quiet"]


@dataclass
class Table:
    """Tries and outcomes of every kind of fault."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def note(self, kind: str, outcome: str, problem: str = "") -> None:
        """Count a try; a problem is told at once."""
        self.rows.setdefault(kind, Counter())["failed" if problem else outcome] += 1
        if problem:
            self.failures.append(f"{kind}: {problem}")
            print(f"FAILED {kind}: {problem}", flush=True)


class BrokenError(Exception):
    """Something is not as it should be."""


class Command:
    """A command line in a forked process, leader of a session; libraries are loaded already."""

    def __init__(self, words: list[str], cwd: Path, limit: Callable[[], None] = lambda: None) -> None:
        self.words, self.log = words, cwd / f"log-{time.monotonic_ns()}.txt"
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.began = time.monotonic()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(cwd, limit)

    def _become(self, cwd: Path, limit: Callable[[], None]) -> None:
        from network.cli.main import main

        code = 1
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
            output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for number in (1, 2):
                os.dup2(output, number)
            os.environ[MARK] = self.mark
            os.chdir(cwd)
            sys.argv = ["bgnest", *self.words]
            limit()
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - what a user would see
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def ended(self, seconds: float) -> int | None:
        """Exit code, negative for a signal; None if it goes on for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        return None

    def wait(self) -> int:
        """Exit code, with no process left and no traceback shown."""
        code = self.ended(LONGEST)
        if code is None:
            self.end()
            raise BrokenError(f"{self.words[0]} hangs: {self.text()[-300:]}")
        self.check()
        return code

    def end(self) -> None:
        """SIGKILL to all of it."""
        for process in [psutil.Process(self.pid), *self.left()]:
            if process.is_running():
                process.kill()
        self.ended(10.0)

    def left(self) -> list[psutil.Process]:
        """Living processes of the session, or with its mark."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = os.getsid(process.pid) == self.pid or process.environ().get(MARK) == self.mark
                if ours and process.pid not in (self.pid, os.getpid()) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def check(self) -> None:
        """BrokenError if a process is left, or a traceback was shown."""
        until = time.monotonic() + PATIENCE
        while left := self.left():
            if time.monotonic() > until:
                names = [" ".join(process.cmdline())[:80] for process in left]
                for process in left:
                    process.kill()
                raise BrokenError(f"left behind by {self.words[0]}: {names}")
            time.sleep(0.05)
        if "Traceback" in self.text():
            raise BrokenError(f"a traceback: {self.text()[-700:]}")

    def text(self) -> str:
        """What it has said."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def do(words: list[str], cwd: Path, *, code: int = 0) -> str:
    """Run a command to its end; BrokenError unless it ends with that code."""
    command = Command(words, cwd)
    if (found := command.wait()) != code:
        raise BrokenError(f"{words[:2]} ended with {found}, not {code}: {command.text()[-500:]}")
    return command.text()


def digest(path: Path) -> str:
    """Digest of the spikes of a run whose files are all as its manifest says."""
    from network.runs import Run
    from network.sealing import sha256

    run = Run.open(path)
    run.verify()
    return sha256(path / "spikes.h5")


def tidy(folder: Path) -> None:
    """BrokenError if files are left below a folder that are not whole."""
    if left := [path.name for path in folder.rglob("*") if path.name.endswith((".partial", ".tmp"))]:
        raise BrokenError(f"left behind: {left}")


def clean_end(command: Command, *, may_crash: bool = False) -> str:
    """Outcome of a command that may fail, but with a message; where no memory is left libraries may crash it."""
    code, text = command.wait(), command.text()
    if code == 0:
        return "completed"
    if code < 0 and may_crash:
        return f"crashed in a library ({signal.Signals(-code).name}), and ended well again"
    if code < 0 or "bgnest: " not in text:
        raise BrokenError(f"ended with {code} and without a message: {text[-500:]}")
    return "refused with a message"


def again(words: list[str], folder: Path, reference: str) -> None:
    """Without the fault the same command ends well."""
    do(words, folder)
    tidy(folder)
    if digest(folder / "out") != reference:
        raise BrokenError("another result")


@contextmanager
def scratch(place: Path) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="try-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
