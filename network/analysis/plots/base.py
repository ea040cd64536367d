"""What all figures share: our settings while drawing, saving, small multiples, tick labels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from PIL import Image  # Matplotlib needs Pillow, too

from . import style
from .style import MM, PAGE

P = ParamSpec("P")


def styled(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw with our settings, whatever the caller's are."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(style.RC):
            return function(*args, **kwargs)

    return wrapper


def save(
    figure: Figure, path: str | Path, *, pdf: bool = False, dpi: int = style.DPI, palette: bool = False
) -> list[Path]:
    """Write ``path`` with the ending ``.png`` (300 dpi by default), and ``.pdf`` if wanted.

    ``palette`` keeps 256 colours, which makes figures without gradients three times smaller and looks the same.
    """
    base = Path(path).with_suffix("")
    base.parent.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context(style.RC):
        for ending in ("png", "pdf") if pdf else ("png",):
            target = base.with_suffix(f".{ending}")
            figure.savefig(target, dpi=dpi)
            if palette and ending == "png":
                with Image.open(target) as image:
                    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)
            written.append(target)
    return written


def page(height: float) -> Figure:
    """Make a figure of page width and the given height in mm."""
    return Figure(figsize=(PAGE, height * MM), layout="constrained")


def multiples(n: int, *, columns: int = 2, panel_height: float = 24.0) -> tuple[Figure, list[Axes]]:
    """Small multiples over the page width, filled row by row; empty places stay empty."""
    rows = -(-n // columns)
    figure = page(rows * panel_height + 10.0)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[n:]:
        axes.remove()
    return figure, list(grid[:n])


def heading(figure: Figure, title: str | None) -> None:
    """Title of a figure of several panels, at the left as everywhere."""
    if title:
        figure.suptitle(title, x=0.005, ha="left", fontsize=style.RC["axes.titlesize"])


def plain_numbers(axis: Any) -> None:
    """Tick labels of a log axis as plain numbers."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
