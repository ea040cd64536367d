"""Diagram of a circuit: populations on an ellipse, so that no line passes behind a population it does not belong to.

Neighbours on the ellipse are those that have most to do with each other: who stands where is a quadratic assignment
(SciPy), the links between two populations times their distance summed over all pairs. What is left free is which way
round: what comes first in the order of the network is at the top.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, FancyArrowPatch
from matplotlib.path import Path
from numpy.typing import NDArray
from scipy.optimize import quadratic_assignment

from .base import Page, heading, styled
from .style import MM, colours, label

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 23.0, 14.0
"""Of a population, mm; wider where a label needs it."""
LETTER = 1.45
"""Width of a letter, mm."""
THIN, THICK = 0.6, 3.4
"""Widths of the lines of the weakest and of the strongest links, points."""
BENDS = (0.14, 0.1, 0.18, 0.06, 0.24, 0.02, -0.08, -0.16, -0.24, -0.32, 0.3, 0.36)
"""How far lines are bent to the right of their way, so that two of opposite directions part; the first that is free."""
CLEAR = 2.0
"""Between a line and a population that it passes, mm."""
MARGIN_X, MARGIN_Y, LEGEND = 32.0, 25.0, 13.0
"""Room for inputs and loops around the populations, and for the legend, mm."""
NARROWEST = 140.0
"""Figures, for their legend, mm."""
TRIED = 7
"""Up to so many populations all orders are tried."""
OTHERS, GREY = "#333333", "#555555"


class Connection(Protocol):
    """What is drawn as a line: see `network.describe.links.Link`."""

    @property
    def source(self) -> str:
        """Population where it begins."""

    @property
    def target(self) -> str:
        """Population where it ends."""

    @property
    def sign(self) -> int:
        """1 excites, -1 inhibits, 0 modulates."""

    @property
    def strength(self) -> float:
        """In ``unit``."""

    @property
    def unit(self) -> str:
        """Strengths of one unit are compared."""


class Outside(Protocol):
    """What is drawn as a short arrow from outside."""

    @property
    def label(self) -> str:
        """What it is."""

    @property
    def target(self) -> str:
        """Population where it ends."""

    @property
    def sign(self) -> int:
        """1 excites, -1 inhibits, 0 both."""


@dataclass(frozen=True)
class _Node:
    """Where a population is: centre and half axes in mm, direction away from the middle of the ellipse."""

    x: float
    y: float
    a: float
    b: float
    outward: float

    def border(self, angle: float, gap: float = 0.0) -> tuple[float, float]:
        """Point of its border in a direction, or a little outside."""
        radius = self.a * self.b / math.hypot(self.b * math.cos(angle), self.a * math.sin(angle)) + gap
        return self.x + radius * math.cos(angle), self.y + radius * math.sin(angle)


@styled
def circuit(
    sizes: Mapping[str, int],
    links: Sequence[Connection],
    entries: Sequence[Outside] = (),
    *,
    title: str | None = None,
) -> Figure:
    """Populations, the links between them and what comes from outside.

    Parameters
    ----------
    sizes : mapping of str to int
        Cells of each population, in the order of the network.
    links : sequence of Link
    entries : sequence of Entry
    title : str, optional

    Returns
    -------
    Figure
        As wide as a page for up to ten populations, wider for more. Lines have the colour of their source; an arrow
        excites, a bar inhibits; the width follows the root of the strength, of each unit by itself.
    """
    names = list(sizes)
    half = max(WIDTH, LETTER * max(_longest(label(name)) for name in names) + 5.0) / 2.0
    across = max(2.0 * half + 14.0, 20.0) * len(names)
    a = max(58.0, across / math.pi * 0.62) if len(names) > 2 else 36.0 * (len(names) - 1)
    b = max(38.0, 0.62 * a) if len(names) > 2 else 0.0
    nodes = {name: _node(place, len(names), a, b, half) for place, name in enumerate(arranged(names, links))}
    heights = [node.y for node in nodes.values()]
    bottom, top = min(heights) - MARGIN_Y - LEGEND, max(heights) + MARGIN_Y + (6.0 if title else 0.0)
    width = max(2 * (a + MARGIN_X), NARROWEST)
    figure = Page(figsize=(width * MM, (top - bottom) * MM))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-width / 2, width / 2), ylim=(bottom, top))
    axes.set_axis_off()
    heading(figure, title)
    shades = colours(names)
    strongest: dict[str, float] = {}
    for link in links:
        if link.sign:
            strongest[link.unit] = max(strongest.get(link.unit, 0.0), link.strength)
    for link in sorted(links, key=lambda one: -one.strength):
        _line(axes, nodes, link, shades[link.source], _line_width(link.strength, strongest.get(link.unit, 0.0)))
    for name in names:
        own = any(link.source == link.target == name for link in links)
        _from_outside(axes, nodes[name], [one for one in entries if one.target == name], beside_loop=own)
        _population(axes, nodes[name], name, sizes[name], shades[name])
    _legend(axes, strongest, modulated=any(link.sign == 0 for link in links))
    return figure


def _longest(text: str) -> int:
    return max(len(line) for line in _wrapped(text).split("\n"))


def _wrapped(text: str) -> str:
    """Label in two lines, parted at the blank next to its middle, if it is long."""
    blanks = [place for place, sign in enumerate(text) if sign == " "]
    if len(text) <= 12 or not blanks:
        return text
    middle = min(blanks, key=lambda place: abs(place - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"


def arranged(names: Sequence[str], links: Sequence[Connection]) -> list[str]:
    """Order of populations on the ellipse, clockwise from the top.

    Parameters
    ----------
    names : sequence of str
        In the order of the network: the first come to the top, the last to the bottom.
    links : sequence of Link

    Returns
    -------
    list of str
        The same for the same network.
    """
    n = len(names)
    if n < 3:
        return list(names)
    place = {name: k for k, name in enumerate(names)}
    flow = np.zeros((n, n))
    for link in links:
        flow[place[link.source], place[link.target]] += link.source != link.target
    angles = 2.0 * np.pi * np.arange(n) / n
    distance = np.abs(np.exp(1j * angles)[:, None] - np.exp(1j * angles)[None, :])
    at = _assigned(flow + flow.T, distance)
    ring = [names[k] for k in np.argsort(at)]
    turned = [[*way[start:], *way[:start]] for way in (ring, ring[::-1]) for start in range(n)]
    heights = np.cos(angles)
    return min(turned, key=lambda way: sum(place[name] * height for name, height in zip(way, heights, strict=True)))


def _assigned(flow: Floats, distance: Floats) -> NDArray[np.int64]:
    """Place of each population at which linked ones are near each other."""
    n = len(flow)
    if n <= TRIED:  # the first stands anywhere: the ring can be turned
        tried = (np.array((0, *rest)) for rest in permutations(range(1, n)))
        return min(tried, key=lambda at: round(float(np.sum(flow * distance[np.ix_(at, at)])), 9))
    found = [
        quadratic_assignment(flow, distance, method="2opt", options={"rng": np.random.default_rng(seed)})
        for seed in range(20)
    ]
    return np.asarray(min(found, key=lambda one: round(float(one.fun), 9)).col_ind)


def _node(place: int, n: int, a: float, b: float, half: float) -> _Node:
    """Place on the ellipse, equally spaced along it as seen from its middle; two stand side by side."""
    if n < 3:
        x = a * (2 * place - (n - 1)) if n > 1 else 0.0
        return _Node(x, 0.0, half, HEIGHT / 2, math.pi / 2)
    angle = math.pi / 2 - 2.0 * math.pi * place / n
    x, y = a * math.cos(angle), b * math.sin(angle)
    return _Node(x, y, half, HEIGHT / 2, math.atan2(y * a / b, x * b / a))


def _line_width(strength: float, strongest: float) -> float:
    return THIN + (THICK - THIN) * math.sqrt(strength / strongest) if strongest else THIN


def _head(sign: int, width: float) -> str:
    """Arrow or bar."""
    return "-|>,head_length=0.62,head_width=0.3" if sign > 0 else f"-[,widthB={0.62 + 0.1 * width:.2f},lengthB=0"


def _arrow(
    axes: Axes, path: Path, sign: int, colour: str, width: float, scale: float | None = None, dashed: bool = False
) -> None:
    """Line along a path with the head of its sign; where that is 0 an open one if it is dashed, else none."""
    arrow = FancyArrowPatch(
        path=path,
        arrowstyle=_head(sign, width) if sign else "->" if dashed else "-",
        linestyle=(0, (4.0, 2.0)) if dashed else "-",
        mutation_scale=scale or 6.0 + 1.4 * width,
        color=colour,
        linewidth=width,
        shrinkA=0,
        shrinkB=0,
        joinstyle="miter",
        capstyle="butt",
        zorder=2,
    )
    axes.add_patch(arrow)


def _line(axes: Axes, nodes: Mapping[str, _Node], link: Connection, colour: str, width: float) -> None:
    source, target = nodes[link.source], nodes[link.target]
    if link.source == link.target:
        return _loop(axes, source, link.sign, colour, width)
    dashed = link.sign == 0
    start, stop = np.array((source.x, source.y)), np.array((target.x, target.y))
    passed = [node for name, node in nodes.items() if name not in (link.source, link.target)]
    middles = [_bent(start, stop, bend) for bend in BENDS]
    middle = max(middles, key=lambda via: _room(start, via, stop, passed))  # the first of equal ones
    leaving = math.atan2(*(middle - start)[::-1])
    coming = math.atan2(*(middle - stop)[::-1])
    gap = 0.5 if link.sign > 0 else 0.7 + 0.18 * width
    ends = source.border(leaving), tuple(middle), target.border(coming, gap)
    path = Path(ends, [Path.MOVETO, Path.CURVE3, Path.CURVE3])
    return _arrow(axes, path, link.sign, colour, 1.0 if dashed else width, dashed=dashed)


def _bent(start: Floats, stop: Floats, bend: float) -> Floats:
    """Control point of a curve from one point to another."""
    way = stop - start
    return np.asarray((start + stop) / 2 + bend * np.array((way[1], -way[0])))


def _room(start: Floats, via: Floats, stop: Floats, passed: Sequence[_Node]) -> float:
    """How free a curve is of what it passes: 1 if nothing is near, less if it touches the surroundings of something.

    The measure is that of an ellipse around each population, whose border with its surroundings has 1.
    """
    t = np.linspace(0.0, 1.0, 41)[:, None]
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * via + t**2 * stop
    found = [np.hypot((curve[:, 0] - n.x) / (n.a + CLEAR), (curve[:, 1] - n.y) / (n.b + CLEAR)).min() for n in passed]
    return min([1.0, *map(float, found)])


def _loop(axes: Axes, node: _Node, sign: int, colour: str, width: float) -> None:
    """Arc at the outer side of a population that connects to itself."""
    first, last = node.border(node.outward + 0.62), node.border(node.outward + 0.06, 0.6 + 0.15 * width)
    reach = 10.0 + width
    away = np.array((math.cos(node.outward + 0.32), math.sin(node.outward + 0.32)))
    side = np.array((-away[1], away[0]))
    one, two = np.array(first) + reach * away + 3.0 * side, np.array(last) + reach * away - 3.0 * side
    ends = [first, tuple(one), tuple(two), last]
    _arrow(axes, Path(ends, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]), sign, colour, width)


def _from_outside(axes: Axes, node: _Node, entries: Sequence[Outside], *, beside_loop: bool) -> None:
    """Short arrows at the outer side, each with the name of what it brings."""
    count = len(entries)
    step = 0.5
    centre = node.outward - (0.3 + step * (count - 1) / 2 if beside_loop else 0.0)
    for number, entry in enumerate(entries):
        angle = centre + step * (number - (count - 1) / 2)
        tip, tail = node.border(angle, 0.8), node.border(angle, 8.0)
        _arrow(axes, Path([tail, tip], [Path.MOVETO, Path.LINETO]), entry.sign, OTHERS, 0.9, 7.0)
        x, y = node.border(angle, 9.0)
        sideways, upwards = math.cos(angle), math.sin(angle)
        axes.text(
            x,
            y,
            entry.label,
            ha="left" if sideways > 0.35 else "right" if sideways < -0.35 else "center",
            va="bottom" if upwards > 0.35 else "top" if upwards < -0.35 else "center",
            fontsize=5.6,
            color=OTHERS,
            linespacing=1.0,
        )


def _population(axes: Axes, node: _Node, name: str, size: int, colour: str) -> None:
    place = node.x, node.y
    axes.add_patch(Ellipse(place, 2 * node.a, 2 * node.b, facecolor="white", edgecolor="none", zorder=3))
    face = Ellipse(place, 2 * node.a, 2 * node.b, facecolor=f"{colour}30", edgecolor=colour, linewidth=1.1, zorder=4)
    axes.add_patch(face)
    text = f"{_wrapped(label(name))}\n{size:,}"
    axes.text(*place, text, ha="center", va="center", fontsize=7.0, linespacing=1.1, zorder=5)


def _legend(axes: Axes, strongest: Mapping[str, float], *, modulated: bool) -> None:
    """What arrows, bars and widths mean."""
    x, y = axes.get_xlim()[0] + 4.0, axes.get_ylim()[0] + LEGEND / 2
    kinds = [(1, "excites"), (-1, "inhibits"), *([(0, "modulates synapses")] if modulated else [])]
    for sign, text in kinds:
        _arrow(axes, Path([(x, y), (x + 8.0, y)], [Path.MOVETO, Path.LINETO]), sign, GREY, 1.2, dashed=not sign)
        axes.text(x + 10.0, y, text, va="center", fontsize=6.5)
        x += 13.0 + LETTER * len(text)
    if strongest:
        axes.text(x, y - 3.6, "sum of the weights onto one cell", va="center", fontsize=5.6, color=GREY)
    for unit, strength in strongest.items():
        for part in (0.01, 0.1, 1.0):
            width = _line_width(part * strength, strength)
            axes.add_line(Line2D((x, x + 7.0), (y, y), color=GREY, linewidth=width, solid_capstyle="butt"))
            value = part * strength
            shown = f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
            axes.text(x + 8.0, y, f"{shown} {unit}", va="center", fontsize=6.5)
            x += 10.0 + LETTER * (len(shown) + len(unit) + 2)
