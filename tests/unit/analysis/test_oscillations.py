"""Tables of oscillations and the verdict on a run, against signals whose answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.analysis.certainty import freedom, peak_limit, poisson_level
from network.analysis.oscillations import BETA, analyse_pairs, oscillation_table, pair_table
from network.analysis.spectra import rate_spectrum
from network.analysis.statistics import RATE_BIN
from network.analysis.targets.judge import judge_run
from network.analysis.targets.windows import load_targets
from network.experiment.presentation import load_presentation
from network.runs import RunFolder, Spikes

SLOW = load_presentation("lindahl2016").bands["slow"]
SHIFT = 120.0  # degrees by which B lags behind A


def modulated(n, rate, depth, frequency, shift, t_stop, seed):
    """Poisson cells whose rate follows 1 + depth cos(2 pi f t - shift), by thinning."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(rate * (1 + depth) * n * t_stop / 1000.0)
    times, ids = rng.uniform(0.0, t_stop, count), rng.integers(n, size=count)
    course = 1 + depth * np.cos(2 * np.pi * frequency * times / 1000.0 - np.radians(shift))
    kept = rng.uniform(0, 1 + depth, count) < course
    order = np.argsort(times[kept])
    return Spikes(times[kept][order], ids[kept][order].astype(np.uint64), n)


@pytest.fixture(scope="module")
def rhythm():
    return {
        "A": modulated(40, 40.0, 1.0, 20.0, 0.0, 6000.0, 1),
        "B": modulated(40, 40.0, 1.0, 20.0, SHIFT, 6000.0, 2),
        "none": modulated(40, 40.0, 0.0, 20.0, 0.0, 6000.0, 3),
    }


def test_phase_and_its_sign(rhythm):
    pairs = [("A", "B"), ("B", "A"), ("A", "A"), ("A", "none")]
    table = pair_table(analyse_pairs(rhythm, 0.0, 6000.0, BETA, pairs, n_coherence=300))
    # A leads B by a third of a cycle; half of a degree per standard error, the limit is generous
    assert table.loc["A/B", "phase"] == pytest.approx(SHIFT, abs=6.0)
    assert table.loc["B/A", "phase"] == pytest.approx(-SHIFT, abs=6.0)
    assert table.loc["A/A", "phase"] < 6.0
    assert table.loc["A/B", "resultant"] > 0.2
    assert table.loc["A/none", "resultant"] < 3.0 * table.loc["A/none", "resultant_chance"] < 0.1
    assert table.loc["A/none", "coherence"] < 2.0 * table.loc["A/none", "chance"]
    assert table.loc["A/B", "coherence"] > 2.0 * table.loc["A/none", "coherence"]


def test_pairs_that_cannot_be_analysed_are_left_out(rhythm):
    silent = Spikes(np.empty(0), np.empty(0, dtype=np.uint64), 5)
    found = analyse_pairs({**rhythm, "silent": silent}, 0.0, 6000.0, BETA, [("A", "silent"), ("A", "unknown")])
    assert found == {}
    assert list(pair_table(found).columns)[-2:] == ["resultant", "resultant_chance"]


def test_a_recording_shorter_than_two_windows_has_phases_but_no_coherence(rhythm):
    ((_, result),) = analyse_pairs(rhythm, 0.0, 6000.0, SLOW, [("A", "B")], n_phase=50).items()
    assert result.coherence is None


def test_modulation_and_indices(rhythm):
    table = oscillation_table(rhythm, 0.0, 6000.0, BETA, upper=32.0)
    # 40 cells, 6 s, 40 spikes/s: chance of 2 |FT| / mean is 2 / sqrt(9600) = 0.02
    assert table.loc["A", "modulation"] == pytest.approx(1.0, abs=0.05)
    assert table.loc["none", "modulation"] < 0.08
    assert table.loc["A", "oscillation"] > 0.9
    assert table.loc["A", "peak"] == pytest.approx(20.0)
    assert table.loc["none", "oscillation"] == pytest.approx(11 / 33, abs=0.2)
    # variance over mean of 40 (1 + cos): 20 spikes/s, less 2 % for bins of 3.9 ms; Poisson noise adds to both
    assert table.loc["A", "synchrony"] - table.loc["none", "synchrony"] == pytest.approx(19.6, abs=2.0)


def test_beyond_chance_is_the_peak_over_what_independent_cells_reach(rhythm):
    table = oscillation_table(rhythm, 0.0, 6000.0, BETA, upper=32.0)
    for name, train in rhythm.items():
        frequencies, power = rate_spectrum(train.times, train.n_neurons, 0.0, 6000.0)
        degrees = freedom(round(6000.0 / RATE_BIN), 2 * len(frequencies) - 2)
        chance = poisson_level(len(train.times), train.n_neurons, 0.0, 6000.0) * peak_limit(
            degrees, len(frequencies) - 1
        )
        assert table.loc[name, "beyond_chance"] == pytest.approx(power[1:].max() / chance, rel=0.02)


@pytest.fixture(scope="module")
def depleted_run(tmp_path_factory):
    """A made-up run with the phase pattern of the depleted state: TI against TA and STN."""
    sizes = {"GPe_TI_N": 40, "GPe_TI_S": 10, "GPe_TA": 30, "STN": 30}
    rates = {"GPe_TI_N": 16.0, "GPe_TI_S": 16.0, "GPe_TA": 22.0, "STN": 29.5}
    shifts = {"GPe_TI_N": 0.0, "GPe_TI_S": 0.0, "GPe_TA": 180.0, "STN": 180.0}
    first, populations = 0, []
    for name, n in sizes.items():
        populations.append({"name": name, "model": "aeif_gpe", "n_neurons": n, "first_id": first})
        first += n
    plan = {"name": "x", "seed": 1, "t_presim": 0.0, "t_sim": 4000.0, "populations": populations}
    plan["groups"] = {"GPe_TI": ["GPe_TI_N", "GPe_TI_S"], "GPe": ["GPe_TI_N", "GPe_TI_S", "GPe_TA"]}
    with RunFolder.create(tmp_path_factory.mktemp("runs") / "depleted") as folder:
        folder.write_plan(plan)
        with folder.spike_writer(list(sizes)) as writer:
            for k, name in enumerate(sizes):
                train = modulated(sizes[name], rates[name], 1.0, 20.0, shifts[name], 4000.0, k)
                writer.append(name, train.times, train.node_ids)
        return folder.finish()


def test_the_verdict_sees_phases(depleted_run):
    targets = load_targets("lindahl2016", "activation_depleted")
    judged = judge_run(depleted_run, targets)
    phases = judged.of("phase")["verdict"].to_dict()
    assert set(phases.values()) == {"pass"} and len(phases) == 5
    assert judged.rates.loc["GPe_TA", "verdict"] == "pass"
    assert judged.rates.loc["SNr", "verdict"] == "missing"
    assert not judged.passed
    assert judged.text().endswith("not judged at this size") and judged.text(any_size=True).endswith("FAIL")


def test_opposite_phases_fail(depleted_run):
    targets = load_targets("lindahl2016", "activation_depleted")
    swapped = {**targets.windows, "phase": {"GPe_TI/GPe_TA": (0.0, 45.0)}}
    judged = judge_run(depleted_run, dataclasses.replace(targets, windows=swapped))
    row = judged.of("phase").loc["GPe_TI/GPe_TA"]
    assert row["verdict"] == "high" and row["value"] == pytest.approx(180.0, abs=15.0)


def test_nothing_to_judge_is_no_pass(depleted_run):
    assert not judge_run(depleted_run, None).passed
