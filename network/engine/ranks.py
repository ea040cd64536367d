"""An MPI job of several ranks for one run, started by a process that is none of them; and what is left if it fails."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from ..cluster import launch
from ..errors import ClusterError, EngineError, RunawayError
from ..experiment.schema import Experiment
from ..plans import make_plan
from ..runs.folder import refuse
from ..runs.layout import PROGRESS
from ..runs.reader import Run
from . import restart
from .admission import REGARDLESS
from .progress import Phase, Reporter
from .run import default_folder

POLL = 0.2
"""Seconds between two looks at the progress of a job."""
_EXPLAINED = (0, 1, 2, RunawayError.exit_code)
"""Exit codes of a job that has said itself why."""


class JobError(ClusterError):
    """An MPI job has ended before its run was complete; ``exit_code`` is the job's."""

    def __init__(self, message: str, code: int) -> None:
        self.exit_code = code
        super().__init__(message)


def start(arguments: Sequence[str], *, path: Path, ranks: int, threads: int, output: Path | None = None) -> int:
    """Run ``bgnest`` with some arguments as an MPI job; return its exit code, which it has explained.

    Parameters
    ----------
    arguments : sequence of str
        Of the command line.
    path : Path
        Folder of the run, which is marked incomplete if the job cannot do so itself.
    ranks, threads : int
    output : Path, optional
        File that gets what the job says, instead of the terminal; Ctrl-C is then passed on to it.

    Raises
    ------
    JobError
        If it was ended from outside.
    """
    job = uuid4().hex
    code = launch.start(arguments, ranks=ranks, threads=threads, name=job, output=output)
    if code in _EXPLAINED:
        return code
    interrupted = code == launch.INTERRUPTED
    reason = "interrupted" if interrupted else f"the MPI job ended with code {code}"
    marked = restart.mark_interrupted(path, job, reason)
    hint = "" if interrupted else " (137: a rank was killed, perhaps for want of memory)"
    left = f"; the run in {path} is marked incomplete" if marked else ""
    raise JobError(f"{reason}{hint}{left}", code)


def run_as_job(
    experiment: Experiment,
    words: Sequence[str],
    *,
    threads: int,
    ranks: int,
    out: Path | None,
    overwrite: bool,
    resume: bool,
    take_over: bool,
    regardless: bool,
    reporter: Reporter,
) -> Run:
    """Run an experiment in ranks of their own and return the reader of its folder; see `network.engine.run.run`.

    Parameters
    ----------
    experiment : Experiment
    words : sequence of str
        Arguments of ``bgnest run`` that load this very experiment.
    reporter : Reporter
        Shows what the job says about its progress in the run folder.

    Raises
    ------
    Error
        What the job has explained.
    KeyboardInterrupt
        After Ctrl-C; the run is marked incomplete.
    """
    plan = make_plan(experiment, threads=threads, ranks=ranks)
    path = out or default_folder(plan)
    if resume and (done := restart.finished(path, plan)) is not None:
        return done
    if not resume:
        refuse(path, overwrite=overwrite, take_over=take_over)
    asked = {"--overwrite": overwrite, "--resume": resume, "--take-over": take_over, REGARDLESS: regardless}
    arguments = ["run", *words, "--threads", str(threads), "--ranks", str(ranks), "--out", str(path)]
    arguments += ["--quiet", "--no-figures", *(option for option, wanted in asked.items() if wanted)]
    with tempfile.TemporaryDirectory(prefix="bgnest-") as folder:
        output = Path(folder, "output")
        try:
            with _watching(path, reporter):
                code = start(arguments, path=path, ranks=ranks, threads=threads, output=output)
        except JobError as error:
            if error.exit_code == launch.INTERRUPTED:
                raise KeyboardInterrupt(str(error)) from None
            raise
        _explain(code, output)
    done = Run.open(path)
    if done.record.get("simulation_hash") != plan.simulation_hash:
        raise EngineError(f"{path}: is another simulation than planned; did a file of the experiment change meanwhile?")
    return done


def _explain(code: int, output: Path) -> None:
    """Raise what the job has said."""
    if not code:
        return
    said = output.read_text(encoding="utf-8", errors="replace").strip() if output.is_file() else ""
    message = said.rpartition("bgnest: ")[2].strip()[-2000:] or f"the MPI job ended with code {code}"
    raise RunawayError(message) if code == RunawayError.exit_code else EngineError(message)


@contextmanager
def _watching(path: Path, reporter: Reporter) -> Iterator[None]:
    """Show the progress that a run writes into its folder."""
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(path / PROGRESS, reporter, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _watch(file: Path, reporter: Reporter, ended: threading.Event) -> None:
    """Open a phase for each that the file names, until the run has ended."""
    begin, name, done = time.time(), "", 0.0
    phase: Phase | None = None
    with ExitStack() as shown:
        while True:
            last = ended.wait(POLL)
            with suppress(OSError, ValueError, KeyError, TypeError):
                if file.stat().st_mtime >= begin:
                    state = json.loads(file.read_text(encoding="utf-8"))
                    if state["phase"] != name:
                        shown.close()
                        name, done = state["phase"], 0.0
                        phase = shown.enter_context(reporter.phase(name, state["total"], state["unit"]))
                    if phase is not None and state["done"] > done:
                        phase.advance(state["done"] - done)
                        done = state["done"]
            if last:
                return
