import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.spec import derive, units

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


def test_square_wave_starts_low_and_repeats():
    wave = derive.square_wave(0.975, 0.09, 20.0)
    assert wave.period == 50.0
    assert [wave.value(t) for t in (0.0, 24.9, 25.0, 49.9, 50.0, 1075.0)] == pytest.approx(
        [0.885, 0.885, 1.065, 1.065, 0.885, 1.065]
    )
    assert wave.mean(0.0, 1000.0) == pytest.approx(0.975)
    assert wave.mean(1000.0, 1012.5) == pytest.approx(0.885)


def test_square_wave_never_falls_below_zero():
    assert min(derive.square_wave(0.2, 0.5, 1.0).values) == 0.0


def test_sine_wave_follows_the_sine():
    wave = derive.sine_wave(1.0, 0.5, 10.0, phase=0.25)
    for t in (0.0, 13.0, 50.0, 77.7, 512.3):
        assert wave.value(t) == pytest.approx(1 + 0.5 * math.cos(2 * math.pi * t / 100.0), abs=0.5 * 6e-4)
    assert wave.mean(0.0, 300.0) == pytest.approx(1.0, abs=1e-12)


def test_a_sine_that_is_cut_is_zero_there_and_nowhere_else():
    """0.5 + sin(2 pi f t) is below 0 from 7/12 to 11/12 of a cycle; its mean is 0.5 (2/3) + cos(pi/6) / pi."""
    wave = derive.sine_wave(0.5, 1.0, 10.0)
    below = (100 * 7 / 12, 100 * 11 / 12)
    assert wave.mean(*below) == 0.0
    assert wave.value(below[0] - 0.01) > 0.0 and wave.value(below[1] + 0.01) > 0.0
    assert wave.mean(0.0, 100.0) == pytest.approx(1 / 3 + math.cos(math.pi / 6) / math.pi, abs=3e-4)


def test_single_and_repeated_pulse():
    once = derive.pulse_wave(0.975, 5.0, 907.0, 100.0)
    assert [once.value(t) for t in (0.0, 906.9, 907.0, 1006.9, 1007.0, 1e6)] == [0.975] + [
        0.975,
        4.875,
        4.875,
    ] + [0.975] * 2
    often = derive.pulse_wave(1.0, 2.0, 900.0, 100.0, period=1000.0)
    assert [often.value(t) for t in (899.0, 950.0, 1899.0, 1950.0, 2000.0)] == [1.0, 2.0, 1.0, 2.0, 1.0]
    with pytest.raises(ValueError, match="after its period"):
        derive.pulse_wave(1.0, 2.0, 950.0, 100.0, period=1000.0)


def test_piecewise_wave_interpolates_and_jumps():
    wave = derive.piecewise_wave(2.0, (100.0, 200.0, 200.0), (1.0, 2.0, 5.0))
    assert [wave.value(t) for t in (0.0, 100.0, 150.0, 199.999, 200.0, 900.0)] == pytest.approx(
        [2.0, 2.0, 3.0, 4.0, 10.0, 10.0], abs=1e-4
    )
    assert wave.mean(100.0, 200.0) == pytest.approx(3.0)
    assert wave.mean(0.0, 300.0) == pytest.approx((2.0 * 100 + 3.0 * 100 + 10.0 * 100) / 300)
    with pytest.raises(ValueError, match="backwards"):
        derive.piecewise_wave(1.0, (2.0, 1.0), (1.0, 1.0))


@given(
    st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 3.0)), min_size=1, max_size=6),
    st.floats(0.0, 500.0),
    st.floats(1.0, 300.0),
    st.booleans(),
)
def test_mean_of_a_waveform_is_the_integral(knots, start, length, periodic):
    times = [0.0, *sorted(t for t, _ in knots), 60.0]
    values = [1.0, *(v for _, v in knots), 0.5]
    wave = derive.piecewise_wave(1.0, tuple(times), tuple(values), 60.0 if periodic else None)
    n = 1500
    numeric = sum(wave.value(start + length * (i + 0.5) / n) for i in range(n)) / n
    # the midpoint rule is wrong by at most one cell per jump
    jumps = 3.0 * len(times) * (length / 60.0 + 2)
    assert wave.mean(start, start + length) == pytest.approx(numeric, abs=jumps / n + 1e-6)


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
