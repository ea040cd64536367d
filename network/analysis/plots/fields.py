"""Figure of a field: the currents that synapses bring to a population, and their spectra."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..field import Field
from .base import heading, page, styled
from .style import label

COLOURS = {"excitation": "#D55E00", "inhibition": "#0072B2", "sum": "black"}
LINES = {"sum": "black", "absolute": "#009E73", "weighted": "#CC79A7"}
HIGHEST = 100.0
"""End of the spectra in Hz."""


@styled
def field(
    given: Field, *, band: tuple[float, float] | None = None, longest: float = 500.0, title: str | None = None
) -> Figure:
    """Currents at the end of a run at the left, spectra of the proxies of the whole run at the right.

    Parameters
    ----------
    band : (float, float), optional
        Frequencies in Hz that are marked.
    longest : float
        Time that is shown, in ms.
    """
    figure = page(62.0)
    left, right = figure.subplots(1, 2)
    shown = given.times > given.times[-1] - longest
    up, down = given.parts()
    for name, current in (("excitation", up), ("inhibition", down), ("sum", given.total)):
        left.plot(given.times[shown], current[shown] / 1000.0, color=COLOURS[name], linewidth=0.8, label=name)
    left.axhline(0.0, color="#888888", linewidth=0.5)
    left.set_xlabel("time (ms)")
    left.set_ylabel("current of all cells (nA)")
    left.set_title(f"{label(given.population)}: currents of synapses")
    if band is not None:
        right.axvspan(*band, color="#EEEEEE", linewidth=0)
    for kind, colour in LINES.items():
        frequencies, power = given.spectrum(kind)
        inside = (frequencies > 0.0) & (frequencies <= HIGHEST)
        if np.any(power[inside] > 0.0):
            right.semilogy(frequencies[inside], power[inside] / 1e6, color=colour, linewidth=0.9, label=kind)
    right.set_xlim(0.0, min(HIGHEST, 500.0 / given.interval))
    right.set_xlabel("frequency (Hz)")
    right.set_ylabel("power (nA²/Hz)")
    right.set_title("spectra of three proxies")
    for axes in (left, right):
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.28), ncols=3, frameon=False)
    heading(figure, title)
    return figure
