"""Dopamine that changes during a run: a phasic burst, a dip, a sudden and a slow depletion.

python scripts/dopamine_changes.py                           10,000 neurons, three seeds: minutes on a laptop
python scripts/dopamine_changes.py --n-neurons 80000         the full network
"""

import numpy as np
import pandas as pd
from figure_options import POPULATIONS, described, options, run_variants

from network.analysis import plots
from network.analysis.statistics import population_rate
from network.experiment import list_variants
from network.experiment.presentation import load_presentation
from network.plans import plan_from_dict
from network.plans.modulation import level_at
from network.runs import Run

EXPERIMENT = "lindahl2016/dopamine_changes"
BIN = 50.0  # ms


def courses(runs: list[Run]) -> pd.DataFrame:
    """Level of dopamine and rates (spikes/s, mean over runs) against the middle of each bin (ms)."""
    plan = plan_from_dict(runs[0].plan)
    columns: dict[str, np.ndarray] = {}
    for name in POPULATIONS:
        rates = []
        for run in runs:
            spikes = run.spikes(name)
            centres, rate = population_rate(spikes.times, spikes.n_neurons, *run.window, BIN)
            rates.append(rate)
        columns[name] = np.mean(rates, axis=0)
    levels = [level_at(plan.segments, plan.dopamine, time) for time in centres]
    return pd.DataFrame({"dopamine": levels, **columns}, index=pd.Index(centres, name="time"))


def main() -> None:
    parser = options("dopamine_changes")
    parser.set_defaults(seeds=[1, 2, 3])
    given = parser.parse_args()
    if not given.overlay and given.n_neurons is None:
        given.n_neurons = 10_000
    runs = run_variants(EXPERIMENT, given)
    tables = {variant: courses(several) for variant, several in runs.items()}
    pd.concat(tables, names=["variant"]).to_csv(given.out / "courses.csv", float_format="%.4g")
    title = f"Dopamine that changes: {described(runs)}, bins of {BIN:g} ms"
    with plots.presented(load_presentation(EXPERIMENT.split("/")[0])):
        figure = plots.courses(tables, titles=list_variants(EXPERIMENT), title=title)
    print(given.out / "courses.csv", *plots.save(figure, given.out / "courses", dpi=200, palette=True), sep="\n")


if __name__ == "__main__":
    main()
