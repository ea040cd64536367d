"""Weights of synapses over time, below the rates of the cells that change them."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...runs import Spikes
from ...runs.weights import Weights
from ..statistics import population_rate
from .base import heading, page, styled
from .style import OTHERS, colours, label

BIN = 100.0
"""Bins of the rates, ms."""


def weights_over_time(axes: Axes, recorded: Mapping[str, Weights]) -> Axes:
    """Draw the mean of every recording, and a band of a standard deviation on both sides of it."""
    units = {weights.units for weights in recorded.values()}
    for (name, weights), colour in zip(recorded.items(), OTHERS, strict=False):
        mean, sd = weights.values.mean(axis=1), weights.values.std(axis=1)
        seconds = weights.times / 1000.0
        axes.fill_between(seconds, mean - sd, mean + sd, color=colour, alpha=0.2, linewidth=0)
        axes.plot(seconds, mean, color=colour, label=f"{label(name)}, {weights.values.shape[1]:,} synapses")
    axes.set(xlabel="time (s)", ylabel=f"weight ({', '.join(sorted(units))}), mean and SD")
    axes.legend(loc="upper left")
    return axes


@styled
def weight_courses(
    recorded: Mapping[str, Weights],
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    *,
    title: str | None = None,
) -> Figure:
    """Draw rates of populations, a panel each, and below them the weights.

    Parameters
    ----------
    recorded : mapping of str to Weights
        By name of the recording.
    spikes : mapping of str to Spikes
        Populations to show.
    t_start, t_stop : float
        Of the spikes, ms.
    title : str, optional
    """
    figure = page(45.0 + 16.0 * len(spikes))
    grid = figure.subplots(len(spikes) + 1, 1, sharex=True, height_ratios=[*(1.0 for _ in spikes), 3.0], squeeze=False)
    shades = colours(spikes)
    for axes, (name, train) in zip(grid[:-1, 0], spikes.items(), strict=True):
        centres, rate = population_rate(train.times, train.n_neurons, t_start, t_stop, min(BIN, t_stop - t_start))
        axes.fill_between(centres / 1000.0, rate, step="mid", color=shades[name], alpha=0.4, linewidth=0)
        axes.set_ylim(bottom=0.0)
        axes.set_title(f"{label(name)} (spikes/s)", color=shades[name], loc="left")
    weights_over_time(grid[-1, 0], recorded)
    heading(figure, title)
    return figure
