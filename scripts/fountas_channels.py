"""Rates of the network of Fountas and Shanahan (2017) by state and channel, over seeds: docs/networks/fountas2017.md.

python scripts/fountas_channels.py                 runs in runs/fountas2017, figure in docs/figures, tables printed
python scripts/fountas_channels.py --seeds 1       one seed
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import network as bgnest  # noqa: E402
from network.analysis.plots.base import heading, page, save, styled  # noqa: E402
from network.analysis.statistics import window_rates  # noqa: E402
from network.door import Run  # noqa: E402
from network.experiment.presentation import load_presentation  # noqa: E402

RUNS = Path("runs/fountas2017")
CHANNELS = 3
T_SIM = 1000.0
"""Recorded time, ms."""
STATES = (
    ("tonic", ()),
    ("tonic", ("no_plasticity",)),
    ("depleted", ("no_plasticity",)),
    ("selection", ()),
)
ROWS = ("D1", "D2", "FSI", "STN", "GPe", "SNr")
"""Nuclei from input to output, as in the publication."""


def name_of(state: str, overlays: tuple[str, ...]) -> str:
    """A state and what is laid over it."""
    return "-".join((state, *overlays))


def run_of(state: str, overlays: tuple[str, ...], seed: int, runs: Path) -> Run:
    """Complete run of a state, of which a second is recorded; what is there is used again."""
    experiment = bgnest.load(f"fountas2017/{state}", overlays, seed=seed, t_sim=T_SIM)
    return experiment.run(out=runs / f"{name_of(state, overlays)}-{seed}", resume=True)


def by_channel(run: Run) -> pd.DataFrame:
    """Rates (spikes/s) of nuclei, in all and in each channel."""
    found = window_rates(run.reader, [run.window], CHANNELS).iloc[:, 0]
    rows = {}
    for name in ROWS:
        members = run.plan.members(name)
        sizes = np.array([run.plan.population(member).n_neurons for member in members], float)
        several = [[member, *(f"{member} {k + 1}" for k in range(CHANNELS))] for member in members]
        rows[name] = np.average([found[keys].to_numpy() for keys in several], axis=0, weights=sizes)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["all", *range(1, CHANNELS + 1)])


def raster(panel: Axes, run: Run, name: str, colour: str, cells: int = 60) -> None:
    """Spikes of some cells of a nucleus, channel above channel."""
    members = run.plan.members(name)
    row = 0
    for channel in range(CHANNELS):
        for member in members:
            n = len(range(channel, run.plan.population(member).n_neurons, CHANNELS))
            shown = min(n, cells // CHANNELS if len(members) == 1 else n)
            spikes = run.spikes(member)
            spikes = spikes[(spikes["cell"] % CHANNELS == channel) & (spikes["cell"] // CHANNELS < shown)]
            panel.plot(
                spikes["time_ms"] - run.window[0],
                row + spikes["cell"] // CHANNELS,
                ".",
                color=colour,
                markersize=1.2,
                markeredgewidth=0,
            )
            row += shown
        panel.axhline(row - 0.5, color="#BBBBBB", linewidth=0.4)
    panel.set(xlim=(0, 1000), ylim=(-0.5, row - 0.5), yticks=[], ylabel=name)


@styled
def figure(selection: Run, means: dict[str, pd.DataFrame], spreads: dict[str, pd.DataFrame], check: dict) -> Figure:
    """Spikes while two channels compete, and rates of each channel."""
    made = page(130.0)
    axes = made.subplots(len(ROWS), 2, width_ratios=[1.7, 1.0])
    colours = load_presentation("fountas2017").colours(ROWS)
    at = np.arange(CHANNELS)
    for (left, right), name in zip(axes, ROWS, strict=True):
        colour = colours[name]
        raster(left, selection, name, colour)
        mean, spread = (of["selection"].loc[name, [1, 2, 3]] for of in (means, spreads))
        right.bar(at, mean, 0.6, yerr=spread, color=colour, error_kw={"linewidth": 0.7})
        right.plot(at, check["selection"][name], "s", color="#222222", markersize=3, fillstyle="none")
        right.set(ylabel="spikes/s", ylim=(0, None), xticks=at, xticklabels=[])
    for panel in axes[:-1, 0]:
        panel.set_xticklabels([])
    axes[-1, 0].set_xlabel("time (ms)")
    axes[-1, 1].set_xticklabels(["7.5", "10", "3"])
    axes[-1, 1].set_xlabel("cortex (spikes/s per source)")
    axes[0, 0].set_title("spikes, channels 1, 2, 3 from below")
    axes[0, 1].set_title("rate by channel; squares: check")
    heading(made, "Two channels compete, Fountas and Shanahan (2017)")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "fountas2017.png")
    given = parser.parse_args()
    means, spreads = {}, {}
    for state, overlays in STATES:
        several = pd.concat([by_channel(run_of(state, overlays, seed, given.runs)) for seed in given.seeds])
        grouped = several.groupby(level=0, sort=False)
        name = name_of(state, overlays)
        means[name], spreads[name] = grouped.mean(), grouped.std().fillna(0.0)
        print(f"\n{name}", means[name].round(2).to_string(), spreads[name].round(2).to_string(), sep="\n")
    check = yaml.safe_load((ROOT / "params" / "fountas2017" / "published" / "check.yaml").read_text())
    first = run_of("selection", (), given.seeds[0], given.runs)
    print(*save(figure(first, means, spreads, check), given.out, dpi=200, palette=True))


if __name__ == "__main__":
    main()
