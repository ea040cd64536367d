"""Figures of oscillations: phases of unit pairs on the circle, their coherence, compared between runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ..oscillations import BETA, Band, Pair, PairResult
from .base import Page, heading, page, side_label, styled
from .style import MM, PAGE, label

SHADES = ("#4D4D4D", "#C0392B", "#2C6FA6", "#5AA469")
"""Colours of compared runs: control, depleted, others."""


def pair_label(pair: Pair) -> str:
    """Write a pair for people: ``A - B``."""
    return " - ".join(label(name) for name in pair)


@styled
def phase_circles(
    results: Mapping[str, Mapping[Pair, PairResult]],
    *,
    band: Band = BETA,
    n_bins: int = 24,
    title: str | None = None,
) -> Figure:
    """Phase differences of unit pairs: a circle per pair of populations, an outline per run, R as an arrow.

    The outline counts the mean phase of every pair; R is the concentration over pairs and times.

    Parameters
    ----------
    results : mapping of run label to result of `network.analysis.oscillations.analyse_pairs`
        Every circle compares the runs; its area is the share of pairs, the same for all runs.
    """
    pairs = list(dict.fromkeys(pair for pairs in results.values() for pair in pairs))
    columns = 3
    rows = -(-len(pairs) // columns)
    figure = Page(figsize=(PAGE, (8.0 + 60.0 * rows) * MM), layout="constrained")
    edges = np.linspace(-np.pi, np.pi, n_bins + 1)
    for place, pair in enumerate(pairs):
        axes = figure.add_subplot(rows, columns, place + 1, projection="polar")
        heights, lines = [1e-3], []
        for shade, (run, found) in zip(SHADES, results.items(), strict=False):
            if pair not in found:
                continue
            phases = found[pair].phases
            # within a population the order of a pair is arbitrary: both signs count half
            values = np.concatenate([phases.phases, -phases.phases]) if pair[0] == pair[1] else phases.phases
            share = np.histogram(values, edges)[0] / len(values) * 100.0
            # areas, not radii, show shares
            radii = np.sqrt(share)
            heights.append(radii.max())
            axes.plot(np.repeat(edges, 2)[1:-1], np.repeat(radii, 2), color=shade, linewidth=0.9)
            axes.bar(edges[:-1], radii, width=np.diff(edges), align="edge", color=shade, alpha=0.18, linewidth=0)
            angle = phases.mean_phase
            if pair[0] == pair[1]:  # both orders of a pair: what is left is in phase or against it
                angle = 0.0 if np.cos(angle) >= 0 else np.pi
            lines.append((shade, angle, phases, run))
        top = 1.08 * max(heights)
        for k, (shade, angle, phases, run) in enumerate(lines):
            length = phases.overall_resultant
            if phases.has_preferred:
                axes.annotate(
                    "",
                    xy=(angle, length * top),
                    xytext=(0.0, 0.0),
                    arrowprops={"arrowstyle": "-|>", "color": shade, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0},
                )
            # of two cells of one population none leads, and the arrow says all there is
            where = f", {np.degrees(angle):+.0f}°" if phases.has_preferred and pair[0] != pair[1] else ""
            text = f"{run}: R = {length:.2f} (chance {phases.chance:.2f}){where}"
            axes.text(0.5, -0.27 - 0.11 * k, text, transform=axes.transAxes, ha="center", fontsize=6.2, color=shade)
        axes.set_ylim(0, top)
        axes.set_yticks([])
        axes.set_xticks(np.radians([0, 90, 180, 270]), ["0°", "90°", "180°", "-90°"])
        axes.tick_params(pad=-1)
        axes.grid(color="0.9", linewidth=0.5)
        axes.spines["polar"].set_color("0.7")
        axes.set_title(pair_label(pair), loc="center", pad=13)  # above the label of 90°
    text = f"phase differences of unit pairs, {band.low:g}-{band.high:g} Hz"
    heading(figure, f"{title}: {text}" if title else text)
    return figure


@styled
def coherence(
    results: Mapping[str, Mapping[Pair, PairResult]],
    *,
    band: Band = BETA,
    f_max: float | None = None,
    title: str | None = None,
) -> Figure:
    """Coherence of unit pairs over frequency (mean over pairs), a panel per pair of populations, a line per run.

    Dashed is what independent units have on average, one over the number of windows; the band is shaded.
    """
    pairs = list(
        dict.fromkeys(p for pairs in results.values() for p, found in pairs.items() if found.coherence is not None)
    )
    f_max = 3.0 * band.high if f_max is None else f_max
    columns = 3
    rows = max(1, -(-len(pairs) // columns))
    figure = page(12.0 + 36.0 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.ravel()[len(pairs) :]:
        axes.remove()
    for axes, pair in zip(grid.ravel(), pairs, strict=False):
        axes.axvspan(*band.limits, color="0.93", linewidth=0)
        for place, (shade, (run, found)) in enumerate(zip(SHADES, results.items(), strict=False)):
            result = found[pair].coherence if pair in found else None
            if result is None:
                continue
            shown = (result.frequencies > 0) & (result.frequencies <= f_max)
            axes.plot(result.frequencies[shown], result.mean[shown], color=shade, label=run)
            axes.axhline(1.0 / result.n_windows, color=shade, linewidth=0.7, linestyle=(4 * place, (4, 4)))
        axes.set_title(pair_label(pair))
        axes.set(xlim=(0, f_max), ylim=(0, 1))
    if pairs:
        grid[0, 0].legend(loc="upper right")
    figure.supxlabel("frequency (Hz)", fontsize=7)
    side_label(figure, "coherence of unit pairs (dimensionless)")
    heading(figure, title)
    return figure
