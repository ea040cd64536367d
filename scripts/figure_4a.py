"""Figure 4A: which inhibition limits the response of MSN to cortex.

python scripts/figure_4a.py                     10,000 neurons: ten minutes on a laptop
python scripts/figure_4a.py --n-neurons 80000   the published size
"""

import numpy as np
import pandas as pd
from figure_options import described, options, run_variants

from network.analysis import plots
from network.experiment import list_variants
from network.experiment.presentation import load_presentation
from network.runs import Run

EXPERIMENT = "lindahl2016/striatal_inhibition"
POPULATIONS = ("MSN_D1", "MSN_D2", "FSN")


def responses(run: Run, population: str) -> pd.DataFrame:
    """Strength of each pulse, mean rate during it (spikes/s) and standard error of that mean over cells."""
    wave = next(i["waveform"] for i in run.plan["inputs"] if i["name"] == f"CTX_to_{population}")
    edges = np.asarray(wave["times"][1:]).reshape(-1, 4)[:, [0, 2]]
    strengths = np.asarray(wave["values"][1:]).reshape(-1, 4)[:, 1] / wave["values"][0]
    spikes = run.spikes(population)
    rows = []
    for strength, (start, stop) in zip(strengths, edges, strict=True):
        counts = np.bincount(spikes.between(start, stop).node_ids.astype(int), minlength=spikes.n_neurons)
        rates = counts / (stop - start) * 1000.0
        rows.append((strength, rates.mean(), rates.std() / np.sqrt(len(rates))))
    return pd.DataFrame(rows, columns=["strength", "rate", "error"])


def main() -> None:
    given = options("figure_4a").parse_args()
    if not given.overlay and given.n_neurons is None:
        given.n_neurons = 10_000
    runs = run_variants(EXPERIMENT, given)
    table = pd.concat(
        {
            (variant, run.plan["seed"], population): responses(run, population)
            for variant, several in runs.items()
            for run in several
            for population in POPULATIONS
        },
        names=["variant", "seed", "population"],
    ).droplevel(-1)
    table.to_csv(given.out / "responses.csv", float_format="%.4g")
    mean = table.groupby(["variant", "population", "strength"], sort=False).mean().reset_index()
    titles = list_variants(EXPERIMENT)
    curves = {
        population: {
            titles[variant]: mean[(mean["variant"] == variant) & (mean["population"] == population)] for variant in runs
        }
        for population in POPULATIONS
    }
    title = f"Striatal inhibition: {described(runs)}; bars: standard error over cells"
    with plots.presented(load_presentation(EXPERIMENT.split("/")[0])):
        figure = plots.dose_response(curves, xlabel="cortical rate (x base)", title=title)
    print(given.out / "responses.csv", *plots.save(figure, given.out / "responses", dpi=200, palette=True), sep="\n")


if __name__ == "__main__":
    main()
