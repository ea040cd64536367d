"""Measures of cells whose responses are known: a leaky membrane, regular and adapting trains."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.errors import EngineError
from network.single import measures, protocol
from network.single.protocol import Range, Record, Steps, steady_rate

STEP = 1000.0
TIMES = np.arange(-499, 1301, dtype=float)
R, TAU, REST, I_TH = 0.2, 20.0, -70.0, 50.0  # GOhm, ms, mV, pA


def steps(currents, spikes=None, before=0.0) -> Steps:
    """Steps of a membrane that is nothing but a resistance and a capacitance."""
    currents = np.array(currents, dtype=float)
    inside = np.clip(TIMES, 0.0, None)[:, None]
    rise = R * (currents - before) * (1.0 - np.exp(-inside / TAU))
    fall = np.where(TIMES[:, None] > STEP, np.exp(-np.clip(TIMES - STEP, 0.0, None) / TAU)[:, None], 1.0)
    trains = tuple(np.array(train, dtype=float) for train in spikes or [[]] * len(currents))
    return Steps(np.full(len(currents), before), currents, TIMES, REST + R * before + rise * fall, trains, STEP)


def record(**parts) -> Record:
    found = {
        "range": Range(0.0, 40.0, 60.0, 200.0, 0.0, -150.0, -10.0),
        "rates": steps([40.0, 100.0, 200.0], [[], np.arange(50, 1000, 50), np.arange(10, 1000, 10)]),
        "fine": steps([40.0, 45.0, 55.0, 60.0], [[], [], [900.0], [500.0]]),
        "deep": steps([-150.0, -75.0]),
        "small": steps([-10.0]),
        "known": steps([100.0], [np.arange(50, 1000, 50)]),
        "own": steps([0.0]),
        **parts,
    }
    return Record(**found)


def values(one: Record) -> dict[str, float]:
    return {measure.name: measure.value for measure in measures.measures(one)}


def test_a_passive_membrane_is_measured_as_it_is():
    found = values(record())
    assert found["resting potential"] == pytest.approx(REST)
    assert found["input resistance"] == pytest.approx(1000.0 * R, rel=1e-6)
    assert found["time constant"] == pytest.approx(TAU, rel=2e-3)
    assert found["sag"] == 0.0
    assert found["rebound spikes"] == 0.0
    assert found["rebound depolarisation"] == pytest.approx(0.0, abs=1e-9)


def test_a_potential_that_drifts_has_no_resistance():
    """A slow current that has not settled moves it up, while the step pulls it down."""
    drifting = steps([-10.0])
    values_ = drifting.values + 0.02 * drifting.times[:, None]
    one = record(small=dataclasses.replace(drifting, values=values_))
    found = {measure.name: measure for measure in measures.measures(one)}
    for name in ("input resistance", "time constant"):
        assert np.isnan(found[name].value) and "still drifts, 8 mV in the 400 ms before" in found[name].how


def test_rheobase_lies_between_the_last_silent_and_the_first_firing_step():
    assert values(record())["rheobase"] == pytest.approx(50.0)
    silent = Range(0.0, None, None, 200.0, 0.0, -150.0, -10.0)
    assert np.isnan(values(record(range=silent, fine=steps([])))["rheobase"])


def test_rates_gain_and_adaptation():
    curve = measures.curve(record().rates)
    np.testing.assert_allclose(curve.steady, [0.0, 20.0, 100.0])
    np.testing.assert_allclose(curve.first[1:], [20.0, 100.0])
    assert np.isnan(curve.first[0])
    line = steps(np.arange(0, 60, 10), [np.arange(1, 1000, 1000 / rate) for rate in (5, 10, 20, 30, 40, 50)])
    assert measures.gain(measures.curve(line)).value == pytest.approx(1.0, rel=0.02)
    slowing = np.cumsum([50.0 + 10.0 * k for k in range(10)])
    assert measures.adaptation(steps([100.0], [slowing])).value == pytest.approx((140 - 60) / (140 + 60))


def test_a_rate_is_that_of_the_second_half_whatever_the_onset():
    one = steps([1.0], [[*np.arange(2, 40, 2), *np.arange(100, 1000, 100)]])
    assert steady_rate(one, 0) == pytest.approx(10.0)
    assert steady_rate(steps([1.0], [[20.0, 40.0]]), 0) == 0.0  # a cell that answers the onset alone
    assert steady_rate(steps([1.0], [[300.0, 900.0]]), 0) == pytest.approx(1000.0 / 600.0)


def test_bursts_are_counted():
    doublets = np.sort(np.concatenate([np.arange(50, 1000, 250), np.arange(60, 1000, 250)]))
    assert steady_rate(steps([1.0], [doublets]), 0) == pytest.approx(8.0)


def test_spikes_under_way_when_a_current_falls_are_of_before():
    down = steps([-50.0], [[-200.0, 3.0]], before=0.0)
    assert down.during(0).size == 0


def test_rebound_counts_what_is_beyond_the_own_rate():
    own = steps([0.0], [np.arange(50, 1000, 100)])
    deep = steps([-150.0, -75.0], [[STEP + 20.0, STEP + 40.0, STEP + 60.0, STEP + 400.0], []])
    found = values(record(own=own, deep=deep))
    assert found["rebound spikes"] == pytest.approx(3 - 10.0 * 0.2)
    assert found["rebound latency"] == pytest.approx(20.0)
    assert found["rate by itself"] == pytest.approx(10.0)
    assert np.isnan(found["resting potential"])
    assert found["CV of intervals"] == pytest.approx(0.0)


class Leaky:
    """Stands for NEST: a leaky cell that fires regularly above its threshold; refuses what is too strong."""

    def __init__(self, limit=np.inf, threshold=I_TH) -> None:
        self.limit, self.threshold, self.currents = limit, threshold, []

    def respond(self, make, name):
        course = make()
        first, current = (np.array(course.currents[k]) for k in (0, 1))
        if np.abs(current).max() > self.limit:
            raise EngineError("numerical instability")
        self.currents.append(current)
        times = np.arange(1.0, course.stop + 1.0)
        after = course.times[2] if len(course.times) > 2 else course.stop
        stimulus = np.where(((times > course.times[1]) & (times <= after))[:, None], current, first)
        values = np.empty((len(times), len(current)))
        state = REST + R * first
        for k, now in enumerate(stimulus):
            state = state + (REST + R * now - state) / TAU
            values[k] = np.minimum(state, REST + R * self.threshold)
        spikes = tuple(
            times[stimulus[:, c] > self.threshold][:: int(1000 / max(1.0, stimulus[:, c].max() - self.threshold))]
            for c in range(len(current))
        )
        return protocol.Responses(times, values, spikes)


def protocol_of(laboratory, own=0.0):
    return protocol.record(laboratory, lambda course, interval: course, own, 100.0, [80.0], step=600.0)


def test_the_protocol_finds_its_range():
    laboratory = Leaky()
    found = protocol_of(laboratory)
    assert found.range.silent < I_TH < found.range.firing
    assert found.range.top == pytest.approx(I_TH + 100.0, rel=0.2)
    assert found.range.small == pytest.approx(-10.0, rel=0.1)  # 2 mV
    assert found.range.deep == pytest.approx(-150.0, rel=0.1)  # 30 mV
    measured = values(found)
    assert measured["input resistance"] == pytest.approx(1000.0 * R, rel=0.01)
    assert measured["rheobase"] == pytest.approx(I_TH, rel=0.05)
    assert len(laboratory.currents) == 2  # the search has come far enough at once


def test_a_cell_that_bears_no_strong_currents_is_looked_at_as_far_as_it_does():
    laboratory = Leaky(limit=300.0, threshold=240.0)  # the rates ask for more than it bears
    found = protocol_of(laboratory)
    assert (found.range.silent, found.range.firing) == (128.0, 256.0)
    assert max(current.max() for current in laboratory.currents) == 256.0
    with pytest.raises(EngineError, match="instability"):
        protocol_of(Leaky(limit=1.0))
