"""``bgnest plot``: the standard figures of a run; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..door import Run, open_run
from .options import Partial, Pdf, RunArgument, Svg


def plot(
    run: RunArgument,
    partial: Partial = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the figures; by default RUN/figures.")] = None,
    pdf: Pdf = False,
    svg: Svg = False,
) -> None:
    """Draw the standard figures of a run: raster, rates, spectra, V_m traces, connectivity."""
    draw(open_run(run, partial=partial), out, pdf=pdf, svg=svg)


def draw(run: Run, out: Path | None = None, *, pdf: bool = False, svg: bool = False) -> list[Path]:
    """Draw the standard figures and name them."""
    notes: list[str] = []
    with run.plot.begin(out, pdf=pdf, svg=svg, tell=notes.append) as figures:
        return name_figures(figures.finish(), notes)


def name_figures(made: list[Path], notes: list[str]) -> list[Path]:
    """Say which figures there are, and why others are not."""
    print("\nfigures:" if made else "\nno figures: neither spikes nor traces nor projections")
    for line in [*made, *notes]:
        print(f"  {line}")
    return made
