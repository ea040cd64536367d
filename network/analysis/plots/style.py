"""One look for all figures: colours and labels of populations, sizes, fonts; plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MM = 1.0 / 25.4  # inches
COLUMN, PAGE = 85.0 * MM, 180.0 * MM  # widths of one and two journal columns
DPI = 300

# Okabe & Ito's palette, safe for colour-blind readers; the subsets of GPe TI share its hue
COLOURS = {
    "MSN_D1": "#0072B2",
    "MSN_D2": "#4AA3DB",
    "FSN": "#E69F00",
    "GPe_TI": "#009E73",
    "GPe_TI_N": "#009E73",
    "GPe_TI_S": "#44B88F",
    "GPe_TA": "#CC79A7",
    "GPe": "#6B6B6B",
    "STN": "#D55E00",
    "SNr": "#222222",
}
COLOURS |= {"D1": COLOURS["MSN_D1"], "D2": COLOURS["MSN_D2"], "GPeTI": COLOURS["GPe_TI"], "GPeTA": COLOURS["GPe_TA"]}
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
}


def colours(names: Iterable[str]) -> dict[str, str]:
    """Colour of each population; unknown ones get a colour each, in the order given."""
    names = list(names)
    unknown = [name for name in names if name not in COLOURS]
    extra = {name: OTHERS[i % len(OTHERS)] for i, name in enumerate(unknown)}
    return {name: COLOURS.get(name) or extra[name] for name in names}


def label(name: str) -> str:
    """Write a population name for people: ``GPe_TI_N`` is "GPe TI N"."""
    return name.replace("_", " ")
