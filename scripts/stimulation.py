"""Stimulation of STN: figures and tables of docs/networks/kumaravelu2016.md and docs/howto/stimulation.md.

bgnest scan run kumaravelu2016/stimulation                 what the first figure stands on, besides five healthy runs
python scripts/stimulation.py kumaravelu2016
bgnest scan run lindahl2016/stn_stimulation
python scripts/stimulation.py lindahl2016
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import network as bgnest  # noqa: E402
from network.analysis.plots.base import heading, page, save, styled  # noqa: E402
from network.analysis.spectra import unit_spectrum  # noqa: E402

BLUE, ORANGE, DARK, GREY = "#0072B2", "#D55E00", "#222222", "#999999"
SEEDS = (1, 2, 3, 4, 5)
BAND = (7.0, 35.0)
# an independent program: frequency, and power of GPi between 7 and 35 Hz
CHECK = {0: 635.0, 20: 653.0, 130: 257.0, 200: 193.0}
Run = bgnest.door.Run


def runs_of(scan: bgnest.door.Scan, frequency: float) -> list[Run]:
    """Runs of a frequency, by seed."""
    done = scan.runs()
    return [done[name] for name in sorted(done) if name.startswith(f"frequency-{frequency:g}_")]


def healthy(folder: Path) -> list[Run]:
    """Five healthy networks; what is there is used again."""
    return [
        bgnest.load("kumaravelu2016/healthy", seed=seed).run(out=folder / f"healthy-{seed}", resume=True)
        for seed in SEEDS
    ]


def spectrum(run: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean spectrum of the cells of a population."""
    train = run.spike_arrays(name)
    return unit_spectrum(train.times, train.node_ids, train.n_neurons, *run.window)


def table(states: dict[str, list[Run]]) -> pd.DataFrame:
    """Mean rates and power of GPi, with standard deviations over networks."""
    rows = {}
    for state, runs in states.items():
        rates = pd.DataFrame([run.rates()["rate"] for run in runs])
        rates["power of GPi"] = [_power(run) for run in runs]
        rows[state], rows[f"{state}, sd"] = rates.mean(), rates.std()
    return pd.DataFrame(rows).T


def _power(run: Run) -> float:
    frequencies, power = spectrum(run, "GPi")
    inside = (frequencies > BAND[0]) & (frequencies < BAND[1])
    return float(power[inside].sum() * frequencies[1])


@styled
def kumaravelu(scan: bgnest.door.Scan, folder: Path) -> Figure:
    """Spikes in three states, spectra of cells of GPi, power and rates against frequency."""
    states = {"healthy": healthy(folder), "6-OHDA": runs_of(scan, 0), "6-OHDA, 130 Hz": runs_of(scan, 130)}
    print(table(states).round(2).to_string())
    colours = dict(zip(states, (BLUE, ORANGE, DARK), strict=True))
    figure = page(125.0)
    axes = figure.subplots(2, 3)
    for panel, (state, runs) in zip(axes[0], states.items(), strict=True):
        _raster(panel, runs[0], state, colours[state])
    first, second, third = axes[1]
    first.axvspan(*BAND, color="#EEEEEE", linewidth=0)
    for state, runs in states.items():
        frequencies, _ = spectrum(runs[0], "GPi")
        mean = np.mean([spectrum(run, "GPi")[1] for run in runs], axis=0)
        shown = (frequencies >= 2) & (frequencies <= 60)
        first.plot(frequencies[shown], mean[shown], color=colours[state], label=state)
    first.set(xlabel="frequency (Hz)", ylabel="power of cells of GPi ((spikes/s)²/Hz)", ylim=(0, None), xlim=(2, 60))
    first.legend(loc="upper right")
    found = scan.table()
    gpi = found[found["population"] == "GPi"]
    _against_frequency(second, gpi, "unit_beta_power", ORANGE, "here, five networks")
    second.plot(list(CHECK), list(CHECK.values()), "s", color=DARK, markersize=4, label="independent program")
    second.set(xlabel="stimulation (Hz)", ylabel="power of GPi, 7 to 35 Hz ((spikes/s)²)", ylim=(0, None))
    second.legend(loc="upper right")
    for name, colour in (("GPi", "#332288"), ("GPe", "#009E73"), ("TH", "#CC79A7")):
        _against_frequency(third, found[found["population"] == name], "rate", colour, name)
    third.set(xlabel="stimulation (Hz)", ylabel="rate (spikes/s)", ylim=(0, None))
    third.legend(loc="upper left")
    summary = gpi.groupby("frequency")["unit_beta_power"].agg(["mean", "std"]).T
    print(summary.round(0).to_string())
    rates = found.pivot_table(index="population", columns="frequency", values="rate")
    print(rates.round(1).to_string())
    heading(figure, "Stimulation of STN, Kumaravelu et al. (2016)")
    return figure


def _raster(panel: Axes, run: Run, title: str, colour: str) -> None:
    start = run.window[0] + 1000.0
    for row, name in enumerate(("GPi", "GPe", "STN")):
        spikes = run.spikes(name)
        times = spikes["time_ms"] - start
        inside = (times >= 0) & (times < 500)
        panel.plot(times[inside], spikes["cell"][inside] + 12 * row, "|", color=colour, markersize=2.5)
    panel.set(title=title, xlabel="time (ms)", xlim=(0, 500), yticks=[4.5, 16.5, 28.5])
    panel.set_yticklabels(["GPi", "GPe", "STN"])


def _against_frequency(panel: Axes, rows: pd.DataFrame, quantity: str, colour: str, label: str) -> None:
    groups = rows.groupby("frequency")[quantity]
    mean, low, high = groups.mean(), groups.min(), groups.max()
    panel.fill_between(mean.index, low, high, color=colour, alpha=0.2, linewidth=0)
    panel.plot(mean.index, mean, "o-", color=colour, markersize=3, label=label)


@styled
def lindahl(scan: bgnest.door.Scan, folder: Path) -> Figure:
    """Beta power and rates of the nuclei against the frequency of stimulation."""
    found = scan.table()
    figure = page(60.0)
    panels = figure.subplots(1, 2)
    quantities = {
        "beta_power": "power from 15 to 25 Hz ((spikes/s)²)",
        "rate": "rate (spikes/s)",
    }
    colours = {"GPe_TI": "#009E73", "GPe_TA": "#CC79A7", "SNr": DARK}
    for panel, (quantity, label) in zip(panels, quantities.items(), strict=True):
        for name, colour in colours.items():
            _against_frequency(panel, found[found["population"] == name], quantity, colour, name.replace("_", " "))
        panel.set(xlabel="stimulation (Hz)", ylabel=label)
        if quantity == "beta_power":
            panel.set_yscale("log")
        table = found.pivot_table(index="population", columns="frequency", values=quantity)
        print(f"{quantity}\n{table.round(3).to_string()}")
    panels[0].legend(loc="upper right")
    heading(figure, "Stimulation of STN, Lindahl & Hellgren Kotaleski (2016), depleted, 10,000 neurons")
    return figure


NETWORKS = {
    "kumaravelu2016": ("kumaravelu2016/stimulation", kumaravelu, "kumaravelu2016_stimulation"),
    "lindahl2016": ("lindahl2016/stn_stimulation", lindahl, "stimulation_lindahl2016"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--scan", type=Path, help="folder of the scan; by default below scans")
    parser.add_argument("--runs", type=Path, default=Path("runs/stimulation"))
    parser.add_argument("--figures", type=Path, default=ROOT / "docs" / "figures")
    given = parser.parse_args()
    name, draw, figure = NETWORKS[given.network]
    scan = bgnest.scan(given.scan or name)
    print(*save(draw(scan, given.runs), given.figures / figure, palette=True))


if __name__ == "__main__":
    main()
