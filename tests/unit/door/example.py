"""What a user's script looks like; checked by ``mypy --strict`` in the tests, which also run it."""

from __future__ import annotations

import sys
from pathlib import Path

import bgnest


def stronger(experiment: bgnest.door.Experiment, factor: float) -> bgnest.door.Experiment:
    """Copy with stronger inhibition from FSN."""
    changed = experiment.with_changes(seed=2)
    changed["projections.FSN_to_MSN_D2.weight"] *= factor
    return changed


def summary(path: Path) -> dict[str, float]:
    """Rate of every population of a run, in spikes/s."""
    run = bgnest.open_run(path)
    rates = {str(name): float(rate) for name, rate in run.rates()["rate"].items()}
    print(run.plan.n_neurons, run.verdict().passed, run.spikes("STN")["time_ms"].max(), len(run.spike_arrays("STN")))
    return rates


def main(path: Path) -> None:
    """Plan a change, and read a run."""
    experiment = stronger(bgnest.load("lindahl2016/activation_control", n_neurons=10_000), 1.2)
    plan = experiment.plan(threads=2)
    print(plan.cost.memory_bytes, plan.n_synapses, experiment.name)
    print(summary(path))
    try:
        bgnest.load("nosuch")
    except bgnest.Error as error:
        print(error)
    for name, comment in bgnest.list_experiments().items():
        print(name, comment)
    scan = bgnest.scan(experiment, {"dopamine": [0.0, 0.8]})
    print(scan.axes, len(scan.plan().points))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
