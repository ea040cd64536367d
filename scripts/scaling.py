"""What the cost model says of clusters and of larger networks: tables, a figure, and two published runs beside it.

    python scripts/scaling.py                                    tables
    python scripts/scaling.py --out docs/figures/scaling         and the figure
    python scripts/scaling.py --measured docs/data/mpi.json …    with the measured points in it

Nothing is simulated. docs/notes/scaling.md explains the model and what it leaves out.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from network.bench import measure
from network.experiment import load_experiment
from network.experiment.rules import FixedInDegree
from network.plans import make_plan
from network.plans.cost import Estimate, Measured, estimate, load_cost_model
from network.plans.plan import Plan
from network.plans.summary import table
from network.text import human_bytes

EXPERIMENT = "lindahl2016/activation_control"
SIZE = 80_000
FACTORS = (1, 10, 30, 100)
THREADS = 32  # per rank, one per core
CORES = tuple(2**n for n in range(12))


def network(n_neurons: int, cores: int = 1) -> Plan:
    """Network of that size with in-degrees as published, for one second after one second of warm-up."""
    experiment = load_experiment(EXPERIMENT, (), [f"network.n_neurons={n_neurons}"])
    return make_plan(experiment, **split(cores))


def split(cores: int) -> dict[str, int]:
    """Threads in one process, then ranks of `THREADS`."""
    threads = min(cores, THREADS)
    return {"ranks": cores // threads, "threads": threads}


def on(plan: Plan, cores: int) -> Plan:
    """Split a plan over cores."""
    return replace(plan, **split(cores))


def factor(plan: Plan, cost: Estimate) -> float:
    return cost.simulate * 1000.0 / (plan.t_presim + plan.t_sim)


def strong(plans: dict[int, Plan]) -> str:
    rows = []
    for plan in plans.values():
        for cores in (1, 64, 1024):
            cost = estimate(on(plan, cores))
            seconds = [cost.create, cost.connect, cost.prepare]
            spread = on(plan, cores)
            rows.append(
                [
                    f"{plan.n_neurons:,}" if cores == 1 else "",
                    f"{plan.n_synapses / 1e6:,.0f}" if cores == 1 else "",
                    f"{cores:,} ({spread.ranks} x {spread.threads})",
                    *(f"{value:.1f}" for value in seconds),
                    f"{factor(plan, cost):.2f}",
                    human_bytes(cost.memory_per_rank),
                    human_bytes(cost.memory_bytes),
                ]
            )
    header = ["neurons", "million synapses", "cores (ranks x threads)", "create (s)", "connect (s)", "prepare (s)"]
    return table([*header, "real-time factor", "per rank", "in all"], rows, "rrrrrrrrr")


def pd14(cores: int) -> tuple[float, float]:
    """Real-time factor and GB that the model gives for the microcircuit of Potjans & Diesmann 2014.

    77,169 cells without conductances (12 ns per step, see the issue below), 3,870 static synapses each, 3.4
    spikes/s on average, delays from 0.1 ms. Ranks of 64 threads as in the published runs.
    """
    base = network(SIZE)
    cells = replace(base.populations[0], name="PD14", model="iaf_psc_exp", n_neurons=77_169)
    wires = replace(
        next(p for p in base.projections if p.synapse.name == "static"),
        source="PD14",
        target="PD14",
        rule=FixedInDegree(3870),
        n_synapses=3870 * 77_169,
    )
    plan = replace(
        base,
        populations=(cells,),
        projections=(wires,),
        inputs=(),
        recorders=(),
        spike_populations=(),
        min_delay=0.1,
        ranks=cores // 64,
        threads=64,
    )
    model = load_cost_model()
    own = {
        "iaf_psc_exp": Measured(value=1.2e-8, unit="s", measured="10,000 cells, exact integration, one thread"),
        "default": model.update_per_neuron_step["vectorised"]["default"],
    }
    rates = {"PD14": Measured(value=3.4, unit="spikes/s", assumed="mean over its populations")}
    changed = model.model_copy(
        update={
            "rates": {**model.rates, **rates},
            "update_per_neuron_step": {**model.update_per_neuron_step, "vectorised": own},
        }
    )
    cost = estimate(plan, changed)
    return factor(plan, cost), cost.memory_bytes / 1e9


PUBLISHED = {128: 0.61, 256: 0.41, 512: 0.33, 768: 0.34}
"""Cores and real-time factor of the microcircuit with NEST 3.9 on nodes of 128 cores, see docs/notes/scaling.md."""


def anchors() -> str:
    rows = [[f"{cores}", f"{pd14(cores)[0]:.2f}", f"{there:.2f}"] for cores, there in PUBLISHED.items()]
    return table(["cores", "model", "published"], rows, "rrr")


def draw(plans: dict[int, Plan], measured: list[measure.Measurement], out: Path) -> None:
    from network.analysis.plots.base import save
    from network.analysis.plots.scaling import PARTS, scaling

    curves = {
        f"{plan.n_neurons:,} neurons": (CORES, [factor(plan, estimate(on(plan, c))) for c in CORES])
        for plan in plans.values()
    }
    grown = {}
    for per_core in (1_250, 5_000, 20_000):
        cores = [c for c in CORES if per_core * c >= 10_000]
        grown_plans = [network(per_core * c, c) for c in cores]
        factors = [factor(p, estimate(on(p, c))) for p, c in zip(grown_plans, cores, strict=True)]
        grown[f"{per_core:,} neurons per core"] = (cores, factors)
    bars = {}
    for times, cores in ((1, 64), (1, 1024), (10, 1024)):
        plan = plans[times]
        cost = estimate(on(plan, cores))
        seconds = (plan.t_presim + plan.t_sim) / 1000.0
        bars[f"{plan.n_neurons // 1000:,}k,\n{cores:,} cores"] = {n: getattr(cost, n) / seconds for n in PARTS}
    points = [m for m in measured if m.n_neurons == SIZE]
    times = [(m.seconds["presimulate"] + m.seconds["simulate"]) * 1000.0 / (m.t_presim + m.t_sim) for m in points]
    for path in save(scaling(curves, grown, bars, ([m.ranks * m.threads for m in points], times)), out):
        print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="figure to draw")
    parser.add_argument("--measured", type=Path, action="append", default=[], help="measurements to show in it")
    arguments = parser.parse_args()
    plans = {times: network(times * SIZE) for times in FACTORS}
    print(f"Fixed networks; threads up to {THREADS} cores, then ranks of {THREADS} threads\n")
    print(strong(plans))
    print("\nPotjans & Diesmann 2014, real-time factors\n")
    print(anchors())
    if arguments.out:
        draw(plans, [m for file in arguments.measured for m in measure.load(file)], arguments.out)


if __name__ == "__main__":
    main()
