"""The random numbers of compact wiring: degrees, weights and delays are distributed as planned, and independent.

All seeds are fixed, so no test fails by chance once it passes. Had they been drawn anew, each comparison would fail
wrongly with a probability of 1e-5, the whole file with about 1e-3.
"""

from __future__ import annotations

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses
from network.engine.nest.engine import NestSimulation
from network.experiment import load_experiment
from network.plans import make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
P_VALUE = 1e-5
N = {"STN": 400, "GPe_TA": 300, "SNr": 200}
UNIFORM, LATE = "{distribution: uniform, low: 1, high: 3}", "{distribution: uniform, low: 0.5, high: 8.5}"
LOGNORMAL = "{distribution: lognormal, mean: 2, sd_relative: 0.5}"
CLAMPED = "{distribution: normal, mean: 3, sd: 1, clamp_sd: 1.5}"
CUT = "{distribution: normal, mean: 2, sd: 1, truncate: {low: 1, high: 4}}"
PROJECTIONS = {
    # name: source, target, weight, delay, the rest
    "plain": ("STN", "GPe_TA", UNIFORM, LATE, "in_degree: 60"),
    "other": ("STN", "GPe_TA", LOGNORMAL, CLAMPED, "in_degree: 60"),
    "most": ("STN", "GPe_TA", CUT, UNIFORM, "in_degree: 370"),
    "self": ("GPe_TA", "GPe_TA", UNIFORM, 1, "in_degree: 50, autapses: false"),
    "again": ("STN", "SNr", UNIFORM, LATE, "in_degree: 90, multapses: true"),
    "out": ("STN", "SNr", UNIFORM, LATE, "connect: {rule: fixed_out_degree, out_degree: 40}"),
    "total": ("STN", "SNr", UNIFORM, LATE, "connect: {rule: fixed_total_number, number: 16000}"),
    "total_again": (
        "STN",
        "SNr",
        UNIFORM,
        LATE,
        "connect: {rule: fixed_total_number, number: 16000}, multapses: true",
    ),
    "chance": ("STN", "SNr", UNIFORM, LATE, "connect: {rule: pairwise_bernoulli, probability: 0.2}"),
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    path = tmp_path_factory.mktemp("random") / "random.yaml"
    sizes = "".join(f"  {name}: {{n_anatomical: null, n_neurons: {n}}}\n" for name, n in N.items())
    text = "".join(
        f"  {name}: {{source: {source}, target: {target}, receptor: {'ampa_stn' if target == 'SNr' else 'gaba_gpe'}, "
        f"weight: {weight}, delay: {delay}, {rest}}}\n"
        for name, (source, target, weight, delay, rest) in PROJECTIONS.items()
    )
    head = "overlay_of: lindahl2016/activation_control\nnetwork: {n_neurons: 300}\n"
    path.write_text(f"{head}populations:\n{sizes}projections:\n  '*': null\n{text}")
    return make_plan(load_experiment(path))


def wire(plan, module):
    kernel.reset(plan, module.path)
    network = build(plan, module)
    return {projection.name: synapses(network, projection) for projection in plan.projections}


@pytest.fixture(scope="module")
def made(plan, module):
    assert plan.wiring == "compact"
    return wire(plan, module)


def likely(p: float) -> None:
    """Neither too far from what was expected nor too near to it."""
    assert P_VALUE < p < 1.0 - P_VALUE


def scattered(degrees: np.ndarray, variance: float, *, fixed_sum: bool = True) -> None:
    """Degrees scatter around their mean as much as they should (chi-square)."""
    n = len(degrees)
    if fixed_sum:
        likely(stats.chi2.sf(((degrees - degrees.mean()) ** 2).sum() / (variance * n / (n - 1)), n - 1))
    else:
        likely(stats.chi2.sf(((degrees - degrees.mean()) ** 2).sum() / variance, n - 1))


def shares(n_targets: int, per_target: int, n_sources: int) -> float:
    """Variance of the number of targets of a source, of which each target takes so many different ones."""
    p = per_target / n_sources
    return n_targets * p * (1.0 - p)


def degrees(made, name):
    source, target = PROJECTIONS[name][:2]
    found = made[name]
    return np.bincount(found.source, minlength=N[source]), np.bincount(found.target, minlength=N[target])


@pytest.mark.parametrize(
    ("name", "per_target", "candidates"),
    [("plain", 60, 400), ("other", 60, 400), ("most", 370, 400), ("self", 50, 299)],
)
def test_out_degrees_of_a_fixed_in_degree(made, name, per_target, candidates):
    out, into = degrees(made, name)
    assert set(into) == {per_target}
    # a cell that is not its own source is left out of one of the draws
    n_targets = len(into) - (name == "self")
    scattered(out, shares(n_targets, per_target, candidates), fixed_sum=True)


def test_degrees_with_repetition_are_those_of_throws_of_a_die(made):
    out, into = degrees(made, "again")
    assert set(into) == {90}
    scattered(out, 200 * 90 / 400 * (1 - 1 / 400), fixed_sum=True)
    for one, n in zip(degrees(made, "total_again"), (400, 200), strict=True):
        assert one.sum() == 16_000
        scattered(one, 16_000 / n * (1 - 1 / n))


def test_degrees_of_the_other_rules(made):
    out, into = degrees(made, "out")
    assert set(out) == {40}
    scattered(into, shares(400, 40, 200))
    # so many of all pairs: hypergeometric
    every, drawn = 400 * 200, 16_000
    for one, share in zip(degrees(made, "total"), (200, 400), strict=True):
        assert one.sum() == drawn
        scattered(one, share * drawn / every * (1 - drawn / every) * (every - share) / (every - 1))
    for one, n in zip(degrees(made, "chance"), (200, 400), strict=True):
        scattered(one, n * 0.2 * 0.8, fixed_sum=False)
        likely(stats.binomtest(int(one.sum()), every, 0.2).pvalue)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_no_cell_is_preferred_for_its_number(made, name):
    """By the place in the population and by the last binary digits, of sources and of targets."""
    found = made[name]
    for cells, population in ((found.source, PROJECTIONS[name][0]), (found.target, PROJECTIONS[name][1])):
        for groups in (np.arange(N[population]) * 10 // N[population], np.arange(N[population]) % 16):
            expected = np.bincount(groups) / N[population] * len(found)
            observed = np.bincount(groups[cells])
            # without repetition they scatter less than in throws of a die: only too much would be wrong
            assert stats.chisquare(observed, expected).pvalue > P_VALUE


def test_weights_are_distributed_as_planned(made):
    s = np.sqrt(np.log(1.25))
    expected = {
        "plain": stats.uniform(1.0, 2.0),
        "out": stats.uniform(1.0, 2.0),
        "total": stats.uniform(1.0, 2.0),
        "chance": stats.uniform(1.0, 2.0),
        "other": stats.lognorm(s, scale=2.0 * np.exp(-s * s / 2.0)),
        "most": stats.truncnorm(-1.0, 2.0, loc=2.0),
    }
    for name, distribution in expected.items():
        likely(stats.kstest(made[name].weight, distribution.cdf).pvalue)


def test_delays_are_distributed_as_planned(made):
    """Numbers of each step, which takes what is nearest to it; of clamped ones the tails lie on the limits."""
    for name, distribution, low, high in (
        ("plain", stats.uniform(0.5, 8.0), 5, 85),
        ("out", stats.uniform(0.5, 8.0), 5, 85),
        ("most", stats.uniform(1.0, 2.0), 10, 30),
        ("other", stats.norm(3.0, 1.0), 15, 45),
    ):
        steps = np.round(made[name].delay / 0.1).astype(int)
        edges = np.concatenate([[-np.inf], (np.arange(low, high) + 0.5) * 0.1, [np.inf]])
        expected = np.diff(distribution.cdf(edges)) * len(steps)
        assert (steps.min(), steps.max()) == (low, high)
        likely(stats.chisquare(np.bincount(steps - low, minlength=high - low + 1), expected).pvalue)


def independent(first: np.ndarray, second: np.ndarray, bins: int = 8) -> None:
    """Two columns of numbers have nothing to do with each other (chi-square of a table of ranks)."""
    places = [np.argsort(np.argsort(one, kind="stable")) * bins // len(one) for one in (first, second)]
    table = np.bincount(places[0] * bins + places[1], minlength=bins * bins).reshape(bins, bins)
    likely(stats.chi2_contingency(table).pvalue)


@pytest.mark.parametrize("name", ["plain", "other", "most", "out", "total", "chance"])
def test_weights_delays_and_cells_are_independent(made, name):
    found = made[name]
    jitter = np.random.default_rng(1).random(len(found)) * 0.1  # steps are many equal numbers
    independent(found.weight, found.delay + jitter)
    independent(found.weight, found.source + jitter)
    independent(found.weight, found.target + jitter)
    independent(found.delay + jitter, found.source + jitter)
    for lag in (1, 2, 3):  # synapses beside each other, and those of neighbouring targets
        independent(found.weight[lag:], found.weight[:-lag])
        independent(found.delay[lag:] + jitter[lag:], found.delay[:-lag] + jitter[:-lag])


def test_targets_and_projections_share_no_random_numbers(made):
    """Of the k-th synapses of all targets, and of the same place in two projections."""
    weights = made["plain"].weight.reshape(300, 60)  # by target
    pairs = np.corrcoef(weights)[np.triu_indices(300, 1)]
    z = np.arctanh(pairs) * np.sqrt(60 - 3)
    likely(stats.kstest(z, "norm").pvalue)
    assert abs(z).max() < stats.norm.isf(P_VALUE / len(z))
    for one, other in combinations(("out", "total", "chance", "again"), 2):
        n = min(len(made[one]), len(made[other]))
        independent(made[one].weight[:n], made[other].weight[:n])
    # two projections of one in-degree between the same populations have pairs in common as chance has it
    chosen = [
        set(zip(made[name].source.tolist(), made[name].target.tolist(), strict=True)) for name in ("plain", "other")
    ]
    p = (60 / 400) ** 2
    likely(stats.binomtest(len(chosen[0] & chosen[1]), 400 * 300, p).pvalue)


def test_another_seed_has_nothing_in_common(plan, made, module):
    other = wire(dataclasses.replace(plan, seed=plan.seed + 1), module)
    for name, k in (("plain", 60), ("self", 50)):
        ours, theirs = made[name], other[name]
        independent(ours.weight, theirs.weight)
        n_source = N[PROJECTIONS[name][0]]
        chosen = [set((one.target * n_source + one.source).tolist()) for one in (ours, theirs)]
        likely(stats.binomtest(len(chosen[0] & chosen[1]), len(ours), k / (n_source - (name == "self"))).pvalue)


def test_cells_of_different_populations_share_no_drive(plan, module):
    """Counts per 0.5 ms of 60 cells of three models: Poisson, and no two trains have anything in common."""
    projections = tuple(p for p in plan.projections if p.name == "self")
    inputs = tuple(dataclasses.replace(i, rate=2000.0, waveform=None) for i in plan.inputs if i.target in N)
    nest = kernel.reset(plan, module.path)
    network = build(dataclasses.replace(plan, projections=projections, inputs=inputs, recorders=()), module)
    simulation = NestSimulation(network)
    assert {i.target for i in inputs} >= {"STN", "GPe_TA"}
    meter = nest.Create("multimeter", params={"interval": 0.5, "record_from": ["drive_count"]})
    for source in inputs:
        nest.Connect(meter, network.populations[source.target][:20], "all_to_all", {"delay": plan.min_delay})
    simulation.prepare()
    simulation.run(1000.0)
    simulation.cleanup()
    events = meter.events
    order = np.lexsort((events["times"], events["senders"]))
    counts = np.diff(np.asarray(events["drive_count"])[order].reshape(20 * len(inputs), -1), axis=1)
    counts = counts[:, 20:]  # nothing arrives before the delay is over
    n, steps = counts.shape
    likely(stats.chi2.sf(((counts - 1.0) ** 2).sum(), counts.size))  # the variance is the mean: 1 spike
    for lag in range(4):
        r = np.corrcoef(counts[:, : steps - lag], counts[:, lag:])[:n, n:]
        z = (r[np.triu_indices(n, 1)] if lag == 0 else r.ravel()) * np.sqrt(steps - lag)
        likely(stats.kstest(z, "norm").pvalue)
        assert abs(z).max() < stats.norm.isf(P_VALUE / z.size)
