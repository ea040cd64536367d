"""Raster and rates that can be zoomed, panned and restricted to populations, by Bokeh."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..analysis.statistics import population_rate
from ..runs import Spikes

CELLS = 60
"""Cells per population whose spikes are drawn."""
SPIKES = 40_000
"""Spikes drawn at most in all; each takes eight bytes of the page."""
BIN = 5.0
"""Width of a bin of the rates in ms; shorter recordings are one bin."""
WIDTH, RASTER, RATES = 1100, 430, 260
"""Size of the two panels in pixels."""


def bokeh_here() -> bool:
    """Whether Bokeh is installed."""
    return importlib.util.find_spec("bokeh") is not None


def activity(
    spikes: Mapping[str, Spikes], start: float, stop: float, look: Mapping[str, tuple[str, str]]
) -> tuple[str, list[str]]:
    """HTML of the raster and the rates between two times (ms), and the scripts that it needs.

    Parameters
    ----------
    spikes : mapping
        By population, in the order from top to bottom.
    start, stop : float
    look : mapping
        Label and colour of each population.
    """
    from bokeh.embed import components
    from bokeh.layouts import column
    from bokeh.models import HoverTool, Range1d
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    tools = "xpan,xwheel_zoom,xbox_zoom,reset,save"
    width = min(BIN, stop - start)
    times = Range1d(start=start, end=stop, bounds=(start, stop))
    options: dict[str, Any] = {"width": WIDTH, "tools": tools, "active_drag": "xbox_zoom", "sizing_mode": "scale_width"}
    raster = figure(height=RASTER, x_range=times, title="Spikes", y_axis_label="population", **options)
    rates = figure(height=RATES, x_range=times, title=f"Rates in bins of {width:g} ms", **options)
    rates.add_tools(HoverTool(tooltips=[("", "$name"), ("ms", "@x{0.0}"), ("spikes/s", "@y{0.0}")], mode="mouse"))
    ticks: dict[float, str] = {}
    top = 0
    cells = {name: min(CELLS, found.n_neurons) for name, found in spikes.items()}
    share = _share(spikes, cells, start, stop)
    for name, found in reversed(list(spikes.items())):
        label, colour = look[name]
        x, y = _chosen(found, cells[name], start, stop, share)
        ticks[top + cells[name] / 2] = label
        common: dict[str, Any] = {"name": label, "legend_label": label}
        raster.scatter(x, y + top, marker="dash", angle=np.pi / 2, size=5, color=colour, **common)
        top += cells[name] + 4
        middles, rate = population_rate(found.times, found.n_neurons, start, stop, width)
        rates.line(middles.astype(np.float32), rate.astype(np.float32), color=colour, line_width=1.5, **common)
    raster.yaxis.ticker = list(ticks)
    raster.yaxis.major_label_overrides = {place: label for place, label in ticks.items()}  # noqa: C416
    raster.ygrid.visible = False
    rates.xaxis.axis_label, rates.yaxis.axis_label = "time (ms)", "spikes/s per cell"
    for one in (raster, rates):
        one.legend.click_policy = "hide"
        one.legend.items = one.legend.items[::-1]
        one.min_border_right = 20
        one.legend.orientation = "vertical"
        one.add_layout(one.legend[0], "right")
        one.toolbar.logo = None
    _hide_together(raster, rates)
    script, div = components(column(raster, rates, sizing_mode="scale_width"))
    return f"{div}\n{script}", [text for text in INLINE.js_raw if "Bokeh" in text][:1]


def _share(spikes: Mapping[str, Spikes], cells: Mapping[str, int], start: float, stop: float) -> float:
    """Part of the time that is drawn of all of them, so that the page stays small."""
    n = sum(len(_inside(found, cells[name], start, stop)[0]) for name, found in spikes.items())
    return min(1.0, SPIKES / max(n, 1))


def _inside(found: Spikes, n_cells: int, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and rows of the spikes of cells that lie evenly in a population."""
    chosen = np.unique(np.linspace(0, found.n_neurons - 1, n_cells).astype(np.int64))
    between = found.between(start, stop)
    rows = np.searchsorted(chosen, between.node_ids)
    hit = (rows < len(chosen)) & (chosen[np.minimum(rows, len(chosen) - 1)] == between.node_ids)
    return between.times[hit], rows[hit]


def _chosen(found: Spikes, n_cells: int, start: float, stop: float, share: float) -> tuple[np.ndarray, np.ndarray]:
    times, rows = _inside(found, max(1, int(n_cells * share)), start, stop)
    return times.astype(np.float32), rows.astype(np.float32)


def _hide_together(*figures: Any) -> None:
    """What is hidden in one panel is hidden in all."""
    for renderers in zip(*(one.renderers for one in figures), strict=True):
        for renderer in renderers:
            for other in renderers:
                if other is not renderer:
                    renderer.js_link("visible", other, "visible")
