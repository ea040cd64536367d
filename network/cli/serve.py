"""``bgnest serve``, which searches start and nobody else: forks a process for every command that it is asked for.

One request per line of JSON on standard input: ``number``, ``words``, ``log``, ``cwd``. Answers are lines with
``number`` and ``pid``, and with ``number`` and ``code`` when the process has ended. With the end of its input it ends.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any


def serve(command: Callable[[], None]) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    command : callable
        The command line, which reads ``sys.argv``.
    """
    _prepare()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runs
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(awake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    numbers: dict[int, int] = {}
    waiting = b""
    while True:
        ready, _, _ = select.select([0, awake], [], [])
        if 0 in ready:
            said = os.read(0, 1 << 16)
            if not said:
                return
            *lines, waiting = (waiting + said).split(b"\n")
            for line in lines:
                request = json.loads(line)
                if (pid := os.fork()) == 0:
                    _become(request, (awake, wake), command)
                    return
                numbers[pid] = request["number"]
                _tell({"number": request["number"], "pid": pid})
        if awake in ready:
            os.read(awake, 4096)
            while numbers:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                _tell({"number": numbers.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _tell(answer: dict[str, int]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _prepare() -> None:
    """Import what a run needs, and compute what all have in common.

    A NEST that has MPI, which would start with it here, is loaded by each run.
    """
    import pandas

    from ..analysis.targets import judge
    from ..engine import batch
    from ..engine.nest import kernel
    from ..errors import Error
    from ..experiment.nestml import model_interfaces
    from ..runs.code import code_digest

    assert judge is not None and batch is not None and pandas is not None  # imported for the runs
    code_digest()
    model_interfaces()
    with suppress(Error):  # runs of the mock engine need none
        if not kernel.found_with_mpi():
            kernel.import_nest()


def _become(request: dict[str, Any], pipes: Sequence[int], command: Callable[[], None]) -> None:
    """Be the command that was asked for: folder, output, signals; never returns."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for pipe in pipes:
        os.close(pipe)
    for number, (name, flags) in enumerate(
        ((os.devnull, os.O_RDONLY), *2 * ((request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),))
    ):
        file = os.open(name, flags, 0o666)
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["cwd"])
    sys.argv[1:] = request["words"]
    code: Any = 0
    try:
        command()
    except SystemExit as error:
        code = error.code
    except Exception as error:  # noqa: BLE001 - told as Python would
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
