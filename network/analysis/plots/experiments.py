"""Figures of whole experiments: states beside targets, effects of many variants, maps of action selection."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...experiment.presentation import Mark
from ..effects import Effects
from ..targets.measures import find
from ..targets.windows import Targets
from . import style
from .base import heading, page, plain_numbers, side_label, styled
from .style import colours, label, presentation

MARKS = "sDo^vP"
"""Marks of references, where a network does not say which."""

ACTIONS = ("#D55E00", "#0072B2")
NOISE = "0.9"
"""Colour of what says nothing."""


@styled
def states(
    tables: Mapping[str, pd.DataFrame],
    targets: Mapping[str, Targets],
    *,
    quantity: str = "rate",
    titles: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """A quantity per population, a panel per state, with the published and experimental values.

    Bars, but dots on a logarithmic axis, where the length of a bar says nothing.

    Parameters
    ----------
    tables : mapping of state to DataFrame
        From `network.analysis.statistics.run_table`.
    targets : mapping of state to Targets
        Bands are grey, single values are marks.
    quantity : str
        A measure of populations; ``rate`` is drawn on a logarithmic axis.
    titles : mapping of state to text, optional
    """
    columns = 2
    rows = -(-len(tables) // columns)
    figure = page(16.0 + 44.0 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    seen: dict[str, Any] = {}
    for axes, (state, table) in zip(grid.ravel(), tables.items(), strict=False):
        goal = targets[state]
        names = [name for name in goal.report_order if name in table.index]
        bands = goal.windows.get(quantity, {})
        marks = _marks(goal)
        for x, name in enumerate(names):
            value = float(table[quantity][name])
            colour = colours(names)[name]
            if quantity == "rate":
                (drawn,) = axes.plot(x, value, "o", color=colour, markersize=5.5, zorder=2)
                seen.setdefault("this simulation", drawn)
            else:
                seen.setdefault("this simulation", axes.bar(x, value, width=0.5, color=colour, zorder=2))
            if name in bands:
                low, high = bands[name]
                area = axes.bar(x, high - low, bottom=low, width=0.86, color=style.BAND, zorder=1)
                seen.setdefault("target band", area)
            for key, how in marks.items():
                if (there := goal.value(key, quantity, name)) is None:
                    continue
                wide = {"markersize": 8, "markeredgewidth": 1.2} if how.mark in "_|" else {}
                options: dict[str, Any] = {"marker": how.mark, "markersize": 3.6, "markeredgewidth": 0.8} | wide
                (line,) = axes.plot(x, there, linestyle="", color="black", markerfacecolor="white", zorder=3, **options)
                seen.setdefault(how.label, line)
        axes.set_title((titles or {}).get(state) or label(state))
        axes.set_xticks(range(len(names)), [label(name) for name in names], rotation=35, ha="right")
        if quantity == "rate":
            axes.set_yscale("log")
            axes.set_ylim(0.001, 150)
            plain_numbers(axes.yaxis)
        axes.tick_params(axis="x", length=0)
    side_label(figure, find(quantity).text)
    figure.legend(list(seen.values()), list(seen), loc="outside lower center", ncols=5, fontsize=6)
    heading(figure, title)
    return figure


def _marks(goal: Targets) -> dict[str, Mark]:
    """References to draw: those that the network has marks for, else all."""
    named = presentation().references
    chosen = [key for key in goal.references if key in named] or list(goal.references)
    return {key: named.get(key) or Mark(label=label(key), mark=MARKS[k % len(MARKS)]) for k, key in enumerate(chosen)}


@styled
def effects(
    panels: Mapping[str, Effects],
    *,
    reference: str,
    titles: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Matrices of several quantities, a row per variant and a column per population, coloured by the change.

    Parameters
    ----------
    panels : mapping of quantity, with its unit, to Effects
        Numbers are means over seeds, bold where the change is clear; colour is log2 of the ratio to the
        reference, cut at a factor of four. What is noise in both is grey.
    reference : str
    titles : mapping of variant to text, optional
    """
    first = next(iter(panels.values()))
    figure = page(min(235.0, 30.0 + 4.4 * len(first.mean)))
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    names = [titles.get(str(name), str(name)) if titles else str(name) for name in first.mean.index]
    for axes, (quantity, found) in zip(grid, panels.items(), strict=True):
        change = np.clip(np.nan_to_num(found.change.to_numpy(dtype=float)), -2.0, 2.0)
        noise = np.zeros_like(change, dtype=bool) if found.noise is None else found.noise.to_numpy()
        axes.set_facecolor(NOISE)
        image = axes.imshow(np.ma.array(change, mask=noise), cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
        for (row, column), value in np.ndenumerate(found.mean.to_numpy(dtype=float)):
            axes.text(
                column,
                row,
                _short(value),
                ha="center",
                va="center",
                fontsize=5,
                fontweight="bold" if found.clear.iloc[row, column] else "normal",
                color="0.45" if noise[row, column] else "white" if abs(change[row, column]) > 1.4 else "black",
            )
        axes.set_xticks(range(found.mean.shape[1]), [label(str(name)) for name in found.mean.columns], rotation=90)
        axes.xaxis.tick_top()
        # the title of the panel, which has to stand above the names of the columns
        axes.set_xlabel(quantity, loc="left", fontsize=style.RC["axes.titlesize"], labelpad=4)
        axes.xaxis.set_label_position("top")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    grid[0].set_yticks(range(len(names)), names, fontsize=6)
    bar = figure.colorbar(image, ax=list(grid), location="bottom", shrink=0.4, aspect=40, ticks=[-2, -1, 0, 1, 2])
    bar.ax.set_xticklabels(["/ 4", "/ 2", "same", "x 2", "x 4"])
    note = "; bold: beyond twice the scatter of seeds" if first.n_seeds > 1 else "; one seed, small changes scatter"
    if any(found.noise is not None and found.noise.to_numpy().any() for found in panels.values()):
        note += "\ngrey: no rhythm beyond chance in either, the share of a band is noise"
    bar.set_label(f"ratio to the row '{names[list(first.mean.index).index(reference)]}'{note}")
    heading(figure, title)
    return figure


def _short(value: float) -> str:
    """Two significant digits, whole numbers from 10 on; fits a narrow column."""
    if np.isnan(value):
        return "-"
    if value >= 10:
        return f"{value:.0f}"
    text = f"{value:.2g}" if value >= 0.01 else f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


@styled
def selection_maps(
    maps: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    levels: Sequence[float],
    *,
    population: str,
    threshold: float,
    title: str | None = None,
) -> Figure:
    """Which action the output of a network selects for every pair of input strengths, a panel per condition.

    Parameters
    ----------
    maps : mapping of condition to (rates 1, rates 2)
        Rates of the output in spikes/s during the pulse, arrays (strength of action 2, strength of action 1).
    levels : sequence of float
        Strengths, relative to the base rate.
    population : str
        The output.
    threshold : float
        An action is selected if its rate is below this (spikes/s).
    """
    figure = page(74.0)
    grid = figure.subplots(1, len(maps), squeeze=False, sharex=True, sharey=True)[0]
    tones = np.array([to_rgb(colour) for colour in ("0.93", *ACTIONS, "0.35")])
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
        axes.set_title(_wrapped(label(name), 34))
        axes.set_xlabel("action 1 (x base rate)")
    grid[0].set_ylabel("action 2 (x base rate)")
    handles = [grid[0].scatter([], [], marker="s", color=tone) for tone in tones]
    name = label(population)
    text = f"selected: {name} below {threshold:g} spikes/s; numbers: {name} rates (spikes/s) of action 1 (above) and 2"
    figure.legend(handles, kinds, loc="outside lower center", ncols=4, title=text, title_fontsize=6.5)
    heading(figure, title)
    return figure


@styled
def pulse_courses(
    courses: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    duration: float,
    threshold: float,
    title: str | None = None,
) -> Figure:
    """Rates around a pulse: a column per condition, a row per pair of strengths, a line per action.

    Parameters
    ----------
    courses : mapping of condition to mapping of pair to DataFrame
        Index time in ms since the start of the pulse, a column (spikes/s) per action.
    duration : float
        Of the pulse in ms; shaded.
    threshold : float
        Rate (spikes/s) below which an action is selected; dashed.
    """
    rows = list(next(iter(courses.values())))
    figure = page(22.0 + 27.0 * len(rows))
    grid = figure.subplots(len(rows), len(courses), squeeze=False, sharex=True, sharey=True)
    for column, (condition, found) in enumerate(courses.items()):
        for row, pair in enumerate(rows):
            axes = grid[row, column]
            axes.axvspan(0.0, duration, color="0.92", linewidth=0)
            axes.axhline(threshold, color="0.3", linewidth=0.5, linestyle=(0, (4, 2)))
            for colour, action in zip(ACTIONS, found[pair], strict=False):
                axes.step(found[pair].index, found[pair][action], where="mid", color=colour, label=action)
            if column == 0:
                axes.set_ylabel(f"{pair.replace(', ', chr(10))}\nrate (spikes/s)")
        grid[0, column].set_title(_wrapped(condition, 34))
        grid[-1, column].set_xlabel("time since pulse (ms)")
    grid[0, 0].set_ylim(bottom=0)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2, title=f"shaded: pulse; dashed: {threshold:g} spikes/s"
    )
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
    curves: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    xlabel: str,
    title: str | None = None,
) -> Figure:
    """Rates against the strength of the input: a panel per population, a line per variant.

    Parameters
    ----------
    curves : mapping of population to mapping of variant to DataFrame
        Columns ``strength``, ``rate`` (spikes/s) and ``error`` (spikes/s).
    """
    figure = page(66.0)
    grid = figure.subplots(1, len(curves), squeeze=False, sharex=True)[0]
    variants = list(dict.fromkeys(v for lines in curves.values() for v in lines))
    for axes, (population, lines) in zip(grid, curves.items(), strict=True):
        for k, variant in enumerate(variants):
            if variant in lines:
                table = lines[variant]
                style_ = {"color": style.OTHERS[k], "markersize": 2.5, "elinewidth": 0.6, "label": label(variant)}
                axes.errorbar(table["strength"], table["rate"], table["error"], fmt="o-", **style_)
        axes.set_title(label(population), color=colours([population])[population])
        axes.set_xlabel(xlabel)
        axes.set_ylim(bottom=0)
    grid[0].set_ylabel("mean rate (spikes/s)")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    heading(figure, title)
    return figure


@styled
def courses(
    tables: Mapping[str, pd.DataFrame],
    *,
    rows: Sequence[Sequence[str]] | None = None,
    titles: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Rates over time under the level of dopamine: a column per variant, a row per group of populations.

    Parameters
    ----------
    tables : mapping of variant to DataFrame
        Index time in ms, column ``dopamine`` (dimensionless) and one per population (spikes/s).
    rows : sequence of sequences of str, optional
        By default the panels of the network, or a row for each population.
    """
    found = next(iter(tables.values())).columns.drop("dopamine")
    rows = rows or presentation().panels or [(str(name),) for name in found]
    figure = page(30.0 + 22.0 * (1 + len(rows)))
    grid = figure.subplots(1 + len(rows), len(tables), squeeze=False, sharex="col", sharey="row")
    for column, (variant, table) in enumerate(tables.items()):
        axes = grid[0, column]
        axes.step(table.index, table["dopamine"], where="mid", color="black")
        axes.set_ylim(-0.05, 1.05)
        axes.set_title(_wrapped(titles.get(variant, variant) if titles else label(variant)))
        for row, names in enumerate(rows, 1):
            axes = grid[row, column]
            for name in names:
                axes.step(table.index, table[name], where="mid", color=colours([name])[name], label=label(name))
            if column == 0:
                axes.legend(loc="upper left", ncols=2, handlelength=1.0, borderpad=0.0)
        grid[-1, column].set_xlabel("time (ms)")
    for row, names in enumerate(rows, 1):
        top = max(float(table[name].max()) for table in tables.values() for name in names)
        grid[row, 0].set_ylim(0, 1.35 * top)  # room for the legend
    grid[0, 0].set_ylabel("dopamine level\n(dimensionless)")
    for axes in grid[1:, 0]:
        axes.set_ylabel("rate (spikes/s)")
    figure.align_ylabels(list(grid[:, 0]))
    heading(figure, title)
    return figure


def _wrapped(text: str, width: int = 26) -> str:
    return "\n".join(textwrap.wrap(text, width))
