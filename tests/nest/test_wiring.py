"""One small network with every wiring rule and distribution: what is made is what was written."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.audit import audit
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses
from network.experiment import load_experiment
from network.experiment.space import distances
from network.plans import make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

RULES = """
overlay_of: lindahl2016/activation_control
network: {n_neurons: 1000, actions: {n: 3, populations: [STN, GPe_TA]}}
populations:
  STN: {n_anatomical: null, n_neurons: 120, positions: {shape: box, extent: {value: [600], unit: um, assumed: a line}}}
  GPe_TA:
    n_anatomical: null
    n_neurons: 120
    positions: {shape: box, extent: {value: [600], unit: um, assumed: a line}, arrangement: even}
  SNr: {n_anatomical: null, n_neurons: 90, positions: {shape: ring, radius: 100}}
projections: {}
"""
PROJECTION = (
    "  {name}: {{source: {source}, target: {target}, receptor: {receptor}, weight: {weight}, delay: {delay}, {rest}}}\n"
)
NORMAL = "{distribution: normal, mean: 2, sd: 1, truncate: {low: 1, high: 4}}"
CLAMPED = "{distribution: normal, mean: 2, sd: 1, clamp_sd: 1}"
LOGNORMAL = "{distribution: lognormal, mean: 2, sd_relative: 0.5}"
PROJECTIONS = {
    # name: source, target, weight, delay, the rest
    "out": ("STN", "GPe_TA", LOGNORMAL, 1, "connect: {rule: fixed_out_degree, out_degree: 7}, within_action: true"),
    "total": ("STN", "STN", NORMAL, 1, "connect: {rule: fixed_total_number, number: 1000}, autapses: false"),
    "total_many": ("STN", "SNr", CLAMPED, 1, "connect: {rule: fixed_total_number, number: 20000}, multapses: true"),
    "bernoulli": ("STN", "SNr", 2, NORMAL, "connect: {rule: pairwise_bernoulli, probability: 0.3}"),
    "one": ("STN", "GPe_TA", "{distribution: uniform, mean: 2, spread: 0.5}", 1, "connect: {rule: one_to_one}"),
    "all": ("GPe_TA", "GPe_TA", 2, 1, "connect: {rule: all_to_all}, autapses: false, within_action: true"),
    "loops": (
        "STN",
        "GPe_TA",
        2,
        1,
        "connect: {rule: channels, in_degree: 16, channels: 3, ratios: {value: [1, 0.3, 0.1], unit: 1}}",
    ),
    "near": (
        "STN",
        "GPe_TA",
        2,
        1,
        "connect: {rule: distance, kernel: {kind: exponential, length: 100}, probability: 0.8, "
        "max_distance: 300, velocity: 200}",
    ),
    "ring": (
        "SNr",
        "SNr",
        NORMAL,
        CLAMPED,
        "connect: {rule: distance, kernel: {kind: gaussian, sd: 60}, in_degree: 8}, autapses: false",
    ),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Plan of a network with all rules."""
    path = tmp_path_factory.mktemp("wiring") / "rules.yaml"
    text = RULES.replace("projections: {}\n", "projections:\n  '*': null\n") + "".join(
        PROJECTION.format(
            name=name,
            source=source,
            target=target,
            receptor="ampa_stn" if target == "SNr" else "gaba_gpe",
            weight=weight,
            delay=delay,
            rest=rest,
        )
        for name, (source, target, weight, delay, rest) in PROJECTIONS.items()
    )
    path.write_text(text)
    return make_plan(load_experiment(path))


@pytest.fixture(scope="module", params=["compact", "nest"])
def made(request, module, written):
    """All synapses of every projection, by both ways of wiring."""
    plan = dataclasses.replace(written, wiring=request.param)
    kernel.reset(plan, module.path)
    network = build(plan, module)
    audit(network, n_cells=200)
    return {projection.name: synapses(network, projection) for projection in plan.projections}


def pairs(data):
    return set(zip(data.source.tolist(), data.target.tolist(), strict=True))


def test_out_degrees_are_fixed_within_channels(made):
    data = made["out"]
    assert set(np.bincount(data.source, minlength=120)) == {7}
    assert len(pairs(data)) == 840
    assert np.all(data.source % 3 == data.target % 3)
    assert len(set(np.bincount(data.target, minlength=120))) > 3  # in-degrees are left to chance


def test_channels_prefer_their_own_cells(made):
    data = made["loops"]
    assert set(np.bincount(data.target, minlength=120)) == {16} and len(pairs(data)) == 16 * 120
    found = np.zeros((3, 3), dtype=int)
    np.add.at(found, (data.target % 3, data.source % 3), 1)
    assert found.tolist() == [[480, 120, 40], [120, 400, 120], [40, 120, 480]]  # 40 cells each: 12, 3, 1 and 3, 10, 3


def test_total_numbers_are_exact_and_pairs_distinct_unless_asked(made):
    assert len(made["total"].source) == len(pairs(made["total"])) == 1000
    assert np.all(made["total"].source != made["total"].target)
    assert len(made["total_many"].source) == 20_000 > 120 * 90


def test_bernoulli_connects_its_share_of_all_pairs(made, written):
    n, pairs_of_cells = len(made["bernoulli"].source), 120 * 90
    planned = next(p for p in written.projections if p.name == "bernoulli").n_synapses
    assert planned == round(0.3 * pairs_of_cells)
    assert abs(n - planned) < 4 * np.sqrt(pairs_of_cells * 0.3 * 0.7)


def test_one_to_one_and_all_to_all(made):
    assert pairs(made["one"]) == {(i, i) for i in range(120)}
    assert pairs(made["all"]) == {(i, j) for i in range(120) for j in range(120) if i % 3 == j % 3 and i != j}


def test_probability_falls_with_distance_and_delays_grow(made, written):
    """p = 0.8 exp(-d / 100 um) up to 300 um, delay = 1 ms + d / (200 um/ms)."""
    data, plan = made["near"], next(p for p in written.projections if p.name == "near")
    ends = written.ends(plan)
    source, target = ends.source.positions(), ends.target.positions()
    every = np.abs(source[:, 0][:, None] - target[:, 0][None, :])
    own = distances(source[data.source], target[data.target], None)
    assert own.max() <= 300.0
    for low, high in ((0, 50), (50, 100), (100, 200), (200, 300)):
        among = every[(every >= low) & (every < high)]
        expected = (0.8 * np.exp(-among / 100.0)).sum()
        assert abs(((own >= low) & (own < high)).sum() - expected) < 4 * np.sqrt(expected)
    assert abs(data.delay - (1.0 + own / 200.0)).max() <= 0.05 + 1e-9  # on the grid of 0.1 ms
    assert plan.rule.longest_lag(ends) == pytest.approx(1.5)


def test_in_degrees_by_distance_on_a_ring(made, written):
    data, plan = made["ring"], next(p for p in written.projections if p.name == "ring")
    assert set(np.bincount(data.target, minlength=90)) == {8}
    assert len(pairs(data)) == 720 and np.all(data.source != data.target)
    ends = written.ends(plan)
    where = ends.source.positions()
    own = distances(where[data.source], where[data.target], ends.source.shape.periods)
    assert own.max() <= np.pi * 100.0  # half way round
    assert own.mean() < 100.0  # a quarter of the circumference, 157 um, if distance did not count


def test_weights_and_delays_follow_their_distributions(made):
    normal, clamped, log = made["total"].weight, made["total_many"].weight, made["out"].weight
    assert normal.min() >= 1.0 and normal.max() <= 4.0
    # mean of a normal distribution (2, 1) cut at 1 and 4: 2 + (phi(-1) - phi(2)) / (Phi(2) - Phi(-1))
    assert abs(normal.mean() - (2.0 + (0.24197 - 0.05399) / 0.81859)) < 4 * 0.75 / np.sqrt(normal.size)
    assert abs((clamped == 1.0).mean() - 0.15866) < 4 * np.sqrt(0.15866 * 0.84134 / clamped.size)
    assert abs(log.mean() - 2.0) < 4 * 1.0 / np.sqrt(log.size) and log.min() > 0.0
    assert abs(np.log(log).std() - np.sqrt(np.log(1.25))) < 4 * 0.47 / np.sqrt(2 * log.size)
    delay = made["bernoulli"].delay
    assert 1.0 <= delay.min() < 1.15 and 3.85 < delay.max() <= 4.0
    ring = made["ring"].delay
    assert ring.min() == 1.0 and ring.max() == 3.0


def test_rows_are_the_same_for_any_number_of_threads(module, written):
    """Every rule and distribution; of NEST's own wiring that is true only of the pairs that we list."""
    found = []
    for threads in (1, 2, 3):
        plan = dataclasses.replace(written, threads=threads, wiring="compact")
        kernel.reset(plan, module.path)
        network = build(plan, module)
        found.append([synapses(network, projection) for projection in plan.projections])
    for name in ("source", "target", "weight", "delay"):
        for one, *others in zip(*found, strict=True):
            for other in others:
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
