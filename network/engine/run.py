"""From an experiment to a sealed run folder: plan, compile, build, simulate, and the record of it all."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import codegen
from ..cluster.job import identity
from ..cluster.ranks import Ranks, present
from ..errors import BuildError, EngineError, RefusedError, RunExistsError
from ..experiment import dump_experiment
from ..experiment.bibliography import dump_sources
from ..experiment.schema import Experiment
from ..names import NAME
from ..plans import make_plan
from ..plans.plan import Plan
from ..plans.summary import code_notes
from ..runs import parts
from ..runs.folder import RunFolder
from ..runs.reader import Run
from ..runs.record import collect_record
from . import restart
from .admission import measured, predicted, refuse_what_cannot_fit
from .base import Engine
from .engines import engine_of
from .progress import FileReporter, Reporter, SilentReporter
from .session import Outcome, simulate
from .standstill import Watch, watched

logger = logging.getLogger(__name__)


def default_folder(plan: Plan) -> Path:
    """Folder of a run that names none: ``runs/<name>-<first digits of the simulation's hash>``."""
    return Path("runs") / f"{plan.name}-{plan.simulation_hash[:8]}"


def run(
    experiment: Experiment,
    *,
    threads: int = 1,
    ranks: int | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    take_over: bool = False,
    regardless: bool = False,
    reporter: Reporter | None = None,
    built: Any = None,
) -> Run:
    """Run an experiment and return the reader of its folder.

    Everything that can be refused is refused before anything is built: the plan, the folder, the models. In
    an MPI job all ranks call this alike; the first compiles, merges and writes what all share.

    Parameters
    ----------
    experiment : Experiment
        From :func:`network.experiment.load_experiment`.
    threads : int
        Threads per process.
    ranks : int, optional
        MPI processes; by default those of the job that calls this.
    out : Path, optional
        Run folder; see :func:`default_folder`.
    overwrite : bool
        Replace a complete run in that folder.
    resume : bool
        Return at once if that folder holds this simulation complete; otherwise run it from the beginning.
    take_over : bool
        Replace a run of another machine, too, that has given a sign of life lately.
    regardless : bool
        Also start what needs more memory or disk than there is.
    reporter : Reporter, optional
        Shows the progress; silent by default.
    built : optional
        Network that is in the simulator already, see `network.engine.batch`.

    Raises
    ------
    SpecError, RunExistsError, BuildError, EngineError
        RunBusyError, a kind of RunExistsError, if a run is going on in that folder; RoomError, a kind of EngineError,
        if it cannot fit.
    RunawayError
        If activity exploded, or the state of a cell is not finite (NotFiniteError), and the run was stopped. The folder
        then is sealed with the status ``exploded``, and ``Run.open(..., allow_incomplete=True)`` reads what was
        recorded. All ranks raise it.
    """
    here = present()
    reporter = reporter or SilentReporter()
    plan = make_plan(experiment, threads=threads, ranks=here.size if ranks is None else ranks)
    path = Path(out or default_folder(plan))
    if resume and (done := restart.finished(path, plan)) is not None:
        return done
    if not here.first:
        return _take_part(plan, path, here)
    if resume:
        restart.release(path)
    engine = engine_of(plan)
    if built is not None and built.plan.build_identity != plan.build_identity:
        raise EngineError(f"{plan.name}: the network that is built is another one than planned")
    if not regardless and built is None:
        refuse_what_cannot_fit(experiment, plan, path, ranks_here=here.on_this_machine)
    record = collect_record(versions=versions(engine), threads=threads, ranks=plan.ranks) | {"job": identity()}
    record |= {"shared_build": built is not None, "predicted": predicted(plan)}
    try:
        made = RunFolder.create(path, overwrite=overwrite, take_over=take_over, record=record)
    except RunExistsError:
        if resume and (done := restart.finished(path, plan)) is not None:  # by another process, just now
            return done
        raise
    with made as folder:
        reporter = FileReporter(folder.path, reporter)
        folder.write_params(dump_experiment(experiment), dump_sources(experiment))
        folder.write_origin({path: str(origin) for path, origin in experiment.origins.items()})
        folder.write_plan(plan.to_dict())  # again when the models are compiled, which may change the code of the cells
        folder.write_positions(plan.positions())
        with log_to(folder.log_path):
            start = time.perf_counter()
            # before NEST is imported: a process that has started MPI must not start compilers
            plan, module = (plan, built.module) if built is not None else _compile(engine, experiment, plan, reporter)
            folder.write_plan(plan.to_dict())
            compiled = time.perf_counter() - start
            parts.write_start(folder.path, module, plan.simulation_hash)
            with _watched(plan, path) as watch:  # started before NEST is imported, which starts MPI
                engine.join()
                outcome = simulate(plan, module, folder, reporter, built=built, watch=watch)
        outcome.timers = {"compile": compiled, **outcome.timers}
        done = seal(folder, plan, module, outcome)
    engine.synchronise()
    _refuse_runaway(path, outcome)
    return done


def _compile(engine: Engine, experiment: Experiment, plan: Plan, reporter: Reporter) -> tuple[Plan, codegen.Compiled]:
    """Compile what a plan needs; a model that turns out to be beyond the fast code gets the general one.

    Raises
    ------
    BuildError
        If that code was insisted on, or other ranks have made their plans already.
    """
    while True:
        try:
            return plan, engine.compile(plan, reporter)
        except RefusedError as refused:  # its note is read by the next plan
            again = make_plan(experiment, threads=plan.threads, ranks=plan.ranks)
            if (again.target, again.targets) == (plan.target, plan.targets):
                raise
            if plan.ranks > 1:
                raise BuildError(f"{refused}. This is noted now: start again, and the model gets its code") from refused
            plan = again
            with reporter.phase("models", len(plan.reasons), "") as phase:
                for note in code_notes(plan):
                    phase.advance(1, note)


def _refuse_runaway(path: Path, outcome: Outcome) -> None:
    if outcome.runaway is not None:
        raise restart.stop_error(path, outcome.runaway.to_dict())


def _watched(plan: Plan, path: Path) -> AbstractContextManager[Watch]:
    """Watch this process if it has threads that NEST may leave waiting; played spikes have none."""
    return watched(path, threads=plan.threads if plan.mock is None else 1, ranks=plan.ranks)


def _take_part(plan: Plan, path: Path, here: Ranks) -> Run:
    """Do the part of a rank that is not the first; returns when the first has sealed the run."""
    engine = engine_of(plan)
    with _watched(plan, path) as watch:
        return _simulate_part(plan, path, here, engine, watch)


def _simulate_part(plan: Plan, path: Path, here: Ranks, engine: Engine, watch: Watch) -> Run:
    engine.join()  # waits, idle, until rank 0 has compiled the models and joins, too
    module = parts.read_start(path, plan.simulation_hash)
    (path / "log").mkdir(exist_ok=True)
    try:
        with log_to(path / "log" / f"{here.name}.log"):
            outcome = simulate(plan, module, RunFolder(path, {}), watch=watch)
    except Exception as error:
        if not parts.claim_failure(path, f"rank {here.rank}: {type(error).__name__}: {error}"):
            time.sleep(10.0)  # another rank was first to tell; its end will end this one
        raise
    engine.synchronise()
    _refuse_runaway(path, outcome)
    return Run.open(path)


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write the log of the package to a file, an exception with its traceback included."""
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk: not about the log, too
    root = logging.getLogger(NAME)
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    except Exception:
        # into the file only: the terminal gets the message, not the traceback
        details = logger.makeRecord(logger.name, logging.ERROR, __file__, 0, "failed", (), sys.exc_info())
        handler.handle(details)
        raise
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        with suppress(OSError):
            handler.close()


def versions(engine: Engine) -> dict[str, str]:
    """Versions of everything that computes a result."""
    found = engine.versions()
    for package in ("bgnest", "nestml", "numpy", "h5py"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def seal(folder: RunFolder, plan: Plan, module: codegen.Compiled, outcome: Outcome) -> Run:
    """Write what the run measured of itself, then the manifest."""
    folder.write_timers(
        {
            "seconds": outcome.timers,
            "real_time_factor": outcome.real_time_factor,
            "memory_bytes": outcome.memory,
            "nest_timers": outcome.native_timers,
            "ranks": [facts.to_dict() for facts in outcome.ranks],
        }
    )
    stopped = {}
    if outcome.runaway is not None:
        stopped = {"stopped": {**outcome.runaway.to_dict(), "recorded": outcome.recorded}}
    return folder.finish(
        status="complete" if outcome.runaway is None else "exploded",
        **stopped,
        n_neurons=plan.n_neurons,
        n_synapses=plan.n_synapses,
        n_spikes=outcome.n_spikes,
        silent=[name for name, count in outcome.n_spikes.items() if not count],
        network_hash=plan.network_hash,
        simulation_hash=plan.simulation_hash,
        module=module.key,
        measured=measured(folder.path, outcome.memory, outcome.timers),
    )
