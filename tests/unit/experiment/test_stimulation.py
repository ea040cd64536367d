"""Electrical stimulation: when its pulses come, what a plan makes of them, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.plans import make_plan, plan_from_dict
from network.plans.pulses import beside_pulses
from network.plans.summary import plan_summary

GIVEN = {
    "target": "STN",
    "frequency": {"value": 130, "unit": "Hz", "assumed": "t"},
    "width": {"value": 0.3, "unit": "ms", "assumed": "t"},
    "amplitude": {"value": 400, "unit": "pA", "assumed": "t"},
}


def plan(*overrides, **changes):
    given = f"stimulations.dbs={json.dumps({**GIVEN, **changes})}"
    return make_plan(load_experiment("lindahl2016/activation_depleted", overrides=[given, *overrides]))


def test_regular_pulses_keep_their_frequency_though_each_starts_with_a_step():
    made = plan(start=1000.0)
    (pulses,) = made.pulses
    exact = 1000.0 + np.arange(130) * 1000.0 / 130.0
    assert len(pulses.onsets) == 130
    np.testing.assert_allclose(pulses.onsets, exact, atol=0.05 + 1e-9)
    np.testing.assert_allclose(np.array(pulses.onsets) * 10, np.round(np.array(pulses.onsets) * 10), atol=1e-6)


def test_each_pulse_is_a_current_on_top_of_I_e_for_its_width():
    made = plan(start=1000.0, stop=1010.0)
    changes = [(s.time, s.params) for s in made.segments]
    on, off = {"STN": {"I_e": 406.0}}, {"STN": {"I_e": 6.0}}
    assert changes == [(1000.0, on), (1000.3, off), (1007.7, on), (1008.0, off)]


def test_irregular_intervals_have_the_mean_and_the_variation_that_were_asked_for():
    made = plan("simulation.t_sim=40000", frequency=100.0, cv=0.6)
    intervals = np.diff(made.pulses[0].onsets)
    assert intervals.min() > 0.3
    assert intervals.mean() == pytest.approx(10.0, rel=0.04)
    assert intervals.std() / intervals.mean() == pytest.approx(0.6, rel=0.05)
    assert plan("simulation.t_sim=40000", frequency=100.0, cv=0.6).pulses == made.pulses
    other = plan("simulation.t_sim=40000", "simulation.seed=2", frequency=100.0, cv=0.6)
    assert other.pulses[0].onsets != made.pulses[0].onsets


def test_a_summary_shows_other_changes_than_the_edges_of_pulses():
    ramp = (
        "network.dopamine_schedule={kind: steps, times: {value: [1000.3], unit: ms}, levels: {value: [0.5], unit: 1}}"
    )
    made = plan(ramp, start=1000.0)
    assert [segment.time for segment in beside_pulses(made)] == [1000.3]  # though a pulse ends there
    assert beside_pulses(plan(start=1000.0)) == []
    assert "change at" not in plan_summary(plan(start=1000.0))


def test_no_frequency_is_no_pulse_and_no_change():
    made = plan(frequency=0.0, axons={"probability": 1.0})
    assert made.pulses[0].onsets == () and made.segments == ()
    assert "dbs" in plan_summary(made)


def test_it_is_identity_of_the_simulation_and_survives_its_file():
    made, without = plan(axons={"probability": 0.5}), plan(enabled=False)
    assert made.network_hash == without.network_hash
    assert len({one.simulation_hash for one in (made, without, plan(), plan(axons={"probability": 1.0}))}) == 4
    assert plan_from_dict(made.to_dict()) == made
    assert not made.depends_on_split
    (line,) = (line for line in plan_summary(made).splitlines() if line.startswith("dbs"))
    assert line.split()[:6] == ["dbs", "STN", "260", "130", "0.3", "400"] and line.endswith("50 %")


@pytest.mark.parametrize(
    ("overrides", "changes", "message"),
    [
        (
            (),
            {"width": 0.06},
            r"width: 0\.06 ms is not a whole number of steps of 0\.1 ms; a pulse of 0\.1 ms and 0\.6 t",
        ),
        ((), {"width": 0.25}, r"a pulse of 0\.2 ms and 1\.25 times the amplitude"),
        ((), {"frequency": 3000.0}, r"frequency: 3000 Hz is a pulse every 0\.333333 ms, .* 0\.5 ms \(2000 Hz\)"),
        ((), {"frequency": -1.0}, "-1 Hz must be at least 0"),
        ((), {"target": "SNT"}, "no population 'SNT'; did you mean 'STN'"),
        ((), {"start": 100.0, "stop": 50.0}, "stop 50 ms is not after start 100 ms"),
        ((), {"start": 0.05}, "not a multiple of"),
        ((), {"port": "I_stim"}, "not a continuous port of aeif_stn"),
        ((), {"parameter": "g_L"}, "g_L of aeif_stn is in nS, not a current"),
        ((), {"axons": {"probability": 2.0}}, "must be at most 1"),
        ((), {"axons": {"share": 1.0}}, "keys: probability"),
        (("simulation.t_sim=60000",), {}, r"15860 changes of the current during the run; 10,000 are possible"),
        (("simulation.wiring=nest",), {"axons": {"probability": 1.0}}, r"NEST keeps STN_to_GPe_TI_N.*wiring 'nest'"),
        ((), {"target": "SNr", "axons": {"probability": 1.0}}, "no projection with spikes leaves SNr"),
    ],
)
def test_what_cannot_be_is_refused(overrides, changes, message):
    with pytest.raises(SpecError, match=message):
        plan(*overrides, **changes)
