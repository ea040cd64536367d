import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.experiment import derive, units

# one hemisphere of the rat, in the order MSN D1, MSN D2, FSN, GPe TI (two subsets), GPe TA, STN, SNr
RAT = dict(zip("abcdefgh", (1325725, 1325725, 55820, 31023, 3447, 11490, 13560, 26320), strict=True))


@pytest.mark.parametrize(
    ("n", "sizes"),
    [
        (80_000, [37971, 37971, 1599, 889, 99, 329, 388, 754]),
        (20_000, [9493, 9493, 400, 222, 25, 82, 97, 188]),
        (10_000, [4746, 4746, 200, 111, 13, 41, 49, 94]),
        (5_000, [2373, 2373, 100, 56, 6, 21, 24, 47]),
    ],
)
def test_sizes_of_the_published_networks(n, sizes):
    assert list(derive.population_sizes(RAT, n).values()) == sizes


def test_missing_neurons_go_to_the_smallest_populations():
    # 10/3 each rounds to 3: one is missing, and all are equally small
    assert sum(derive.population_sizes({"a": 1, "b": 1, "c": 1}, 10).values()) == 10
    # 2.5 + 2.5 + 5 rounds to 3 + 3 + 5: one too many, taken from a small one
    assert derive.population_sizes({"a": 25, "b": 25, "c": 50}, 10) == {"a": 2, "b": 3, "c": 5}


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=10), st.integers(1, 100_000))
def test_sizes_always_add_up(counts, n):
    named = {str(i): count for i, count in enumerate(counts)}
    sizes = derive.population_sizes(named, n)
    assert sum(sizes.values()) == n
    assert min(sizes.values()) >= 0
    for name, count in named.items():
        assert abs(sizes[name] - count / math.fsum(counts) * n) <= 2


@pytest.mark.parametrize(("x", "rounded"), [(2.5, 3), (-2.5, -3), (0.5, 1), (0.49, 0), (1.5, 2), (18.92, 19)])
def test_halves_go_away_from_zero(x, rounded):
    assert derive.round_half_away(x) == rounded


@pytest.mark.parametrize(
    ("k", "beta", "depleted"),
    [
        (364, 0.8823529412, 107),
        (84, 0.8823529412, 25),
        (392, 0.8823529412, 115),
        (504, 0.8823529412, 148),
        (11, -0.9, 19),
    ],
)
def test_in_degrees_without_dopamine(k, beta, depleted):
    assert derive.modulated_in_degree(k, beta, 0.0) == k
    assert derive.modulated_in_degree(k, beta, -0.8) == depleted
    assert derive.modulated_in_degree(k, beta, -0.8, "down") in (depleted, depleted - 1)
    assert derive.modulated_in_degree(k, beta, 0.0, "down") == k


def test_positive_beta_makes_a_potential_more_negative_at_depletion():
    assert derive.modulated_parameter(-55.1, 0.181, -0.8) == pytest.approx(-63.07848)
    assert derive.modulated_parameter(-81.85, -0.0282, -0.8) == pytest.approx(-80.003464)
    assert derive.modulated_parameter(66.9, 0.45, -0.8) == pytest.approx(90.984)


def test_receptor_gain_at_depletion():
    assert derive.receptor_gain(1.04, -0.8) == pytest.approx(0.168)
    assert derive.receptor_gain(-1.153846154, -0.8) == pytest.approx(1.923077)


def test_published_beta_from_a_fold_change():
    # f is the value at alpha = 0 over the value at alpha = 1, reference level 0.8
    for f, beta in ((0.25, 0.8823529412), (2.6, -1.212121212), (2.5, -1.153846154), (1.6, -0.5357142857)):
        assert (1 - f) / (0.8 + 0.2 * f) == pytest.approx(beta)
        assert derive.receptor_gain(beta, -0.8) / derive.receptor_gain(beta, 0.2) == pytest.approx(f)


def test_in_degrees_that_fit():
    assert derive.fits(10, 10)
    assert not derive.fits(10, 9)
    assert not derive.fits(10, 10, same=True, autapses=False)
    assert derive.fits(10, 2, multapses=True)
    assert not derive.fits(1, 0, multapses=True)
    assert derive.fits(0, 0)


def test_smallest_network_works_from_there_on():
    n = derive.smallest_network(RAT, {"e": 10, "g": 30})
    for larger in [*range(n, n + 500), 20_000, 33_333]:
        sizes = derive.population_sizes(RAT, larger)
        assert sizes["e"] >= 10 and sizes["g"] >= 30
    below = derive.population_sizes(RAT, n - 1)
    assert below["e"] < 10 or below["g"] < 30


def test_delays_on_the_grid():
    assert derive.delay_range(1.0, 0.5, 0.1) == (0.5, 1.5)
    # halfway between two steps: the wider bound
    assert derive.delay_range(7.3, 0.5, 0.1) == (3.6, 11.0)
    assert derive.delay_range(0.05, 0.0, 0.1) == (0.1, 0.1)


@pytest.mark.parametrize(
    ("time", "whole"), [(0.3, True), (1000.0, True), (0.25, False), (0.05, False), (1e6 + 0.1, True)]
)
def test_multiples_of_the_step(time, whole):
    assert derive.is_multiple(time, 0.1) is whole


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1.5, "s", (1500.0, "ms")),
        (100.0, "us", (0.1, "ms")),
        (1.7, "us", (0.0017, "ms")),
        (0.1, "nF", (100.0, "pF")),
        (-0.0602, "V", (-60.2, "mV")),
        (2.0, "nS", (2.0, "nS")),
        (20.0, "Hz", (20.0, "Hz")),
    ],
)
def test_unit_conversion(value, unit, expected):
    assert units.convert(value, unit) == (pytest.approx(expected[0], rel=1e-15), expected[1])


def test_hertz_is_not_a_rate_of_spikes():
    assert not units.compatible("Hz", "spikes/s")
    assert "spikes/s" not in units.accepted("Hz")
    assert units.accepted("ms") == ["ms", "us", "s"]
