"""One panel with several populations, into axes of the caller and in the caller's style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from ...runs import Report, Spikes
from ..spectra import rate_spectrum
from ..statistics import population_rate
from ..targets.verdict import NONE, Bands, judge
from .base import plain_numbers
from .style import BAND, colours, label

if TYPE_CHECKING:
    import pandas as pd


def courses_panel(
    axes: Axes, spikes: Mapping[str, Spikes], t_start: float, t_stop: float, *, bin_width: float = 5.0
) -> Axes:
    """Draw the rates of all populations over time as lines with a legend."""
    bin_width = min(bin_width, t_stop - t_start)
    shades = colours(spikes)
    for name, train in spikes.items():
        centres, rate = population_rate(train.times, train.n_neurons, t_start, t_stop, bin_width)
        axes.step(centres, rate, where="mid", color=shades[name], label=label(name))
    axes.set(xlim=(t_start, t_stop), xlabel="time (ms)", ylabel="population rate (spikes/s)")
    axes.set_ylim(bottom=0.0)
    axes.legend()
    return axes


def spectra_panel(
    axes: Axes, spikes: Mapping[str, Spikes], t_start: float, t_stop: float, *, f_max: float = 100.0
) -> Axes:
    """Draw the power spectra of all population rates as lines with a legend; those without spikes are left out."""
    shades, segment = colours(spikes), min(1000.0, (t_stop - t_start) / 4)
    for name, train in spikes.items():
        frequencies, power = rate_spectrum(train.times, train.n_neurons, t_start, t_stop, segment=segment)
        shown = (frequencies > 0) & (frequencies <= f_max) & (power > 0)
        if shown.any():
            axes.plot(frequencies[shown], power[shown], color=shades[name], label=label(name))
    axes.set_yscale("log")
    axes.set(xlim=(0, f_max), xlabel="frequency (Hz)", ylabel="power of population rate ((spikes/s)$^2$/Hz)")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    return axes


def traces_panel(axes: Axes, report: Report, *, n_cells: int = 1) -> Axes:
    """Draw a recorded variable of the first cells of a report."""
    shade = colours([report.population])[report.population]
    for place, cell in enumerate(report.node_ids[:n_cells]):
        name = f"{label(report.population)}, cell {cell}"
        axes.plot(report.times, report.values[:, place], color=shade, alpha=1.0 if place == 0 else 0.4, label=name)
    axes.set(xlabel="time (ms)", ylabel=f"{report.variable} ({report.units})")
    axes.legend()
    return axes


def rates_panel(axes: Axes, table: pd.DataFrame, bands: Bands | None = None) -> Axes:
    """Draw the mean rate of each population as a dot, and its target band as a bar."""
    judged = judge(table, bands or {})
    names = [str(name) for name in judged.index]
    shades = colours(names)
    for row, (name, values) in enumerate(judged.iterrows()):
        if values["verdict"] != NONE:
            width = values["high"] - values["low"]
            axes.barh(row, width, left=values["low"], height=0.62, color=BAND, zorder=1)
        if values["rate"] > 0:
            axes.plot(values["rate"], row, "o", color=shades[str(name)], zorder=3)
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="mean rate (spikes/s)" + ("; grey: target band" if bands else ""))
    return axes
