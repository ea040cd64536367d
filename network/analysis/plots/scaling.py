"""What the cost model says of machines and networks that are larger than the measured ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from . import style
from .base import page, plain_numbers, styled

PARTS = {"update": "#0072B2", "deliver": "#E69F00", "exchange": "#D55E00", "overhead": "#6B6B6B"}
"""Parts of the simulation time and their colours."""


@styled
def scaling(
    strong: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    weak: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    parts: Mapping[str, Mapping[str, float]],
    measured: tuple[Sequence[int], Sequence[float]],
) -> Figure:
    """Real-time factor against cores for fixed networks, for networks that grow with the cores, and what it is made of.

    Parameters
    ----------
    strong, weak : mapping of label to (cores, real-time factors)
        Predicted curves.
    parts : mapping of label to seconds of wall time per second of biological time, by part
        One bar each; the keys are those of `PARTS`.
    measured : (cores, real-time factors)
        Points of the first curve of ``strong`` that were measured.
    """
    figure = page(78.0)
    left, middle, right = figure.subplots(1, 3)
    # other curves, other colours; the second begin where the first end
    shades = (style.OTHERS, style.OTHERS[len(strong) :] + style.OTHERS[: len(strong)])
    for axes, curves, title, chosen in (
        (left, strong, "fixed network", shades[0]),
        (middle, weak, "network grows with the cores", shades[1]),
    ):
        for (label, (cores, factors)), colour in zip(curves.items(), chosen, strict=False):
            axes.plot(cores, factors, color=colour, label=label)
            axes.margins(y=0.12)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.axhline(1.0, color="black", linewidth=0.5, linestyle=":")
        axes.set(xlabel="cores", ylabel="real-time factor", title=title)
        axes.set_xticks([1, 4, 16, 64, 256, 1024])
        plain_numbers(axes.xaxis)
        plain_numbers(axes.yaxis)
    # two decades or less: a label at every 1, 2, 5
    middle.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    left.plot(*measured, "o", color="black", markersize=3.0, zorder=5, label="measured")
    for axes in (left, middle):
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.22))
    bottom = [0.0] * len(parts)
    for name, colour in PARTS.items():
        heights = [bar[name] for bar in parts.values()]
        right.bar(range(len(parts)), heights, bottom=bottom, color=colour, label=name, width=0.7)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    right.set_xticks(range(len(parts)), list(parts))
    right.set(ylabel="real-time factor", title="what it is made of")
    right.legend(loc="upper left", bbox_to_anchor=(0.0, -0.22), ncols=2)
    return figure
