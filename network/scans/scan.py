"""A scan: from a file or from Python to points, runs and a table."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..analysis.look import presentation_of
from ..analysis.targets.verdict import number
from ..cluster.job import is_gone
from ..errors import RunError, ScanError, SpecError
from ..experiment.files import beside
from ..experiment.presentation import Presentation
from ..experiment.yamlfile import read_yaml
from ..runs.layout import RECORD, read_json, run_status
from ..runs.reader import Run
from .collect import collect
from .features.crossing import Crossing
from .jobs import ScanJobs
from .planning import PlannedPoint, ScanPlan, plan_scan
from .points import Point, make_points
from .running import INTERRUPTED, execute, hold
from .schema import Scalar, ScanSpec, load_scan, parse_scan
from .status import DONE, FAILED, MISSING, RUNNING, STALE, Code, PointStatus, last_line, scan_status
from .status import INTERRUPTED as CUT_SHORT
from .verdict import judge_features
from .workflow import (
    SPEC,
    Slurm,
    dry_run,
    read_points,
    set_aside,
    snakemake_command,
    write_points,
    write_workflow,
)

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

Marks = dict[str, tuple[Sequence[float], Sequence[float]]]
"""By population: places on an axis and values there."""

SCANS = Path("scans")


class Scan:
    """Simulations of one experiment over axes.

    Parameters
    ----------
    experiment : str or Path
        Name or file, with ``@variant`` if one is meant.
    axes : mapping
        Key path (or one of the short names, see `network.scans.schema.SHORT`) -> values; or name -> mapping as in a
        scan file: ``{"g": {"path": ["projections.A_to_B.weight"], "range": {"start": 1, "stop": 4, "n": 4}}}``.
    overlays : sequence of str
        Overlays of all points.
    overrides : mapping
        Changes of all points, by key path.
    combine : str
        ``grid``, ``zip``, ``list``, ``random``, ``latin_hypercube`` or ``sobol``.
    n : int, optional
        Number of samples.
    folder : path, optional
        Where everything goes; by default ``scans/<name>``.
    name : str, optional
        By default made from the experiment and the axes.
    execution : mapping
        ``threads``, ``ranks``, ``cores``, ``memory``, ... as in a scan file.

    Examples
    --------
    >>> scan = Scan("NETWORK/STATE", {"network.dopamine": [0.0, 0.8], "simulation.seed": range(1, 4)})
    >>> len(scan.plan().points)
    6
    """

    def __init__(
        self,
        experiment: str | Path,
        axes: Mapping[str, Any],
        *,
        overlays: Sequence[str] = (),
        overrides: Mapping[str, Any] | None = None,
        combine: str = "grid",
        n: int | None = None,
        folder: str | Path | None = None,
        name: str | None = None,
        execution: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        data = {
            "scan_of": str(experiment),
            "axes": _named(axes),
            "overlays": list(overlays),
            "set": dict(overrides or {}),
            "combine": combine,
            "execution": dict(execution or {}),
            **({} if n is None else {"n": n}),
            **({} if name is None else {"name": name}),
            **more,
        }
        spec = parse_scan(data, "scan")
        default = re.sub(r"[^A-Za-z0-9._+-]+", "-", "-".join([Path(str(experiment)).stem, *spec.leaves]))
        self._set(spec, "scan", Path(folder) if folder is not None else SCANS / (spec.name or default))

    def _set(self, spec: ScanSpec, label: str, folder: Path) -> None:
        self.spec, self.label, self.folder = spec, label, folder

    @classmethod
    def load(cls, name_or_path: str | Path, folder: str | Path | None = None) -> Self:
        """Read a scan file; SpecError with all problems."""
        spec, label, path = load_scan(name_or_path)
        scan = cls.__new__(cls)
        scan._set(_absolute(spec, path.parent), label, Path(folder) if folder else SCANS / (spec.name or path.stem))
        return scan

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Scan of a folder as it was last run, without planning it again; ScanError if there is none."""
        folder = Path(folder)
        points = read_points(folder)
        scan = cls.__new__(cls)
        scan._set(parse_scan(read_yaml(folder / SPEC, SPEC)[0], SPEC), folder.name, folder)
        scan.__dict__["_plan"] = ScanPlan.of(points, scan.spec.execution)
        return scan

    def limited(self, **execution: Any) -> Self:
        """Scan with other ``cores``, ``memory``, ``threads``, ... ; what is None stays."""
        changes = {key: value for key, value in execution.items() if value is not None}
        data = self.spec.model_dump(mode="json", exclude_defaults=True)
        data["execution"] = {**data.get("execution", {}), **changes}
        scan = type(self).__new__(type(self))
        scan._set(parse_scan(data, self.label), self.label, self.folder)
        return scan

    @cached_property
    def _plan(self) -> ScanPlan:
        return plan_scan(self.spec, self.label)

    def plan(self, *, local: bool = True) -> ScanPlan:
        """Plan all points, without NEST.

        Raises
        ------
        SpecError
            If anything is wrong or, on this machine (``local``), over budget.
        """
        if local and (problems := self._plan.over_budget(self.label)):
            raise SpecError(problems)
        return self._plan

    def status(self) -> list[PointStatus]:
        """State of every point; may be called while the scan runs."""
        return scan_status(self.folder, self._plan.points)

    def run(
        self,
        *,
        keep_going: bool = True,
        redo: Collection[str] = (),
        leave_stale: bool = False,
        slurm: Slurm | None = None,
        show: Callable[[list[PointStatus]], None] | None = None,
        tell: Callable[[str], None] = logger.warning,
        options: Sequence[str] = (),
    ) -> Self:
        """Run what is missing and return when Snakemake has ended; failed points do not stop the others.

        Parameters
        ----------
        keep_going : bool
            Start no further point after a failure if False.
        redo : collection of str
            States to run again: ``stale`` (the old run is kept aside, not deleted) and ``exploded``.
        leave_stale : bool
            Run the rest though complete runs of other code are there, which the table then leaves out.
        slurm : Slurm, optional
            Hand the points to Slurm instead of running them here.
        show : callable, optional
            Called every second with the state of all points.
        tell : callable, optional
            Called with what Slurm says about jobs: why they wait, which failed and the end of their logs.
        options : sequence of str
            More options of Snakemake, such as ``"--slurm-qos short"``.

        Raises
        ------
        ScanError
            If another process runs this scan, Snakemake is missing or refuses to start, or complete runs are of
            other code and nothing was said about them.
        KeyboardInterrupt
            After Ctrl-C; finished points are complete, the others are started again by the next call.
        """
        plan = self.plan(local=slurm is None)
        write_points(self.folder, self.spec, self.label, plan)
        with hold(self.folder) as lock:
            jobs = None if slurm is None else ScanJobs(self.folder, tell)
            if jobs is not None:
                jobs.refuse_left_over()
            todo = self._todo(redo, leave_stale=leave_stale)
            if todo:
                write_workflow(self.folder, plan, todo, self.label, slurm)
                command = snakemake_command(self.folder, plan, slurm=slurm, keep_going=keep_going, options=options)
                watch = (lambda: None) if show is None else (lambda: show(self.status()))
                code = execute(self.folder, command, lock, watch, jobs)
                self._judge(code, {planned.label for _, planned in todo}, [] if jobs is None else jobs.failures)
        return self

    def dry_run(self, slurm: Slurm | None = None, options: Sequence[str] = ()) -> str:
        """What Snakemake would do, with the resources of every job; writes the workflow, runs nothing."""
        plan = self.plan(local=slurm is None)
        write_points(self.folder, self.spec, self.label, plan)
        with hold(self.folder):
            todo = self._todo((), leave_stale=True, move=False)
            if not todo:
                return "nothing to do\n"
            write_workflow(self.folder, plan, todo, self.label, slurm)
            command = snakemake_command(self.folder, plan, slurm=slurm, dry_run=True, options=options)
            return dry_run(self.folder, command)

    def presentation(self) -> Presentation:
        """How the network is shown, from the first complete run; defaults before there is one."""
        done = next((status.run for status in self.status() if status.state == DONE), None)
        return Presentation() if done is None else presentation_of(Run.open(done).plan)

    def collect(self) -> pd.DataFrame:
        """One row per point and population, see `network.scans.collect.collect`; any number of times, without NEST."""
        return collect(self.folder, self.status(), list(self.spec.leaves))

    def verdict(self) -> pd.DataFrame:
        """Features of the scan against their windows, see `network.scans.verdict.judge_features`."""
        return judge_features(self.spec.features, self.collect(), list(self.spec.leaves), self.label)

    def marks(self, axis: str, quantity: str, table: pd.DataFrame) -> dict[str, Marks]:
        """What figures show besides, by label and population: values from elsewhere, and crossings of curves."""
        found: dict[str, Marks] = {
            curves.label: {name: (curves.at, values) for name, values in curves.populations.items()}
            for curves in self.spec.references.values()
            if curves.axis == axis and curves.quantity == quantity and not curves.where
        }
        for name, feature in self.spec.features.items():
            if isinstance(feature, Crossing) and not feature.where:
                rows = judge_features({name: feature}, table, list(self.spec.leaves), self.label).set_index("what")
                if {axis, quantity} <= set(rows.index) and rows["n"].min() > 0:
                    place, height = (float(rows["value"][what]) for what in (axis, quantity))
                    found[f"{name} at {number(place)}"] = {feature.of[0]: ((place,), (height,))}
        return found

    def _todo(self, redo: Collection[str], *, leave_stale: bool, move: bool = True) -> list[tuple[Point, PlannedPoint]]:
        """Points to run; with ``move`` after the folders of stale and damaged ones have been set aside."""
        statuses = scan_status(self.folder, self._plan.points, code=Code.here())
        stale = [status for status in statuses if status.state == STALE]
        if stale and STALE not in redo and not leave_stale:
            raise ScanError(
                f"{len(stale)} of {len(statuses)} points are complete, but {stale[0].label}: {stale[0].reason}. "
                "Results of different code are not mixed: run these again (--redo-stale; the old ones are kept "
                "aside), or leave them out of the table (--leave-stale)"
            )
        wanted = {MISSING, FAILED, CUT_SHORT, *redo}
        chosen = []
        for point, planned, status in zip(make_points(self.spec, self.label), self._plan.points, statuses, strict=True):
            problem = _damage(status)
            if (
                status.state not in wanted
                and not (status.state == RUNNING and is_gone(_job(status.run)))
                and problem is None
            ):
                continue
            if move and (status.state == STALE or problem is not None):
                kept = set_aside(status.run, "stale" if problem is None else "damaged").name
                logger.warning("%s: kept aside as %s", problem or status.label, kept)
            chosen.append((point, planned))
        return chosen

    def _judge(self, code: int, labels: Collection[str], failures: Sequence[str]) -> None:
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        bad = [status for status in self.status() if status.label in labels and status.state != DONE]
        log = self.folder / "log" / "snakemake.log"
        if code and not [status for status in bad if status.state != MISSING]:
            models = last_line(self.folder / "log" / "models.log")
            if failures:
                raise ScanError(failures[0].partition("\n")[0])
            raise ScanError(models if models.startswith("bgnest:") else f"Snakemake: {_why(log)} (see {log})")
        if bad:
            logger.info("%d points are not done", len(bad))


def _why(log: Path) -> str:
    """What Snakemake says of a job that it could not hand in, with the line that goes on; else its last line."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    said = re.search(r"^Exception in run_job for rule \w+: (.*(?:\n(?!\[).+)?)", text, re.MULTILINE)
    return " ".join(said[1].split()) if said else last_line(log)


def _damage(status: PointStatus) -> str | None:
    """What is wrong with the files of a point that is complete, or would be if they were not damaged."""
    if status.state != DONE and run_status(status.run) != "damaged":
        return None
    try:
        Run.open(status.run)
    except RunError as error:
        return str(error)
    return None


def _job(run: Path) -> dict[str, str]:
    """Job that a run under way belongs to."""
    return dict(read_json(run / RECORD).get("job") or {})


def _named(axes: Mapping[str, Any]) -> dict[str, Any]:
    """Axes under short names: the last part of a key path, unless two axes share it."""
    last = [key.rpartition(".")[2] for key in axes]
    named = {}
    for key, short in zip(axes, last, strict=True):
        values = axes[key]
        plain = isinstance(values, Iterable) and not isinstance(values, Mapping | str)
        if "." not in key or not plain:
            named[key] = [_scalar(value) for value in values] if plain else values
        else:
            name = short if last.count(short) == 1 else key
            named[name] = {"path": key, "values": [_scalar(value) for value in values]}
    return named


def _scalar(value: Any) -> Scalar:
    """Python's number of a NumPy number."""
    return value.item() if hasattr(value, "item") else value


def _absolute(spec: ScanSpec, folder: Path) -> ScanSpec:
    """Files that lie beside the scan file by their absolute names."""
    overlays = tuple(beside(name, folder) for name in spec.overlays)
    return spec.model_copy(update={"scan_of": beside(spec.scan_of, folder), "overlays": overlays})
