"""Run a plan: build, prepare, warm up, simulate in chunks, write what was recorded, time every phase."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..codegen import Compiled
from ..errors import EngineError
from ..plans.plan import Plan
from ..runs import parts
from ..runs.folder import RunFolder
from ..runs.layout import report_filenames
from ..runs.record import memory_bytes, peak_memory_bytes
from ..runs.sonata import ReportWriter, SpikeWriter
from ..runs.weights import weights_part, write_weights
from .base import Engine, Simulation
from .changes import Changes
from .engines import engine_of
from .guard import Guard, Runaway
from .progress import Reporter, SilentReporter
from .standstill import Watch
from .stops import NotFinite, NotFiniteStopError
from .sums import COLUMN, Sums
from .weights import WeightSamples

logger = logging.getLogger(__name__)

PROGRESS_MS = 100.0
"""Biological time between two signs of life; a call of ``Run`` costs about 10 ms of wall time."""

DRAIN_MS = 1000.0
"""Biological time between two readouts of the recorders.

NEST lets a recorder forget only outside a run, so each readout costs a ``Cleanup`` and a ``Prepare`` (well
below a second for 80,000 cells once the wiring stands).
"""

AUDIT = "audit.json"
"""What was read back from the simulator before time began."""

MAX_SAMPLES = 4_000_000
"""Samples of state variables that a rank holds between two readouts, about 100 MB in all."""


@dataclass
class Outcome(parts.Facts):
    """What a run measured of itself: as long as it goes on this rank, at the end all ranks together.

    ``memory_over_time`` has biological time in ms and bytes of this process after each readout of the recorders.
    """

    ranks: list[parts.Facts] = field(default_factory=list)
    runaway: Runaway | NotFinite | None = None
    """Why the run was stopped before its end."""
    recorded: tuple[float, float] | None = None
    """Time in ms of which a run that was stopped has the spikes."""

    @property
    def real_time_factor(self) -> float:
        """Wall time over biological time of the recorded part; 0 if there is none."""
        biological = self.timers["biological"]
        return self.timers["simulate"] / biological if biological else 0.0

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure a phase in seconds."""
        start = time.perf_counter()
        yield
        self.timers[name] = time.perf_counter() - start


def simulate(
    plan: Plan,
    module: Compiled,
    folder: RunFolder,
    reporter: Reporter | None = None,
    *,
    built: Any = None,
    watch: Watch | None = None,
) -> Outcome:
    """Build the network of a plan, simulate it, and write its recordings into a run folder.

    Parameters
    ----------
    plan : Plan
    module : BuiltModule or Modules
        Compiled models, see :func:`network.codegen.build`.
    folder : RunFolder
        Folder of the run, the same for all ranks; gets the spikes and one report per recorded variable.
    reporter : Reporter, optional
        Shows the progress; silent by default.
    built : optional
        Network that is in the simulator already, without input or recorders; its plan has the same `build_identity`.
    watch : Watch, optional
        Is told when time advances, see `network.engine.standstill`.

    Returns
    -------
    Outcome
        Seconds per phase (of the slowest rank), memory in bytes after each (of all ranks together), spikes
        per population. On other ranks than the first what that rank measured. All return when the files of
        the run are whole, also if activity exploded and the run was stopped, or the state of a cell is not finite:
        ``runaway`` then says why.

    Raises
    ------
    EngineError
        If NEST refuses a part of the plan.
    """
    reporter = reporter or SilentReporter()
    outcome = Outcome()
    engine = engine_of(plan)
    if built is None:
        outcome.memory["base"] = memory_bytes()
    simulation = engine.start(plan, module, reporter, built)
    outcome.timers |= simulation.timers
    outcome.memory["network"] = memory_bytes()
    with outcome.timed("audit"):
        audited(simulation, folder, engine, plan.ranks)
    changes = Changes(plan, simulation.change)
    changes.apply(0)

    with ExitStack() as stack:
        sink = _Sink(plan, folder, simulation, engine, stack)
        weights = WeightSamples(plan, simulation.weights)
        weights.take(0)
        course = _Course(plan, simulation, sink, changes, weights, Guard(plan, simulation.spikes, engine), reporter)
        course.watch = watch or course.watch
        with reporter.phase("prepare", 1, ""), outcome.timed("prepare"):
            simulation.prepare()
        outcome.memory["prepared"] = memory_bytes()
        with outcome.timed("presimulate"):
            course.advance("warm up", plan.t_presim)
        with outcome.timed("simulate"):
            course.advance("simulate", plan.t_sim)
        torn = course.torn
        if plan.weights and torn is None:  # before time goes on
            simulation.cleanup()
            weights.take(round(course.time / plan.resolution))
            simulation.prepare()
        if torn is None:
            simulation.flush()
        simulation.cleanup()
        if plan.weights:
            write_weights(weights_part(folder.path, engine.rank()), weights.recorded())
        if course.runaway is not None:
            outcome.runaway, outcome.recorded = course.runaway, course.left_over()
            logger.info("stopped: %s", course.runaway)
        # of a run that never came to its recording the last spikes are kept, to see what happened
        sink.drain(whole=course.time <= plan.spike_start, until=torn)
        outcome.timers["biological"] = max(0.0, course.time - plan.t_presim) / 1000.0
        outcome.memory_over_time = course.memory
        outcome.memory["simulated"] = memory_bytes()
        outcome.memory["peak"] = peak_memory_bytes()
        start = time.perf_counter()
        outcome.n_spikes = sink.close()
    outcome.native_timers = simulation.native_timers()
    _collect(plan, folder, outcome, sink, engine)
    outcome.timers["write"] = time.perf_counter() - start
    logger.info("simulated %g ms at a real-time factor of %.2f", course.time, outcome.real_time_factor)
    return outcome


def audited(simulation: Simulation, folder: RunFolder, engine: Engine, ranks: int = 1) -> None:
    """Compare what stands in the simulator with the plan; the first rank writes ``audit.json`` for all.

    Raises
    ------
    EngineError
        On the first rank if something differs on any, on another if something differs there.
    """
    found, rank = simulation.audit(), engine.rank()
    if ranks > 1:
        parts.write_audit(folder.path, rank, found)
        engine.synchronise()
    if rank == 0:
        found = parts.merge_audits(folder.path, found, ranks)
        folder.write_json(AUDIT, found)
    if found["differences"]:
        raise EngineError("the simulator does not hold what was planned:\n  " + "\n  ".join(found["differences"]))


def _collect(plan: Plan, folder: RunFolder, outcome: Outcome, sink: _Sink, engine: Engine) -> None:
    """Rank 0 merges the files of all ranks; its outcome then stands for all."""
    outcome.rank, outcome.reports = engine.rank(), sink.reports
    parts.write_facts(folder.path, outcome.of_rank())
    engine.synchronise()
    if outcome.rank == 0:
        reports = [file for files in _report_files(plan) for file in files.values()]
        outcome.ranks = parts.merge(
            folder.path, reports, plan.ranks, {weights.name: weights.synapses for weights in plan.weights}
        )
        outcome.timers = parts.combine([facts.timers for facts in outcome.ranks], max)
        outcome.native_timers = parts.combine([facts.native_timers for facts in outcome.ranks], max)
        outcome.memory = parts.combine([facts.memory for facts in outcome.ranks], sum)
        outcome.n_spikes = parts.combine([facts.n_spikes for facts in outcome.ranks], sum)
    engine.synchronise()


def _report_files(plan: Plan) -> list[dict[str, str]]:
    """Per trace of a plan its variables and the names of their files."""
    return report_filenames([(trace.name, trace.population, trace.kept) for trace in plan.recorders])


def drain_interval(plan: Plan) -> float:
    """Biological time between two readouts in ms, a multiple of the slice in which NEST updates cells.

    Spikes allow `DRAIN_MS`; many cells whose state is recorded need shorter intervals.
    """
    per_ms = sum(len(recorder.node_ids) * len(recorder.variables) / recorder.interval for recorder in plan.recorders)
    longest = MAX_SAMPLES * plan.ranks / per_ms if per_ms else DRAIN_MS
    slices = max(1, math.floor(min(longest, DRAIN_MS) / plan.min_delay + 1e-9))
    return slices * plan.min_delay


class _Course:
    """The prepared network on its way through time, in stretches of 100 ms or less.

    For readouts and changes of parameters the simulator is cleaned up and prepared again.
    """

    def __init__(
        self,
        plan: Plan,
        simulation: Simulation,
        sink: _Sink,
        changes: Changes,
        weights: WeightSamples,
        guard: Guard,
        reporter: Reporter,
    ) -> None:
        self.plan, self.simulation, self.sink = plan, simulation, sink
        self.changes, self.weights, self.guard, self.reporter = changes, weights, guard, reporter
        self.runaway: Runaway | NotFinite | None = None
        self.watch = Watch()
        self.memory: list[tuple[float, int]] = []
        self._step = 0
        self._drained = 0

    @property
    def torn(self) -> float | None:
        """Time in ms up to which recordings are whole, if the simulator has stopped by itself."""
        return self.runaway.until if isinstance(self.runaway, NotFinite) else None

    @property
    def time(self) -> float:
        """Biological time in ms that is over."""
        return round(self._step * self.plan.resolution, 9)

    def advance(self, name: str, duration: float) -> None:
        """Advance by ``duration`` ms, or until activity explodes; after that do nothing."""
        if self.runaway is not None:
            return
        resolution = self.plan.resolution
        drain = round(drain_interval(self.plan) / resolution)
        end, next_drain = self._step + round(duration / resolution), self._step + drain
        with self.reporter.phase(name, duration, "ms") as phase:
            while self._step < end:
                due = (self.changes.steps_left(self._step), self.weights.steps_left(self._step))
                if self._step == next_drain or 0 in due:
                    self.simulation.cleanup()
                    if self._step == next_drain:
                        self.sink.drain()
                        self.memory.append((self.time, memory_bytes()))
                        self._drained, next_drain = self._step, self._step + drain
                    self.weights.take(self._step)
                    self.changes.apply(self._step)
                    self.simulation.prepare()
                now = self._stretch(min(end, next_drain))
                try:
                    with self.watch.advancing():
                        self.simulation.run(now * resolution)
                except NotFiniteStopError as error:
                    self.runaway, self._step = error.stop, round(error.stop.until / resolution)
                    return
                except EngineError as error:
                    raise EngineError(f"{name}: {error}") from error
                self._step += now
                phase.advance(now * resolution)
                self.runaway = self.guard.look(self._step)
                if self.runaway is not None:
                    return

    def _stretch(self, end: int) -> int:
        """Return the number of steps until something is to be done."""
        marks = [part.steps_left(self._step) for part in (self.changes, self.weights, self.guard)]
        limits = [round(PROGRESS_MS / self.plan.resolution), end - self._step]
        return min([*limits, *(steps for steps in marks if steps is not None)])

    def left_over(self) -> tuple[float, float]:
        """Time in ms of which the spikes are known once a run that was stopped has been read out."""
        start, stop = self.plan.spike_start, min(self.time, self.plan.spike_stop)
        return (start, stop) if start < stop else (self._drained * self.plan.resolution, self.time)


class _Sink:
    """Moves what the recorders of this rank hold into files of this rank.

    Memory does so not grow with the length of a run.
    """

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        simulation: Simulation,
        engine: Engine,
        stack: ExitStack,
    ) -> None:
        self.spikes, self.states, rank = simulation.spikes, simulation.states, engine.rank()
        self.sums = [
            Sums(plan, state.plan, state.node_ids, engine) if state.plan.sums else None for state in self.states
        ]
        sizes: dict[str, int | None] = {
            recorder.population: plan.population(recorder.population).n_neurons for recorder in self.spikes
        }
        self.spike_file = stack.enter_context(SpikeWriter(parts.spikes_part(folder.path, rank), sizes))
        names = _report_files(plan)
        self.report_files = [
            {
                variable: stack.enter_context(
                    ReportWriter(
                        parts.report_part(folder.path, files[variable], rank),
                        state.plan.population,
                        variable,
                        COLUMN if state.plan.sums else state.node_ids,
                        units=state.plan.units.get(variable, "1"),
                        start=state.first_time,
                        interval=state.plan.interval,
                        trace=state.plan.name,
                    )
                )
                for variable in state.plan.kept
            }
            if (rank == 0 if state.plan.sums else len(state.node_ids))
            else {}
            for state, files in zip(self.states, names, strict=True)
        ]
        self.reports = [
            name[variable] for name, files in zip(names, self.report_files, strict=True) for variable in files
        ]
        """Final names of the reports of which this rank has a part."""

    def drain(self, *, whole: bool = False, until: float | None = None) -> None:
        """Write what was recorded since the last call; with ``whole`` also spikes from before their window.

        After a stop within a slice nothing that is later than ``until`` (ms).
        """
        for spikes in self.spikes:
            times, ids = spikes.collect(whole=whole)
            kept = slice(None) if until is None else times < until + 1e-6
            self.spike_file.append(spikes.population, times[kept], ids[kept])
        for state, sums, files in zip(self.states, self.sums, self.report_files, strict=True):
            times, values = state.collect(torn=until is not None)
            if until is not None:
                early = times < until + 1e-6
                times, values = times[early], {name: frames[early] for name, frames in values.items()}
            if sums is not None:
                values = sums.frames(times, values)
            for variable, file in files.items():
                file.append(values[variable])

    def close(self) -> dict[str, int]:
        """Finish the files; number of spikes per population."""
        for files in self.report_files:
            for file in files.values():
                file.close()
        return self.spike_file.close()
