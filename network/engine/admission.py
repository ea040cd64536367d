"""Whether a run may start: what cannot fit here is refused before anything is compiled or built."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import RoomError, SpecError
from ..experiment.schema import Experiment
from ..experiment.wiring import population_sizes
from ..plans import make_plan
from ..plans.cost import Estimate, estimate
from ..plans.plan import Plan
from ..room import Limit, free_disk, largest_file, memory_limits, smallest
from ..text import human_bytes

REGARDLESS = "--regardless"
"""Option that starts a run all the same."""
ROUNDS = 4
"""Plans that are made to find a size that fits; memory is nearly proportional to it."""


def refuse_what_cannot_fit(experiment: Experiment, plan: Plan, path: Path, *, ranks_here: int = 1) -> None:
    """Refuse a run that cannot fit the memory or the disk there is.

    The estimate is that of `bgnest plan`, and the limits those that nothing gets around: memory of the machine (not
    what is free now), of the control group, of the shell; space on the disk of the run.

    Parameters
    ----------
    experiment : Experiment
    plan : Plan
        Of the experiment.
    path : Path
        Run folder, which need not be there yet.
    ranks_here : int
        Processes of the run on this machine.

    Raises
    ------
    RoomError
        Says what is needed, what there is, and what would fit.
    """
    problems = [*_memory(experiment, plan, ranks_here), *_disk(plan, path)]
    if problems:
        raise RoomError(f"{plan.name}: {'; '.join(problems)}. {REGARDLESS} starts it all the same")


def predicted(plan: Plan) -> dict[str, Any]:
    """What a run is expected to need, for its record: bytes, and seconds by phase.

    Of a run that simulates nothing (`simulation.mock`) the disk alone.
    """
    cost = estimate(plan)
    disk = {"disk_bytes": cost.disk_bytes}
    if plan.mock is not None:
        return disk
    seconds = {name: getattr(cost, name) for name in ("create", "connect", "prepare", "simulate")}
    return {"memory_bytes": cost.memory_bytes, **disk, "seconds": seconds}


def measured(path: Path, memory: dict[str, int], seconds: dict[str, float]) -> dict[str, Any]:
    """What a run has needed, in the form of `predicted`.

    Parameters
    ----------
    path : Path
        Run folder, complete but for its manifest.
    memory : dict of str to int
        Bytes of all processes after each phase; ``peak`` counts.
    seconds : dict of str to float
        Timers of the run.
    """
    found: dict[str, Any] = {"memory_bytes": memory["peak"]} if "peak" in memory else {}
    found["disk_bytes"] = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    phases: dict[str, float] = {name: seconds[name] for name in ("create", "connect", "prepare") if name in seconds}
    phases["simulate"] = seconds.get("presimulate", 0.0) + seconds.get("simulate", 0.0)
    return {**found, "seconds": phases}


def _memory(experiment: Experiment, plan: Plan, ranks_here: int) -> Iterator[str]:
    if plan.mock is not None:  # nothing is built
        return
    limit, cost = smallest(memory_limits(), ranks_here), estimate(plan)
    needed = cost.memory_per_rank * ranks_here
    if needed <= limit.size:
        return
    size = f"{plan.n_neurons:,} neurons and {plan.n_synapses:,} synapses"
    told = f"{size} need about {human_bytes(needed)} of memory, {limit.of} {human_bytes(limit.size)}"
    if (n := _largest(experiment, plan, limit, ranks_here)) is not None:
        told += f"; about {n:,} neurons would fit (--n-neurons {n})"
    yield told


def _largest(experiment: Experiment, plan: Plan, limit: Limit, ranks_here: int) -> int | None:
    """Size that fits, to two digits; None if the network cannot be made smaller by its size."""
    if experiment.network.n_neurons is None:
        return None

    def needs(n: int) -> Estimate:
        smaller = _of_size(experiment, n)
        if 0 in population_sizes(smaller).values():
            raise SpecError([f"{n} neurons leave a population without any"])
        made = make_plan(smaller, threads=plan.threads, ranks=plan.ranks)
        sizes = {p.name: p.n_neurons for p in made.populations}
        for p in made.projections:
            if not p.allow_multapses and p.n_synapses > sizes[p.source] * sizes[p.target]:
                raise SpecError([f"{p.name} has more synapses than there are pairs of {n} neurons"])
        return estimate(made)

    return _search(plan.n_neurons, limit.size, lambda n: needs(n).memory_per_rank * ranks_here)


def _search(n: int, room: float, needs: Callable[[int], float]) -> int | None:
    for _ in range(ROUNDS):
        try:
            needed = needs(n)
            if needed <= room:
                return n
            n = _two_digits(0.98 * n * room / needed)
        except SpecError:  # too small for its in-degrees
            return None
        if n < 1:
            return None
    return None


def _two_digits(value: float) -> int:
    if value < 10:
        return int(value)
    unit = 10 ** (math.floor(math.log10(value)) - 1)
    return int(value / unit) * unit


def _of_size(experiment: Experiment, n: int) -> Experiment:
    network = experiment.network
    assert network.n_neurons is not None
    count = network.n_neurons.model_copy(update={"value": n})
    return experiment.model_copy(update={"network": network.model_copy(update={"n_neurons": count})})


def _disk(plan: Plan, path: Path) -> Iterator[str]:
    cost = estimate(plan)
    on_disk = (cost.disk_bytes, free_disk(path), f"on the disk of {path} are left")
    as_file = (cost.largest_file_bytes, largest_file(), "the largest file that the shell allows (ulimit -f) has")
    for needed, room, where in (on_disk, as_file):
        if needed <= room:
            continue
        told = f"the recordings need about {human_bytes(needed)}, {where} {human_bytes(room)}"
        fits = _two_digits(0.9 * plan.t_sim * room / needed)
        yield told + (f"; about {fits:,} ms would fit (--t-sim {fits})" if fits >= 1 else "")
        return
