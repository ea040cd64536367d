"""Wiring rules and distributions without a simulator: what is written, what it expects, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.errors import SpecError
from network.experiment import dump_experiment, load_experiment, near_pairs
from network.experiment.distributions import Clamped, LogNormal, TruncatedNormal, Uniform
from network.experiment.positions import BoxShape
from network.experiment.rules import AllToAll, Ends, FixedInDegree, FixedOutDegree, FixedTotalNumber, OneToOne
from network.experiment.rules.channels import Channels
from network.experiment.rules.distance import Distance
from network.experiment.space import (
    Box,
    Exponential,
    GeneralisedGaussian,
    Layout,
    Ring,
    Sphere,
    Table,
    Within,
    distances,
    farthest,
)
from network.experiment.streams import stream
from network.plans import make_plan, plan_from_dict


def projections(plan):
    return {p.name: p for p in plan.projections}


def problem(load, text, overrides=()):
    with pytest.raises(SpecError) as error:
        make_plan(load(text, overrides))
    (line,) = error.value.problems
    return line


def connected(text, rest=""):
    return f"projections: {{P_to_Q: {{connect: {text}{rest}}}}}\n"


# --- spellings -----------------------------------------------------------------------------------------------


def test_short_and_long_form_are_the_same_network(user):
    short = make_plan(user("projections: {P_to_Q: {in_degree: 12, in_degree_beta: -0.5}}\n", ["network.dopamine=0"]))
    long = make_plan(user(connected("{rule: fixed_in_degree, in_degree: 12, beta: -0.5}"), ["network.dopamine=0"]))
    assert projections(short)["P_to_Q"].rule == FixedInDegree(15)  # 12 (1 + 0.5 * 0.5)
    assert short.network_hash == long.network_hash


def test_an_overlay_changes_the_rule_and_back(user):
    plan = make_plan(user(connected("{rule: all_to_all}")))
    assert projections(plan)["P_to_Q"].rule == AllToAll()
    assert projections(plan)["P_to_Q"].n_synapses == 50 * 50
    again = make_plan(user(connected("{rule: all_to_all}"), ["projections.P_to_Q.in_degree=7"]))
    assert projections(again)["P_to_Q"].rule == FixedInDegree(7)


def test_old_spreads_are_uniform_distributions(user):
    old = make_plan(user("projections: {P_to_Q: {weight_spread: 0.25, delay_spread: 0.5}}\n"))
    new = make_plan(
        user(
            "projections: {P_to_Q: {weight: {distribution: uniform, mean: 2, spread: 0.25}, "
            "delay: {distribution: uniform, low: 0.85, high: 2.55}}}\n"
        )
    )
    assert projections(old)["P_to_Q"].weight == projections(new)["P_to_Q"].weight == Uniform(1.5, 2.5)
    assert old.network_hash == new.network_hash


def test_old_heterogeneity_and_initial_values_have_names_now(user):
    old = make_plan(user("simulation: {seed: 1}\n"))
    new = make_plan(
        user(
            "populations: {P: {heterogeneity: {C_m: {distribution: normal, sd_relative: 0.2, clamp_sd: 3}}, "
            "initial: {V_m: {distribution: uniform, relative_to: V_th, low: {value: -20, unit: mV}, "
            "high: {value: 0, unit: mV}}}}}\n"
        )
    )
    assert old.population("P").heterogeneity["C_m"] == Clamped(100.0, 20.0, 40.0, 160.0)
    assert old.population("P").initial["V_m"] == Uniform(-70.0, -50.0)
    assert old.network_hash == new.network_hash


def test_every_distribution_reaches_the_plan(user):
    plan = make_plan(
        user(
            "populations: {P: {heterogeneity: {C_m: {distribution: normal, sd_relative: 0.2, truncate_sd: 2}, "
            "g_L: {distribution: lognormal, sd: {value: 2, unit: nS}}}}}\n"
            "projections: {P_to_Q: {weight: {distribution: lognormal, mean: 2, sd_relative: 0.5, "
            "clamp: {high: 20}}, delay: {distribution: normal, mean: 2, sd: 1, truncate: {low: 1, high: 5}}}}\n"
        )
    )
    assert plan.population("P").heterogeneity == {
        "C_m": TruncatedNormal(100.0, 20.0, 60.0, 140.0),
        "g_L": LogNormal(10.0, 2.0, 0.0, None, "redraw"),
    }
    made = projections(plan)["P_to_Q"]
    assert made.weight == LogNormal(2.0, 1.0, 0.0, 20.0, "clamp")
    assert made.delay == TruncatedNormal(2.0, 1.0, 1.0, 5.0)
    assert (plan.min_delay, plan.max_delay) == (1.0, 5.0)
    assert plan_from_dict(plan.to_dict()) == plan


def test_what_is_written_out_is_read_back(user, tmp_path):
    experiment = user(
        "populations: {P: {positions: {shape: ring, radius: 100}}, Q: {positions: {shape: ring, radius: 100}}}\n"
        "projections: {P_to_Q: {weight: {distribution: lognormal, mean: 2, sd: 1}, connect: "
        "{rule: distance, kernel: {kind: gaussian, sd: 50}, probability: 0.5, velocity: {value: 0.4, unit: m/s}}}}\n"
    )
    (tmp_path / "again.yaml").write_text(dump_experiment(experiment))
    plan = make_plan(experiment)
    assert make_plan(load_experiment(tmp_path / "again.yaml")).network_hash == plan.network_hash
    assert plan_from_dict(plan.to_dict()) == plan
    assert projections(plan)["P_to_Q"].rule.velocity == 400.0  # um/ms
    # 1.7 ms, and half way round a ring of 628 um at 400 um/ms
    assert plan.max_delay == pytest.approx(1.7 + np.pi * 100 / 400, abs=0.06)


# --- refused in one sentence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (connected("{rule: fixed_indegree, in_degree: 3}"), "rule must be one of: fixed_in_degree, fixed_out_degree"),
        (connected("{in_degree: 3}"), "connect: rule is missing"),
        (connected("{rule: one_to_one, probability: 1}"), "unknown key"),
        (connected("{rule: one_to_one, autapses: false}"), "connect.autapses: stands beside 'connect'"),
        ("projections: {Q_to_Q: {weight: {low: 1, high: 2}}}\n", "distribution must be one of: uniform, normal"),
        (
            "projections: {Q_to_Q: {delay: {distribution: uniform, low: 1, high: 20000}}}\n",
            "delays up to 20000 ms; they may be 10000 ms long",
        ),
        (connected("{rule: pairwise_bernoulli, probability: 1.5}"), "1.5 must be at most 1"),
        (
            connected("{rule: pairwise_bernoulli, probability: 0.5}", ", multapses: true"),
            "at most one synapse per pair",
        ),
        (connected("{rule: fixed_out_degree, out_degree: 51}"), "51 of 50 target cells; set multapses: true"),
        (connected("{rule: fixed_total_number, number: 2501}"), "2501 of 2500 pairs of cells"),
        (
            connected("{rule: fixed_in_degree, in_degree: 3}", ", in_degree: 4"),
            "exactly one of 'in_degree' and 'connect'",
        ),
        (connected("{rule: fixed_in_degree, in_degree: 3}", ", in_degree_beta: 1"), "write beta and rounding into"),
        (connected("{rule: all_to_all}", ", within_action: true"), "not split into actions"),
        (
            connected("{rule: distance, kernel: {kind: box, radius: 5}, probability: 1}"),
            "both populations need 'positions'",
        ),
        (connected("{rule: distance, kernel: {kind: box, radius: 5}}"), "exactly one of 'probability' and 'in_degree'"),
        (connected("{rule: distance, kernel: {kind: cone, radius: 5}, probability: 1}"), "kind must be one of: expon"),
        ("populations: {P: {positions: {shape: cube, extent: 1}}}\n", "shape must be one of: box, sphere, ring"),
        ("populations: {P: {heterogeneity: {C_m: {distribution: normal, sd_relative: 0.1}}}}\n", "needs limits"),
        (
            "populations: {P: {heterogeneity: {E_L: {distribution: lognormal, sd_relative: 0.1}}}}\n",
            "needs a mean greater than 0, not -60 mV",
        ),
        (
            "projections: {Q_to_Q: {weight: {distribution: normal, mean: 1, sd: 1, clamp_sd: 3}}}\n",
            "values down to -2 nS would be drawn; they must be at least 0 nS",
        ),
        (
            "projections: {Q_to_Q: {weight: {distribution: gamma, mean: 1}}}\n",
            "distribution must be one of: uniform, normal, lognormal, from_file, not 'gamma'",
        ),
        (
            "projections: {Q_to_Q: {weight: {distribution: normal, sd: 1, clamp_sd: 1}}}\n",
            "'mean' is missing",
        ),
        (
            "projections: {Q_to_Q: {delay: {distribution: lognormal, mean: 2, sd: 1, truncate: {low: 0.5}}}}\n",
            "delays have no upper limit",
        ),
        (
            "projections: {Q_to_Q: {delay: {distribution: uniform, low: 0.01, high: 2}}}\n",
            "delays down to 0.01 ms are shorter than the resolution",
        ),
        (
            "projections: {Q_to_Q: {weight: {distribution: normal, mean: 1, sd: 0.1, truncate: {low: 2, high: 3}}}}\n",
            "of the distribution is within its limits",
        ),
        (
            "projections: {P_to_Q: {weight: {distribution: uniform, low: 1, high: 2}, weight_spread: 0.5}}\n",
            "weight is a distribution already",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(user, text, said):
    line = problem(user, text)
    assert said in line
    assert line.startswith("mine.yaml:") or "projections.P_to_Q: " in line  # what is about a whole projection


def test_one_to_one_needs_equal_sizes(user):
    line = problem(user, "populations: {Q: {n_anatomical: null, n_neurons: 20}}\n" + connected("{rule: one_to_one}"))
    assert "source and target must be of one size, not 100 and 20 cells" in line
    line = problem(user, "projections: {Q_to_Q: {connect: {rule: one_to_one}, autapses: false}}\n")
    assert "autapses only" in line


def test_a_space_is_one_space(user):
    text = (
        "populations:\n  P: {positions: {shape: box, extent: {value: [1], unit: mm}, periodic: true}}\n"
        "  Q: {positions: {shape: box, extent: {value: [1], unit: mm}}}\n"
    )
    wiring = connected("{rule: distance, kernel: {kind: box, radius: 5}, probability: 1}")
    assert "not periodic with 1000 um and open" in problem(user, text + wiring)
    few = "{rule: distance, kernel: {kind: box, radius: 1}, in_degree: 49}"
    assert "fewer than 49" in problem(user, text.replace("periodic: true", "periodic: false") + connected(few))


# --- what a rule expects, against counting -------------------------------------------------------------------


@pytest.mark.parametrize("autapses", [True, False])
@pytest.mark.parametrize("n_sets", [1, 3])
def test_pairs_are_counted_as_they_are(autapses, n_sets):
    ends = Ends(10, 10, same=True, autapses=autapses, n_sets=n_sets)
    allowed = {(i, j) for i in range(10) for j in range(10) if i % n_sets == j % n_sets and (autapses or i != j)}
    assert ends.n_pairs == AllToAll().expected(ends) == len(allowed)
    shares = FixedTotalNumber(20).parts(ends)
    assert sum(rule.number for rule, _ in shares) == 20
    found = set()
    for first, (rule, part) in enumerate(shares):
        source, target = rule.pairs(part, stream(1, "test"))
        found |= {(first + n_sets * int(i), first + n_sets * int(j)) for i, j in zip(source, target, strict=True)}
    assert len(found) == 20 and found <= allowed


def test_total_numbers_reach_every_pair_equally():
    ends, rng = Ends(4, 3, same=False), stream(2, "test")
    counts = np.zeros((4, 3))
    for _ in range(3000):
        source, target = FixedTotalNumber(5).pairs(ends, rng)
        counts[source, target] += 1
    expected = 3000 * 5 / 12
    assert np.all(abs(counts - expected) < 4.5 * np.sqrt(expected))


def test_degrees_that_are_certain():
    ends = Ends(7, 6, n_sets=2)
    assert OneToOne().problem(ends) and FixedOutDegree(4).problem(ends) and not FixedOutDegree(3).problem(ends)
    assert AllToAll().in_degrees(ends) == (3, 4)
    assert FixedOutDegree(3).out_degrees(ends) == (3, 3)


@pytest.mark.parametrize("multapses", [False, True])
def test_channels_draw_their_shares_of_distinct_sources(multapses):
    rule = Channels(9, 3, (1.0, 0.25))
    ends = Ends(31, 31, same=True, autapses=False, multapses=multapses)
    source, target = rule.pairs(ends, stream(1, "test"))
    assert set(np.bincount(target, minlength=31)) == {9} and np.all(np.diff(target) >= 0) and np.all(source != target)
    for cell in range(31):
        own = source[target == cell]
        assert np.bincount(own % 3, minlength=3).tolist() == rule.shares(cell % 3)
        assert multapses or len(set(own)) == 9
    assert rule.shares(0) == [7, 2, 0] and rule.shares(1) == [2, 6, 1]  # a tie goes to the first of both sides
    used = np.bincount(source, minlength=31)
    assert used.min() > 0  # no cell is left out


def test_channels_that_have_too_few_cells_say_so():
    rule = Channels(9, 3, (1.0, 0.25))
    assert rule.problem(Ends(18, 5)) == "7 of 6 source cells of a channel"
    assert rule.problem(Ends(18, 5, multapses=True)) is None
    assert rule.problem(Ends(2, 5)) == "3 channels of 2 cells"
    assert "must begin with that of the own channel" in Channels(9, 3, (0.0, 1.0)).problem(Ends(30, 30))


# --- space ---------------------------------------------------------------------------------------------------


def test_cells_fill_their_shapes():
    rng = stream(3, "test")
    ball = Sphere(10.0, (1.0, 2.0, 3.0)).place(4000, rng) - [1.0, 2.0, 3.0]
    radius = np.linalg.norm(ball, axis=1)
    assert radius.max() <= 10.0
    assert abs((radius < 5.0).mean() - 1 / 8) < 4 * np.sqrt(1 / 8 * 7 / 8 / 4000)
    box = Box((20.0, 10.0), (5.0, 0.0), False, False).place(1000, rng)
    assert np.all(box >= [-5, -5]) and np.all(box <= [15, 5])
    lattice = Box((20.0, 10.0), (0.0, 0.0), False, True).place(200, rng)
    between = np.sort(np.linalg.norm(lattice[:, None] - lattice[None], axis=2), axis=1)[:, 1]
    np.testing.assert_allclose(between, 1.0)
    np.testing.assert_allclose(np.diff(Ring(10.0, True).place(8, rng)[:, 0]), 20 * np.pi / 8)


def test_distance_takes_the_shorter_way_round():
    first, second = np.array([[1.0, 5.0]]), np.array([[99.0, 5.0]])
    assert distances(first, second, None) == [98.0]
    assert distances(first, second, (100.0, 100.0)) == [2.0]
    assert farthest(Ring(10.0, True), Ring(10.0, True)) == pytest.approx(10 * np.pi)
    apart = Box((2.0,), (0.0,), False, False), Box((2.0,), (10.0,), False, False)
    assert farthest(*apart) == 12.0


def layouts(shape, n_source, n_target, **modifiers):
    return Ends(
        n_source, n_target, source=Layout("P", shape, n_source, 1), target=Layout("Q", shape, n_target, 1), **modifiers
    )


@pytest.mark.parametrize(
    "kernel",
    [Exponential(20.0), GeneralisedGaussian(25.0, 3.0), Within(30.0), Table((0.0, 15.0, 50.0), (0.2, 1.0, 0.0))],
    ids=["exponential", "generalised", "box", "table"],
)
@pytest.mark.parametrize("shape", [Box((200.0, 100.0), (0.0, 0.0), True, False), Sphere(60.0, (0.0, 0.0, 0.0))])
def test_pairs_follow_the_kernel(kernel, shape, monkeypatch):
    """Numbers of pairs in rings of distance, against the sum of probabilities over all pairs."""
    monkeypatch.setattr(near_pairs, "PAIRS_PER_DISPLACEMENT", 100)  # a fine grid for few cells
    ends = layouts(shape, 300, 250)
    rule = Distance(kernel, 0.8, None, 40.0, None)
    source, target = rule.pairs(ends, stream(1, "wiring"))
    here, there = ends.source.positions(), ends.target.positions()
    every = distances(here[:, None], there[None, :], shape.periods)
    probability = np.where(every <= 40.0, 0.8 * kernel.at(every), 0.0)
    assert rule.expected(ends) == pytest.approx(probability.sum())
    made = every[source, target]
    for low in (0.0, 10.0, 20.0, 30.0):
        ring = (every >= low) & (every < low + 10.0)
        expected = probability[ring].sum()
        assert abs(((made >= low) & (made < low + 10.0)).sum() - expected) < 4.5 * np.sqrt(expected) + 1e-9
    assert made.max() <= 40.0
    assert len(set(zip(source.tolist(), target.tolist(), strict=True))) == len(source)


@pytest.mark.parametrize("shape", [Box((90.0, 50.0, 70.0), (0.0, 0.0, 5.0), False, False), Ring(20.0, False)])
@pytest.mark.parametrize("radius", [7.0, 40.0, 200.0])
def test_certain_pairs_are_all_pairs_within_reach(shape, radius, monkeypatch):
    """Boxes of space leave out no pair and make none twice, wherever the grid has its edges."""
    monkeypatch.setattr(near_pairs, "PAIRS_PER_DISPLACEMENT", 50)
    ends = layouts(shape, 130, 110)
    source, target = Distance(Within(radius), 1.0, None, None, None).pairs(ends, stream(1, "wiring"))
    every = distances(ends.source.positions()[:, None], ends.target.positions()[None], shape.periods)
    order = np.nonzero((every <= radius).T)
    np.testing.assert_array_equal(target, order[0])
    np.testing.assert_array_equal(source, order[1])


def test_an_estimated_number_of_synapses_says_how_sure_it_is():
    ends = layouts(Box((300.0, 300.0, 300.0), (0.0, 0.0, 0.0), False, False), 2000, 2000)
    rule = Distance(GeneralisedGaussian(80.0, 1.8), 0.3, None, 200.0, None)
    made = len(rule.pairs(ends, stream(1, "wiring"))[0])
    assert rule.variance(ends) > rule.expected(ends)  # cells at the faces have fewer sources; not all are looked at
    assert abs(made - rule.expected(ends)) < 4.0 * np.sqrt(rule.variance(ends))


def test_a_cube_of_a_density_grows_with_the_network():
    written = BoxShape(shape="box", density={"value": 80000, "unit": "1/mm3", "assumed": "example"})
    assert written.plain(80000).extent == pytest.approx((1000.0,) * 3)
    assert written.plain(10000).extent == pytest.approx((500.0,) * 3)
    with pytest.raises(ValueError, match="exactly one of 'extent' and 'density'"):
        BoxShape(shape="box")


def test_so_many_sources_by_distance_within_channels():
    shape = Ring(100.0, False)
    ends = dataclasses.replace(layouts(shape, 200, 200, same=True, autapses=False, n_sets=2), target=None)
    ends = dataclasses.replace(ends, target=ends.source)
    rule = Distance(Exponential(30.0), None, 6, None, 500.0)
    source, target = rule.pairs(ends, stream(1, "wiring"))
    assert set(np.bincount(target, minlength=200)) == {6}
    assert np.all(source % 2 == target % 2) and np.all(source != target)
    lag = rule.lag((source, target), ends)
    positions = ends.source.positions()
    np.testing.assert_allclose(lag, distances(positions[source], positions[target], shape.periods) / 500.0)
    assert lag.max() <= rule.longest_lag(ends) <= np.pi * 100.0 / 500.0 + 1e-12


# --- distributions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "mean", "sd", "low", "high"),
    [
        (Uniform(1.0, 3.0), 2.0, 2.0 / np.sqrt(12.0), 1.0, 3.0),
        # cut at one standard deviation on both sides: sd^2 = 1 - 2 phi(1) / (2 Phi(1) - 1)
        (TruncatedNormal(5.0, 1.0, 4.0, 6.0), 5.0, np.sqrt(1.0 - 2 * 0.241971 / 0.682689), 4.0, 6.0),
        (LogNormal(2.0, 1.0, 0.0, None, "redraw"), 2.0, 1.0, 0.0, np.inf),
    ],
    ids=["uniform", "truncated", "lognormal"],
)
def test_draws_have_the_mean_and_spread_that_is_said(drawn, mean, sd, low, high):
    values = drawn.draw(20_000, stream(4, "test"))
    assert abs(values.mean() - mean) < 4 * sd / np.sqrt(20_000)
    assert abs(values.std() / sd - 1.0) < 0.05
    assert values.min() >= low and values.max() <= high


def test_a_lognormal_distribution_within_limits():
    cut = LogNormal(2.0, 1.0, 1.0, 3.0, "redraw").draw(5000, stream(5, "test"))
    assert cut.min() >= 1.0 and cut.max() <= 3.0 and (cut == 1.0).sum() == 0
    piled = LogNormal(2.0, 1.0, 1.0, 3.0, "clamp").draw(5000, stream(5, "test"))
    assert (piled == 1.0).sum() > 100 and (piled == 3.0).sum() > 100
