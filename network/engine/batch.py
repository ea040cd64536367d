"""Run many experiments, only those that are not there yet, and share the building of a network where that can be.

Experiments whose network is the same (cells, wiring, seed) and that differ in input, stimuli, times, recordings or
changes during the run can share one build: NEST cannot go back to the state after building, but a process can be
forked. The network is built once, with one thread; each run then is a child process that connects its own input
and recorders and simulates. The memory of the network is shared until a child writes to it.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

from ..cluster.job import terminated_as_exit
from ..cluster.ranks import present
from ..errors import BuildError, EngineError, RunawayError, RunBusyError, RunError, RunExistsError
from ..experiment import Experiment
from ..plans import make_plan
from ..plans.plan import Plan
from ..processes import end_with_parent
from ..runs.folder import holder
from ..runs.layout import RECORD, read_json, run_status
from ..runs.reader import Run
from . import restart
from .admission import refuse_what_cannot_fit
from .nest import kernel
from .nest.build import build
from .nest.engine import NestEngine
from .nest.network import Network
from .progress import Reporter, SilentReporter
from .run import run

logger = logging.getLogger(__name__)

_GRACE = 10.0  # seconds in which children end by themselves after Ctrl-C
_EXPECTED = (EngineError, BuildError, RunError)


class BatchError(EngineError):
    """Some of the runs failed; the others are complete.

    Attributes
    ----------
    failures : dict of str to str
        Why, by key.
    runs : dict of str to Run
        The complete ones.
    exit_code : int
        3 if activity exploded in all that failed, else 1.
    """

    def __init__(self, failures: Mapping[str, tuple[str, int]], runs: Mapping[str, Run]) -> None:
        self.failures = {key: message for key, (message, _) in failures.items()}
        self.runs = dict(runs)
        codes = {code for _, code in failures.values()}
        self.exit_code = RunawayError.exit_code if codes == {RunawayError.exit_code} else 1
        listed = "\n".join(f"  {key}: {message}" for key, message in self.failures.items())
        super().__init__(f"{len(failures)} of {len(failures) + len(runs)} runs failed:\n{listed}")


@dataclass(frozen=True)
class _Job:
    key: str
    experiment: Experiment
    plan: Plan
    path: Path
    overwrite: bool = False
    take_over: bool = False
    regardless: bool = False

    def run(self, *, reporter: Reporter | None = None, built: Network | None = None) -> Run:
        """Run it; what is left of a damaged run is replaced, a complete one of another simulation if so wanted."""
        restart.release(self.path)
        overwrite = self.overwrite or run_status(self.path) == "damaged"
        return run(
            self.experiment,
            threads=self.plan.threads,
            out=self.path,
            overwrite=overwrite,
            take_over=self.take_over,
            regardless=self.regardless,
            reporter=reporter,
            built=built,
        )


def run_all(
    experiments: Mapping[str, Experiment],
    out: str | Path,
    *,
    threads: int = 1,
    share_builds: bool = False,
    workers: int = 1,
    overwrite: bool = False,
    take_over: bool = False,
    regardless: bool = False,
    reporter: Reporter | None = None,
) -> dict[str, Run]:
    """Run each experiment into ``out/<key>``; a complete run of the same simulation is used again.

    One that another process is running is left to it, and waited for when nothing else is left to do.

    Parameters
    ----------
    experiments : mapping of str to Experiment
    out : path
        Folder of the run folders.
    threads : int
        Threads of each run.
    share_builds : bool
        Build a network once for all experiments that have it in common, if ``threads`` is 1, and run these in
        child processes. The spikes are those of runs one by one. Does not work with a NEST that has MPI; runs then
        go one by one.
    workers : int
        Children that run at the same time.
    overwrite : bool
        Replace complete runs of other simulations; without it they are failures.
    take_over : bool
        Replace runs of other machines, too, that have given a sign of life lately.
    regardless : bool
        Also start what needs more memory or disk than there is.
    reporter : Reporter, optional
        Shows the progress; silent by default.

    Returns
    -------
    dict of str to Run

    Raises
    ------
    SpecError
        If one of them cannot be built; before anything is run.
    BatchError
        At the end, if some failed.
    """
    plans = {key: make_plan(experiment, threads=threads) for key, experiment in experiments.items()}
    how = (overwrite, take_over, regardless)
    jobs = [_Job(key, experiment, plans[key], Path(out) / key, *how) for key, experiment in experiments.items()]
    reporter = reporter or SilentReporter()
    runs: dict[str, Run] = {}
    failures: dict[str, tuple[str, int]] = {}
    with reporter.phase("runs", len(jobs), "") as phase:
        busy: list[_Job] = []

        def tell(job: _Job, outcome: _Outcome) -> None:
            if isinstance(outcome, Run):
                runs[job.key] = outcome
            elif isinstance(outcome, _Busy):
                busy.append(job)
                return
            else:
                failures[job.key] = outcome
            phase.advance(1, f"{job.key}: {run_status(job.path)}")

        left = []
        for job in jobs:
            found = _found(job)
            if found is None:
                left.append(job)
            else:
                tell(job, found)
        for group in _groups(left, share=share_builds):
            if len(group) > 1:
                for job, outcome in _run_shared(group, workers, reporter):
                    tell(job, outcome)
            else:
                tell(group[0], _attempt(group[0], reporter))
        while busy:
            job = busy.pop(0)
            restart.wait_while_busy(job.path, lambda note: phase.advance(0, note))
            tell(job, _attempt(job, reporter))
    if failures:
        raise BatchError(failures, runs)
    return {key: runs[key] for key in experiments}


@dataclass(frozen=True)
class _Busy:
    """Another process is running it."""


_Outcome: TypeAlias = "Run | tuple[str, int] | _Busy"


def _found(job: _Job) -> _Outcome | None:
    """Outcome of the same simulation that is there already: complete, stopped because activity exploded, under way."""
    try:
        restart.release(job.path)
        if run_status(job.path) == "running" and (holder(job.path).certain or not job.take_over):
            return _Busy()
        if run_status(job.path) == "exploded" or (
            run_status(job.path) == "complete"
            and read_json(job.path / RECORD).get("simulation_hash") == job.plan.simulation_hash
        ):
            return restart.finished(job.path, job.plan)
    except RunawayError as error:
        return _failure(error)
    except RunError as error:
        logger.warning("%s\n%s is run again", error, job.path)
    return None


def _attempt(job: _Job, reporter: Reporter | None = None, built: Network | None = None) -> _Outcome:
    try:
        # another process may have come to it since the beginning
        return _found(job) or job.run(reporter=reporter, built=built)
    except RunBusyError:
        return _Busy()
    except RunExistsError as error:  # another process has completed it between two looks
        return _found(job) or _failure(error)
    except _EXPECTED as error:
        return _failure(error)


def _failure(error: Exception) -> tuple[str, int]:
    return str(error), getattr(error, "exit_code", 1)


def _groups(jobs: Sequence[_Job], *, share: bool) -> list[list[_Job]]:
    """Jobs that share a build together, all others by themselves."""
    if share and (reason := _cannot_share(jobs)):
        logger.warning("every run builds its own network: %s", reason)
        share = False
    groups: dict[Any, list[_Job]] = {}
    for job in jobs:
        groups.setdefault(job.plan.build_identity if share else job.key, []).append(job)
    return list(groups.values())


def _cannot_share(jobs: Sequence[_Job]) -> str | None:
    if present().size > 1:
        return "this is an MPI job"
    if any(job.plan.mock is not None for job in jobs):
        return "a mock network costs nothing to build"
    if any(job.plan.n_virtual_processes > 1 for job in jobs):
        return "only runs with one thread can share one"
    # before NEST is imported: its MPI would be started
    if kernel.found_with_mpi():
        return "the installed NEST has MPI, and a process that has started MPI cannot be forked"
    if kernel.has_used_threads():
        return "NEST has used several threads in this process, which cannot be forked then"
    return None


def _run_shared(jobs: Sequence[_Job], workers: int, reporter: Reporter) -> Iterator[tuple[_Job, _Outcome]]:
    """Build the network of the first job, then run all in children; outcomes in the order in which they end."""
    plan = jobs[0].plan
    try:
        if not jobs[0].regardless:
            refuse_what_cannot_fit(jobs[0].experiment, plan, jobs[0].path)
        module = NestEngine().compile(plan, reporter)
        module.check()
        kernel.reset(plan, *(part.path for part in module.parts))
        network = build(plan, module, reporter)
    except _EXPECTED as error:
        yield from ((job, _failure(error)) for job in jobs)
        return
    waiting = deque(jobs)
    children: list[_Child] = []
    with terminated_as_exit():
        try:
            while waiting or children:
                while waiting and len(children) < workers:
                    children.append(_Child(waiting.popleft(), network))
                ended = wait([child.process.sentinel for child in children])
                for child in [child for child in children if child.process.sentinel in ended]:
                    children.remove(child)
                    yield child.job, child.outcome()
        finally:
            # Ctrl-C reaches the children, too, and they mark their runs; nothing else does
            grace = _GRACE if isinstance(sys.exc_info()[1], KeyboardInterrupt) else 0.0
            deadline = time.monotonic() + grace
            for child in children:
                child.end(deadline)


class _Child:
    """A run in a forked process that inherits a built network."""

    def __init__(self, job: _Job, network: Network) -> None:
        self.job = job
        context = multiprocessing.get_context("fork")
        self._answer, sender = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(
            target=_in_child, args=(job, network, sender, os.getpid()), name=job.key
        )
        with warnings.catch_warnings():
            # Python warns of any thread there is; those here are idle ones of linear algebra, which survives a fork
            warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
            self.process.start()
        sender.close()

    def outcome(self) -> _Outcome:
        """Result of a child that has ended; one that died leaves a run that is marked failed."""
        self.process.join()
        code = self.process.exitcode
        try:
            failure: tuple[str, int] | _Busy | None = self._answer.recv()
            return Run.open(self.job.path) if failure is None else failure
        except EOFError:
            how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
            message = f"the process of the run {how}"
        self._mark(message)
        return message, 1

    def end(self, deadline: float) -> None:
        """Let the child end by itself, or make it end."""
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()
        self._mark("interrupted")

    def _mark(self, reason: str) -> None:
        """Mark the run as failed, unless the child has come to do so, or not come to begin."""
        path = self.job.path
        if run_status(path) == "interrupted" and read_json(path / RECORD)["process"]["pid"] == self.process.pid:
            restart.mark_failed(path, reason)


def _in_child(job: _Job, network: Network, sender: Connection, parent: int) -> None:
    end_with_parent(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        outcome = _attempt(job, built=network)
    except KeyboardInterrupt:
        sys.exit(130)
    sender.send(None if isinstance(outcome, Run) else outcome)
