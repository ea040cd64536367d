"""Intervals hold as often as they say, and peaks of independent cells exceed their limit as rarely."""

from __future__ import annotations

import doctest
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from network.analysis import certainty, judge
from network.analysis.certainty import freedom, peak_limit, poisson_level, rate_interval
from network.analysis.spectra import rate_spectrum
from network.analysis.statistics import RATE_BIN
from network.analysis.targets.judge import TOO_SHORT, Judgement, above_chance
from network.analysis.targets.measures.rhythm import PeakRatio


def test_examples_in_the_documentation():
    assert doctest.testmod(certainty, extraglobs={"np": np}).failed == 0


def trains(rng, rate, n, t_stop):
    return np.sort(rng.uniform(0.0, t_stop, rng.poisson(rate * n * t_stop / 1000.0)))


def test_the_interval_of_a_rate_covers_it_as_often_as_it_says():
    rng, inside = np.random.default_rng(1), 0
    for _ in range(1000):
        low, high = rate_interval(trains(rng, 8.0, 20, 1000.0), 20, 0.0, 1000.0)
        inside += low <= 8.0 <= high
    assert 0.93 < inside / 1000 < 0.97


def test_a_common_rhythm_makes_the_interval_wider_and_a_short_recording_gives_none():
    rng = np.random.default_rng(2)
    free = trains(rng, 10.0, 50, 2000.0)
    together = np.concatenate([trains(rng, 60.0, 50, 300.0), 1500.0 + trains(rng, 4.0, 50, 500.0)])
    width = lambda times: np.diff(rate_interval(times, 50, 0.0, 2000.0))[0]  # noqa: E731
    assert width(together) > 5.0 * width(free)
    assert np.isnan(rate_interval(free, 50, 0.0, 199.0)).all()


@pytest.mark.parametrize("t_stop", [2000.0, 8000.0])
def test_one_spectrum_of_a_hundred_has_a_peak_by_chance(t_stop):
    rng, above, n = np.random.default_rng(3), 0, 400
    for _ in range(n):
        times = trains(rng, 20.0, 5, t_stop)
        frequencies, power = rate_spectrum(times, 5, 0.0, t_stop)
        shown = (frequencies > 0) & (frequencies <= 100.0)
        degrees = freedom(int(t_stop / RATE_BIN), 2 * (len(frequencies) - 1))
        above += power[shown].max() > poisson_level(len(times), 5, 0.0, t_stop) * peak_limit(degrees, int(shown.sum()))
    assert above / n < 0.03


def test_a_rhythm_is_above_the_limit():
    rng = np.random.default_rng(4)
    times = np.concatenate([trains(rng, 20.0, 5, 4000.0), np.repeat(np.arange(25.0, 4000.0, 50.0), 5)])
    frequencies, power = rate_spectrum(np.sort(times), 5, 0.0, 4000.0)
    limit = poisson_level(len(times), 5, 0.0, 4000.0) * peak_limit(freedom(1024, 256), 100)
    assert frequencies[1:][power[1:] > limit].tolist()[0] == pytest.approx(20.0, abs=1.1)


def table(rate, low, high):
    columns = {"n_neurons": [10], "rate": [rate], "rate_low": [low], "rate_high": [high], "cv": [0.5]}
    return pd.DataFrame(columns, index=["STN"])


@pytest.mark.parametrize(
    ("rate", "low", "high", "expected"),
    [
        (12.0, 11.0, 13.0, "pass"),
        (12.0, 5.0, 19.0, "too short"),  # inside by luck
        (16.0, 9.0, 23.0, "too short"),  # may be inside
        (60.0, 50.0, 70.0, "high"),  # far outside, however uncertain
        (16.0, 15.0, 17.0, "high"),
        (12.0, np.nan, np.nan, "too short"),
        (0.0, 0.0, 0.0, "low"),
    ],
)
def test_what_a_recording_does_not_fix_is_not_judged(rate, low, high, expected):
    assert judge(table(rate, low, high), {"STN": (10.5, 14.5)}).loc["STN", "verdict"] == expected


def test_a_verdict_of_a_short_recording_is_none():
    rows = judge(table(12.0, 2.0, 22.0), {"STN": (10.5, 14.5)}).assign(chance=np.nan)
    judgement = Judgement(rows, rows)
    assert judgement.outcome() == judgement.outcome(any_size=True) == TOO_SHORT
    assert "0 of 1 inside their bands: not judged: the recording is too short" in judgement.text()
    assert "95 % over time" in judgement.text() and "2.00 - 22.0" in judgement.text()


def test_what_chance_alone_would_put_above_a_band_is_not_judged():
    """Coherence of three windows is a third for cells that have nothing in common; the band may end below."""
    found = judge(
        {"A": 0.366, "B": 0.366, "C": 0.2, "D": 0.366}, dict.fromkeys("ABCD", (0.0, 0.3)), quantity="coherence"
    )
    told = above_chance(found.assign(chance=[0.333, 0.13, 0.333, np.nan]))["verdict"]
    assert told.to_dict() == {"A": "too short", "B": "high", "C": "pass", "D": "high"}


@pytest.mark.parametrize(
    ("n_bins", "n_windows"), [(100, 1), (256, 1), (383, 1), (384, 2), (511, 2), (512, 3), (1024, 7)]
)
def test_degrees_of_freedom_are_those_of_welch(n_bins, n_windows):
    """Percival and Walden (1993), equation 292b, for windows that overlap by half."""
    shared = sum((n_windows - lag) / n_windows / 36.0 for lag in [1] if n_windows > 1)
    assert freedom(n_bins, 256) == pytest.approx(2.0 * n_windows / (1.0 + 2.0 * shared))


def test_a_peak_is_looked_for_between_0_and_100_hz_and_its_chance_too():
    measure = PeakRatio()
    frequencies, power = np.array([0.0, 10.0, 100.0, 120.0]), np.array([90.0, 2.0, 3.0, 70.0])
    assert measure.of_spectrum(frequencies, power, None) == 3.0
    data = SimpleNamespace(spikes={"A": None}, window=(0.0, 900.0), spectrum=lambda name: (frequencies, power))
    degrees = freedom(round(900.0 / RATE_BIN), 6)
    assert measure.chance(data, "A") == pytest.approx(peak_limit(degrees, 2))
    assert np.isnan(measure.chance(data, "B"))
