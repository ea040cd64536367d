"""A trial of a search: its runs, one after the other, each a process of its own, and what they came to."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ScanError
from ..experiment import Experiment, dump_experiment
from ..runs.layout import RECORD, read_json, run_status, write_atomic
from ..runs.reader import Run
from .launch import Launcher, Started
from .search import Aim

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Trial:
    """Runs of one trial, one after the other; each is a process."""

    number: int
    values: dict[str, Any]
    folder: Path
    how: tuple[str, ...]
    launcher: Launcher
    ask: Any
    failure: tuple[str, str] | None = None
    judged: list[tuple[Aim, pd.DataFrame]] = field(default_factory=list)
    _waiting: deque[tuple[Aim, Path]] = field(default_factory=deque)
    _aim: Aim | None = None
    _run: Path = Path()
    _process: Started | None = None

    def add(self, aim: Aim, experiment: Experiment) -> None:
        """Add the run of an aim."""
        file = self.folder / "points" / f"trial-{self.number:04d}_{aim.name}.yaml"
        write_atomic(file, dump_experiment(experiment))
        self._waiting.append((aim, file))

    def advance(self) -> bool:
        """Look after the runs; returns whether there is still something to wait for."""
        if self._process is not None:
            if self._process.poll() is None:
                return True
            self._finish(self._process.returncode or 0)
            self._process = None
        if self.failure is not None or not self._waiting:
            return False
        self._aim, file = self._waiting.popleft()
        self._run = self.folder / "runs" / file.stem
        words = ["run", str(file), *self.how, "--out", str(self._run), "--resume", "--no-figures"]
        log = self.folder / "log" / f"{file.stem}.log"
        log.unlink(missing_ok=True)
        self._process = self.launcher.start(words, log)
        return True

    def _finish(self, code: int) -> None:
        status = run_status(self._run)
        if status == "complete" and self._aim is not None:
            try:
                self.judged.append((self._aim, self._aim.judged(Run.open(self._run))))
            except ScanError as error:
                self.failure = ("failed", str(error))
        elif status == "exploded":
            self.failure = ("exploded", read_json(self._run / RECORD)["stopped"]["reason"])
        else:
            log = self.folder / "log" / f"{self._run.name}.log"
            self.failure = ("failed", f"exit code {code}; see {log}")

    def end(self, deadline: float) -> None:
        """Let the run that is under way end by itself, or make it end."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()
