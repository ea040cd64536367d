"""Figure of an optimisation: how the distance fell, where in the space of parameters, how the best trial stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator, NullLocator

from ..targets.measures import known
from ..targets.verdict import PASS, number
from . import style
from .base import heading, page, plain_numbers, styled
from .style import label

REACH = 4.0
"""Half widths of a window that are shown to either side of its middle; what is further away stands at the edge."""
LINEAR = 0.1
"""Distance below which its axis is linear, so that 0, everything inside, has a place on it."""


@styled
def optimisation(
    trials: pd.DataFrame,
    parameters: Mapping[str, bool],
    best: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Distance by trial, distance by parameter, and the quantities of the best trial in their windows.

    Parameters
    ----------
    trials : DataFrame
        One row per trial: ``trial``, ``status``, ``distance`` (NaN for trials that exploded or failed, drawn as
        crosses at the upper edge), and a column per parameter.
    parameters : mapping of str to bool
        Columns to draw, and whether on a logarithmic axis.
    best : DataFrame
        Quantities of the best trial: ``state``, ``quantity``, ``population``, ``value``, ``low``, ``high``,
        ``verdict``. Values that do not exist have no mark.
    labels : mapping of str to str, optional
        What parameters are called along their axes.
    """
    shown = max(1, len(parameters))
    rows = -(-shown // 3)
    height = max(44.0, 14.0 + 3.2 * len(best))
    figure = page(16.0 + height + 36.0 * rows)
    parts = figure.subfigures(2, 1, height_ratios=[height, 36.0 * rows], squeeze=False)
    upper, lower = parts[0, 0], parts[1, 0]
    falling, windows = upper.subplots(1, 2, width_ratios=[1.0, 1.2])
    course(falling, trials, "distance (dimensionless)")
    draw_windows(windows, best)
    draw_parameters(lower, trials, parameters, labels=labels)
    heading(figure, title)
    return figure


def draw_parameters(
    part: SubFigure,
    trials: pd.DataFrame,
    parameters: Mapping[str, bool],
    column: str = "distance",
    labels: Mapping[str, str] | None = None,
) -> None:
    """What is to be made small by each parameter, three panels in a row; the best trial stands out."""
    rows = -(-max(1, len(parameters)) // 3)
    done = trials[trials[column].notna()].sort_values(column, kind="stable").head(1)
    for k, (name, logarithmic) in enumerate(parameters.items()):
        axes = part.add_subplot(rows, 3, k + 1)
        if logarithmic:
            axes.set_xscale("log")
            plain_numbers(axes.xaxis)
            if trials[name].max() < 20 * trials[name].min():
                axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
                axes.xaxis.set_minor_locator(NullLocator())
        _scatter(axes, trials, name, column)
        axes.plot(done[name], done[column], "o", color=style.PASS, markersize=5, zorder=4, clip_on=False)
        axes.set_xlabel((labels or {}).get(name, label(name)))
        axes.set_ylabel(column if k % 3 == 0 else "")


def course(axes: Axes, trials: pd.DataFrame, text: str, column: str = "distance") -> None:
    """What is to be made small by trial, and its least value so far; ``text`` says what it is, with its unit."""
    _scatter(axes, trials, "trial", column)
    lowest = trials[column].cummin().ffill()
    axes.step(trials["trial"], lowest, where="post", color=style.PASS, clip_on=False)
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(text)
    lost = trials[trials[column].isna()]["status"].value_counts()
    if column == "distance":
        axes.set_ylabel(f"{text}\nlinear below {LINEAR:g}")
    notes = ["line: best so far", *(f"cross: {count} {status}" for status, count in lost.items())]
    axes.set_title("; ".join(notes), fontsize=6)


def _scatter(axes: Axes, trials: pd.DataFrame, x: str, column: str) -> None:
    axes.plot(trials[x], trials[column], "o", color="#7F7F7F", markersize=2.5, zorder=2, clip_on=False)
    known = trials[column].dropna()
    if column == "distance":
        axes.set_yscale("symlog", linthresh=LINEAR)
        axes.set_ylim(0.0, max(1.0, 1.5 * float(known.max())) if len(known) else 1.0)
    elif len(known) and known.max() > 10 * known.min() > 0:
        axes.set_yscale("log")
        axes.set_ylim(0.7 * known.min(), 1.4 * known.max())
    elif len(known):
        axes.set_ylim(0.0, 1.1 * known.max() or 1.0)
    plain_numbers(axes.yaxis)
    if column == "distance":
        axes.yaxis.set_minor_locator(NullLocator())
    lost = trials[trials[column].isna()]
    if len(lost):
        edge = np.full(len(lost), 0.97)
        axes.plot(lost[x], edge, "x", color=style.FAIL, markersize=3.5, transform=axes.get_xaxis_transform())


def draw_windows(axes: Axes, best: pd.DataFrame) -> None:
    """Every window has the same width; its value stands where it would in it."""
    middle, half = 0.5 * (best["low"] + best["high"]), 0.5 * (best["high"] - best["low"])
    place = ((best["value"].astype(float) - middle) / half).clip(-REACH, REACH)
    several = best["state"].nunique() > 1
    axes.axvspan(-1, 1, color=style.BAND, zorder=0, linewidth=0)
    names = []
    for k, (row, x) in enumerate(zip(best.to_dict("records"), place, strict=True)):
        colour = style.PASS if row["verdict"] == PASS else style.FAIL
        axes.plot(x, k, "o", color=colour, markersize=3.5, clip_on=False)
        axes.annotate(number(float(row["value"])), (REACH * 1.08, k), va="center", fontsize=6, annotation_clip=False)
        state = f"{label(row['state'])}, " if several else ""
        names.append(f"{state}{_short(row['quantity'])} {label(row['population'])}")
    axes.set_yticks(range(len(best)), names, fontsize=6)
    axes.set_ylim(len(best) - 0.5, -0.5)
    axes.set_xlim(-REACH, REACH)
    axes.set_xticks([-1, 1], ["low", "high"])
    axes.set_xlabel("edges of the target window; best trial, values at the right")
    axes.tick_params(axis="y", length=0)


def _short(quantity: str) -> str:
    """Name of a quantity with its unit."""
    return known()[quantity].short if quantity in known() else quantity
