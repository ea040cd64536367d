"""Response of SNr to a cortical transient, Chakravarty et al. (2022): all states, a hundred trials each.

python scripts/transient_response.py                    50 s of biological time per state: about half an hour
python scripts/transient_response.py --t-sim 10000      20 trials: minutes
"""

import argparse
from pathlib import Path

import pandas as pd

from network.analysis import plots
from network.analysis.response import response_of, zone_table
from network.analysis.targets.judge import judge_run, run_targets
from network.door.progress import TerminalReporter
from network.engine.batch import run_all
from network.experiment import load_experiment
from network.experiment.presentation import load_presentation

STATES = ("normal", "pd_biphasic", "pd_triphasic")
# constants of the authors' Fig 5 scripts: zone, latency, duration (ms)
PUBLISHED = {"normal": (("EE", 7.0, 4.0), ("EI", 11.0, 6.0), ("LE", 17.0, 9.3), ("LI", 26.3, 10.61))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--t-sim", type=float, help="recorded time in ms; one trial every 500 ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/transient_response"))
    given = parser.parse_args()
    changes = [f"simulation.seed={given.seed}"]
    changes += [] if given.t_sim is None else [f"simulation.t_sim={given.t_sim}"]
    experiments = {state: load_experiment(f"chakravarty2022/{state}", ["trials"], changes) for state in STATES}
    runs = run_all(experiments, given.out, threads=given.threads, reporter=TerminalReporter())

    responses = {}
    for state, run in runs.items():
        responses[state] = {name: response_of(run, name) for name in ("SNr", *run.populations)}
        print(f"\n{state}\n{judge_run(run, run_targets(run)).text()}\n{zone_table(responses[state]['SNr']).round(1)}")
    tables = {state: zone_table(several["SNr"]) for state, several in responses.items()}
    pd.concat(tables, names=["state"]).to_csv(given.out / "zones.csv", float_format="%.4g")
    trials = len(responses[STATES[0]]["SNr"].rates)
    title = f"Cortical transient, 6,539 neurons, mean of {trials} trials; bars above: zones of the publication"
    with plots.presented(load_presentation("chakravarty2022")):
        figure = plots.responses(responses, "SNr", published=PUBLISHED, title=title)
    print(given.out / "zones.csv", *plots.save(figure, given.out / "response", dpi=200, palette=True), sep="\n")


if __name__ == "__main__":
    main()
