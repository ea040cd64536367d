"""Figures of scans: a quantity of every population over one axis as lines, or over two axes as a map.

Both take the table of a scan (``bgnest scan collect``): one row per point and population, a column per axis. Points
without a result (failed, exploded, not run) are gaps, and the figure says how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..targets.measures import PopulationMeasure, family
from ..targets.verdict import Bands
from . import style
from .base import heading, multiples, plain_numbers, styled
from .style import colours, label

QUANTITIES = {
    **{name: measure.text for name, measure in family(PopulationMeasure).items()},
    "n_spikes": "spikes recorded",
    "rtf": "real-time factor (dimensionless)",
    "seconds": "wall time of the run (s)",
}
"""What can be drawn, with units."""

NOT_AXES = frozenset({"point", "population", "status", "reason", "size", "verdict", *QUANTITIES})
DONE = "done"
MOST_NUMBERS = 6
"""Rows and columns of a map up to which its values are written in."""
Marks = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""By population: places on the axis and values."""


@styled
def scan_lines(
    table: pd.DataFrame,
    *,
    x: str,
    quantity: str = "rate",
    group: str | None = None,
    band: str = "seed",
    populations: Sequence[str] | None = None,
    bands: Bands | None = None,
    log_x: bool | None = None,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
    panels: Sequence[Sequence[str]] | None = None,
    marks: Mapping[str, Marks] | None = None,
) -> Figure:
    """A panel per population: lines are means over ``band`` (seeds), a band goes from the smallest to the largest.

    Parameters
    ----------
    table : DataFrame
        One row per point and population: ``point``, ``population``, ``status``, a column per axis, `QUANTITIES`.
    x : str
        Axis along the figure; words are listed, one below the other, and the quantity then goes to the right.
    quantity : str
        One of `QUANTITIES`.
    group : str, optional
        Axis whose values have a colour each.
    band : str
        Axis over which means are taken; need not be there.
    populations : sequence of str, optional
        By default all.
    bands : mapping of population to (low, high), optional
        Target windows of the quantity, grey.
    log_x : bool, optional
        Logarithmic x axis; by default if the values are spaced that way.
    labels : mapping of axis to str, optional
        Names for people, with unit.
    panels : sequence of sequences of str, optional
        Populations that share a panel, where each is a line; those that none names are left out. Not with ``group``.
    marks : mapping of str to mapping, optional
        By label: for populations places on the axis and values from elsewhere.

    Raises
    ------
    ValueError
        If a column is missing, or another axis of the table has several values.
    """
    axes_of = [x, *([group] if group else [])]
    names = _checked(table, [*axes_of, quantity], quantity, band, populations)
    of_name = colours(map(str, table["population"].dropna().unique()))
    labels = labels or {}
    values = _values(table[x])
    words = not pd.api.types.is_numeric_dtype(table[x])
    places = dict(zip(values, range(len(values)) if words else values, strict=True))
    entries = _values(table[group]) if group else [None]
    shades = _shades(table[group], entries) if group else [None]
    columns, height = (4, 18.0 + 3.4 * len(values)) if words else (3, 34.0)
    shared = _shared(panels, names, group)
    if not words and (panels is not None or len(shared) <= columns):  # one row has to hold the label of its axis
        columns, height = min(columns, len(shared)), 52.0
    figure, grid = multiples(len(shared), columns=columns, panel_height=height, legends=True)
    handles: dict[str, Any] = {}
    marked: dict[str, Any] = {}
    for axes, name in ((axes, name) for axes, several in zip(grid, shared, strict=True) for name in several):
        of_population = table[(table["population"] == name) & (table["status"] == DONE)]
        if bands and name in bands:
            span = axes.axvspan if words else axes.axhspan
            handles["target band"] = span(*bands[name], color=style.BAND, zorder=0, linewidth=0)
        for entry, shade in zip(entries, shades, strict=True):
            chosen = of_population if entry is None else of_population[of_population[group] == entry]
            found = chosen.groupby(x)[quantity].agg(["mean", "min", "max"]).reindex(values)
            colour = of_name[name] if shade is None else shade
            line = _draw(axes, list(places.values()), found, colour, words=words)
            if entry is not None:
                handles[f"{labels.get(str(group), label(str(group)))}: {_text(entry)}"] = line
            elif any(name in several for several in shared if len(several) > 1):
                handles[label(name)] = line
        if not words:
            marked |= _draw_marks(axes, name, marks or {}, of_name[name])
        _mark_gaps(axes, table, name, x, places, words=words)
    for axes, several in zip(grid, shared, strict=True):
        alone = of_name[several[0]] if len(several) == 1 else "black"
        axes.set_title(", ".join(label(name) for name in several), color=alone)
    _axes_of_lines(grid, values, columns, labels.get(x, label(x)), QUANTITIES[quantity], log_x, words=words)
    missing = _missing(table)
    _legend(figure, handles | marked, [_spread(table, band), f"cross: {missing}" if missing else ""])
    heading(figure, title)
    return figure


def _shared(panels: Sequence[Sequence[str]] | None, names: Sequence[str], group: str | None) -> list[tuple[str, ...]]:
    """Populations of each panel."""
    if panels is None:
        return [(name,) for name in names]
    if group is not None:
        raise ValueError("populations share no panels where the lines of a panel are those of a group")
    kept = [tuple(name for name in several if name in names) for several in panels]
    if not any(kept):
        raise ValueError("the network names no populations that share a panel (presentation.yaml, panels)")
    return [several for several in kept if several]


def _draw_marks(axes: Axes, name: str, marks: Mapping[str, Marks], colour: str) -> dict[str, Any]:
    """Values from elsewhere, as open marks in the colour of the population; what the legend says of them."""
    handles = {}
    for number, (text, of_populations) in enumerate(marks.items()):
        if name in of_populations:
            mark = "sD^v"[number % 4]
            axes.plot(*of_populations[name], mark, color=colour, markerfacecolor="none", markersize=4.5, zorder=3)
            handles[text] = Line2D(
                [], [], marker=mark, linestyle="", color="#444444", markerfacecolor="none", markersize=4.5
            )
    return handles


def _draw(axes: Axes, at: Sequence[float], found: pd.DataFrame, colour: str, *, words: bool) -> Any:
    """Means and ranges of one line; words have a place on the vertical axis, and no line connects them."""
    spread = bool((found["max"] > found["min"]).any())
    if words:
        if spread:
            axes.hlines(at, found["min"], found["max"], color=colour, alpha=0.45, linewidth=1.8)
        return axes.plot(found["mean"], at, "o", color=colour, markersize=2.8)[0]
    if spread:
        axes.fill_between(at, found["min"], found["max"], color=colour, alpha=0.2, linewidth=0)
    return axes.plot(at, found["mean"], "o-", color=colour, markersize=2.5)[0]


def _axes_of_lines(
    grid: Sequence[Axes],
    values: Sequence[Any],
    columns: int,
    xlabel: str,
    ylabel: str,
    log_x: bool | None,
    *,
    words: bool,
) -> None:
    """Limits, ticks and labels of all panels; labels stand at the left and below the last panel of a column."""
    for k, axes in enumerate(grid):
        first, last = k % columns == 0, k + columns >= len(grid)
        if words:
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
            axes.set_yticks(range(len(values)), [_text(value) for value in values] if first else [])
            axes.set_ylim(len(values) - 0.5, -0.5)
            axes.set_xlabel(ylabel if last else "", fontsize=6)
            axes.grid(axis="y", color="#EEEEEE", linewidth=0.5)
            continue
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        if _is_geometric(values) if log_x is None else log_x:
            axes.set_xscale("log")
            axes.set_xticks(values if len(values) <= 7 else axes.get_xticks())
            axes.set_xlim(values[0] / 1.1, values[-1] * 1.1)
            axes.minorticks_off()
            plain_numbers(axes.xaxis)
        axes.set_xlabel(xlabel if last else "")
        axes.set_ylabel(ylabel if first and k // columns == (len(grid) - 1) // columns // 2 else "")
    grid[0].figure.align_ylabels()


@styled
def scan_map(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    quantity: str = "rate",
    band: str = "seed",
    populations: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """A map per population over two axes, each with its own scale; fields are means over ``band`` (seeds).

    Parameters are those of `scan_lines`; every value of an axis gets a field of the same width. Fields without a
    result are hatched.

    Raises
    ------
    ValueError
        If a column is missing, or another axis of the table has several values.
    """
    names = _checked(table, [x, y, quantity], quantity, band, populations)
    of_name = colours(map(str, table["population"].dropna().unique()))
    labels = labels or {}
    columns, rows = _values(table[x]), _values(table[y])
    figure, grid = multiples(len(names), columns=3, panel_height=40.0, legends=True)
    for axes, name in zip(grid, names, strict=True):
        chosen = table[(table["population"] == name) & (table["status"] == DONE)]
        means = chosen.pivot_table(index=y, columns=x, values=quantity, aggfunc="mean", sort=False)
        field = np.ma.masked_invalid(means.reindex(index=rows, columns=columns).to_numpy(dtype=float))
        axes.set_facecolor("white")
        axes.patch.set(hatch="////", edgecolor="#BBBBBB")
        lowest, highest = _scale(field)
        image = axes.imshow(
            field, origin="lower", aspect="auto", cmap="viridis", interpolation="nearest", vmin=lowest, vmax=highest
        )
        _numbers(axes, field, lowest, highest)
        bar = figure.colorbar(image, ax=axes, aspect=14, pad=0.03)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=1.5, labelsize=6)
        for set_ticks, set_labels, values in (
            (axes.set_xticks, axes.set_xticklabels, columns),
            (axes.set_yticks, axes.set_yticklabels, rows),
        ):
            shown = range(0, len(values), -(-len(values) // 6))
            set_ticks(list(shown))
            set_labels([_text(values[k]) for k in shown])
        if not pd.api.types.is_numeric_dtype(table[x]):
            axes.tick_params(axis="x", rotation=35)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(label(name), color=of_name[name])
    for k, axes in enumerate(grid):
        axes.set_xlabel(labels.get(x, label(x)) if k + 3 >= len(grid) else "")
        axes.set_ylabel(labels.get(y, label(y)) if k % 3 == 0 else "")
    missing = _missing(table)
    averaged = band not in (x, y) and _several(table, band)
    seeds = f"mean of {table[band].nunique()} {label(band)}s" if averaged else ""
    _legend(figure, {}, [f"colour: {QUANTITIES[quantity]}", seeds, f"hatched: {missing}" if missing else ""])
    heading(figure, title)
    return figure


def _scale(field: np.ma.MaskedArray) -> tuple[float, float]:
    """Ends of the colours of a map; where all values are equal, nought and twice that."""
    if field.count() == 0:
        return 0.0, 1.0
    lowest, highest = float(field.min()), float(field.max())
    if lowest < highest:
        return lowest, highest
    return min(0.0, 2.0 * lowest), max(0.0, 2.0 * highest) or 1.0


def _numbers(axes: Axes, field: np.ma.MaskedArray, lowest: float, highest: float) -> None:
    """Write the values into the fields of a map, if there is room."""
    if max(field.shape) > MOST_NUMBERS:
        return
    for (row, column), value in np.ndenumerate(np.ma.getdata(field)):
        if not np.ma.getmaskarray(field)[row, column]:
            dark = (value - lowest) / (highest - lowest) < 0.6
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=5, color="w" if dark else "k")


def _checked(
    table: pd.DataFrame, needed: Sequence[str], quantity: str, band: str, populations: Sequence[str] | None
) -> list[str]:
    """Names of the populations to draw, once everything is known to be there."""
    if quantity not in QUANTITIES:
        raise ValueError(f"no quantity {quantity!r}; quantities: {', '.join(QUANTITIES)}")
    axes = [str(column) for column in table.columns if column not in NOT_AXES]
    for column in needed:
        if column not in table.columns:
            raise ValueError(f"the table has no column {column!r}; axes: {', '.join(axes)}")
    others = [axis for axis in axes if axis not in (*needed, band) and _several(table, axis)]
    if others:
        raise ValueError(
            f"{', '.join(others)} vary besides; select rows of one value each, or name an axis as group or band"
        )
    known = [str(name) for name in table["population"].dropna().unique()]
    wrong = [name for name in populations or () if name not in known]
    if wrong or not known:
        raise ValueError(f"no rows of {', '.join(wrong) or 'any population'}; populations: {', '.join(known)}")
    return list(populations) if populations is not None else known


def _several(table: pd.DataFrame, column: str) -> bool:
    return column in table.columns and table[column].nunique() > 1


def _values(column: pd.Series) -> list[Any]:
    """Values of an axis: numbers in order, words as they come."""
    values = column.dropna().unique().tolist()
    return sorted(values) if pd.api.types.is_numeric_dtype(column) else values


def _is_geometric(values: Sequence[float]) -> bool:
    """Whether three positive numbers or more have the same ratio (within 5 %) and not the same difference.

    What is less than twice the first one is not worth a logarithm.
    """
    numbers = np.asarray(values, dtype=float)
    if len(numbers) < 3 or numbers.min() <= 0 or numbers[-1] < 2.0 * numbers[0] or np.allclose(np.diff(numbers, 2), 0):
        return False
    ratios = numbers[1:] / numbers[:-1]
    return bool(ratios.max() / ratios.min() < 1.05)


def _shades(column: pd.Series, entries: Sequence[Any]) -> list[Any]:
    """A colour per value of the second axis: in order for numbers, different ones for words."""
    if pd.api.types.is_numeric_dtype(column):
        return [to_hex(c) for c in mpl.colormaps["viridis"](np.linspace(0.0, 0.88, len(entries)))]
    return [style.OTHERS[k % len(style.OTHERS)] for k in range(len(entries))]


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else label(str(value))


def _mark_gaps(axes: Axes, table: pd.DataFrame, name: str, x: str, places: Mapping[Any, float], *, words: bool) -> None:
    """A cross on the axis where a point has no result."""
    lost = table[(table["status"] != DONE) & (table["population"].isna() | (table["population"] == name))]
    at = [places[value] for value in lost[x].dropna().unique()]
    if not at:
        return  # a line without points would have a place in the layout
    edge = [0.0] * len(at)
    how: dict[str, Any] = {"color": style.FAIL, "markersize": 4, "clip_on": False, "zorder": 5}
    if words:
        axes.plot(edge, at, "x", transform=axes.get_yaxis_transform(), **how)
    else:
        axes.plot(at, edge, "x", transform=axes.get_xaxis_transform(), **how)


def _missing(table: pd.DataFrame) -> str:
    """Sentence on the points without a result."""
    states = table.drop_duplicates("point")["status"]
    lost = states[states != DONE].value_counts()
    if lost.empty:
        return ""
    listed = ", ".join(f"{count} {status}" for status, count in lost.items())
    return f"{int(lost.sum())} of {len(states)} points without a result ({listed})"


def _spread(table: pd.DataFrame, band: str) -> str:
    if not _several(table, band):
        return ""
    return f"mean of {table[band].nunique()} {label(band)}s; band: smallest to largest"


def _legend(figure: Figure, handles: Mapping[str, Any], remarks: Sequence[str]) -> None:
    """Legend below the panels, with remarks as its title."""
    text = "; ".join(remark for remark in remarks if remark)
    if handles or text:
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=min(6, max(1, len(handles))),
            title=text or None,
            title_fontsize=6.5,
        )
