"""Run a plan: build, prepare, warm up, simulate in chunks, write what was recorded, time every phase."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from network.codegen import BuiltModule
from network.engine import kernel
from network.engine.build import Network, build
from network.engine.devices import SpikeRecorder, StateRecorder, connect_inputs, connect_recorders
from network.engine.errors import EngineError
from network.engine.progress import Reporter, SilentReporter
from network.results.run_folder import RunFolder
from network.spec.plan import Plan

logger = logging.getLogger(__name__)

PROGRESS_MS = 100.0
"""Biological time between two signs of life; a call of ``Run`` costs about 10 ms of wall time."""

DRAIN_MS = 1000.0
"""Biological time between two readouts of the recorders.

NEST lets a recorder forget only outside a run, so each readout costs a ``Cleanup`` and a ``Prepare`` (well
below a second for 80,000 cells once the wiring stands).
"""


@dataclass
class Outcome:
    """What a run measured of itself."""

    timers: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    n_spikes: dict[str, int] = field(default_factory=dict)
    native_timers: dict[str, float] = field(default_factory=dict)

    @property
    def real_time_factor(self) -> float:
        """Wall time over biological time of the recorded part."""
        return self.timers["simulate"] / self.timers["biological"]

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure a phase in seconds."""
        start = time.perf_counter()
        yield
        self.timers[name] = time.perf_counter() - start


def simulate(plan: Plan, module: BuiltModule, folder: RunFolder, reporter: Reporter | None = None) -> Outcome:
    """Build the network of a plan, simulate it, and write its recordings into a run folder.

    Parameters
    ----------
    plan : Plan
    module : BuiltModule
        Compiled models, see :func:`network.codegen.build`.
    folder : RunFolder
        Open run folder that knows the plan; gets the spikes and one report per recorded variable.
    reporter : Reporter, optional
        Shows the progress; silent by default.

    Returns
    -------
    Outcome
        Seconds per phase, memory in bytes after each, spikes per population.

    Raises
    ------
    EngineError
        If NEST refuses a part of the plan.
    """
    reporter = reporter or SilentReporter()
    outcome = Outcome()
    nest = kernel.reset(plan, module.path)
    outcome.memory["base"] = kernel.memory_bytes()

    network = _build(plan, module, reporter, outcome)
    connect_inputs(network)
    spike_recorders, state_recorders = connect_recorders(network)
    outcome.memory["network"] = kernel.memory_bytes()

    with ExitStack() as stack:
        sink = _Sink(network, folder, spike_recorders, state_recorders, stack)
        with reporter.phase("prepare", 1, ""), outcome.timed("prepare"):
            nest.Prepare()
        outcome.memory["prepared"] = kernel.memory_bytes()
        with outcome.timed("presimulate"):
            _run(plan, plan.t_presim, "warm up", reporter, sink)
        with outcome.timed("simulate"):
            _run(plan, plan.t_sim, "simulate", reporter, sink)
        nest.Cleanup()
        sink.drain()
        outcome.timers["biological"] = plan.t_sim / 1000.0
        outcome.memory["simulated"] = kernel.memory_bytes()
        with outcome.timed("write"):
            outcome.n_spikes = sink.close()
    outcome.native_timers = kernel.native_timers()
    logger.info("simulated %g ms at a real-time factor of %.2f", plan.t_sim, outcome.real_time_factor)
    return outcome


def _build(plan: Plan, module: BuiltModule, reporter: Reporter, outcome: Outcome) -> Network:
    """Create and connect with one progress bar each."""
    with ExitStack() as stack:
        create = stack.enter_context(reporter.phase("create", plan.n_neurons, "neurons"))
        connect = None

        def progress(what: str, amount: float) -> None:
            nonlocal connect
            if what in populations:
                create.advance(amount, what)
            else:
                if connect is None:
                    connect = stack.enter_context(reporter.phase("connect", plan.n_synapses, "synapses"))
                connect.advance(amount, what)

        populations = {population.name for population in plan.populations}
        network = build(plan, module, progress)
    outcome.timers |= network.timers
    return network


def _run(plan: Plan, duration: float, name: str, reporter: Reporter, sink: _Sink) -> None:
    """Advance the prepared network by ``duration`` ms; between readouts NEST is cleaned up and prepared
    again."""
    nest = kernel.import_nest()
    left = round(duration / plan.resolution)
    stride, until_drain = round(PROGRESS_MS / plan.resolution), round(DRAIN_MS / plan.resolution)
    with reporter.phase(name, duration, "ms") as phase:
        while left > 0:
            now = min(stride, left, until_drain)
            try:
                nest.Run(now * plan.resolution)
            except nest.NESTErrors.NESTError as error:
                raise EngineError(f"{name}: NEST stopped at {nest.biological_time:g} ms: {error}") from error
            left -= now
            until_drain -= now
            phase.advance(now * plan.resolution)
            if until_drain == 0 and left > 0:
                nest.Cleanup()
                sink.drain()
                nest.Prepare()
                until_drain = round(DRAIN_MS / plan.resolution)


class _Sink:
    """Moves what the recorders hold into SONATA files, so that memory does not grow with the length of a
    run."""

    def __init__(
        self,
        network: Network,
        folder: RunFolder,
        spikes: list[SpikeRecorder],
        states: list[StateRecorder],
        stack: ExitStack,
    ) -> None:
        self.spikes, self.states = spikes, states
        self.spike_file = stack.enter_context(
            folder.spike_writer([recorder.population for recorder in spikes])
        )
        self.report_files = [
            {
                variable: stack.enter_context(
                    folder.report_writer(
                        state.plan.population,
                        variable,
                        state.plan.node_ids,
                        units=network.model(state.plan.population).states.get(variable, "nS"),
                        start=state.plan.start
                        + state.plan.interval,  # the first sample closes the first interval
                        interval=state.plan.interval,
                    )
                )
                for variable in state.plan.variables
            }
            for state in states
        ]

    def drain(self) -> None:
        """Write what was recorded since the last call."""
        for spikes in self.spikes:
            self.spike_file.append(spikes.population, *spikes.collect())
        for state, files in zip(self.states, self.report_files, strict=True):
            _, values = state.collect()
            for variable, file in files.items():
                file.append(values[variable])

    def close(self) -> dict[str, int]:
        """Finish the files; number of spikes per population."""
        for files in self.report_files:
            for file in files.values():
                file.close()
        return self.spike_file.close()
