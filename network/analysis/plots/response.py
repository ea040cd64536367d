"""Figure of responses to a transient: the zones of one population, and the courses of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import rgb_to_hsv, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..response import BASAL, BIN, Response
from .base import heading, page, styled
from .style import colours, label

ZONE_COLOURS = {"EE": "#F4A582", "EI": "#92C5DE", "LE": "#D6604D", "LI": "#4393C3"}
ZONE_NAMES = {
    "EE": "early excitation (EE)",
    "EI": "early inhibition (EI)",
    "LE": "late excitation (LE)",
    "LI": "late inhibition (LI)",
}


@styled
def responses(
    given: Mapping[str, Mapping[str, Response]],
    population: str,
    *,
    window: tuple[float, float] = (-20.0, 100.0),
    published: Mapping[str, Sequence[tuple[str, float, float]]] | None = None,
    names: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Mean rate around the onset, a row per state: ``population`` with its zones at the left, the others at the right.

    Parameters
    ----------
    given : mapping of state to mapping of population to Response
    population : str
        Whose zones are drawn.
    window : (float, float)
        Times around the onset in ms.
    published : mapping of state to sequence of (zone, latency, duration), optional
        In ms; drawn as bars above the curve.
    names : mapping of state to str, optional
        Of the states, for people.
    title : str, optional
    """
    figure = page(14.0 + 40.0 * len(given))
    grid = figure.subplots(len(given), 2, squeeze=False, sharex=True)
    top = max(_mean(several[population], window)[1].max() for several in given.values())
    for (left, right), (state, several) in zip(grid, given.items(), strict=True):
        chosen = several[population]
        for name, zone in chosen.zones.items():
            left.axvspan(zone.latency, zone.latency + zone.duration, color=ZONE_COLOURS[name], alpha=0.55, linewidth=0)
        times, rate = _mean(chosen, window)
        left.stairs(rate, times, baseline=None, color="black", linewidth=0.9)
        left.axhline(chosen.basal, color="#888888", linewidth=0.6, linestyle=":")
        for name, latency, duration in (published or {}).get(state, ()):
            left.plot(
                [latency, latency + duration],
                [1.08 * top] * 2,
                color=ZONE_COLOURS[name],
                linewidth=3.0,
                solid_capstyle="butt",
            )
        others = [name for name in several if name != population]
        shades = colours(others)
        for place, name in enumerate(others):
            times, rate = _mean(several[name], window)
            dashed = any(_alike(shades[name], shades[other]) for other in others[:place])
            style = (0, (3, 1.2)) if dashed else "-"
            right.stairs(rate, times, baseline=None, color=shades[name], label=label(name), linestyle=style)
        shown = (names or {}).get(state, label(state))
        left.set_title(f"{shown}: {label(population)}")
        right.set_title(f"{shown}: others")
        left.set_ylabel("rate (spikes/s)")
        left.set_ylim(0.0, 1.16 * top)
        right.set_ylim(bottom=0.0)
    for axes in grid[-1]:
        axes.set_xlabel("time after the onset of the transient (ms)")
        axes.set_xlim(*window)
    handles = [Patch(color=colour, alpha=0.55, label=ZONE_NAMES[name]) for name, colour in ZONE_COLOURS.items()]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, columnspacing=1.2)
    lines, texts = grid[0][1].get_legend_handles_labels()
    figure.legend(lines, texts, loc="outside lower right", ncols=3, columnspacing=1.2)
    heading(figure, title)
    return figure


def _alike(one: str, other: str) -> bool:
    """Whether two colours are shades of one, so that lines need more to be told apart."""
    hues = [rgb_to_hsv(to_rgb(colour)) for colour in (one, other)]
    return abs(hues[0][0] - hues[1][0]) < 0.05 and min(hue[1] for hue in hues) > 0.3


def _mean(response: Response, window: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the bins inside the window, and the rate averaged over trials."""
    first, last = (round(time / BIN) + BASAL for time in window)
    return BIN * np.arange(first - BASAL, last - BASAL + 1), response.rates.mean(axis=0)[first:last]
