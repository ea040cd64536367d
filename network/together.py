"""Tasks that this process and forked helpers take one after the other from a common list.

For work that is many times shorter than the start of a Python process, such as drawing the figures of a run: a forked
helper has everything that is in memory here and costs a few milliseconds. It ends with this process, however that
ends, and on Ctrl-C.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from .patience import may_fork
from .processes import end_with_parent

Result = TypeVar("Result")

MOST_TASKS = 256
"""Each is told by one byte."""


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Together(Generic[Result]):
    """Helpers begin at once; `results` takes part and waits for them. To be used with ``with``.

    Parameters
    ----------
    tasks : sequence of callables
        Independent of each other; what they return is pickled.
    helpers : int
        Processes besides this one at most; 0 where processes cannot be forked.
    """

    def __init__(self, tasks: Sequence[Callable[[], Result]], helpers: int) -> None:
        if len(tasks) > MOST_TASKS:
            raise ValueError(f"{len(tasks)} tasks are more than {MOST_TASKS}")
        self._tasks = tasks
        self._helpers: dict[int, int] = {}  # process and where its answers are read
        self._next, write = os.pipe()
        os.write(write, bytes(range(len(tasks))))
        os.close(write)
        for _ in range(min(helpers, len(tasks)) if may_fork() else 0):
            try:
                self._start_helper()
            except OSError:  # no memory or no process left: then this one does more
                break

    def _start_helper(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        read, write = os.pipe()
        parent = os.getpid()
        with warnings.catch_warnings():
            # Python warns of any thread there is; those here wait for linear algebra or for the simulator
            warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
            child = os.fork()
        if child:
            os.close(write)
            self._helpers[child] = read
            return
        code = 1
        try:
            end_with_parent(parent)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            done = {number: value for number, (good, value) in self._work().items() if good}
            with os.fdopen(write, "wb") as answers:
                pickle.dump(done, answers)
            code = 0
        finally:
            os._exit(code)  # nothing of what the parent does at its end

    def _work(self) -> dict[int, tuple[bool, Result | BaseException]]:
        """Take tasks until none is left: whether each went well, and its result or error."""
        done: dict[int, tuple[bool, Result | BaseException]] = {}
        while number := os.read(self._next, 1):
            done[number[0]] = _attempt(self._tasks[number[0]])
        return done

    def results(self) -> list[Result]:
        """Results in the order of the tasks; raises the error of the first that failed.

        What a helper had taken and did not bring to its end, because it failed or was ended from outside, is done here:
        so an error comes with its place in the program.
        """
        done = self._work()
        for child, read in list(self._helpers.items()):
            with os.fdopen(read, "rb") as answers:
                content = answers.read()
            del self._helpers[child]
            if os.waitpid(child, 0)[1] == 0:
                done |= {number: (True, value) for number, value in pickle.loads(content).items()}
        results: list[Result] = []
        for number, task in enumerate(self._tasks):
            good, value = done[number] if number in done else _attempt(task)
            if not good:
                raise value  # type: ignore[misc]
            results.append(value)  # type: ignore[arg-type]
        return results

    def __enter__(self) -> Together[Result]:
        return self

    def __exit__(self, *_: object) -> None:
        for child, read in self._helpers.items():  # of work that was given up
            os.kill(child, signal.SIGKILL)
            os.close(read)
            os.waitpid(child, 0)
        self._helpers = {}
        os.close(self._next)


def _attempt(task: Callable[[], Result]) -> tuple[bool, Result | BaseException]:
    try:
        return True, task()
    except Exception as error:  # noqa: BLE001 (raised again by `results`)
        return False, error
