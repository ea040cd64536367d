"""Rates of Chakravarty et al. (2022) at normal dopamine, and what SNr does after a cortical transient: one run."""

from __future__ import annotations

import pytest

from network.analysis.statistics import population_rate
from network.analysis.targets.judge import judge_run, run_targets
from network.engine.batch import run_all
from network.experiment import load_experiment

pytestmark = [pytest.mark.science, pytest.mark.nest, pytest.mark.nestml]

ONSET = 800.0  # ms


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    short = ["simulation.t_presim=300", "simulation.t_sim=550"]
    experiment = load_experiment("chakravarty2022/normal", ["transient"], short)
    return run_all({"normal": experiment}, tmp_path_factory.mktemp("transient"), threads=2)["normal"]


def test_rates_are_those_of_the_authors_log(run):
    judged = judge_run(run, run_targets(run)).judged
    assert set(judged["quantity"]) == {"rate"} and len(judged) == 7
    assert (judged["verdict"] == "pass").all(), judged


def test_snr_is_excited_silenced_and_excited_again(run):
    """Zones of the publication in a single trial: EE 7 to 11, EI 11 to 17, LE 17 to 26 ms; basal 30 spikes/s."""
    spikes = run.spikes("SNr")
    rates = {
        name: population_rate(spikes.times, spikes.n_neurons, ONSET + start, ONSET + stop, stop - start)[1][0]
        for name, start, stop in (("basal", -100.0, 0.0), ("EE", 7.0, 11.0), ("EI", 11.0, 17.0), ("LE", 17.0, 26.0))
    }
    assert rates["basal"] == pytest.approx(30.0, abs=4.0)
    assert rates["EE"] > 1.4 * rates["basal"]
    assert rates["EI"] < 0.5 * rates["basal"]
    assert rates["LE"] > 1.8 * rates["basal"]
