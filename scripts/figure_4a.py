"""Figure 4A: which inhibition limits the response of MSN to cortex.

python scripts/figure_4a.py                     10,000 neurons: ten minutes on a laptop
python scripts/figure_4a.py --n-neurons 80000   the published size
"""

import numpy as np
from figure_options import options, run_variants

from network.analysis import plots
from network.results import Run
from network.spec import list_variants

EXPERIMENT = "lindahl2016/striatal_inhibition"


def responses(run: Run, population: str) -> tuple[np.ndarray, np.ndarray]:
    """Strengths of the pulses and mean rate during each (spikes/s)."""
    wave = next(i["waveform"] for i in run.plan["inputs"] if i["name"] == f"CTX_to_{population}")
    edges = np.asarray(wave["times"][1:]).reshape(-1, 4)[:, [0, 2]]
    strengths = np.asarray(wave["values"][1:]).reshape(-1, 4)[:, 1] / wave["values"][0]
    spikes = run.spikes(population)
    rates = [len(spikes.between(a, b)) / spikes.n_neurons / (b - a) * 1000.0 for a, b in edges]
    return strengths, np.asarray(rates)


def main() -> None:
    given = options("figure_4a").parse_args()
    if not given.overlay and given.n_neurons is None:
        given.n_neurons = 10_000
    titles = list_variants(EXPERIMENT)
    runs = run_variants(EXPERIMENT, given)
    curves = {
        population: {titles[variant]: responses(run, population) for variant, run in runs.items()}
        for population in ("MSN_D1", "MSN_D2", "FSN")
    }
    figure = plots.dose_response(curves, xlabel="cortical rate (x base, dimensionless)", title="Striatal inhibition")
    print(*plots.save(figure, given.out / "responses"), sep="\n")


if __name__ == "__main__":
    main()
