"""What happens around spikes, on average: a rate, the currents of a field, a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .base import heading, page, styled
from .style import colours, label

if TYPE_CHECKING:
    import pandas as pd

SHADES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


@styled
def triggered(table: pd.DataFrame, title: str | None = None) -> Figure:
    """Figure of a table of `network.analysis.triggered.around_spikes`."""
    figure = page(62.0)
    triggered_panel(figure.subplots(), table)
    heading(figure, title)
    return figure


def triggered_panel(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draw it into axes of the caller."""
    what, unit = str(table.attrs["of"]), str(table.attrs["units"])
    rate = list(table.columns) == ["rate"]
    for number, (name, column) in enumerate(table.items()):
        colour = colours([what])[what] if rate else SHADES[number % len(SHADES)]
        axes.plot(table.index, column, color=colour, linewidth=1.0, label=str(name))
    axes.axvline(0.0, color="#888888", linewidth=0.6, linestyle=":", zorder=-1)
    axes.set_xlim(table.index[0], table.index[-1])
    axes.set_xlabel(f"time after a spike of {label(str(table.attrs['trigger']))} (ms)")
    axes.set_ylabel(f"rate of {label(what)} ({unit})" if rate else f"{what} ({unit})")
    if table.shape[1] > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return axes
