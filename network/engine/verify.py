"""Build the network of a plan again and read all of it, or a sample, back from the simulator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..cluster.ranks import present
from ..errors import EngineError
from ..plans.plan import Plan
from .engines import engine_of
from .progress import Reporter, SilentReporter


def build_and_audit(plan: Plan, *, exhaustive: bool = False, reporter: Reporter | None = None) -> dict[str, Any]:
    """Build what a plan says in one process, and compare it with the plan; nothing is simulated.

    What is in the simulator in this process is lost. Several ranks become as many threads, which changes nothing.

    Returns
    -------
    dict
        As ``audit.json`` of a run.

    Raises
    ------
    EngineError
        If something differs, or in an MPI job.
    """
    if present().size > 1:
        raise EngineError("a run is verified by one process, not by an MPI job")
    alone = replace(plan, ranks=1, threads=plan.n_virtual_processes)
    reporter = reporter or SilentReporter()
    engine = engine_of(alone)
    module = engine.compile(alone, reporter)
    engine.join()
    found = engine.start(alone, module, reporter).audit(exhaustive=exhaustive)
    if found["differences"]:
        raise EngineError("the simulator does not hold what was planned:\n  " + "\n  ".join(found["differences"]))
    return found
