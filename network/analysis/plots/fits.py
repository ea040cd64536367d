"""Figure of a fit: recorded traces and those of the best trial, how the loss fell, where in the space of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from ..targets.verdict import number
from .base import heading, page, styled
from .optimisations import course, draw_parameters, draw_windows
from .style import label

SHOWN = 8
"""Traces that are drawn; the others count all the same."""
WANTED, FOUND = "#000000", "#D55E00"


@dataclass(frozen=True, eq=False)
class Pair:
    """A recorded trace beside that of the best trial: ``rms`` is their distance in ``unit``."""

    name: str
    unit: str
    times: NDArray[np.float64]
    wanted: NDArray[np.float64]
    found: NDArray[np.float64]
    rms: float


@styled
def fit(
    trials: pd.DataFrame,
    parameters: Mapping[str, bool],
    pairs: Sequence[Pair],
    best: pd.DataFrame,
    *,
    loss: str = "loss",
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Traces, loss by trial and by parameter, values and windows of the best trial.

    Parameters
    ----------
    trials : DataFrame
        One row per trial: ``trial``, ``status``, ``loss``, a column per parameter.
    parameters : mapping of str to bool
        Columns to draw, and whether on a logarithmic axis.
    pairs : sequence of Pair
    best : DataFrame
        Values and windows of the best trial: ``quantity``, ``population``, ``value``, ``low``, ``high``, ``verdict``.
    loss : str
        What the loss is, with its unit if it has one.
    labels : mapping of str to str, optional
        What parameters are called along their axes.
    """
    shown = pairs[:SHOWN]
    values = best[best["low"] == best["high"]] if len(best) else best
    windows = best[best["low"] < best["high"]] if len(best) else best
    extra = [(draw, table) for draw, table in ((_values, values), (draw_windows, windows)) if len(table)]
    rows = -(-len(parameters) // 3)
    heights = [*([8.0 + 20.0 * len(shown)] if shown else []), max(40.0, 14.0 + 3.2 * len(best)), 36.0 * rows]
    figure = page(8.0 + sum(heights))
    parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    if shown:
        _traces(parts.pop(0), shown, len(pairs))
    panels = parts[0].subplots(1, 1 + len(extra), squeeze=False)[0]
    course(panels[0], trials, loss, column="loss")
    for axes, (draw, table) in zip(panels[1:], extra, strict=True):
        draw(axes, table)
    draw_parameters(parts[1], trials, parameters, column="loss", labels=labels)
    heading(figure, title)
    return figure


def _traces(part: SubFigure, pairs: Sequence[Pair], n: int) -> None:
    panels = part.subplots(len(pairs), 1, sharex=True, squeeze=False)[:, 0]
    for axes, pair in zip(panels, pairs, strict=True):
        axes.plot(pair.times, pair.wanted, color=WANTED, linewidth=1.2, label="recorded")
        axes.plot(pair.times, pair.found, color=FOUND, linewidth=0.7, label="best trial")
        axes.set_ylabel(f"{pair.name}\n({pair.unit})")
        axes.set_title(f"rms {number(pair.rms)} {pair.unit}", fontsize=6, loc="right")
    panels[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.1)
    more = f"; {n - len(pairs)} more are not shown" if n > len(pairs) else ""
    panels[-1].set_xlabel(f"time (ms){more}")
    panels[-1].margins(x=0)


def _values(axes: Axes, best: pd.DataFrame) -> None:
    """Relative errors in per cent; what is missing has no bar."""
    value, wanted = best["value"].astype(float), best["low"].astype(float)
    error = (100.0 * (value - wanted) / wanted).fillna(0.0)
    place = np.arange(len(best))
    axes.barh(place, error, color=FOUND, height=0.6)
    axes.axvline(0.0, color="black", linewidth=0.6)
    names = [
        f"{row['quantity']} {label(row['population'])}: {number(float(row['value']))} for {number(float(row['low']))}"
        for row in best.to_dict("records")
    ]
    axes.set_yticks(place, names, fontsize=6)
    axes.set_ylim(len(best) - 0.5, -0.5)
    axes.set_xlabel("best trial beside its value (%)")
    axes.tick_params(axis="y", length=0)
    reach = max(1.0, 1.1 * float(np.abs(error).max()))
    axes.set_xlim(-reach, reach)
    axes.grid(False)
