"""Wiring of the striatum of point neurons beside what its authors counted: docs/networks/snudda2020.md.

python scripts/snudda_striatum.py                  runs in runs/snudda2020, figure in docs/figures, tables printed
python scripts/snudda_striatum.py --seeds 1 2      fewer seeds
python scripts/snudda_striatum.py --weights        weights from the first IPSP of Planert et al. (2010)
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import network as bgnest  # noqa: E402
from network.analysis.plots.base import heading, page, save, styled  # noqa: E402
from network.analysis.statistics import window_rates  # noqa: E402
from network.door import Run  # noqa: E402
from network.experiment.distributions import mean as mean_of  # noqa: E402
from network.experiment.presentation import load_presentation  # noqa: E402

RUNS = Path("runs/snudda2020")
PARAMS = ROOT / "params" / "snudda2020"
STATES = ("rest", "depleted", "signal")
DEPTH = 70.0
"""Largest difference of depth of two cells that are recorded together in a slice, um (the authors' rule)."""
INNER = 150.0
"""Cells at least this far from all faces are inner ones, um."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wiring:
    """Pairs of a projection that are connected, and how far apart all pairs are."""

    distances: Floats
    """Of all pairs of cells, shape (sources, targets), um; NaN on the diagonal of a population with itself."""
    in_slice: NDArray[np.bool_]
    """Whether both cells can be recorded in one slice."""
    lateral: Floats
    connected: NDArray[np.bool_]
    inner: NDArray[np.bool_]
    """Target cells far from the faces."""

    def within(self, radius: float) -> float:
        """Share of the pairs within a radius that are connected."""
        near = self.distances < radius
        return float(self.connected[near].mean())

    def recorded(self, radius: float) -> dict[str, float]:
        """The same in a ball, and of pairs that can be recorded, by their distance along the slice."""
        near = self.in_slice & (self.lateral < radius)
        return {"ball": self.within(radius), "slice": float(self.connected[near].mean())}

    def curve(self, edges: Floats) -> Floats:
        """Share of connected pairs by distance."""
        every, _ = np.histogram(self.distances, edges)
        made, _ = np.histogram(self.distances[self.connected], edges)
        return np.divide(made, every, out=np.full(len(every), np.nan), where=every > 0)


def wiring_of(run: Run, projection: str) -> Wiring:
    """All pairs of a projection of a run, as NEST has connected them."""
    table = run.connections(projection)
    places = run.plan.positions()
    source, target = places[table.attrs["source"]], places[table.attrs["target"]]
    difference = source[:, None].astype(np.float32) - target[None].astype(np.float32)
    lateral = np.hypot(difference[..., 0], difference[..., 1])
    distances = np.hypot(lateral, difference[..., 2])
    if table.attrs["source"] == table.attrs["target"]:
        np.fill_diagonal(distances, np.nan)
        np.fill_diagonal(lateral, np.nan)
    connected = np.zeros(distances.shape, bool)
    connected[table["source"], table["target"]] = True
    low, high = (np.array(corner) for corner in run.plan.population(table.attrs["target"]).positions.corners)
    inner = np.all((target > low + INNER) & (target < high - INNER), axis=1)
    return Wiring(distances, np.abs(difference[..., 2]) < DEPTH, lateral, connected, inner)


def run_of(state: str, seed: int) -> Run:
    """Complete run of a state; what is there is used again."""
    return bgnest.load(f"snudda2020/{state}", seed=seed).run(out=RUNS / f"{state}-{seed}", threads=2, resume=True)


def compare(run: Run, published: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Floats]]:
    """Tables of pairs and of experiments, and the curves of probability over distance."""
    edges = np.arange(0.0, 401.0, 20.0)
    rows, recorded, curves = {}, [], {}
    for name in (p.name for p in run.plan.projections):
        wiring = wiring_of(run, name)
        curves[name] = wiring.curve(edges)
        known = published["projections"].get(name, {})
        degrees = wiring.connected.sum(axis=0)
        rows[name] = {
            "pairs": int(wiring.connected.sum()),
            "published pairs": known.get("pairs"),
            "in-degree": degrees.mean(),
            "sd": degrees.std(),
            "inner cells": degrees[wiring.inner].mean(),
            **{f"P < {r} um": f"{wiring.within(r):.3f} ({p:.3f})" for r, p in known.get("within", {}).items()},
        }
        recorded += [
            {**one, "found": one["k"] / one["n"], **wiring.recorded(one["radius"])}
            for one in published["experiments"]
            if one["projection"] == name
        ]
    return pd.DataFrame(rows).T, pd.DataFrame(recorded), curves


def counts(run: Run, published: dict[str, Any]) -> dict[str, int]:
    """Connected pairs of the projections that the authors counted."""
    return {name: len(run.connections(name)) for name in published["projections"]}


def rates(seeds: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean rates over seeds and their standard deviations: states at rest, and windows of the signal."""
    found: dict[str, list[pd.Series]] = {}
    for seed in seeds:
        for state in ("rest", "depleted"):
            found.setdefault(state, []).append(run_of(state, seed).rates()["rate"])
        signal = run_of("signal", seed)
        for window, counted in window_rates(signal.reader, windows(signal)).items():
            found.setdefault(f"signal {window}", []).append(counted)
    frames = {state: pd.DataFrame(several) for state, several in found.items()}
    return pd.DataFrame({s: f.mean() for s, f in frames.items()}), pd.DataFrame({s: f.std() for s, f in frames.items()})


def windows(run: Run) -> list[tuple[float, float]]:
    """The steps of the signal, from the beginning of the recording on."""
    knots = {time for stimulus in run.plan.inputs if stimulus.waveform for time in stimulus.waveform.times}
    edges = sorted({run.window[0], run.window[1], *(t for t in knots if run.window[0] < t < run.window[1])})
    return list(pairwise(edges))


@styled
def figure(rest: Run, signal: Run, published: dict[str, Any], curves: dict[str, Floats]) -> Figure:
    """Probability over distance, in-degrees, and the response to the signal."""
    made = page(150.0)
    axes = made.subplots(3, 3)
    names = list(published["projections"])
    for panel, name in zip(axes.flat, names, strict=False):
        curve_panel(panel, name, curves[name], published)
    colours = load_presentation("snudda2020").colours(signal.populations)
    degree_panel(axes[2, 1], rest, colours)
    course_panel(axes[2, 2], signal, colours)
    axes[0, 0].legend(loc="upper right")
    for panel in axes[:2].flat:
        panel.set_ylabel("probability")
    heading(made, "Striatum of point neurons with the wiring of Snudda, 9,981 cells")
    return made


def curve_panel(panel: Axes, name: str, curve: Floats, published: dict[str, Any]) -> None:
    """Probability over distance beside the published one, and the experiments as points."""
    known = published["projections"][name]
    panel.plot(np.arange(len(curve)) * 20.0 + 10.0, curve, color="#0072B2", label="here")
    at = np.array(published["distances"]["value"], float)
    values = np.array([np.nan if p is None else p for p in known["probability"]], float)
    panel.plot(at, values, "o", color="#222222", markersize=2.5, fillstyle="none", label="Snudda")
    for number, one in enumerate(one for one in published["experiments"] if one["projection"] == name):
        label = "experiment (range)" if number == 0 else None
        panel.plot([0, one["radius"]], [one["k"] / one["n"]] * 2, color="#D55E00", linewidth=0.8, label=label)
    panel.set(title=name.replace("_to_", " to "), xlim=(0, 320), ylim=(0, None), xlabel="distance (um)")


def degree_panel(panel: Axes, run: Run, colours: dict[str, str]) -> None:
    """How many sources the SPN have."""
    for name, style in (("iSPN_to_iSPN", "-"), ("iSPN_to_dSPN", "-"), ("dSPN_to_dSPN", "--"), ("dSPN_to_iSPN", "--")):
        table = run.connections(name)
        degrees = np.bincount(table["target"], minlength=table.attrs["n_target"])
        colour = colours[table.attrs["target"]]
        counts, edges = np.histogram(degrees, np.arange(0, 340, 8))
        panel.stairs(counts, edges, color=colour, linestyle=style, label=name.replace("_to_", " to "))
    panel.legend(loc="upper right")
    panel.set(title="number of sources", xlabel="in-degree", ylabel="cells", ylim=(0, None))


def course_panel(panel: Axes, run: Run, colours: dict[str, str]) -> None:
    """Rates over time under the signal, bins of 20 ms."""
    edges = np.arange(run.window[0], run.window[1] + 1.0, 20.0)
    highest = 0.0
    for name in run.populations:
        counts, _ = np.histogram(run.spikes(name)["time_ms"], edges)
        rate = counts / run.plan.population(name).n_neurons / 0.02
        highest = max(highest, rate.max())
        panel.plot(edges[:-1] + 10.0, rate, color=colours[name], label=name, linewidth=0.8)
    panel.legend(loc="upper left", ncols=2)
    panel.set(
        title="cortical and thalamic signal", xlabel="time (ms)", ylabel="rate (spikes/s)", ylim=(0, 1.45 * highest)
    )


# --- weights -------------------------------------------------------------------------------------------------

HELD, REVERSAL = -80.0, -40.0
"""Potential of the recorded cell, and reversal potential of its chloride, mV."""


def weights(recorded: dict[str, float]) -> None:
    """Print the conductance that gives the recorded IPSP in the cells of the network, and what the files have."""
    from scipy.optimize import brentq

    plan = bgnest.load("snudda2020/rest").plan()
    for projection in plan.projections:
        if projection.name not in recorded:
            continue
        cell, mean = plan.population(projection.target), recorded[projection.name]
        tau = cell.params[f"tau_syn_{cell.receptors[projection.receptor].port}"]
        needed = brentq(lambda g, p, tau, mean: ipsp(p, g, tau) - mean, 1e-3, 100.0, (cell.params, tau, mean))
        rested = mean_of(projection.weight) * projection.synapse.rested
        print(f"{projection.name}: {mean:g} mV need {needed:.3f} nS; in the files {rested:.3f} nS", end="")
        print(f", {ipsp(cell.params, rested, tau):.3f} mV")


def ipsp(p: dict[str, float], weight: float, tau: float) -> float:
    """Peak of the change of potential in mV after a spike of this weight (nS), the cell held by a current."""
    from scipy.integrate import solve_ivp

    u = p["b1"] * (HELD - p["V_b"])
    current = u - p["k"] * (HELD - p["E_L"]) * (HELD - p["V_th"])

    def slope(t: float, state: Floats) -> list[float]:
        v, u = state
        inhibition = weight * np.exp(-t / tau) * (REVERSAL - v)
        dv = (p["k"] * (v - p["E_L"]) * (v - p["V_th"]) - u + current + inhibition) / p["C_m"]
        return [dv, p["a"] * (p["b1"] * (v - p["V_b"]) - u)]

    found = solve_ivp(slope, (0.0, 60.0), [HELD, u], rtol=1e-8, atol=1e-8, max_step=0.2)
    return float(found.y[0].max() - HELD)


def main() -> None:
    global RUNS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "snudda2020.png")
    parser.add_argument("--weights", action="store_true", help="only the weights that Planert's IPSPs ask for")
    given = parser.parse_args()
    published = yaml.safe_load((PARAMS / "published" / "wiring.yaml").read_text())
    if given.weights:
        weights(published["ipsp"]["value"])
        return
    RUNS = given.runs
    means, spreads = rates(given.seeds)
    first = run_of("rest", given.seeds[0])
    pairs, recorded, curves = compare(first, published)
    counted = pd.DataFrame([counts(run_of("rest", seed), published) for seed in given.seeds])
    pairs["pairs, mean"], pairs["pairs, sd"] = counted.mean(), counted.std()
    pd.set_option("display.width", 200, "display.max_columns", 20)
    print(pairs.to_string(float_format="{:.3g}".format), recorded.round(3).to_string(), sep="\n\n")
    print(means.round(2).to_string(), spreads.round(2).to_string(), sep="\n\n")
    print(*save(figure(first, run_of("signal", given.seeds[0]), published, curves), given.out, dpi=200, palette=True))


if __name__ == "__main__":
    main()
