"""Processes for the command ``bgnest`` that begin with its modules imported, which is most of what a short one costs.

Started as a program with the path of a socket, this file imports what the commands import, NEST excepted, and forks a
process for every request: arguments, folder and environment are those of the request, and the process ends as the
command ends, with whatever exit code or signal.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class CommandServer:
    """The server as the tests see it: starts with the first command, ends with the tests.

    Parameters
    ----------
    folder : Path
        For the socket; its name must not be long.
    environment : mapping
        Of the server, so that it finds the code of this checkout.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._socket = folder / "s"
        command = [sys.executable, "-P", __file__, str(self._socket)]
        # not of our process group: Ctrl-C is for the tests, which end the commands that they wait for
        self._process = subprocess.Popen(command, env=dict(environment), start_new_session=True)

    def run(
        self, arguments: Sequence[str], files: Sequence[Path], *, cwd: str, env: Mapping[str, str], timeout: float
    ) -> int:
        """Run ``bgnest`` to its end with its output in two files; returns its exit code, negative for a signal."""
        with self._connect() as connection, connection.makefile("rw", encoding="utf-8") as stream:
            request = {"arguments": list(arguments), "files": [str(f) for f in files], "cwd": cwd, "env": dict(env)}
            print(json.dumps(request), file=stream, flush=True)
            pid = int(stream.readline())
            connection.settimeout(timeout)
            try:
                return int(stream.readline())
            except TimeoutError:
                raise subprocess.TimeoutExpired(["bgnest", *arguments], timeout) from None
            finally:
                if sys.exc_info()[0] is not None:
                    os.kill(pid, signal.SIGKILL)

    def _connect(self) -> socket.socket:
        """Wait until the server listens."""
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._socket))
                return connection
            except OSError:
                connection.close()
                if self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def close(self) -> None:
        """End the server; commands under way go on."""
        self._process.terminate()
        self._process.wait()


def accept(path: str) -> socket.socket:
    """Wait for requests as long as the tests last; returns, in a process of its own, the connection of each."""
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(1.0)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they end
        while os.getppid() == parent:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                connection.settimeout(None)
                return connection
            connection.close()
    sys.exit()


def become_command(connection: socket.socket) -> None:
    """Return in the process that is to be the command; the one that waits for it tells how it ends."""
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        request: dict[str, Any] = json.loads(stream.readline())
        if pid := os.fork():
            print(pid, file=stream, flush=True)
            _, status = os.waitpid(pid, 0)
            try:
                print(os.waitstatus_to_exitcode(status), file=stream, flush=True)
            finally:
                os._exit(0)
    for number, (name, mode) in enumerate(zip((os.devnull, *request["files"]), "rww", strict=True)):
        with open(name, mode) as file:  # noqa: PTH123 - a descriptor is wanted
            os.dup2(file.fileno(), number)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv[1:] = request["arguments"]


if __name__ == "__main__":
    import network.analysis.targets.judge
    import network.cli.main
    import network.engine.batch
    import network.scans

    assert "nest" not in sys.modules
    become_command(accept(sys.argv[1]))
    network.cli.main.main()
