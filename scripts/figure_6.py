"""Figure 6: selection between two actions in control and depleted networks, with and without an STN pulse.

python scripts/figure_6.py                             10,000 neurons, 3 x 3 strengths, once
python scripts/figure_6.py --levels 5 --repetitions 2  finer; a quarter of an hour per condition
python scripts/figure_6.py --n-neurons 80000 --levels 7 --repetitions 10     as published
python scripts/figure_6.py --fraction 0.5              pulses to half of the cells
"""

from itertools import product

import numpy as np
import pandas as pd
from figure_options import options, run_variants
from numpy.typing import NDArray

from network.analysis import plots
from network.experiment import list_variants
from network.runs import Run

EXPERIMENT = "lindahl2016/action_selection"
INTERVAL, DURATION, START = 1007.0, 100.0, 1907.0  # ms
THRESHOLD = 14.0  # spikes/s of SNr below which an action is selected, as in the original
BEFORE, AFTER, BIN = 100.0, 300.0, 20.0  # ms, of the courses around a pulse
POPULATIONS = ("MSN_D1", "MSN_D2", "SNr")


def grid(levels: NDArray[np.float64], repetitions: int) -> list[tuple[float, float]]:
    """Strengths of both actions for every pulse of a run."""
    return [(float(a), float(b)) for a, b in product(levels, levels)] * repetitions


def changes(pairs: list[tuple[float, float]], fraction: float, burst: bool) -> list[str]:
    """Overrides that put the strengths into the experiment."""

    def factors(values: list[float]) -> str:
        return f"{{value: [{', '.join(f'{v:.6g}' for v in values)}], unit: 1}}"

    made = [f"simulation.t_sim={INTERVAL * len(pairs) + AFTER - DURATION}"]  # all of the last course, too
    for population, action in product(("MSN_D1", "MSN_D2"), (1, 2)):
        stimulus = f"inputs.CTX_to_{population}.stimuli.action_{action}"
        made.append(f"{stimulus}.modulation.factors={factors([pair[action - 1] for pair in pairs])}")
        made.append(f"{stimulus}.fraction={fraction}")
    made.append(f"inputs.CTX_to_FSN.stimuli.both.modulation.factors={factors([sum(pair) / 2 for pair in pairs])}")
    made.append(f"inputs.CTX_to_FSN.stimuli.both.fraction={fraction}")
    if burst:
        made.append(f"inputs.CTX_to_STN.modulation.factors={factors([5.0] * len(pairs))}")
    return made


def rate(run: Run, population: str, action: int, start: float, stop: float) -> float:
    """Mean rate (spikes/s) of the cells of an action (1 or 2)."""
    spikes = run.spikes(population)
    ids = spikes.between(start, stop).node_ids
    n_cells = len(range(action - 1, spikes.n_neurons, 2))
    return float(np.count_nonzero(ids % 2 == action - 1) / n_cells / (stop - start) * 1000.0)


def during_pulses(run: Run, pairs: list[tuple[float, float]]) -> pd.DataFrame:
    """Rates (spikes/s) of both actions in every pulse."""
    rows = []
    for k, (first, second) in enumerate(pairs):
        start = START + k * INTERVAL
        rates = {
            f"{name}_{action}": rate(run, name, action, start, start + DURATION)
            for name in POPULATIONS
            for action in (1, 2)
        }
        rows.append({"level_1": first, "level_2": second, **rates})
    return pd.DataFrame(rows)


def around_pulses(run: Run, pairs: list[tuple[float, float]], wanted: tuple[float, float]) -> pd.DataFrame:
    """SNr rates (spikes/s) of both actions against the time since the start of a pulse, mean over its repetitions."""
    edges = np.arange(-BEFORE, AFTER, BIN)
    starts = [START + k * INTERVAL for k, pair in enumerate(pairs) if pair == wanted]
    rates = {
        action: [np.mean([rate(run, "SNr", action, s + e, s + e + BIN) for s in starts]) for e in edges]
        for action in (1, 2)
    }
    return pd.DataFrame({f"action {action}": values for action, values in rates.items()}, index=edges + BIN / 2)


def main() -> None:
    parser = options("figure_6")
    parser.add_argument("--levels", type=int, default=3, help="strengths from 1 to 3 per action; 7 as published")
    parser.add_argument("--repetitions", type=int, default=1, help="10 as published")
    parser.add_argument("--fraction", type=float, default=0.2, help="share of the cells that get the pulses")
    given = parser.parse_args()
    if not given.overlay and given.n_neurons is None:
        given.n_neurons = 10_000
    levels = np.linspace(1.0, 3.0, given.levels)
    pairs = grid(levels, given.repetitions)
    titles = list_variants(EXPERIMENT)
    tables, courses = {}, {}
    for variant in given.only or titles:
        given.only = [variant]
        several = run_variants(EXPERIMENT, given, *changes(pairs, given.fraction, variant.endswith("STN_pulse")))[
            variant
        ]
        tables[variant] = pd.concat({run.plan["seed"]: during_pulses(run, pairs) for run in several}, names=["seed"])
        courses[titles[variant]] = {
            f"action 1 x {a:g}, action 2 x {b:g}": sum(around_pulses(run, pairs, (a, b)) for run in several)
            / len(several)
            for a, b in ((1.0, 1.0), (3.0, 1.0), (3.0, 3.0))
        }
    given.out.mkdir(parents=True, exist_ok=True)
    pd.concat(tables, names=["variant"]).droplevel(-1).to_csv(given.out / "pulses.csv", float_format="%.4g")
    maps = {}
    for variant, table in tables.items():
        mean = table.groupby(["level_2", "level_1"])[["SNr_1", "SNr_2"]].mean()
        maps[titles[variant]] = tuple(mean[column].unstack().to_numpy() for column in mean)
    n, n_pulses = sum(several[0].populations.values()), len(given.seeds) * given.repetitions
    about = f"Action selection: {n:,} neurons, pulses per pair of strengths: {n_pulses}"
    figures = {
        "selection": plots.selection_maps(maps, levels.tolist(), population="SNr", threshold=THRESHOLD, title=about),
        "courses": plots.pulse_courses(
            courses, duration=DURATION, threshold=THRESHOLD, title=f"{about}; SNr, bins of {BIN:g} ms"
        ),
    }
    print(given.out / "pulses.csv")
    for name, figure in figures.items():
        print(*plots.save(figure, given.out / name, dpi=200, palette=True), sep="\n")


if __name__ == "__main__":
    main()
