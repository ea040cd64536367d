"""Zones of responses that are made up, and where a run has its transients."""

from __future__ import annotations

import types

import numpy as np
import pytest

from network.analysis.response import BASAL, BIN, LAST, _grown, _zones, analyse, run_onsets, trial_rates, zone_table
from network.analysis.targets.judge import judge_run, run_targets
from network.experiment import courses, dump_experiment, load_experiment
from network.plans import make_plan
from network.runs import RunFolder


def rates(course, n_trials=100, basal=30.0, sd=6.0, seed=1):
    """Trials whose mean follows ``course``: (bins, spikes/s) one after the other from the onset, then basal."""
    after = np.repeat([rate for _, rate in course], [bins for bins, _ in course])
    mean = np.concatenate([np.full(BASAL, basal), after, np.full(250 - len(after), basal)])
    return np.random.default_rng(seed).normal(mean, sd, (n_trials, len(mean)))


def test_four_zones_are_found_where_they_are():
    response = analyse(rates([(7, 30.0), (4, 65.0), (6, 5.0), (9, 80.0), (11, 22.0), (10, 33.0)]))
    table = zone_table(response)
    assert list(table.index) == ["EE", "EI", "LE", "LI"]
    assert table["latency"].tolist() == [7.0, 11.0, 17.0, 26.0]
    assert table["duration"].tolist() == [4.0, 6.0, 9.0, 11.0]
    assert table["area"].tolist() == pytest.approx([260.0, 30.0, 720.0, 242.0], abs=10.0)
    assert response.basal == pytest.approx(30.0, abs=0.5)
    assert response.times[BASAL] == 0.0


def test_excitation_alone_is_one_zone():
    assert list(analyse(rates([(8, 30.0), (20, 70.0)])).zones)[:1] == ["EE"]
    assert analyse(rates([(8, 30.0), (20, 70.0)])).zones["EE"].duration == pytest.approx(20.0, abs=1.0)


def test_the_first_excitation_counts_as_early():
    """The published rule has no latest time for it."""
    zones = analyse(rates([(11, 30.0), (6, 2.0), (9, 80.0), (10, 15.0)])).zones
    assert (zones["EE"].latency, zones["EI"].latency) == (17.0, 26.0)


def test_noise_has_no_early_zone():
    """Two bins in a row above three standard errors occur by chance in 2 of 10,000 responses."""
    found = [analyse(rates([(1, 30.0)], seed=seed)).zones for seed in range(50)]
    assert not any("EE" in zones for zones in found)


def test_spikes_are_counted_in_the_bin_in_which_they_happened():
    """NEST stamps a spike with the end of its step: 500.0 ms is before an onset at 500 ms."""
    counted = trial_rates([499.5, 500.0, 500.1, 501.0, 501.1, 1507.3], 2, [500.0, 1500.0], 120)
    assert counted.shape == (2, BASAL + 120)
    assert counted[0, BASAL - 1 : BASAL + 3].tolist() == [1000.0, 1000.0, 500.0, 0.0]
    assert counted[1, BASAL + 7] == 500.0 and counted[1].sum() == 500.0


def fake(*waveforms, stop=2000.0):
    inputs = [
        {"name": f"I{k}", "waveform": None if w is None else {"times": w.times, "values": w.values, "period": w.period}}
        for k, w in enumerate(waveforms)
    ]
    return types.SimpleNamespace(plan={"inputs": inputs, "t_presim": 500.0, "t_sim": stop - 500.0})


def test_onsets():
    train = courses.pulse_train(1.0, (20.0, 0.1), 200.0, 1.0, 1.0, 500.0)
    assert run_onsets(fake(None, train, train)).tolist() == [200.0, 700.0, 1200.0, 1700.0]
    assert run_onsets(fake(courses.pulse_wave(1.0, 3.0, 800.0, 5.0))).tolist() == [800.0]
    with pytest.raises(ValueError, match="no input changes"):
        run_onsets(fake(None, courses.pulse_wave(1.0, 1.0, 800.0, 5.0)))
    with pytest.raises(ValueError, match="different times: I0, I1"):
        run_onsets(fake(courses.pulse_wave(1.0, 3.0, 800.0, 5.0), train))


def make_run(folder, n_trials):
    """A run of the normal state whose SNr fires as published, without any network."""
    experiment = load_experiment("chakravarty2022/normal", ["trials"], [f"simulation.t_sim={500 * n_trials}"])
    plan = make_plan(experiment)
    rate = np.full(500, 30.0)  # spikes/s, in ms after the onset
    for first, bins, value in ((7, 4, 64.6), (11, 6, 6.0), (17, 9, 77.0), (26, 11, 25.0)):
        rate[first : first + bins] = value
    rng = np.random.default_rng(3)
    onsets = np.arange(200.0, 500.0 * (n_trials + 1), 500.0)
    counts = rng.poisson(rate * 754e-3, (len(onsets), 500))
    bins = (onsets[:, None] + np.arange(500))[counts > 0]
    times = np.repeat(bins, counts[counts > 0]) + rng.integers(1, 11, counts.sum()) * 0.1
    times = np.sort(times[(times > 500.0) & (times < 500.0 * (n_trials + 1))])
    with RunFolder.create(folder) as made:
        made.write_params(dump_experiment(experiment))
        made.write_plan(plan.to_dict())
        with made.spike_writer([p.name for p in plan.populations]) as writer:
            for p in plan.populations:
                mine = times if p.name == "SNr" else []
                writer.append(p.name, mine, rng.integers(0, p.n_neurons, len(mine)))
        return made.finish()


def test_the_verdict_judges_the_response(tmp_path):
    run = make_run(tmp_path / "run", 40)
    judged = judge_run(run, run_targets(run))
    assert all(len(judged.of(measure)) == 4 for measure in ("latency", "duration", "area"))
    latencies = judged.of("latency")
    assert (latencies["verdict"] == "pass").all()
    assert set(latencies.index) == {"SNr EE", "SNr EI", "SNr LE", "SNr LI"}
    assert judged.of("area")["value"]["SNr LE"] == pytest.approx(693.0, rel=0.05)


def test_too_few_trials_are_not_judged(tmp_path):
    run = make_run(tmp_path / "run", 5)
    judgement = judge_run(run, run_targets(run))
    assert judgement.of("latency").empty
    assert "the response of SNr is not judged: that needs 20 transients; recorded: 5" in judgement.text()


def test_z_is_that_of_the_mean_over_trials_against_the_basal_bins():
    """Exactly, so that the level of significance means what it says."""
    rng = np.random.default_rng(5)
    given = rng.normal(30.0, 8.0, (16, BASAL + 120))
    given[:, BASAL + 20 : BASAL + 30] += 40.0
    basal = given[:, :BASAL]
    expected = (given.mean(axis=0) - basal.mean()) / (basal.std(ddof=1) / 4.0)
    found = analyse(given)
    np.testing.assert_allclose(found.z, expected, rtol=1e-12)
    zone = found.zones["EE"]
    assert (zone.first, zone.latency) == (20, 20.0 * BIN) and zone.duration == (zone.last - 19) * BIN
    assert zone.area == pytest.approx(given.mean(axis=0)[BASAL + 20 : BASAL + zone.last + 1].sum())


def test_what_is_too_short_by_a_bin_is_refused():
    given = np.random.default_rng(1).normal(30.0, 3.0, (4, BASAL + LAST))
    analyse(given)
    with pytest.raises(ValueError, match="expected trials x at least"):
        analyse(given[:, :-1])


def zones_of(*parts):
    """Zones of a course of z that is given as (bins, value) from the onset on."""
    z = np.concatenate([np.full(bins, value, dtype=float) for bins, value in parts])
    return {name: (first, last) for name, first, last in _zones(z)}


def test_zones_by_the_rule_bin_by_bin():
    """Significant is |z| > 1.96; early excitation is above 3, late above 1; zones end before two opposite bins."""
    assert zones_of((7, 0.0), (4, 5.0), (6, -4.0), (9, 4.0), (11, -4.0), (73, 0.0)) == {
        "EE": (7, 10),
        "EI": (11, 16),
        "LE": (17, 25),
        "LI": (26, 36),
    }
    assert zones_of((7, 0.0), (4, 2.5), (99, 0.0)) == {"LE": (7, 10)}  # significant, but not above 3
    assert zones_of((7, 0.0), (4, 1.9), (99, 0.0)) == {}  # above 1, but not significant
    assert zones_of((7, 0.0), (1, 9.0), (102, 0.0)) == {}  # one bin alone
    assert zones_of((1, 9.0), (1, 9.0), (108, 0.0)) == {}  # before a signal can arrive
    assert zones_of((50, 0.0), (60, 5.0))["EE"] == (50, 109)  # to the end
    assert zones_of((7, 0.0), (4, 5.0), (1, -2.5), (1, 0.5), (6, -4.0), (91, 0.0))["EE"][0] == 7


def test_bins_between_zones_by_the_rule():
    """Early excitation ends before two bins without significance; it grows by one bin if a significant one follows."""
    early, between, low = (4, 5.0), (2, 0.0), (6, -4.0)
    assert zones_of((7, 0.0), early, between, (1, 2.5), low, (90, 0.0)) == {"EE": (7, 11), "EI": (14, 19)}
    assert zones_of((7, 0.0), early, between, (1, 0.0), low, (90, 0.0)) == {"EE": (7, 10), "EI": (14, 19)}
    # one negative bin, and no two without significance, do not end it
    assert zones_of((7, 0.0), (4, 5.0), (1, -1.0), (3, 5.0), (95, 0.0)) == {"EE": (7, 14)}


@pytest.mark.parametrize(("flags", "stop", "last"), [("1101", 4, 1), ("1101", 1, 0), ("1111", 3, 2), ("1111", 9, 3)])
def test_a_zone_grows_over_bins_of_its_sign_up_to_the_next(flags, stop, last):
    assert _grown(np.array([flag == "1" for flag in flags] + [False] * 9), 0, stop) == last
