"""Run again what did not finish: find a complete run, and let go of a folder whose job is known to be dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..cluster.job import identity, is_gone
from ..errors import EngineError, NotFiniteError, RunawayError
from ..plans.plan import Plan
from ..runs.folder import holder
from ..runs.layout import RECORD, read_json, run_status, to_json, write_atomic
from ..runs.reader import Run
from ..runs.record import now
from .stops import NOT_FINITE

POLL = 0.5
"""Seconds between two looks at a folder that is waited for."""


def finished(path: Path, plan: Plan) -> Run | None:
    """Complete run of this very simulation in a folder; None if there is none yet.

    Raises
    ------
    EngineError
        If the folder holds a complete run of another simulation.
    RunawayError
        If it holds this simulation, stopped by the same limits, or by a state that is not finite: it would be again.
    """
    status = run_status(path)
    if status == "exploded":
        run = Run.open(path, allow_incomplete=True)
        guard = None if plan.guard is None else asdict(plan.guard)
        stopped, same = run.record["stopped"], run.record.get("simulation_hash") == plan.simulation_hash
        if same and (stopped.get("kind") == NOT_FINITE or run.plan.get("guard") == guard):
            raise stop_error(path, stopped)
    if status != "complete":
        return None
    run = Run.open(path)
    if run.record.get("simulation_hash") != plan.simulation_hash:
        raise EngineError(f"{path}: holds a complete run of another simulation; choose another folder")
    return run


def stop_error(path: Path, stopped: Mapping[str, Any]) -> RunawayError:
    """Say why a run was stopped (as its record has it), and what there is of it."""
    kept = f"stopped: {stopped['reason']}. What was recorded is in {path} (bgnest rates --partial)"
    if stopped.get("kind") == NOT_FINITE:
        return NotFiniteError(kept)
    return RunawayError(
        f"{kept}. A higher limit: --set simulation.guard.rate=…, no limit: --set simulation.guard.enabled=false"
    )


def release(path: Path) -> None:
    """Let go of a folder whose run says that it is going on elsewhere, if its Slurm job is this one or has ended.

    Processes of other machines cannot be looked at. A Slurm job can: it is gone when the queue does not know
    it, and it is this one when it was requeued.
    """
    if run_status(path) != "running" or holder(path).certain:
        return
    job = read_json(path / RECORD).get("job") or {}
    if (job.get("slurm") and job["slurm"] == identity().get("slurm")) or is_gone(job):
        mark_failed(path, "the job ended before the run was complete")


def wait_while_busy(path: Path, tell: Callable[[str], None]) -> None:
    """Wait until no run is going on in a folder; ``tell`` is called with who is waited for."""
    told = False
    while run_status(path) == "running":
        release(path)
        if not told:
            found = holder(path)
            tell(f"{path}: waiting for {found.who}, which is running it")
            told = True
        time.sleep(POLL)


def mark_interrupted(path: Path, job: str, reason: str) -> bool:
    """Mark the run in a folder as failed if the named job was running it; returns whether it was."""
    if run_status(path) not in ("running", "interrupted"):
        return False
    if (read_json(path / RECORD).get("job") or {}).get("name") != job:
        return False
    mark_failed(path, reason)
    return True


def mark_failed(path: Path, reason: str) -> None:
    """Write into the record of a run whose processes are gone that it failed, and why."""
    record = read_json(path / RECORD) | {"status": "failed", "error": reason, "finished": now()}
    write_atomic(path / RECORD, to_json(record))
