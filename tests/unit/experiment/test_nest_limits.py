"""What NEST, or compact wiring, cannot count is refused by the plan with the number that is possible."""

from __future__ import annotations

import dataclasses

import pytest

from network.experiment import load_experiment
from network.experiment import nest_limits as limits
from network.experiment.distributions import Uniform
from network.plans import make_plan
from network.plans.limits import MAX_ROW_DELAY, plan_problems


@pytest.fixture(scope="module")
def plan():
    return make_plan(load_experiment("lindahl2016/activation_control", overrides=["network.n_neurons=10000"]))


def problems(plan):
    return {".".join(map(str, where)): text for where, text in plan_problems(plan)}


def with_first(plan, **changes):
    first, *others = plan.projections
    return dataclasses.replace(plan, projections=(dataclasses.replace(first, **changes), *others))


def test_a_plan_that_fits_has_no_problem(plan):
    assert problems(plan) == {}


@pytest.mark.parametrize(("wiring", "how"), [("nest", "NEST"), ("compact", "compact wiring")])
def test_synapses_of_a_projection_on_a_virtual_process(plan, wiring, how):
    most = limits.MAX_SYNAPSES_PER_VP[wiring]
    where = f"projections.{plan.projections[0].name}"
    two = dataclasses.replace(plan, wiring=wiring, threads=2)
    assert where not in problems(with_first(two, n_synapses=2 * most))
    found = problems(with_first(two, n_synapses=2 * most + 1))[where]
    assert found == f"{2 * most + 1:,} synapses are too many for {how} on 2 thread(s); take 3"
    assert where not in problems(with_first(dataclasses.replace(two, threads=3), n_synapses=2 * most + 1))
    assert where not in problems(with_first(dataclasses.replace(two, ranks=2), n_synapses=2 * most + 1))


def test_cells_of_a_population(plan):
    first, *others = plan.populations
    for extra, refused in ((0, False), (1, True)):
        grown = dataclasses.replace(first, n_neurons=limits.MAX_CELLS["compact"] + extra)
        found = problems(dataclasses.replace(plan, populations=(grown, *others)))
        assert (f"populations.{first.name}" in found) == refused
    assert "at most 4,294,967,295 can be told apart" in found[f"populations.{first.name}"]


def test_threads_and_ranks(plan):
    assert problems(dataclasses.replace(plan, threads=limits.MAX_THREADS, ranks=limits.MAX_RANKS)) == {}
    found = problems(dataclasses.replace(plan, threads=limits.MAX_THREADS + 1, ranks=limits.MAX_RANKS + 1))
    assert found["threads"] == "NEST takes at most 511, not 512"
    assert found["ranks"] == "NEST takes at most 262143, not 262144"


def test_steps_between_exchanges(plan):
    for steps, refused in ((limits.MAX_SLICE_STEPS, False), (limits.MAX_SLICE_STEPS + 1, True)):
        shorter = dataclasses.replace(plan, resolution=0.01, min_delay=steps * 0.01)
        assert ("simulation.resolution" in problems(shorter)) == refused


def test_spikes_that_a_cell_draws_in_a_step(plan):
    first, *others = plan.inputs
    most = limits.MAX_DRAWN_PER_STEP / plan.resolution * 1e3
    largest = 1.0 if first.waveform is None else max(first.waveform.values)
    for factor, refused in ((0.999, False), (1.001, True)):
        fast = dataclasses.replace(first, rate=most / largest * factor)
        found = problems(dataclasses.replace(plan, inputs=(fast, *others)))
        assert (f"inputs.{first.name}.rate" in found) == refused
    assert "cells draw at most 100" in found[f"inputs.{first.name}.rate"]
    device = dataclasses.replace(plan, inputs=(fast, *others), drive="device")
    assert f"inputs.{first.name}.rate" not in problems(device)


def test_delays_that_differ_in_rows(plan):
    where = f"projections.{plan.projections[0].name}.delay"
    longest = (MAX_ROW_DELAY + 1) * plan.resolution
    differs = dataclasses.replace(with_first(plan, delay=Uniform(1.0, longest)), max_delay=longest)
    assert "compact wiring keeps 65,535 steps" in problems(differs)[where]
    assert where not in problems(dataclasses.replace(differs, max_delay=MAX_ROW_DELAY * plan.resolution))
    assert where not in problems(dataclasses.replace(differs, wiring="nest"))
    assert where not in problems(dataclasses.replace(with_first(plan, delay=longest), max_delay=longest))


def test_kinds_of_synapses():
    experiment = load_experiment("lindahl2016/activation_control")
    name, one = next((name, p) for name, p in experiment.projections.items() if p.enabled)
    many = {f"{name}_{k}": one for k in range(limits.MAX_SYNAPSE_MODELS)}
    fits = experiment.model_copy(update={"projections": many})
    assert ("projections",) not in dict(limits.check_experiment(fits))
    beyond = experiment.model_copy(update={"projections": {**many, "one_more": one}})
    assert "421 projections; NEST has room for 420" in dict(limits.check_experiment(beyond))[("projections",)]
