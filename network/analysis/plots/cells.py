"""Figure of a cell: potentials at steps of current, rebound, rates over current, currents at rest, intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .base import heading, page, styled

Floats = NDArray[np.float64]

COLOURS = ("#0072B2", "#009E73", "#D55E00", "#CC79A7")
NEUTRAL = "#555555"
KNOWN = "#B2182B"


@dataclass(frozen=True, eq=False)
class Trace:
    """Potential (mV) of one cell; times in ms, spikes at which it is drawn up to ``peak``."""

    name: str
    times: Floats
    values: Floats
    spikes: Floats = field(default_factory=lambda: np.empty(0))
    peak: float | None = None


@dataclass(frozen=True, eq=False)
class CellFigure:
    """All that is drawn; currents in pA, rates in spikes/s, times in ms.

    Attributes
    ----------
    steps, rebound : sequence of Trace
        At steps upwards, and at steps downwards with what follows.
    duration : float
        Of a step.
    current, steady, first : ndarray
        Curve of rates.
    known : sequence of (float, float)
        Currents and rates that are known from elsewhere.
    own, held, rheobase : float
        Its own current, and that at which the resistance is taken; NaN where there is no rheobase.
    rest_current, rest_potential : ndarray
        Steady potentials where it is silent.
    onset : Trace
        Beginning of a small step.
    time_constant, resistance : float
        In ms and MOhm; NaN if there is none.
    intervals : sequence of (str, ndarray, ndarray)
        Name, times and lengths of intervals between spikes.
    unit : str
        Of the potential.
    """

    steps: Sequence[Trace]
    rebound: Sequence[Trace]
    duration: float
    current: Floats
    steady: Floats
    first: Floats
    known: Sequence[tuple[float, float]]
    own: float
    held: float
    rheobase: float
    rest_current: Floats
    rest_potential: Floats
    onset: Trace
    time_constant: float
    resistance: float
    intervals: Sequence[tuple[str, Floats, Floats]]
    unit: str = "mV"


@styled
def cell_page(content: CellFigure, title: str | None = None) -> Figure:
    """Six panels over the width of a page."""
    figure = page(112.0)
    (first, second, third), (fourth, fifth, sixth) = figure.subplots(2, 3)
    _stacked(first, content)
    _downwards(second, content)
    rate_curve(third, content)
    _at_rest(fourth, content)
    _onset(fifth, content)
    _intervals(sixth, content)
    heading(figure, title)
    return figure


def _drawn(trace: Trace) -> tuple[Floats, Floats]:
    """Trace in which spikes reach the peak: what a model resets is never sampled."""
    if not trace.spikes.size or trace.peak is None:
        return trace.times, trace.values
    inside = trace.spikes[(trace.spikes > trace.times[0]) & (trace.spikes < trace.times[-1])]
    at = np.searchsorted(trace.times, inside)
    tops = np.maximum(trace.peak, trace.values[at - 1])
    times = np.insert(trace.times, at, inside)
    return times, np.insert(trace.values, at, tops)


def _stacked(axes: Axes, content: CellFigure) -> None:
    """Steps upwards, one above the other."""
    axes.set_title("steps of current")
    if not content.steps:
        return _empty(axes, "no spikes at any step")
    drawn = [_drawn(trace) for trace in content.steps]
    height = 1.4 * max(float(values.max() - values.min()) for _, values in drawn)
    height = max(height, 10.0)
    for number, ((times, values), trace) in enumerate(zip(drawn, content.steps, strict=True)):
        floor = number * height - float(values.min())
        axes.plot(times, values + floor, color=COLOURS[number % len(COLOURS)], linewidth=0.5)
        axes.annotate(
            trace.name,
            (times[0], number * height + 0.96 * height),
            fontsize=6,
            va="top",
            color=COLOURS[number % len(COLOURS)],
        )
    axes.axvspan(0.0, content.duration, color="#EEEEEE", zorder=-1, linewidth=0)
    start = float(drawn[0][0][0])
    bar = 50.0 if height > 60.0 else 10.0
    right = float(drawn[0][0][-1])
    axes.plot([right, right], [0.0, bar], color="black", linewidth=1.2, clip_on=False)
    axes.text(right, bar / 2.0, f" {bar:g} {content.unit}", fontsize=6, va="center", ha="left", clip_on=False)
    axes.set_ylim(-0.05 * height, len(drawn) * height)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlim(start, right)
    axes.set_xlabel("time after the start of the step (ms)")
    return None


def _downwards(axes: Axes, content: CellFigure) -> None:
    axes.set_title("steps down, and rebound")
    for number, trace in enumerate(content.rebound):
        times, values = _drawn(trace)
        axes.plot(times, values, color=COLOURS[number % len(COLOURS)], linewidth=0.6, label=trace.name)
    axes.axvspan(0.0, content.duration, color="#EEEEEE", zorder=-1, linewidth=0)
    axes.margins(x=0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))
    axes.legend(loc="upper left", ncols=len(content.rebound), handlelength=0.9, columnspacing=0.8, fontsize=6)
    axes.set_xlabel("time after the start of the step (ms)")
    axes.set_ylabel(f"potential ({content.unit})")


def rate_curve(axes: Axes, content: CellFigure) -> None:
    """Rate over current, in axes of anybody's."""
    axes.set_title("rate at constant current")
    axes.axvline(content.own, color=NEUTRAL, linestyle=":", linewidth=0.7, label="its own current")
    if np.isfinite(content.rheobase):
        axes.axvline(content.rheobase, color=NEUTRAL, linestyle="--", linewidth=0.7, label="rheobase")
    axes.plot(content.current, content.first, color="#56B4E9", linewidth=0.8, label="first interval")
    axes.plot(content.current, content.steady, color=COLOURS[0], linewidth=1.1, label="steady")
    if content.known:
        current, rate = zip(*content.known, strict=True)
        axes.plot(current, rate, "x", color=KNOWN, markersize=4.0, label="known", linestyle="none", clip_on=False)
    highest = max(1.0, float(np.nanmax(content.steady)), *(rate for _, rate in content.known))
    axes.set_ylim(0.0, 1.05 * highest)
    legend = axes.legend(loc="best", fontsize=6, handlelength=1.2, frameon=True, framealpha=0.85)
    legend.get_frame().set_linewidth(0.0)
    axes.set_xlabel("current, in all (pA)")
    axes.set_ylabel("rate (spikes/s)")


def _at_rest(axes: Axes, content: CellFigure) -> None:
    axes.set_title("potential where it is silent")
    if content.rest_current.size < 2:
        return _empty(axes, "it fires at all currents")
    order = np.argsort(content.rest_current)
    current, potential = content.rest_current[order], content.rest_potential[order]
    axes.plot(current, potential, "o", color=COLOURS[0], markersize=2.2, label="steady potential")
    if np.isfinite(content.resistance):
        onset = content.onset
        at = content.held
        line = np.array([current[0], current[-1]])
        spread = float(potential.max() - potential.min())
        rest = float(onset.values[onset.times <= 0.0].mean())
        reach = 0.5e3 * spread / abs(content.resistance)  # the line shows half of the range of potentials
        line = np.clip(line, at - reach, at + reach)
        tangent = rest + (line - at) * content.resistance / 1000.0
        axes.plot(line, tangent, color=NEUTRAL, linewidth=0.6, label=f"{content.resistance:.4g} MΩ")
        axes.set_ylim(potential.min() - 0.1 * spread - 0.5, potential.max() + 0.1 * spread + 0.5)
    axes.legend(loc="best", fontsize=6)
    axes.set_xlabel("current, in all (pA)")
    axes.set_ylabel(f"potential ({content.unit})")
    return None


def _onset(axes: Axes, content: CellFigure) -> None:
    axes.set_title("small step")
    trace = content.onset
    axes.plot(trace.times, trace.values, color=COLOURS[0], linewidth=1.0, label=trace.name)
    if np.isfinite(content.time_constant):
        axes.axvline(
            content.time_constant,
            color=NEUTRAL,
            linestyle=":",
            linewidth=0.8,
            label=f"63 %: {content.time_constant:.3g} ms",
        )
    axes.margins(x=0)
    axes.legend(loc="upper right", fontsize=6)
    axes.set_xlabel("time after the start of the step (ms)")
    axes.set_ylabel(f"potential ({content.unit})")


def _intervals(axes: Axes, content: CellFigure) -> None:
    axes.set_title("intervals within a step")
    if not content.intervals:
        return _empty(axes, "no step with three spikes")
    order = [step.name for step in content.steps]
    for number, (name, times, lengths) in enumerate(content.intervals):
        colour = COLOURS[(order.index(name) if name in order else number) % len(COLOURS)]  # that of its step
        axes.plot(times, lengths, "o-", color=colour, markersize=1.8, linewidth=0.6, label=name)
    axes.set_ylim(bottom=0.0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (1.0 + 0.13 * len(content.intervals)))
    axes.legend(loc="upper right", fontsize=6, handlelength=0.9)
    axes.set_xlabel("time after the start of the step (ms)", loc="right")  # wider than the panel, the last of its row
    axes.set_ylabel("interval (ms)")
    return None


def _empty(axes: Axes, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes, color=NEUTRAL)
    axes.set_axis_off()
