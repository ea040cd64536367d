"""One look for all figures: sizes, fonts, colours; those of populations, and their labels, come from the network.

A figure is drawn with the presentation of a network by ``with presented(...)``, as Matplotlib's own settings are by
``rc_context``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ...experiment.presentation import Presentation

_PRESENTATION: ContextVar[Presentation] = ContextVar("presentation", default=Presentation())  # noqa: B039 (frozen)

MM = 1.0 / 25.4  # inches
COLUMN, PAGE = 85.0 * MM, 180.0 * MM  # widths of one and two journal columns
DPI = 300

OTHERS = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499")

INHIBITORY, EXCITATORY = "Blues", "Reds"  # colour maps
BAND = "#D9D9D9"
PASS, FAIL = "#1B7837", "#B2182B"

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.labelsize": 7.0,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # where no ticks are above, Matplotlib finds the same place, but looks for it several times
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 0.8,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",
    "svg.hashsalt": "bgnest",
}


@contextmanager
def presented(presentation: Presentation) -> Iterator[None]:
    """Draw with the colours and labels of a network: everything made inside of ``with`` has them."""
    token = _PRESENTATION.set(presentation)
    try:
        yield
    finally:
        _PRESENTATION.reset(token)


def presentation() -> Presentation:
    """What figures are drawn with here."""
    return _PRESENTATION.get()


def colours(names: Iterable[str]) -> dict[str, str]:
    """Colour of each population; those that the network says nothing about get a colour each, in the order given."""
    return presentation().colours(names)


def label(name: str) -> str:
    """Write a name for people: what the network calls a population, else ``layer_4`` becomes "layer 4"."""
    return presentation().label(name)
