"""Start runs as processes of their own, most of them by a fork: what short runs take most of is importing everything.

A helper, the hidden command ``bgnest serve``, imports what a run needs and forks a process for every request. With
several ranks, or a NEST that has MPI, which cannot be forked, each run is started from the beginning.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from .. import program

_POLL = 0.02  # seconds between looks at what the helper has told
LOST = 1
"""Exit code of a run whose helper has ended before it."""


class Started(Protocol):
    """A process under way, as `subprocess.Popen` shows it."""

    @property
    def returncode(self) -> int | None:
        """Exit code, None as long as it runs."""

    def poll(self) -> int | None:
        """Look again whether it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; `subprocess.TimeoutExpired` if it has not."""

    def terminate(self) -> None:
        """Ask it to end."""


class Launcher:
    """Starts runs.

    Parameters
    ----------
    environment : mapping
        Of all of them.
    fork : bool
        Whether by a helper.
    """

    def __init__(self, environment: Mapping[str, str], *, fork: bool) -> None:
        self._environment, self._fork = environment, fork
        self._helper: _Helper | None = None

    def start(self, words: list[str], log: Path) -> Started:
        """Start ``bgnest`` with these arguments and its output in a file."""
        if not self._fork:
            with log.open("wb") as file:
                return subprocess.Popen(
                    program.command(*words), stdout=file, stderr=subprocess.STDOUT, env=dict(self._environment)
                )
        if self._helper is None or self._helper.ended:
            self._helper = _Helper(self._environment)
        return self._helper.start(words, log)

    def close(self) -> None:
        """End the helper; runs under way go on."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None


class _Helper:
    """The helper as its owner sees it: a line with a request goes in, lines with process numbers and codes come out."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            program.command("serve"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(environment)
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._said = b""
        self._number = 0
        self.codes: dict[int, int] = {}
        self.pids: dict[int, int] = {}

    @property
    def ended(self) -> bool:
        """Whether it cannot start anything any more."""
        return self._process.poll() is not None

    def start(self, words: list[str], log: Path) -> _Forked:
        self._number += 1
        request = json.dumps(
            {"number": self._number, "words": words, "log": str(log.absolute()), "cwd": str(Path.cwd())}
        )
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(request.encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            self.codes[self._number] = LOST
        return _Forked(self, self._number)

    def listen(self) -> None:
        """Take in what the helper has said."""
        assert self._process.stdout is not None
        self._said += self._process.stdout.read() or b""
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            said = json.loads(line)
            (self.codes if "code" in said else self.pids)[said["number"]] = said.get("code", said.get("pid"))

    def close(self) -> None:
        pipes: list[IO[bytes] | None] = [self._process.stdin, self._process.stdout]
        for pipe in pipes:
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()


class _Forked:
    """A run that a helper has started."""

    def __init__(self, helper: _Helper, number: int) -> None:
        self._helper, self._number = helper, number

    @property
    def returncode(self) -> int | None:
        return self._helper.codes.get(self._number)

    def poll(self) -> int | None:
        ended = self._helper.ended  # before listening: what it said last is there then
        self._helper.listen()
        if ended and self.returncode is None:
            self._helper.codes[self._number] = LOST
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("bgnest run", timeout or 0.0)
            time.sleep(_POLL)
        return code

    def terminate(self) -> None:
        if self.poll() is None and (pid := self._helper.pids.get(self._number)) is not None:
            os.kill(pid, signal.SIGTERM)
