"""The report of a scan: its table, its figures, and a section for each point."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..analysis.targets.verdict import number
from ..report import Figure, Grid, Message, Page, Part, Quote, render
from ..runs.layout import write_atomic
from ..runs.record import now
from ..scans.status import DONE, PointStatus, counts
from .reporting import REPORT

if TYPE_CHECKING:
    from .scans import Scan

MOST_ROWS, MOST_POINTS = 500, 100
"""Points in the table, and points with a section of their own: a page of more is not read."""
QUANTITIES = {"rate": "Rate (spikes/s)", "cv": "Coefficient of variation of the intervals"}


def scan_report(scan: Scan, out: str | Path | None = None) -> Path:
    """Write the report of a scan; see `network.door.scans.Scan.report`."""
    from .. import __version__

    points = scan.points
    file = Path(out) if out is not None else scan.folder / REPORT
    statuses = points.status()
    table = scan.table()
    with tempfile.TemporaryDirectory(prefix="bgnest-report-") as scratch:
        parts = [
            Part("What varies", [_axes(scan)]),
            *_features(scan),
            Part("Figures", list(_figures(scan, table, Path(scratch)))),
            Part("Table", list(_table(scan, table, statuses))),
            Part("Points", [*_points(scan, table, statuses)]),
            Part(
                "How to repeat it", [Quote(f"bgnest scan run {points.folder}/scan.yaml\nbgnest report {points.folder}")]
            ),
        ]
        page = Page(
            title=points.spec.title or points.label,
            subtitle=f"Report of a scan of {points.spec.scan_of}",
            facts=[
                ("Points", f"{len(statuses):,}"),
                ("State", counts(statuses)),
                ("Axes", ", ".join(scan.axes)),
                ("Folder", str(scan.folder)),
            ],
            parts=[part for part in parts if part.blocks],
            made=f"Written by bgnest {__version__} at {now()}. The page is complete: it loads nothing from anywhere.",
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, render(page))
    return file


def _label(scan: Scan, axis: str) -> str:
    return scan.points.spec.leaves[axis].label or axis.replace("_", " ")


def _axes(scan: Scan) -> Grid:
    rows = []
    for name, axis in scan.points.spec.leaves.items():
        values = dict.fromkeys(_shown(status.point.values.get(name)) for status in scan.points.status())
        few = list(values) if len(values) <= 20 else [*list(values)[:10], "...", list(values)[-1]]
        rows.append([_label(scan, name), ", ".join(axis.path) or "-", axis.operation, ", ".join(few)])
    return Grid(["axis", "parameter", "operation", "values"], rows)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _features(scan: Scan) -> list[Part]:
    if not scan.points.spec.features:
        return []
    judged = scan.verdict().reset_index(drop=True)
    rows = [[number(v) if isinstance(v, float) else str(v) for v in row] for row in judged.itertuples(index=False)]
    return [Part("Features and windows", [Grid([str(name).replace("_", " ") for name in judged.columns], rows)])]


def _figures(scan: Scan, table: pd.DataFrame, scratch: Path) -> Iterator[Any]:
    """Lines over each axis that stands alone, a map over two; what cannot be drawn is said."""
    from ..analysis.plots.base import save
    from ..analysis.plots.scan import scan_lines, scan_map
    from ..analysis.plots.style import presented

    axes = [axis for axis in scan.axes if axis != "seed" and table[axis].nunique() > 1]
    if not len(axes) or table["rate"].isna().all():
        yield Message("Nothing can be drawn yet: no point is done, or nothing but the seed varies.")
        return
    labels = {name: _label(scan, name) for name in scan.axes}
    for quantity, words in QUANTITIES.items():
        try:
            with presented(scan.points.presentation()):
                if len(axes) == 1:
                    figure = scan_lines(table, x=axes[0], quantity=quantity, labels=labels)
                else:
                    figure = scan_map(table, x=axes[0], y=axes[1], quantity=quantity, labels=labels)
        except ValueError as error:
            yield Message(f"{words}: not drawn ({error}).")
            continue
        path = save(figure, scratch / quantity, dpi=200)[0]
        yield Figure(path, f"{words} over {' and '.join(labels[axis] for axis in axes[:2])}.")


def _table(scan: Scan, table: pd.DataFrame, statuses: list[PointStatus]) -> Iterator[Any]:
    """A row per point: axes, state, rate of every population."""
    look = scan.points.presentation()
    names = look.sorted(map(str, table["population"].dropna().unique()))
    known = {(point, name): float(rate) for point, name, rate in table[["point", "population", "rate"]].to_numpy()}
    rows = []
    for status in statuses[:MOST_ROWS]:
        numbers = [number(known.get((status.label, name), math.nan)) for name in names]
        rows.append([*(_shown(status.point.values.get(axis)) for axis in scan.axes), status.state, *numbers])
    header = [*(_label(scan, axis) for axis in scan.axes), "state", *map(look.label, names)]
    yield Message("Rates in spikes/s. `bgnest scan collect` writes the table with all quantities.")
    yield Grid(header, rows)
    if len(statuses) > MOST_ROWS:
        yield Message(f"The first {MOST_ROWS} of {len(statuses):,} points.")


def _points(scan: Scan, table: pd.DataFrame, statuses: list[PointStatus]) -> Iterator[Part | Message]:
    look = scan.points.presentation()
    of_point = dict(iter(table.groupby("point")))
    for status in statuses[:MOST_POINTS]:
        values = [f"{_label(scan, axis)} = {_shown(status.point.values.get(axis))}" for axis in scan.axes]
        blocks: list[Any] = [Grid(["item", "value"], [["run folder", str(status.run)], ["state", status.state]])]
        if status.reason:
            blocks.append(Message(status.reason))
        if status.state == DONE:
            rows = [
                [look.label(str(row["population"])), number(row["rate"]), number(row["cv"]), str(row["verdict"])]
                for _, row in of_point[status.label].iterrows()
            ]
            blocks.append(Grid(["population", "rate (spikes/s)", "CV", "verdict"], rows))
        yield Part(f"{status.label}: {', '.join(values)}", blocks, folded=True, level=3)
    if len(statuses) > MOST_POINTS:
        yield Message(f"The first {MOST_POINTS} of {len(statuses):,} points.")
