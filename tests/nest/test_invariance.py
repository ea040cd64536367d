"""Networks drawn at random give the same spikes on one thread and on several."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.engine import NestSimulation
from network.experiment import load_experiment
from network.plans import Plan, make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
STATES = ("activation_control", "activation_depleted", "slow_wave_control", "slow_wave_depleted")


def drawn(seed: int) -> tuple[Plan, int, str]:
    """A plan for one thread, another number of threads, and who writes spikes down there.

    State, size, step, delays (slices of one step to eighty), repeated sources and the rates of the drive differ.
    """
    rng = np.random.default_rng(seed)
    step = float(rng.choice([0.025, 0.05, 0.1]))
    state = STATES[seed % 4]
    overrides = [
        f"network.n_neurons={rng.integers(400, 1500)}",
        "network.small_network=multapses",
        f"simulation.resolution={step}",
        f"simulation.seed={rng.integers(1, 10_000)}",
    ]
    plan = make_plan(load_experiment(f"lindahl2016/{state}", overrides=overrides), threads=1)
    factor = float(np.exp(rng.uniform(np.log(0.06), np.log(4.0))))
    projections = []
    for projection in plan.projections:
        low = max(projection.delay.low * factor, step)
        high = max(projection.delay.high * factor, 1.5 * low)
        projections.append(
            dataclasses.replace(
                projection,
                delay=dataclasses.replace(projection.delay, low=low, high=high),
                allow_multapses=bool(rng.random() < 0.5) or projection.allow_multapses,
            )
        )
    delays = [projection.delay for projection in projections]
    inputs = tuple(dataclasses.replace(one, rate=one.rate * rng.uniform(0.7, 1.5)) for one in plan.inputs)
    plan = dataclasses.replace(
        plan,
        projections=tuple(projections),
        inputs=inputs,
        min_delay=min(delay.low for delay in delays),
        max_delay=max(delay.high for delay in delays),
        t_presim=0.0,
        t_sim=80.0,
        spike_start=0.0,
        spike_stop=80.0,
    )
    return plan, int(rng.choice([2, 3, 4, 5, 8])), str(rng.choice(["internal", "device"]))


def results(plan: Plan, module) -> dict[str, np.ndarray]:
    """Times and senders of all spikes."""
    kernel.reset(plan, module.path)
    simulation = NestSimulation(build(plan, module))
    simulation.prepare()
    simulation.run(plan.t_sim / 2.0)  # in two parts: the first ends inside a slice or not
    simulation.run(plan.t_sim / 2.0)
    simulation.cleanup()
    found = {}
    for source in simulation.spikes:
        times, ids = source.collect(whole=True)
        found[f"{source.population} times"], found[f"{source.population} ids"] = times, ids
    return found


@pytest.mark.parametrize("seed", range(8))
def test_a_random_network_does_not_depend_on_the_number_of_threads(module, seed):
    plan, threads, recording = drawn(seed)
    alone = results(dataclasses.replace(plan, recording="internal"), module)
    assert sum(len(values) for values in alone.values()) > 100
    split = results(dataclasses.replace(plan, threads=threads, recording=recording), module)
    assert not plan.depends_on_split
    for name, values in alone.items():
        np.testing.assert_array_equal(split[name], values, err_msg=f"{name}, {threads} threads")
