"""Plan all points of a scan without a simulator: what each is, what it costs, what the whole scan needs."""

from __future__ import annotations

import heapq
import math
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..cluster.slurm import MEMORY_RESERVE, parse_memory
from ..errors import SpecError, choices
from ..experiment import Experiment
from ..experiment.loading import Draft, load_draft
from ..plans import Plan, make_plan
from ..plans.cost import estimate
from ..plans.identity import hashes, short
from ..processes import end_with_parent
from ..room import memory_here
from .points import Point, make_points
from .schema import Execution, Scalar, ScanSpec

MAX_PROBLEMS = 12
"""Problems that are shown; a thousand points may have the same one."""
LABEL_LENGTH = 100
IN_PROCESSES = 200
"""Points from which on several processes plan."""


@dataclass(frozen=True)
class PlannedPoint:
    """A point with its identity and its cost.

    Attributes
    ----------
    label : str
        Name of its folders: the values of the axes, then the first digits of the simulation's hash. It does
        not depend on the order of the axes or on other points.
    values : dict
        Value of every axis.
    seconds : float
        Expected wall time on the cores of one job.
    memory_bytes : int
        Expected memory of all its processes, at the end of the run when it is most.
    """

    label: str
    values: dict[str, Scalar]
    simulation_hash: str
    network_hash: str
    n_neurons: int
    n_synapses: int
    seconds: float
    memory_bytes: int
    disk_bytes: int
    spikes: float
    t_total: float
    target: str
    models: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; ``PlannedPoint(**data)`` inverts it."""
        return asdict(self)


@dataclass(frozen=True)
class ScanPlan:
    """All points of a scan and what they need together."""

    points: tuple[PlannedPoint, ...]
    execution: Execution
    cores: int
    memory_bytes: int

    @classmethod
    def of(cls, points: Sequence[PlannedPoint], execution: Execution) -> ScanPlan:
        """Plan with the limits of ``execution``; those that it leaves open come from this machine."""
        memory = execution.memory
        return cls(
            points=tuple(points),
            execution=execution,
            cores=execution.cores or len(os.sched_getaffinity(0)),
            memory_bytes=int(parse_memory(memory)) if memory else int(0.8 * memory_here()),
        )

    def over_budget(self, label: str) -> list[str]:
        """What does not fit this machine or the limits of the scan, one line each."""
        problems = []
        execution = self.execution
        if self.job_cores > self.cores:
            problems.append(
                f"{label}: a job takes {execution.ranks} rank(s) x {execution.threads} thread(s), there are only "
                f"{self.cores} cores; lower execution.threads or raise execution.cores"
            )
        largest = max(self.points, key=lambda point: point.memory_bytes)
        if job_memory(largest) > self.memory_bytes:
            problems.append(
                f"{label}: {_values(largest)} needs {job_memory(largest) / 2**30:.3g}G, more than the memory budget of "
                f"{self.memory_bytes / 2**30:.3g}G (execution.memory)"
            )
        if execution.hours is not None and self.wall_seconds > 3600 * execution.hours:
            problems.append(
                f"{label}: about {self.wall_seconds / 3600:.1f} hours, more than execution.hours: {execution.hours:g}"
            )
        return problems

    @property
    def job_cores(self) -> int:
        """Cores of one job."""
        return self.execution.threads * self.execution.ranks

    @property
    def job_memory_bytes(self) -> int:
        """Memory of the largest job, with a reserve."""
        return max(job_memory(point) for point in self.points)

    @property
    def n_jobs(self) -> int:
        """Jobs that fit at the same time, by cores and by memory."""
        fit = min(self.cores // self.job_cores, self.memory_bytes // self.job_memory_bytes)
        return max(1, min(fit, len(self.points)))

    @property
    def core_seconds(self) -> float:
        """Core time of all points."""
        return sum(point.seconds for point in self.points) * self.job_cores

    @property
    def wall_seconds(self) -> float:
        """Wall time of all points, each started when a job before it has ended."""
        ends = [0.0] * self.n_jobs
        for point in self.points:
            heapq.heappush(ends, heapq.heappop(ends) + point.seconds)
        return max(ends)

    @property
    def disk_bytes(self) -> int:
        """Size of all run folders."""
        return sum(point.disk_bytes for point in self.points)

    def to_dict(self) -> dict[str, Any]:
        """JSON form for ``bgnest scan plan --json``."""
        return {
            "n_points": len(self.points),
            "threads": self.execution.threads,
            "ranks": self.execution.ranks,
            "jobs_at_once": self.n_jobs,
            "job_memory_bytes": self.job_memory_bytes,
            "memory_bytes": self.memory_bytes,
            "core_seconds": self.core_seconds,
            "wall_seconds": self.wall_seconds,
            "disk_bytes": self.disk_bytes,
            "points": [point.to_dict() for point in self.points],
        }


def job_memory(point: PlannedPoint) -> int:
    """Memory to ask for in bytes: what is expected, with the reserve of cluster jobs."""
    return math.ceil(MEMORY_RESERVE * point.memory_bytes)


class Planner:
    """Plans points; the files of an experiment are read once for all points that stand on it."""

    def __init__(self, label: str, execution: Execution) -> None:
        self.label = label
        self.execution = execution
        self._drafts: dict[tuple[str, tuple[str, ...]], Draft] = {}

    def experiment(self, point: Point) -> Experiment:
        """Experiment of a point; SpecError with all problems."""
        key = (point.experiment, point.overlays)
        if key not in self._drafts:
            self._drafts[key] = load_draft(*key)
        return self._drafts[key].experiment(point.overrides, where=self.label)

    @property
    def sources(self) -> list[Path]:
        """Bibliographies of the user's own beside the experiments planned so far."""
        found = {draft.folder / "sources.yaml" for draft in self._drafts.values()}
        return sorted(path for path in found if path.is_file())

    def plan(self, point: Point) -> Plan:
        """Everything that would be built for a point."""
        return make_plan(self.experiment(point), threads=self.execution.threads, ranks=self.execution.ranks)

    def summary(self, point: Point) -> PlannedPoint:
        """Identity and cost of a point."""
        plan = self.plan(point)
        cost = estimate(plan)
        network, identity = hashes(plan, plan.split)
        return PlannedPoint(
            label=make_label(point.values, identity),
            values=point.values,
            simulation_hash=identity,
            network_hash=network,
            n_neurons=plan.n_neurons,
            n_synapses=plan.n_synapses,
            seconds=cost.total,
            memory_bytes=cost.memory_of_run,
            disk_bytes=cost.disk_bytes,
            spikes=cost.spikes,
            t_total=plan.t_presim + plan.t_sim,
            target=plan.build_target,
            models=tuple(sorted({population.model for population in plan.populations})),
        )

    def attempt(self, point: Point) -> PlannedPoint | tuple[str, ...]:
        """Like `summary`, but return problems instead of raising them."""
        try:
            return self.summary(point)
        except SpecError as error:
            return error.problems


def make_label(values: dict[str, Scalar], identity: str) -> str:
    """Folder name of a point: ``dopamine-0.4_seed-2_1a2b3c4d``."""
    readable = "_".join(f"{name.rpartition('.')[2]}-{_text(value)}" for name, value in sorted(values.items()))
    return f"{readable[:LABEL_LENGTH]}_{short(identity)}"


def _text(value: Scalar) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value).removesuffix(".yaml")
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip("-") or "none"


def plan_points(points: list[Point], label: str, execution: Execution) -> list[PlannedPoint]:
    """Plan every point completely; nothing is validated less because there are many.

    Raises
    ------
    SpecError
        With the problems of all points, and with points that are the same simulation.
    """
    planner = Planner(label, execution)
    done = list(_plan_all(planner, points))
    problems = list(dict.fromkeys(p for outcome in done if not isinstance(outcome, PlannedPoint) for p in outcome))
    planned = [outcome for outcome in done if isinstance(outcome, PlannedPoint)]
    seen: dict[str, PlannedPoint] = {}
    for point in planned:
        first = seen.setdefault(point.simulation_hash, point)
        if first is not point:
            problems.append(f"{label}: {_values(first)} and {_values(point)} are the same simulation; leave one out")
    if problems:
        left = len(problems) - MAX_PROBLEMS
        raise SpecError([*problems[:MAX_PROBLEMS], *([f"... and {left} more of this kind"] if left > 0 else [])])
    return planned


def _plan_all(planner: Planner, points: list[Point]) -> Iterator[PlannedPoint | tuple[str, ...]]:
    workers = len(os.sched_getaffinity(0)) if len(points) >= IN_PROCESSES else 1
    if workers == 1:
        yield from map(planner.attempt, points)
        return
    chunks = [points[k::workers] for k in range(workers)]
    with ProcessPoolExecutor(workers, initializer=end_with_parent) as pool:
        found = list(pool.map(_attempt_all, [planner] * workers, chunks))
    for k in range(len(points)):
        yield found[k % workers][k // workers]


def _attempt_all(planner: Planner, points: list[Point]) -> list[PlannedPoint | tuple[str, ...]]:
    return [planner.attempt(point) for point in points]


def _values(point: PlannedPoint) -> str:
    return ", ".join(f"{name}={value}" for name, value in point.values.items())


def plan_scan(spec: ScanSpec, label: str = "scan") -> ScanPlan:
    """Plan all points of a scan; ``label`` is its name in messages.

    Raises
    ------
    SpecError
        If there are too many points, or one is invalid or there twice.
    """
    points = make_points(spec, label)
    planned = plan_points(points, label, spec.execution)
    if problems := _unknown_populations(spec, points, label):
        raise SpecError(problems)
    return ScanPlan.of(planned, spec.execution)


def _unknown_populations(spec: ScanSpec, points: Sequence[Point], label: str) -> list[str]:
    """Populations that features and references name, and that no point has: known before anything runs."""
    named = [(f"features.{name}.of", one) for name, feature in spec.features.items() for one in feature.of]
    named += [(f"references.{name}.populations", one) for name, c in spec.references.items() for one in c.populations]
    if not named:
        return []
    planner, known = Planner(label, spec.execution), set()
    for point in {(point.experiment, point.overlays): point for point in points}.values():
        experiment = planner.experiment(point)
        known |= {*experiment.populations, *experiment.groups}
    return [
        f"{label}: {where}: no population {name!r}; {choices(name, sorted(known), 'populations')}"
        for where, name in named
        if name not in known
    ]
