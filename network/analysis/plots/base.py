"""What all figures share: our settings while drawing, saving, small multiples, tick labels."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation
from PIL import Image  # Matplotlib needs Pillow, too

from . import style
from .layout import GridLayout
from .style import MM, PAGE

P = ParamSpec("P")

TICK, DIGIT = 3.2, 1.4
"""Width of a tick with what is around its label, and of a letter of this, in mm."""
COMPRESSION = 3
"""Of PNG without transparency: half of the time of Matplotlib's with it, and files as large."""


SHOWN_DPI = 110
"""Of a figure that a notebook shows."""


class Page(Figure):
    """A figure that notebooks show, whether or not pyplot has told them how."""

    def _repr_png_(self) -> bytes:
        buffer, dpi = io.BytesIO(), self.get_dpi()
        with mpl.rc_context(style.RC):
            _drawn(self, SHOWN_DPI).save(buffer, "png")
        self.set_dpi(dpi)
        return buffer.getvalue()


def styled(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw with our settings, whatever the caller's are."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(style.RC):
            return function(*args, **kwargs)

    return wrapper


def save(
    figure: Figure,
    path: str | Path,
    *,
    pdf: bool = False,
    svg: bool = False,
    dpi: int = style.DPI,
    palette: bool = False,
) -> list[Path]:
    """Write ``path`` with the ending ``.png`` (300 dpi by default), and ``.pdf`` and ``.svg`` if wanted.

    ``palette`` keeps 256 colours, which makes figures without gradients three times smaller and looks the same.
    """
    base = Path(path).with_suffix("")
    base.parent.mkdir(parents=True, exist_ok=True)
    png = base.with_suffix(".png")
    _forget_empty_labels(figure)
    with mpl.rc_context(style.RC):
        image = _drawn(figure, dpi)
        if palette:
            image.quantize(256, dither=Image.Dither.NONE).save(png, optimize=True, dpi=(dpi, dpi))
        else:
            image.save(png, compress_level=COMPRESSION, dpi=(dpi, dpi))
        more = [base.with_suffix(suffix) for suffix, wanted in ((".pdf", pdf), (".svg", svg)) if wanted]
        for path in more:  # the same figure gives the same file
            figure.savefig(path, metadata={"Date" if path.suffix == ".svg" else "CreationDate": None})
    return [png, *more]


def _drawn(figure: Figure, dpi: int) -> Image.Image:
    """Draw once: ``savefig`` draws everything twice, the first time for the layout alone."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _forget_empty_labels(figure: Figure) -> None:
    """Give labels without text a fixed place: finding one takes a third of the time of drawing small panels."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.label.get_text():
                axis.set_label_coords(0.5, 0.5)


def page(height: float) -> Figure:
    """Make a figure of page width and the given height in mm, for anything."""
    return Page(figsize=(PAGE, height * MM), layout="constrained")


def grid_page(height: float) -> Figure:
    """Make a figure of page width and the given height in mm, for one grid of panels without legends around it."""
    return Page(figsize=(PAGE, height * MM), layout=GridLayout())


LOWEST = 42.0
"""Height in mm of a figure of one row of panels, beside which a label has to stand."""


def multiples(
    n: int, *, columns: int = 2, panel_height: float = 24.0, legends: bool = False
) -> tuple[Figure, list[Axes]]:
    """Small multiples over the page width, filled row by row; empty places stay empty.

    ``legends`` says that the figure gets legends around its panels.
    """
    rows = -(-n // columns)
    figure = (page if legends else grid_page)(max(LOWEST, rows * panel_height + 10.0))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[n:]:
        axes.remove()
    return figure, list(grid[:n])


def side_label(figure: Figure, text: str) -> None:
    """Label of the y axes of all panels, in as many lines as the height of the figure asks for."""
    of_a_letter = 1.25  # mm, of 7 points on average
    fits = int((figure.get_figheight() / MM - 12.0) / of_a_letter)
    figure.supylabel(textwrap.fill(text, max(12, fits)), fontsize=7)


def heading(figure: Figure, title: str | None) -> None:
    """Title of a figure of several panels, at the left as everywhere, in as many lines as it needs."""
    of_a_letter = 1.4  # mm, of 7.5 points on average
    if title:
        fits = int((figure.get_figwidth() / MM - 4.0) / of_a_letter)
        title = "\n".join(textwrap.fill(line, fits) for line in title.split("\n"))
        figure.suptitle(title, x=0.005, ha="left", fontsize=style.RC["axes.titlesize"])


FEW = 50.0
"""Ends of a log axis over one another, below which powers of ten are too few labels."""


def plain_numbers(axis: Any) -> None:
    """Tick labels of a log axis as plain numbers: of powers of ten, and at 2 and 5 where it has few of these."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = sorted(axis.get_view_interval())
    if 0.0 < low < high < FEW * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    _few_minor_ticks(axis)


def powers_of_ten(axis: Any) -> None:
    """Tick labels of a log axis as powers of ten, in letters of the font: typesetting formulae takes long."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: "10" + f"{np.log10(value):.0f}".translate(_RAISED)))
    _few_minor_ticks(axis)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _few_minor_ticks(axis: Any) -> None:
    """At 2 and 5: each tick is an object of its own, and those of eight small panels take longer than their curves."""
    axis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    axis.set_minor_formatter(NullFormatter())


def align_beside(panels: Iterable[Axes]) -> None:
    """Align the labels of the y axes of panels one below the other, beside the longest tick label.

    As Matplotlib's ``align_ylabels``, which measures all tick labels once for every panel.
    """
    panels = list(panels)
    texts = [axes.yaxis.get_major_formatter().format_ticks(list(axes.yaxis.get_majorticklocs())) for axes in panels]
    longest = max((len(text) for several in texts for text in several), default=0)
    for axes in panels:
        to_the_left = ScaledTranslation(-(TICK + DIGIT * longest) * MM, 0.0, axes.figure.dpi_scale_trans)
        axes.yaxis.set_label_coords(0.0, 0.5, transform=axes.transAxes + to_the_left)
