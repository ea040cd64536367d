"""The synapses of a plan as arrays. They follow from plan and seed: whoever wants them makes them again.

Rows are the same for any number of threads and ranks. What NEST wires is the same for an equal number of virtual
processes, of which it does not matter how they are split into ranks and threads: one process has them all.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from ..cluster.ranks import present
from ..errors import EngineError
from ..experiment.receptors import KINDS
from ..plans.parts import ProjectionPlan
from ..plans.plan import Plan
from .engines import engine_of
from .nest.connectivity import Synapses, rewired
from .progress import Reporter, SilentReporter


def connections(
    plan: Plan, names: Collection[str] | None = None, reporter: Reporter | None = None
) -> Iterator[tuple[ProjectionPlan, Synapses]]:
    """Make projections again, one after the other.

    What is in NEST in this process is lost.

    Parameters
    ----------
    plan : Plan
        Of a run, or of an experiment that was never run.
    names : collection of str, optional
        Of projections of the plan; all if not given.
    reporter : Reporter, optional
        Shows the progress; silent by default.

    Yields
    ------
    projection : ProjectionPlan
        In the order of the plan.
    synapses : Synapses
        Sorted by target and source. Weights are as they are written, so conductances are never negative.

    Raises
    ------
    EngineError
        If nothing is wired: by the mock engine, in a job of several ranks.
    """
    if plan.mock is not None:
        raise EngineError(f"{plan.name}: the mock engine plays spikes and wires nothing; remove simulation.mock")
    if present().size > 1:
        raise EngineError("synapses are made again by one process, not by an MPI job")
    chosen = [p.name for p in plan.projections if names is None or p.name in names]
    by_nest = any(plan.kept_by(p) == "nest" for p in plan.projections if p.name in chosen)
    threads = plan.n_virtual_processes if by_nest else min(plan.threads, os.cpu_count() or 1)
    alone = replace(plan, ranks=1, threads=threads)
    engine = engine_of(alone)
    reporter = reporter or SilentReporter()
    module = engine.compile(alone, reporter)
    engine.join()
    module.check()
    for projection, found in rewired(alone, module, chosen, reporter):
        if unsigned(plan, projection):
            np.abs(found.weight, out=found.weight)
        yield projection, found
        del found  # before there is the next one


def unsigned(plan: Plan, projection: ProjectionPlan) -> bool:
    """Whether weights of a projection are never negative as they are written.

    NEST is told negative ones for ports that a model calls inhibitory.
    """
    unit = plan.population(projection.target).unit(projection.receptor)
    return unit in {kind.unit for kind in KINDS.values() if not kind.signed}
