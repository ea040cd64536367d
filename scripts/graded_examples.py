"""Figures of docs/howto/graded.md: reciprocal inhibition, a half-centre, McCarthy's network, STN and GPe.

python scripts/graded_examples.py                      runs in runs/graded, figures in docs/figures
python scripts/graded_examples.py --only pairs
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import network as bgnest  # noqa: E402
from network.analysis.plots.base import heading, page, save, styled  # noqa: E402

RUNS = Path("runs/graded")
LEFT, RIGHT, DARK = "#0072B2", "#D55E00", "#222222"
Floats = NDArray[np.float64]


def run(name: str, *overlays: str) -> bgnest.door.Run:
    """Complete run of an experiment; what is there is used again."""
    folder = RUNS / "-".join([name.replace("/", "-"), *overlays])
    return bgnest.load(name, overlays).run(out=folder, resume=True)


def trace(run: bgnest.door.Run, population: str, variable: str, cell: int = 0) -> tuple[Floats, Floats]:
    """Times and values of a cell."""
    table = run.traces(population, variable)
    table = table[(table["cell"] == cell) & table[variable].notna()]
    return table["time_ms"].to_numpy(), table[variable].to_numpy()


@styled
def pairs() -> Figure:
    """Two cells of Hodgkin and Huxley, and the half-centre."""
    figure = page(105.0)
    columns = figure.subplots(2, 2, sharex="col", height_ratios=[2, 1])
    names = {
        "two_cells/reciprocal": "a  two cells of Hodgkin and Huxley",
        "two_cells/half_centre": "b  half-centre oscillator",
    }
    for (name, title), (upper, lower) in zip(names.items(), columns.T, strict=True):
        done = run(name)
        for population, colour in (("left", LEFT), ("right", RIGHT)):
            upper.plot(*trace(done, population, "V_m"), color=colour, label=f"{population} cell")
            lower.plot(*trace(done, population, "s_abbott_marder"), color=colour)
        upper.set_title(title)
        upper.set_ylabel("potential (mV)")
        lower.set_ylabel("open probability s")
        lower.set_ylim(0, 1)
        lower.set_xlabel("time (ms)")
        lower.margins(x=0)
    columns[0, 0].legend(loc="upper right", ncols=2)
    heading(figure, "Reciprocal inhibition through graded synapses")
    return figure


def mean_potential(run: bgnest.door.Run) -> tuple[Floats, Floats]:
    """Mean of the potentials of all recorded cells, every ms of the recording."""
    table = run.traces("MSN", "V_m", trace="MSN")
    mean = table.groupby("time_ms")["V_m"].mean()
    return mean.index.to_numpy(), mean.to_numpy()


def spectrum(values: Floats) -> tuple[Floats, Floats]:
    """Power of a signal of 1 kHz by Welch's method, windows of one second."""
    from scipy.signal import welch

    return welch(values, fs=1000.0, nperseg=1000)


@styled
def mccarthy() -> Figure:
    """Spikes and mean potential in both states, and their spectra."""
    figure = page(110.0)
    axes = figure.subplots(2, 3, width_ratios=[1.6, 1.6, 1.0])
    panel: Axes
    for row, (state, title) in enumerate(
        (("healthy", "g_M = 1.3 mS/cm2 (healthy)"), ("acetylcholine", "g_M = 1.2 mS/cm2 (much acetylcholine)"))
    ):
        done = run(f"mccarthy2011/{state}")
        start = done.window[0]
        spikes = done.spikes("MSN")
        colour = (LEFT, RIGHT)[row]
        panel = axes[row, 0]
        panel.plot(spikes["time_ms"] - start, spikes["cell"], ".", color=colour, markersize=1.5)
        panel.set(xlim=(0, 1000), ylim=(-1, 100), ylabel="cell", title=title)
        times, values = mean_potential(done)
        panel = axes[row, 1]
        panel.plot(times - start, values, color=colour)
        panel.set(xlim=(0, 1000), ylabel="mean potential (mV)")
        frequencies, power = spectrum(values)
        panel = axes[row, 2]
        panel.axvspan(8, 30, color="#EEEEEE", linewidth=0)
        panel.plot(frequencies[1:], power[1:], color=colour)
        panel.set(xlim=(0, 60), ylim=(0, None), ylabel="power (mV2/Hz)")
        rate, beta = done.rates()["rate"]["MSN"], power[(frequencies >= 8) & (frequencies <= 30)].sum()
        peak = frequencies[1:][power[1:].argmax()]
        panel.set_title(f"{rate:.2f} spikes/s\n8-30 Hz: {beta:.2f} mV2, peak {peak:.0f} Hz", fontsize=6)
        print(f"mccarthy2011/{state}: rate {rate:.3f} spikes/s, 8-30 Hz {beta:.3f} mV2, peak {peak:.0f} Hz")
    for panel, text in zip(axes[1], ("time (ms)", "time (ms)", "frequency (Hz)"), strict=True):
        panel.set_xlabel(text)
    heading(figure, "One hundred medium spiny neurons with graded GABA-A, McCarthy et al. (2011)")
    return figure


@styled
def stn_gpe() -> Figure:
    """Spikes of both nuclei, and potential and open probability of a cell of each."""
    figure = page(115.0)
    axes = figure.subplots(3, 2, sharex=True, height_ratios=[1.2, 1, 0.9])
    done = run("stn_gpe/graded")
    start, rates = done.window[0], done.rates()["rate"]
    panel: Axes
    for column, population, colour in zip(axes.T, ("GPe", "STN"), (LEFT, RIGHT), strict=True):
        spikes = done.spikes(population)
        column[0].plot(spikes["time_ms"] - start, spikes["cell"], ".", color=colour, markersize=2.5)
        column[0].set(title=f"{population}: {rates[population]:.1f} spikes/s", ylabel="cell", ylim=(-1, 20))
        for panel, variable, label in zip(
            column[1:], ("V_m", "s_tanh_rise"), ("potential (mV)", "open probability s"), strict=True
        ):
            times, values = trace(done, population, variable)
            panel.plot(times - start, values, color=colour)
            panel.set_ylabel(label)
        column[2].set(xlabel="time (ms)", xlim=(0, 300), ylim=(0, 1))
        print(f"stn_gpe/graded: {population} {rates[population]:.2f} spikes/s")
    heading(figure, "Twenty cells of GPe and of STN with graded GABA-A and AMPA")
    return figure


FIGURES = {"pairs": pairs, "mccarthy": mccarthy, "stn_gpe": stn_gpe}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--figures", type=Path, default=ROOT / "docs" / "figures")
    args = parser.parse_args()
    for name in args.only:
        print(*save(FIGURES[name](), args.figures / f"graded_{name}", palette=True))


if __name__ == "__main__":
    main()
