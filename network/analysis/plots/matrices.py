"""Figures of the wiring of a plan: in-degrees and mean weights, row target, column source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ..wiring import connection_matrices, weight_units
from . import style
from .base import Page, heading, plain_numbers, styled
from .style import COLUMN, MM, label

if TYPE_CHECKING:
    import pandas as pd


@styled
def connectivity(plan: Mapping[str, Any], *, title: str | None = None) -> Figure:
    """In-degree between populations, colour logarithmic, numbers written in."""
    figure, axes = _figure(connection_matrices(plan)[0], bars=1, title=title)
    connectivity_panel(axes, plan)
    return figure


def connectivity_panel(axes: Axes, plan: Mapping[str, Any]) -> Axes:
    """Draw what `connectivity` draws into given axes."""
    in_degree, _, _ = connection_matrices(plan)
    _frame(axes, in_degree)
    _matrix(axes, in_degree, "viridis_r", "in-degree (synapses per target cell)", "{:.0f}")
    return axes


@styled
def weights(plan: Mapping[str, Any], *, title: str | None = None) -> Figure:
    """Mean weight between populations, inhibition blue, excitation red.

    Of a plastic synapse it is what the first spike after a long rest does, U times its weight; U is 1 of the others.
    """
    figure, axes = _figure(connection_matrices(plan)[1], bars=2, title=title)
    weights_panel(axes, plan)
    return figure


def weights_panel(axes: Axes, plan: Mapping[str, Any]) -> Axes:
    """Draw what `weights` draws into given axes."""
    _, inhibitory, excitatory = connection_matrices(plan)
    unit = " or ".join(weight_units(plan))
    _frame(axes, inhibitory)
    _matrix(
        axes,
        excitatory,
        style.EXCITATORY,
        f"excitatory weight × U ({unit})",
        "{:.3g}",
    )
    _matrix(axes, inhibitory, style.INHIBITORY, f"inhibitory weight × U ({unit})", "{:.3g}")
    return axes


LEAST_ROWS = 5
"""Rows for which there is room in any case: the label of the axis takes as much."""


def _figure(values: pd.DataFrame, *, bars: int, title: str | None) -> tuple[Figure, Axes]:
    """Figure of column width with room for a matrix and its colour bars."""
    figure = Page(
        figsize=(COLUMN, (24.0 + 11.0 * bars + 6.5 * max(LEAST_ROWS, len(values))) * MM), layout="constrained"
    )
    heading(figure, title)
    return figure, figure.subplots()


def _frame(axes: Axes, values: pd.DataFrame) -> None:
    """Empty matrix."""
    names = [label(name) for name in values.index]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.88", linewidth=0.4)
    axes.tick_params(which="both", length=0)
    axes.set(
        xlabel="source population",
        ylabel="target population",
        xlim=(-0.5, len(names) - 0.5),
        ylim=(len(names) - 0.5, -0.5),
    )
    for spine in axes.spines.values():
        spine.set_visible(False)


def _matrix(axes: Axes, values: pd.DataFrame, colour_map: str, text: str, form: str) -> None:
    data = values.to_numpy()
    if not np.any(data > 0):
        return
    norm = LogNorm(float(np.nanmin(data[data > 0])) / 2, float(np.nanmax(data)) * 2)  # keeps the numbers readable
    image = axes.imshow(np.ma.masked_invalid(data), cmap=colour_map, norm=norm, aspect="auto")
    for row, column in zip(*np.nonzero(~np.isnan(data)), strict=True):
        red, green, blue, _ = image.cmap(norm(data[row, column]))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(
            column,
            row,
            form.format(data[row, column]),
            ha="center",
            va="center",
            fontsize=5.5,
            color="white" if dark else "black",
            in_layout=False,
        )
    bar = axes.figure.colorbar(image, ax=axes, location="bottom", aspect=35, pad=0.02, fraction=0.05)
    bar.set_label(text)
    bar.outline.set_linewidth(0.4)
    plain_numbers(bar.ax.xaxis)
