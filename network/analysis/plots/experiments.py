"""Figures of whole experiments: states beside targets, effects of many variants, maps of action selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from network.analysis.plots import style
from network.analysis.plots.base import heading, page, plain_numbers, styled
from network.analysis.plots.style import colours, label
from network.spec.targets import Targets

MARKS = {
    "mallet2008": ("s", "experiment (Mallet et al. 2008)"),
    "published_model": ("D", "published model"),
    "resimulation_80000": ("|", "re-simulation of the specification"),
}


@styled
def states(
    tables: Mapping[str, pd.DataFrame],
    targets: Mapping[str, Targets],
    *,
    quantity: str = "rate",
    title: str | None = None,
) -> Figure:
    """Bars of a quantity per population, a panel per state, with the published and experimental values.

    Parameters
    ----------
    tables : mapping of state to DataFrame
        From `network.analysis.statistics.run_table`.
    targets : mapping of state to Targets
        Bands are grey, single values are marks.
    quantity : str
        ``rate`` (spikes/s, logarithmic) or ``cv``.
    """
    columns = 2
    rows = -(-len(tables) // columns)
    figure = page(16.0 + 44.0 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    seen: dict[str, Any] = {}
    for axes, (state, table) in zip(grid.ravel(), tables.items(), strict=False):
        goal = targets[state]
        names = [name for name in goal.report_order if name in table.index]
        bands = goal.bands if quantity == "rate" else goal.cv_bands
        read = goal.rate if quantity == "rate" else goal.cv
        for x, name in enumerate(names):
            value = float(table[quantity][name])
            bar = axes.bar(x, value, width=0.5, color=colours(names)[name], zorder=2)
            seen.setdefault("this simulation", bar)
            if name in bands:
                low, high = bands[name]
                area = axes.bar(x, high - low, bottom=low, width=0.86, color=style.BAND, zorder=1)
                seen.setdefault("target band", area)
            for key, (mark, text) in MARKS.items():
                if (there := read(key, name)) is None:
                    continue
                wide = {"markersize": 8, "marker": "_", "markeredgewidth": 1.2} if mark == "|" else {}
                options = {"marker": mark, "markersize": 3.6, "markeredgewidth": 0.8} | wide
                (line,) = axes.plot(x, there, linestyle="", color="black", markerfacecolor="white", zorder=3, **options)
                seen.setdefault(text, line)
        axes.set_title(label(state))
        axes.set_xticks(range(len(names)), [label(name) for name in names], rotation=35, ha="right")
        if quantity == "rate":
            axes.set_yscale("log")
            axes.set_ylim(0.001, 150)
            plain_numbers(axes.yaxis)
        axes.tick_params(axis="x", length=0)
    text = "mean rate (spikes/s)" if quantity == "rate" else "CV of inter-spike intervals (dimensionless)"
    figure.supylabel(text, fontsize=7)
    figure.legend(list(seen.values()), list(seen), loc="outside lower center", ncols=5, fontsize=6)
    heading(figure, title)
    return figure


@styled
def effects(
    table: pd.DataFrame,
    *,
    reference: str,
    quantity: str = "rate (spikes/s)",
    titles: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Matrix of a quantity, a row per variant and a column per population, coloured by its change.

    Parameters
    ----------
    table : DataFrame
        Index variants, columns populations.
    reference : str
        Variant that the others are compared with; colour is log2 of the ratio, cut at a factor of four.
    """
    values = table.to_numpy(dtype=float)
    base = table.loc[reference].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.clip(np.log2(values / base), -2.0, 2.0)
    figure = page(max(44.0, 18.0 + 4.6 * len(table)))
    axes = figure.subplots()
    image = axes.imshow(np.nan_to_num(change), cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        strong = abs(np.nan_to_num(change[row, column])) > 1.4
        text = "-" if np.isnan(value) else f"{value:.2g}" if value < 10 else f"{value:.0f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=6, color="white" if strong else "black")
    names = [titles.get(str(name), str(name)) if titles else str(name) for name in table.index]
    axes.set_yticks(range(len(table)), names)
    axes.set_xticks(range(len(table.columns)), [label(str(name)) for name in table.columns])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_ylabel("variant")
    axes.set_xlabel(f"population; numbers: {quantity}; colour: ratio to {label(reference)}")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, ticks=[-2, -1, 0, 1, 2])
    bar.ax.set_yticklabels(["/ 4", "/ 2", "same", "x 2", "x 4"])
    bar.set_label("ratio (dimensionless)")
    heading(figure, title)
    return figure


@styled
def selection_maps(
    maps: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    levels: Sequence[float],
    *,
    threshold: float = 14.0,
    title: str | None = None,
) -> Figure:
    """Which action SNr selects for every pair of input strengths, a panel per condition.

    Parameters
    ----------
    maps : mapping of condition to (rates 1, rates 2)
        SNr rates in spikes/s during the pulse, arrays (strength of action 2, strength of action 1).
    levels : sequence of float
        Strengths, relative to the base rate.
    threshold : float
        An action is selected if its SNr rate is below this (spikes/s; 14 in the original).
    """
    figure = page(74.0)
    grid = figure.subplots(1, len(maps), squeeze=False, sharex=True, sharey=True)[0]
    tones = np.array([[0.93, 0.93, 0.93], [0.84, 0.37, 0.0], [0.0, 0.45, 0.70], [0.35, 0.35, 0.35]])
    kinds = ("neither", "action 1", "action 2", "both")
    for axes, (name, (first, second)) in zip(grid, maps.items(), strict=True):
        chosen = (first < threshold).astype(int) + 2 * (second < threshold).astype(int)
        axes.imshow(tones[chosen], origin="lower", aspect="equal")
        for (row, column), kind in np.ndenumerate(chosen):
            axes.text(
                column,
                row,
                f"{first[row, column]:.0f}\n{second[row, column]:.0f}",
                ha="center",
                va="center",
                fontsize=5 if len(levels) > 4 else 6,
                color="black" if kind == 0 else "white",
            )
        _level_ticks(axes, levels)
        axes.set_title(label(name))
        axes.set_xlabel("action 1, x base rate")
    grid[0].set_ylabel("action 2, x base rate (dimensionless)")
    handles = [grid[0].scatter([], [], marker="s", color=tone) for tone in tones]
    text = f"selected: SNr below {threshold:g} spikes/s; numbers: SNr rates (spikes/s) of action 1 (above) and 2"
    figure.legend(handles, kinds, loc="outside lower center", ncols=4, title=text, title_fontsize=6.5)
    heading(figure, title)
    return figure


def _level_ticks(axes: Axes, levels: Sequence[float]) -> None:
    texts = [f"{level:.3g}" for level in levels]
    axes.set_xticks(range(len(levels)), texts)
    axes.set_yticks(range(len(levels)), texts)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@styled
def dose_response(
    curves: Mapping[str, Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]],
    *,
    xlabel: str,
    title: str | None = None,
) -> Figure:
    """Rates against the strength of the input: a panel per population, a line per variant.

    Parameters
    ----------
    curves : mapping of population to mapping of variant to (strengths, rates in spikes/s)
    """
    figure = page(62.0)
    grid = figure.subplots(1, len(curves), squeeze=False, sharex=True)[0]
    variants = list(dict.fromkeys(v for lines in curves.values() for v in lines))
    for axes, (population, lines) in zip(grid, curves.items(), strict=True):
        for k, variant in enumerate(variants):
            if variant in lines:
                axes.plot(*lines[variant], "o-", color=style.OTHERS[k], markersize=2.5, label=label(variant))
        axes.set_title(label(population), color=colours([population])[population])
        axes.set_xlabel(xlabel)
        axes.set_ylim(bottom=0)
    grid[0].set_ylabel("mean rate (spikes/s)")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    heading(figure, title)
    return figure
