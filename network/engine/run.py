"""From an experiment to a sealed run folder: plan, compile, build, simulate, and the record of it all."""

from __future__ import annotations

import logging
import time
from importlib import metadata
from pathlib import Path

from network import codegen
from network.engine import kernel
from network.engine.progress import Reporter, SilentReporter
from network.engine.simulate import Outcome, simulate
from network.results.record import collect_record
from network.results.run import Run
from network.results.run_folder import RunFolder
from network.spec import dump_experiment, make_plan
from network.spec.plan import Plan
from network.spec.schema import Experiment

logger = logging.getLogger(__name__)


def default_folder(plan: Plan) -> Path:
    """Folder of a run that names none: ``runs/<name>-<first digits of the simulation's hash>``."""
    return Path("runs") / f"{plan.name}-{plan.simulation_hash[:8]}"


def run(
    experiment: Experiment,
    *,
    threads: int = 1,
    ranks: int = 1,
    out: Path | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Run:
    """Run an experiment and return the reader of its folder.

    Everything that can be refused is refused before anything is built: the plan, the folder, the models.

    Parameters
    ----------
    experiment : Experiment
        From :func:`network.spec.load_experiment`.
    threads, ranks : int
        Threads per process, MPI processes.
    out : Path, optional
        Run folder; see :func:`default_folder`.
    overwrite : bool
        Replace a complete run in that folder.
    reporter : Reporter, optional
        Shows the progress; silent by default.

    Raises
    ------
    SpecError, RunExistsError, CodegenError, EngineError
    """
    reporter = reporter or SilentReporter()
    plan = make_plan(experiment, threads=threads, ranks=ranks)
    record = collect_record(versions=versions(), threads=threads, ranks=ranks)
    with RunFolder.create(out or default_folder(plan), overwrite=overwrite, record=record) as folder:
        folder.write_params(dump_experiment(experiment))
        folder.write_origin({path: str(origin) for path, origin in experiment.origins.items()})
        folder.write_plan(plan.to_dict())
        handler = logging.FileHandler(folder.log_path, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
        root = logging.getLogger("network")
        level = root.level
        root.setLevel(logging.INFO)
        root.addHandler(handler)
        try:
            start = time.perf_counter()
            module = compile_models(plan, reporter)
            compiled = time.perf_counter() - start
            outcome = simulate(plan, module, folder, reporter)
        except Exception:
            logger.exception("the run failed")
            raise
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            handler.close()
        outcome.timers = {"compile": compiled, **outcome.timers}
        return seal(folder, plan, module, outcome)


def compile_models(plan: Plan, reporter: Reporter) -> codegen.BuiltModule:
    """Compile the models that a plan uses, or find them in the cache."""
    models = sorted({population.model for population in plan.populations})
    with reporter.phase("models", len(models), "") as phase:
        return codegen.build(models, target=plan.target, progress=lambda note: phase.advance(0, note))


def versions() -> dict[str, str]:
    """Versions of everything that computes a result."""
    found = {"nest": kernel.version()}
    for package in ("bgnest", "nestml", "numpy", "h5py"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def seal(folder: RunFolder, plan: Plan, module: codegen.BuiltModule, outcome: Outcome) -> Run:
    """Write what the run measured of itself, then the manifest."""
    folder.write_timers(
        {
            "seconds": outcome.timers,
            "real_time_factor": outcome.real_time_factor,
            "memory_bytes": outcome.memory,
            "nest_timers": outcome.native_timers,
        }
    )
    return folder.finish(
        n_neurons=plan.n_neurons,
        n_synapses=plan.n_synapses,
        n_spikes=outcome.n_spikes,
        network_hash=plan.network_hash,
        simulation_hash=plan.simulation_hash,
        module=module.key,
    )
