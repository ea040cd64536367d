"""Response of SNr to a cortical transient, Chakravarty et al. (2022): all states, a hundred trials each.

python scripts/transient_response.py                    50 s of biological time per state: about half an hour
python scripts/transient_response.py --t-sim 10000      20 trials: minutes
python scripts/transient_response.py --restored         depleted with one connection restored (figure 6), beside both
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from network.analysis import plots
from network.analysis.response import Response, response_of, zone_table
from network.analysis.targets.judge import judge_run, run_targets
from network.door.progress import TerminalReporter
from network.engine.batch import run_all
from network.experiment import load_experiment
from network.experiment.presentation import load_presentation

STATES = ("normal", "pd_biphasic", "pd_triphasic")
RESTORED = ("normal", "pd_triphasic", "restored_d1_snr", "restored_d2_gpeti", "restored_stn_gpeti", "restored_gpe")
# constants of the authors' Fig 5 scripts: zone, latency, duration (ms)
NAMES = {"normal": "healthy", "pd_biphasic": "PD, two phases", "pd_triphasic": "PD, three phases"}
"""Of the states, in the figure."""
PUBLISHED = {"normal": (("EE", 7.0, 4.0), ("EI", 11.0, 6.0), ("LE", 17.0, 9.3), ("LI", 26.3, 10.61))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--t-sim", type=float, help="recorded time in ms; one trial every 500 ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/transient_response"))
    parser.add_argument("--restored", action="store_true", help="states with one connection restored")
    given = parser.parse_args()
    states = RESTORED if given.restored else STATES
    changes = [f"simulation.seed={given.seed}"]
    changes += [] if given.t_sim is None else [f"simulation.t_sim={given.t_sim}"]
    experiments = {state: load_experiment(f"chakravarty2022/{state}", ["trials"], changes) for state in states}
    runs = run_all(experiments, given.out, threads=given.threads, overwrite=True, reporter=TerminalReporter())

    responses = {}
    for state, run in runs.items():
        responses[state] = {name: response_of(run, name) for name in ("SNr", *run.populations)}
        print(f"\n{state}\n{judge_run(run, run_targets(run)).text()}\n{zone_table(responses[state]['SNr']).round(1)}")
    tables = {state: zone_table(several["SNr"]) for state, several in responses.items()}
    pd.concat(tables, names=["state"]).to_csv(given.out / "zones.csv", float_format="%.4g")
    if given.restored:
        print(f"\n{beside_normal(responses, tables)}")
    trials = len(responses[states[0]]["SNr"].rates)
    title = f"Cortical transient, 6,539 neurons, mean of {trials} trials; bars above: zones of the publication"
    with plots.presented(load_presentation("chakravarty2022")):
        figure = plots.responses(responses, "SNr", published=PUBLISHED, names=NAMES, title=title)
    print(given.out / "zones.csv", *plots.save(figure, given.out / "response", dpi=200, palette=True), sep="\n")


def beside_normal(responses: dict[str, dict[str, Response]], tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Basal rate of every state, and how far its zones are from those of the normal one.

    The distance is the mean of |ln(value / normal value)| over latencies, durations and areas of the four zones, of
    those that both have; the number of zones stands beside it.
    """
    rows = {}
    for state, table in tables.items():
        ratios = (table / tables["normal"]).to_numpy()
        rows[state] = {
            "basal": responses[state]["SNr"].basal,
            "zones": len(table),
            "distance": float(np.nanmean(np.abs(np.log(ratios)))),
        }
    return pd.DataFrame.from_dict(rows, orient="index").round(3)


if __name__ == "__main__":
    main()
