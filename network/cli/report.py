"""``bgnest report``: one HTML page of a run or a scan, to hand on; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..door import open_run
from .options import Partial


def report(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_SCAN", help="Run folder, or the folder of a scan.")],
    out: Annotated[Path | None, typer.Option(help="File to write; by default report.html in the folder.")] = None,
    figures: Annotated[bool, typer.Option(help="Draw the standard figures if the folder has none.")] = True,
    partial: Partial = False,
) -> None:
    """Write one HTML page with everything about a run, or about a scan: it works offline, in a mail, and printed.

    Of a run: verdict and rates, a raster and rates to zoom into (with the package bokeh), figures, differences to the
    published network, circuit and tables after Nordlie et al. (2009) with all sources, times, audit, provenance, and
    how to repeat it. Of a scan: the table, figures, and a section for each point.

    Example: `bgnest report runs/depleted --out depleted.html`.
    """
    if (source / "points.json").is_file():
        from ..door.scans import scan

        print(scan(source).report(out))
    else:
        print(open_run(source, partial=partial).report(out, figures=figures))
