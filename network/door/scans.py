"""A scan as an object: many runs of one experiment over axes, and their table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import SpecError
from ..scans.planning import ScanPlan
from ..scans.scan import Scan as Points
from ..scans.status import EXPLODED, STALE, PointStatus, counts
from ..scans.workflow import Slurm
from ..text import human_bytes
from .experiment import Experiment, open_run
from .runs import Run
from .tables import html

if TYPE_CHECKING:
    import pandas as pd
    import xarray

    from .archiving import Authorship

SHOWN = 12


class Scan:
    """Runs of one experiment over axes of parameters; made by `scan`.

    Attributes
    ----------
    points : network.scans.Scan
        What plans, runs and collects them.
    """

    def __init__(self, points: Points) -> None:
        self.points = points

    @property
    def folder(self) -> Path:
        """Where everything goes."""
        return self.points.folder

    @property
    def axes(self) -> list[str]:
        """Names of the axes, which are columns of the table."""
        return list(self.points.spec.leaves)

    def plan(self) -> ScanPlan:
        """All points with what they need; validates each of them. Needs no NEST."""
        return self.points.plan()

    def run(
        self,
        *,
        cores: int | None = None,
        memory: str | None = None,
        threads: int | None = None,
        ranks: int | None = None,
        keep_going: bool = True,
        redo_stale: bool = False,
        leave_stale: bool = False,
        redo_exploded: bool = False,
        slurm: Slurm | None = None,
        options: Sequence[str] = (),
        progress: bool | Callable[[list[PointStatus]], None] = True,
    ) -> Self:
        """Run what is missing, by Snakemake; a point that fails does not stop the others.

        Parameters
        ----------
        cores, memory : int, str, optional
            For all points that run at the same time, such as ``memory="8G"``; by default what the scan says, or this
            machine has.
        threads, ranks : int, optional
            Of each point.
        keep_going : bool
            Go on with other points after a failure.
        redo_stale, leave_stale, redo_exploded : bool
            What to do with points of other code, and with those whose activity exploded.
        slurm : Slurm, optional
            Hand the points to Slurm.
        options : sequence of str
            More options of Snakemake, such as ``"--slurm-qos short"``.
        progress : bool or callable
            Show how far the points are.

        Raises
        ------
        Error
            If anything is wrong with the scan; not for points that fail, see `status`.
        """
        chosen = self.limited(cores=cores, memory=memory, threads=threads, ranks=ranks)
        redo = [*([STALE] if redo_stale else []), *([EXPLODED] if redo_exploded else [])]
        from .scan_progress import ScanProgress

        line = ScanProgress(chosen.points.plan(local=slurm is None).n_jobs)
        show = progress if callable(progress) else line if progress else None
        chosen.points.run(
            keep_going=keep_going,
            redo=redo,
            leave_stale=leave_stale,
            slurm=slurm,
            show=show,
            tell=line.tell,
            options=options,
        )
        return chosen

    def limited(self, **execution: Any) -> Self:
        """The same scan with other ``cores``, ``memory``, ``threads``, ``ranks``."""
        return type(self)(self.points.limited(**execution)) if any(execution.values()) else self

    def status(self) -> pd.DataFrame:
        """State of every point; may be called while the scan runs."""
        import pandas as pd

        rows = [(s.label, s.state, s.reason, s.seconds, str(s.run)) for s in self.points.status()]
        return pd.DataFrame(rows, columns=["point", "state", "reason", "seconds", "run"]).set_index("point")

    def table(self) -> pd.DataFrame:
        """One row per point and population: axes, rates, CVs, spectra, verdicts; see docs/howto/scans.md."""
        return self.points.collect()

    def verdict(self) -> pd.DataFrame:
        """What the scan shows as a whole (``features`` of its file), and verdicts; see docs/howto/scans.md."""
        return self.points.verdict()

    def report(self, out: str | Path | None = None) -> Path:
        """Write one HTML page: table, maps or lines, a section per point; by default ``report.html`` in the folder."""
        from .scan_reporting import scan_report

        return scan_report(self, out)

    def archive(self, out: str | Path | None = None, authorship: Authorship | None = None) -> Path:
        """Write the scan and its complete runs as an RO-Crate, see `network.door.runs.Run.archive`."""
        from .archiving import Authorship, archive

        folder = self.folder.resolve()
        file = folder.with_name(f"{folder.name}.crate.zip") if out is None else Path(out)
        runs = {name: run.path.resolve() for name, run in self.runs().items()}
        inside = {name: path for name, path in runs.items() if path.is_relative_to(folder)}
        title = self.points.spec.title or self.points.label
        return archive(folder, file, authorship or Authorship(), runs=inside, title=title)

    def to_xarray(self) -> xarray.Dataset:
        """The table of a grid as a dataset whose dimensions are the axes and ``population``."""
        from ..scans.collect import to_xarray

        return to_xarray(self.table(), self.axes)

    def runs(self) -> dict[str, Run]:
        """Complete runs by the name of their point."""
        return {status.label: open_run(status.run) for status in self.points.status() if status.state == "done"}

    def _lines(self) -> list[str]:
        plan = self.points.plan(local=False)
        need = f"{len(plan.points):,} points of {self.points.spec.scan_of}"
        return [
            f"{need}, each up to {human_bytes(plan.job_memory_bytes)}",
            f"{counts(self.points.status())}, in {self.folder}",
        ]

    def __repr__(self) -> str:
        title = self.points.spec.title or self.points.label
        return f"<Scan {title} over {', '.join(self.axes)}, in {self.folder}>"

    def _repr_html_(self) -> str:
        points = self.points.plan(local=False).points
        rows = [[point.label, *(point.values.get(axis, "") for axis in self.axes)] for point in points[:SHOWN]]
        more = f"the first {SHOWN} are shown" if len(points) > SHOWN else ""
        title = self.points.spec.title or self.points.label
        return html(title, [*self._lines(), more], ["point", *self.axes], rows)


def open_points(name: str | Path, folder: str | Path | None = None) -> Points:
    """Scan of a file, a built-in name, or the folder of a scan that was run."""
    if (Path(name) / "points.json").is_file():
        return Points.open(name)
    return Points.load(name, folder)


def scan(
    of: str | Path | Experiment,
    axes: Mapping[str, Any] | None = None,
    *,
    folder: str | Path | None = None,
    overlays: str | Path | Iterable[str | Path] = (),
    changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> Scan:
    """Scan of a file, or of an experiment over axes.

    Parameters
    ----------
    of : str, path or Experiment
        Without ``axes`` a scan: its file, its name, or the folder in which it was run. With ``axes`` an experiment.
    axes : mapping, optional
        Key path (or ``seed``, ``dopamine``, ...) to values, or name to a mapping as in a scan file.
    folder : path, optional
        Where everything goes; by default ``scans/NAME``.
    overlays, changes
        Of all points.
    **options
        As in a scan file: ``combine``, ``n``, ``name``, ``execution``.

    Raises
    ------
    SpecError
        With all problems.

    Examples
    --------
    >>> scan("NETWORK/STATE", {"dopamine": [0.0, 0.8]}, name="two")
    <Scan scan over dopamine, in scans/two>
    """
    overlays = [overlays] if isinstance(overlays, str | Path) else list(overlays)
    if axes is None:
        if isinstance(of, Experiment) or overlays or changes or options:
            raise SpecError(["scan: give the axes: scan(experiment, {key path: values})"])
        return Scan(open_points(of, folder))
    changes = dict(changes or {})
    if isinstance(of, Experiment):
        changes = {**of.changes, **changes}
        overlays = [*of.overlays, *overlays]
        of = of.source
    names = [str(name) for name in overlays]
    return Scan(Points(of, axes, overlays=names, overrides=changes, folder=folder, **options))
