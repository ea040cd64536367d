"""Courses over time against values written out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.experiment import courses


def test_square_wave_starts_low_and_repeats():
    wave = courses.square_wave(0.975, 0.09, 20.0)
    assert wave.period == 50.0
    assert [wave.value(t) for t in (0.0, 24.9, 25.0, 49.9, 50.0, 1075.0)] == pytest.approx(
        [0.885, 0.885, 1.065, 1.065, 0.885, 1.065]
    )
    assert wave.mean(0.0, 1000.0) == pytest.approx(0.975)
    assert wave.mean(1000.0, 1012.5) == pytest.approx(0.885)


def test_square_wave_never_falls_below_zero():
    assert min(courses.square_wave(0.2, 0.5, 1.0).values) == 0.0


def test_sine_wave_follows_the_sine():
    wave = courses.sine_wave(1.0, 0.5, 10.0, phase=0.25)
    for t in (0.0, 13.0, 50.0, 77.7, 512.3):
        assert wave.value(t) == pytest.approx(1 + 0.5 * math.cos(2 * math.pi * t / 100.0), abs=0.5 * 6e-4)
    assert wave.mean(0.0, 300.0) == pytest.approx(1.0, abs=1e-12)


def test_a_sine_that_is_cut_is_zero_there_and_nowhere_else():
    """0.5 + sin(2 pi f t) is below 0 from 7/12 to 11/12 of a cycle; its mean is 0.5 (2/3) + cos(pi/6) / pi."""
    wave = courses.sine_wave(0.5, 1.0, 10.0)
    below = (100 * 7 / 12, 100 * 11 / 12)
    assert wave.mean(*below) == 0.0
    assert wave.value(below[0] - 0.01) > 0.0 and wave.value(below[1] + 0.01) > 0.0
    assert wave.mean(0.0, 100.0) == pytest.approx(1 / 3 + math.cos(math.pi / 6) / math.pi, abs=3e-4)


def test_single_and_repeated_pulse():
    once = courses.pulse_wave(0.975, 5.0, 907.0, 100.0)
    assert [once.value(t) for t in (0.0, 906.9, 907.0, 1006.9, 1007.0, 1e6)] == [0.975] + [
        0.975,
        4.875,
        4.875,
    ] + [0.975] * 2
    often = courses.pulse_wave(1.0, 2.0, 900.0, 100.0, period=1000.0)
    assert [often.value(t) for t in (899.0, 950.0, 1899.0, 1950.0, 2000.0)] == [1.0, 2.0, 1.0, 2.0, 1.0]
    with pytest.raises(ValueError, match="after its period"):
        courses.pulse_wave(1.0, 2.0, 950.0, 100.0, period=1000.0)


def test_piecewise_wave_interpolates_and_jumps():
    wave = courses.piecewise_wave(2.0, (100.0, 200.0, 200.0), (1.0, 2.0, 5.0))
    assert [wave.value(t) for t in (0.0, 100.0, 150.0, 199.999, 200.0, 900.0)] == pytest.approx(
        [2.0, 2.0, 3.0, 4.0, 10.0, 10.0], abs=1e-4
    )
    assert wave.mean(100.0, 200.0) == pytest.approx(3.0)
    assert wave.mean(0.0, 300.0) == pytest.approx((2.0 * 100 + 3.0 * 100 + 10.0 * 100) / 300)
    with pytest.raises(ValueError, match="backwards"):
        courses.piecewise_wave(1.0, (2.0, 1.0), (1.0, 1.0))


@given(
    st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 3.0)), min_size=1, max_size=6),
    st.floats(0.0, 500.0),
    st.floats(1.0, 300.0),
    st.booleans(),
)
def test_mean_of_a_waveform_is_the_integral(knots, start, length, periodic):
    times = [0.0, *sorted(t for t, _ in knots), 60.0]
    values = [1.0, *(v for _, v in knots), 0.5]
    wave = courses.piecewise_wave(1.0, tuple(times), tuple(values), 60.0 if periodic else None)
    n = 1500
    numeric = sum(wave.value(start + length * (i + 0.5) / n) for i in range(n)) / n
    # the midpoint rule is wrong by at most one cell per jump
    jumps = 3.0 * len(times) * (length / 60.0 + 2)
    assert wave.mean(start, start + length) == pytest.approx(numeric, abs=jumps / n + 1e-6)
