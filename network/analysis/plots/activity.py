"""Figures of spikes and traces: raster, rates, spectra, intervals, membrane potentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

from ...runs import Report, Spikes
from ..certainty import freedom, peak_limit, poisson_level
from ..spectra import rate_spectrum
from ..statistics import RATE_BIN, cut, cv_isi, interspike_intervals, population_rate
from ..targets.verdict import NONE, PASS, Bands, judge, number
from . import style
from .base import align_beside, grid_page, heading, multiples, plain_numbers, powers_of_ten, side_label, styled
from .style import colours, label

if TYPE_CHECKING:
    import pandas as pd

DASHED, DOTTED = (0, (4, 2)), (0, (1, 1.5))

EMPTY, MORE = 60, 10.0
"""Spikes below which the band of a population looks empty, and how many times more cells it may show then."""


@styled
def raster(
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    *,
    n_cells: int = 60,
    seed: int = 0,
    title: str | None = None,
) -> Figure:
    """Spikes of randomly chosen cells, one band of equal height per population.

    Parameters
    ----------
    n_cells : int
        Cells shown per population, all where there are fewer, and up to ten times as many where these would hardly
        fire; drawn without looking at their activity, in the order of their ids. The rate on the right is that of the
        whole population, below it stands how many cells are shown.
    seed : int
        Of the choice.
    """
    figure = grid_page(12.0 + 14.0 * len(spikes))
    raster_panel(figure.subplots(), spikes, t_start, t_stop, n_cells=n_cells, seed=seed, title=title)
    return figure


def raster_panel(
    axes: Axes,
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    *,
    n_cells: int = 60,
    seed: int = 0,
    title: str | None = None,
) -> Axes:
    """Draw what `raster` draws into given axes."""
    rng = np.random.default_rng(seed)
    shades, gap = colours(spikes), 0.16
    for row, (name, train) in enumerate(spikes.items()):
        times, ids = cut(train.times, train.node_ids, train.n_neurons, t_start, t_stop)
        more = np.clip(EMPTY * train.n_neurons / max(len(times) * n_cells, 1), 1.0, MORE)
        size = min(int(n_cells * more), train.n_neurons)
        cells = np.sort(rng.choice(train.n_neurons, size=size, replace=False))
        place = np.minimum(np.searchsorted(cells, ids), len(cells) - 1)
        shown = cells[place] == ids
        height = row + gap / 2 + (place[shown] + 0.5) * (1.0 - gap) / len(cells)
        # a mark is a little higher than its line, so that dense bands still show texture in print; where
        # spikes are rare there is room for larger ones
        length = 1.5 if np.count_nonzero(shown) > 150 else 3.0
        axes.plot(times[shown], height, "|", color=shades[name], markersize=length, markeredgewidth=0.55)
        rate = len(times) / train.n_neurons / (t_stop - t_start) * 1000.0
        axes.text(
            1.008,
            row + 0.5,
            f"{number(rate)} spikes/s\n{len(cells):,} cells shown",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=6,
            color="0.3",
        )
        if row:
            axes.axhline(row, color="0.85", linewidth=0.5, zorder=0)
    names = [f"{label(name)}\nn = {train.n_neurons:,}" for name, train in spikes.items()]
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    for tick, name in zip(axes.get_yticklabels(), spikes, strict=True):
        tick.set_color(shades[name])
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(t_start, t_stop), ylim=(len(spikes), 0), xlabel="time (ms)", ylabel="population (sampled cells)")
    axes.spines["left"].set_visible(False)
    if title:
        axes.set_title(title)
    return axes


@styled
def rate_courses(
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    *,
    bin_width: float = 5.0,
    title: str | None = None,
) -> Figure:
    """Draw each population's rate over time, a panel and scale of its own, the mean as a dashed line.

    A window that is shorter than the bins is one bin.
    """
    bin_width = min(bin_width, t_stop - t_start)
    figure, panels = multiples(len(spikes), panel_height=20.0)
    for axes, (name, train) in zip(panels, spikes.items(), strict=True):
        centres, rate = population_rate(train.times, train.n_neurons, t_start, t_stop, bin_width)
        colour = colours(spikes)[name]
        axes.fill_between(centres, rate, step="mid", color=colour, alpha=0.25, linewidth=0)
        axes.step(centres, rate, where="mid", color=colour)
        axes.axhline(rate.mean(), color="0.3", linewidth=0.5, linestyle=DASHED)
        axes.set(xlim=(t_start, t_stop), ylim=(0, 1.15 * rate.max() or 1.0))
        mean = number(float(rate.mean()))
        axes.set_title(f"{label(name)}, n = {train.n_neurons:,}, mean {mean} spikes/s", color=colour)
        axes.yaxis.set_major_locator(MaxNLocator(3))
        if axes not in panels[-2:]:
            axes.tick_params(labelbottom=False)
    for axes in panels[-2:]:
        axes.set_xlabel("time (ms)")
    side_label(figure, f"population rate (spikes/s), bins of {bin_width:g} ms")
    heading(figure, title)
    return figure


@styled
def rate_bands(
    table: pd.DataFrame, bands: Bands | None = None, *, size: int | None = None, title: str | None = None
) -> Figure:
    """Mean rate of each population, with its 95 % interval over blocks of time, beside its target band, and as a table.

    Parameters
    ----------
    table : DataFrame
        From `network.analysis.statistics.population_table`.
    bands : mapping of population to (low, high), optional
        In spikes/s.
    size : int, optional
        Number of neurons that the bands hold for, if the network is smaller: nothing is marked as failed then.
    """
    judged = judge(table, bands or {})
    figure = grid_page(16.0 + 5.5 * len(judged))
    columns = {"n": 0.14, "rate (spikes/s)": 0.43, "CV": 0.56}
    if bands:
        columns |= {"target band": 0.82, "verdict": 1.0}
    right = max(columns.values())
    axes, side = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 0.72 * right))
    shades = colours(map(str, judged.index))
    for text, x in columns.items():
        side.text(x, -0.9, text, ha="right", va="center", fontsize=6.5, color="0.3")
    for row, (name, values) in enumerate(judged.iterrows()):
        judged_here = values["verdict"] != NONE
        if judged_here:
            width = values["high"] - values["low"]
            axes.barh(row, width, left=values["low"], height=0.62, color=style.BAND, zorder=1)
        if values["rate"] > 0:
            axes.plot(values["rate"], row, "o", color=shades[str(name)], markersize=4.5, zorder=3)
            if values["rate_low"] > 0:  # 95 % over blocks of time
                axes.plot([values["rate_low"], values["rate_high"]], [row, row], color=shades[str(name)], linewidth=1.0)
        cells = {
            "n": "-" if np.isnan(values["n_neurons"]) else f"{int(values['n_neurons']):,}",
            "rate (spikes/s)": number(values["rate"]),
            "CV": "-" if np.isnan(values["cv"]) else f"{values['cv']:.2f}",
            "target band": f"{values['low']:g} - {values['high']:g}" if judged_here else "-",
        }
        for column, text in cells.items():
            if column in columns:
                side.text(columns[column], row, text, ha="right", va="center", fontsize=6.5)
        if not bands:
            continue
        good = values["verdict"] == PASS
        side.text(
            columns["verdict"],
            row,
            str(values["verdict"]),
            ha="right",
            va="center",
            fontsize=6.5,
            color="black" if not judged_here or size else style.PASS if good else style.FAIL,
            fontweight="bold" if judged_here and not good and not size else "normal",
        )
    side.set(xlim=(0, right))
    side.axis("off")
    limits = judged[["rate", "low", "high"]].to_numpy().ravel()
    limits = limits[limits > 0]
    axes.set_xscale("log")
    if len(limits):
        axes.set_xlim(limits.min() / 1.6, limits.max() * 1.6)
    plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(judged)), [label(str(name)) for name in judged.index])
    axes.set(ylim=(len(judged) - 0.4, -1.4), ylabel="population")
    about = f"; grey: target band{f' of {size:,} neurons' if size else ''}" if bands else ""
    axes.set_xlabel(f"mean rate (spikes/s){about}")
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    heading(figure, title)
    return figure


def _first_that_fired(report: Report, part: slice, spikes: Mapping[str, Spikes] | None) -> int:
    """Place in a report of the first cell that fires in what is shown; the first one if none does, or nobody knows."""
    times = report.times[part]
    if not len(times) or not spikes or report.population not in spikes:
        return 0
    fired = np.unique(spikes[report.population].between(times[0], times[-1]).node_ids)
    places = np.flatnonzero(np.isin(report.node_ids, fired))
    return int(places[0]) if len(places) else 0


@styled
def traces(
    reports: Sequence[Report],
    *,
    spikes: Mapping[str, Spikes] | None = None,
    n_cells: int = 1,
    t_start: float | None = None,
    t_stop: float | None = None,
    longest: float = np.inf,
    title: str | None = None,
) -> Figure:
    """Draw recorded traces, one panel per report, with the spikes of the first cell that fired as ticks above.

    Panels share their time axis if what they show begins and ends together.

    Parameters
    ----------
    reports : sequence of Report
        For example V_m of several populations.
    spikes : mapping of population to Spikes, optional
        A sampled trace misses the peaks of spikes; the ticks show when they were.
    n_cells : int
        Cells per panel, from the first of each report that fired on; those after it are pale.
    longest : float
        Time in ms of which a panel shows at most as much, from the first sample on.
    """
    figure = grid_page(12.0 + 17.0 * len(reports))
    shown = [_shown(report.times, t_start, t_stop, longest) for report in reports]
    spans = {
        (report.times[part.start], report.times[part.stop - 1])
        for report, part in zip(reports, shown, strict=True)
        if part.stop > part.start
    }
    panels = figure.subplots(len(reports), 1, sharex=len(spans) <= 1, squeeze=False).ravel()
    recorders = {(report.population, report.variable): set[str]() for report in reports}
    for report in reports:
        recorders[report.population, report.variable].add(report.trace)
    for axes, report, part in zip(panels, reports, shown, strict=True):
        colour = colours(r.population for r in reports)[report.population]
        first = _first_that_fired(report, part, spikes)
        times, values = report.times[part], report.values[part, first : first + n_cells]
        for cell in range(values.shape[1] - 1, -1, -1):
            # a single sample makes no line
            mark = "." if len(times) == 1 else ""
            axes.plot(times, values[:, cell], marker=mark, color=colour, alpha=1.0 if cell == 0 else 0.35)
        if len(times):
            if len(times) > 1:
                axes.set_xlim(times[0] if t_start is None else t_start, times[-1] if t_stop is None else t_stop)
            if spikes and report.population in spikes:
                train = spikes[report.population].between(times[0], times[-1])
                top, height = float(values.max()), float(np.ptp(values)) or 1.0
                mine = train.times[train.node_ids == report.node_ids[first]]
                axes.vlines(mine, top + 0.10 * height, top + 0.25 * height, color="black", linewidth=0.6)
        else:
            axes.text(0.5, 0.5, "no samples", transform=axes.transAxes, ha="center", va="center", color="0.4")
        axes.set_ylabel(f"{_symbol(report.variable)} ({report.units})")
        axes.yaxis.set_major_locator(MaxNLocator(3))
        cells = ", ".join(str(node) for node in report.node_ids[first : first + values.shape[1]])
        several = len(recorders[report.population, report.variable]) > 1
        of_trace = f" (trace {report.trace})" if several else ""
        axes.set_title(f"{label(report.population)}, cell {cells}{of_trace}", color=colour)
    panels[-1].set_xlabel("time (ms)")
    align_beside(panels)
    heading(figure, title)
    return figure


def _shown(times: NDArray[np.float64], t_start: float | None, t_stop: float | None, longest: float) -> slice:
    """Samples within a window and not later than ``longest`` after the first of them."""
    first = 0 if t_start is None else int(np.searchsorted(times, t_start, side="left"))
    last = len(times) if t_stop is None else int(np.searchsorted(times, t_stop, side="left"))
    if last > first:
        last = min(last, int(np.searchsorted(times, times[first] + longest, side="left")))
    return slice(first, max(first, last))


def _symbol(variable: str) -> str:
    """``V_m`` as a symbol with index, longer names as they are."""
    head, _, tail = variable.partition("_")
    return f"${head}_\\mathrm{{{tail}}}$" if len(head) == 1 and tail.isalnum() else variable


@styled
def spectra(
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    *,
    f_max: float = 100.0,
    bin_width: float = RATE_BIN,
    segment: float | None = None,
    band: tuple[float, float] | None = (15.0, 25.0),
    title: str | None = None,
) -> Figure:
    """Power spectrum of each population rate, with what independent Poisson neurons would have.

    Dashed is their level, dotted what the highest of all frequencies that are shown reaches in one of a hundred
    recordings of them: below it a peak is none.

    Parameters
    ----------
    f_max, bin_width, segment
        Highest frequency shown (Hz), bins and Welch windows (ms), see `rate_spectrum`. By default the windows
        are a quarter of the recording, at most 1000 ms, so that seven or more are averaged.
    band : (low, high), optional
        In Hz, shaded; beta by default.
    """
    segment = min(1000.0, (t_stop - t_start) / 4) if segment is None else segment
    figure, panels = multiples(len(spikes), columns=4, panel_height=34.0)
    for axes, (name, train) in zip(panels, spikes.items(), strict=True):
        colour = colours(spikes)[name]
        frequencies, power = rate_spectrum(
            train.times, train.n_neurons, t_start, t_stop, bin_width=bin_width, segment=segment
        )
        shown = (frequencies > 0) & (frequencies <= f_max)
        inside = cut(train.times, train.node_ids, train.n_neurons, t_start, t_stop)[0]
        if band:
            axes.axvspan(*band, color=style.BAND, alpha=0.6, linewidth=0)
        if len(inside) and shown.any():
            level = poisson_level(len(inside), train.n_neurons, t_start, t_stop)
            limit = peak_limit(freedom(int((t_stop - t_start) / bin_width), 2 * len(frequencies) - 2), int(shown.sum()))
            axes.axhline(level, color="0.3", linewidth=0.5, linestyle=DASHED)
            axes.axhline(level * limit, color="0.3", linewidth=0.6, linestyle=DOTTED)
            axes.plot(frequencies[shown], power[shown], color=colour)
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(numticks=4))
            powers_of_ten(axes.yaxis)
            low, high = axes.get_ylim()
            if high < 100 * low:  # at least two decades, so that noise looks like noise and ticks have labels
                middle = np.sqrt(low * high)
                axes.set_ylim(middle / 10, middle * 10)
        else:
            axes.text(0.5, 0.5, "no spikes", transform=axes.transAxes, ha="center", color="0.4")
            axes.set_yticks([])
        axes.set(xlim=(0, f_max))
        axes.set_title(label(name), color=colour)
    for axes in panels[-4:]:
        axes.set_xlabel("frequency (Hz)")
    side_label(figure, "power of population rate ((spikes/s)²/Hz)")
    legend = f"resolution {1000.0 / segment:.3g} Hz, dashed: independent neurons, dotted: 1 % of their peaks are higher"
    legend += f", grey: {band[0]:g}-{band[1]:g} Hz" if band else ""
    heading(figure, f"{title}\n{legend}" if title else legend)
    return figure


@styled
def intervals(
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    *,
    min_spikes: int = 3,
    title: str | None = None,
) -> Figure:
    """Inter-spike intervals (left) and their CV per neuron (right), a row per population."""
    figure = grid_page(14.0 + 15.0 * len(spikes))
    grid = figure.subplots(len(spikes), 2, sharex="col", squeeze=False)
    isi_bins = np.geomspace(1.0, max(10.0, t_stop - t_start), 61)
    cv_bins = np.linspace(0.0, 2.0, 41)
    for (left, right), (name, train) in zip(grid, spikes.items(), strict=True):
        colour = colours(spikes)[name]
        arguments = (train.times, train.node_ids, train.n_neurons, t_start, t_stop)
        isi, _ = interspike_intervals(*arguments)
        cv = cv_isi(*arguments, min_spikes=min_spikes)
        cv = cv[~np.isnan(cv)]
        _shares(left, isi, isi_bins, colour, "no intervals")
        _shares(right, np.minimum(cv, cv_bins[-1]), cv_bins, colour, f"no cell with {min_spikes} spikes")
        left.set_title(f"{label(name)}: {len(isi):,} intervals", color=colour)
        mean = f", mean {cv.mean():.2f}" if cv.size else ""
        right.set_title(f"{len(cv):,} of {train.n_neurons:,} cells{mean}", color=colour)
        if cv.size:
            right.axvline(1.0, color="0.6", linewidth=0.5, linestyle=DASHED)
    left, right = grid[-1]
    left.set_xscale("log")
    left.set(xlim=(isi_bins[0], isi_bins[-1]), xlabel="inter-spike interval (ms)")
    plain_numbers(left.xaxis)
    right.set(xlim=(0, 2), xlabel="CV of the intervals of a cell (dimensionless; last bin: 2 and above)")
    right.set_xticks(np.arange(0, 2.1, 0.5))
    side_label(figure, "share per bin (%)")
    heading(figure, title)
    return figure


def _shares(axes: Axes, values: NDArray[np.float64], bins: NDArray[np.float64], colour: str, empty: str) -> None:
    """Histogram in percent of all values."""
    if values.size:
        counts, _ = np.histogram(values, bins)
        axes.stairs(counts * (100.0 / values.size), bins, fill=True, color=colour)
        axes.yaxis.set_major_locator(MaxNLocator(3))
    else:
        axes.text(0.5, 0.5, empty, transform=axes.transAxes, ha="center", va="center", color="0.4")
        axes.set_yticks([])
