"""Measured against predicted cost: memory per rank and seconds per phase, for sizes and splits ranks x threads.

python scripts/measure_cost.py --sizes 10000,40000,80000 --splits 1x2,2x1 --json docs/data/cost.json
python scripts/measure_cost.py --json docs/data/cost.json --show     # the table again, with today's model
python scripts/measure_cost.py --json docs/data/cost.json --fit      # the numbers for params/cost_model.yaml

Splits with more virtual processes than cores are welcome: their processor time tells what grows with their number.
"""

import argparse
import os
import tempfile
from pathlib import Path

from network.bench import fit, measure
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.cost import load_cost_model
from network.plans.summary import table

EXPERIMENT = "lindahl2016/activation_control"


WIRING = "nest"  # of the files in docs/data


def overrides(n_neurons: int, t_sim: float, t_presim: float, wiring: str) -> list[str]:
    return [
        f"simulation.wiring={wiring}",
        f"network.n_neurons={n_neurons}",
        "network.small_network=multapses",
        f"simulation.t_sim={t_sim}",
        f"simulation.t_presim={t_presim}",
    ]


def show(measurements: list[measure.Measurement], wiring: str) -> str:
    rows = []
    for m in measurements:
        given = overrides(m.n_neurons, m.t_sim, m.t_presim, wiring)
        p = measure.predict(EXPERIMENT, given, ranks=m.ranks, threads=m.threads)
        error = p.memory_per_rank / m.peak - 1.0
        simulated = m.seconds["presimulate"] + m.seconds["simulate"]
        phases = [("create", p.create), ("connect", p.connect), ("prepare", p.prepare)]
        times = [f"{m.seconds[name]:.1f} / {predicted:.1f}" for name, predicted in phases]
        memory = [f"{m.peak / 1e9:.2f}", f"{p.memory_per_rank / 1e9:.2f}", f"{error:+.0%}"]
        split = f"{m.ranks} x {m.threads}"
        rows.append(
            [f"{m.n_neurons:,}", split, *memory, *times, f"{simulated:.1f} / {p.simulate:.1f}", f"{m.load:.1f}"]
        )
    header = ["neurons", "ranks x threads", "GB per rank", "predicted", "error"]
    header += ["create (s)", "connect (s)", "prepare (s)", "simulate (s)", "load before"]
    return table(header, rows, "rrrrrrrrrr") + "\n\nseconds: measured / predicted"


def fitted(measurements: list[measure.Measurement], wiring: str) -> str:
    runs = []
    for m in measurements:
        given = overrides(m.n_neurons, m.t_sim, m.t_presim, wiring)
        runs.append((m, make_plan(load_experiment(EXPERIMENT, (), given), ranks=m.ranks, threads=m.threads)))
    found = fit.fit(runs, load_cost_model(), os.cpu_count() or 1)
    return "\n".join(f"{name}: {value:.3g}" for name, value in found.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,40000,80000", help="numbers of neurons")
    parser.add_argument("--splits", default="1x2,2x1", help="ranks x threads")
    parser.add_argument("--t-sim", type=float, default=500.0, help="recorded time in ms")
    parser.add_argument("--t-presim", type=float, default=500.0, help="warm-up in ms")
    parser.add_argument("--json", type=Path, action="append", help="file for the measurements; more of them to --fit")
    parser.add_argument("--fit", action="store_true", help="measure nothing, fit the cost model to the files")
    parser.add_argument("--show", action="store_true", help="measure nothing, show the file")
    parser.add_argument("--wiring", choices=("compact", "nest"), default=WIRING)
    arguments = parser.parse_args()
    if arguments.show or arguments.fit:
        read = [measurement for file in arguments.json for measurement in measure.load(file)]
        print((fitted if arguments.fit else show)(read, arguments.wiring))
        return
    measurements = []
    with tempfile.TemporaryDirectory(prefix="bgnest-cost-") as folder:
        for size in map(int, arguments.sizes.split(",")):
            for ranks, threads in (map(int, split.split("x")) for split in arguments.splits.split(",")):
                print(f"{size:,} neurons, {ranks} x {threads}", flush=True)
                given = overrides(size, arguments.t_sim, arguments.t_presim, arguments.wiring)
                out = Path(folder) / f"{size}-{ranks}x{threads}"
                measurements.append(measure.run(EXPERIMENT, given, ranks=ranks, threads=threads, out=out))
                if arguments.json:
                    measure.save(measurements, arguments.json[0])
    print(show(measurements, arguments.wiring))


if __name__ == "__main__":
    main()
