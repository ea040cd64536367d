"""Rates of Chakravarty et al. (2022) at normal dopamine, and what SNr does after cortical transients: one run."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis.statistics import population_rate
from network.analysis.targets.judge import judge_run, run_targets
from network.engine.batch import run_all
from network.experiment import load_experiment

pytestmark = [pytest.mark.science, pytest.mark.nest, pytest.mark.nestml]

ONSETS = 700.0 + 500.0 * np.arange(4)  # ms


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    short = ["simulation.t_presim=500", "simulation.t_sim=2000"]
    experiment = load_experiment("chakravarty2022/normal", ["trials"], short)
    return run_all({"normal": experiment}, tmp_path_factory.mktemp("transient"), threads=2)["normal"]


def test_rates_are_those_of_the_authors_log(run):
    judged = judge_run(run, run_targets(run)).judged
    assert set(judged["quantity"]) == {"rate"} and len(judged) == 7
    assert (judged["verdict"] == "pass").all(), judged


def test_snr_is_excited_silenced_and_excited_again(run):
    """Zones of the publication, mean of four trials: EE 7 to 11, EI 11 to 17, LE 17 to 26 ms; basal 30 spikes/s.

    SNr has 26 cells: a rate over 4 ms of a single trial rests on three spikes.
    """
    spikes = run.spikes("SNr")
    rates = {
        name: np.mean(
            [
                population_rate(spikes.times, spikes.n_neurons, onset + start, onset + stop, stop - start)[1][0]
                for onset in ONSETS
            ]
        )
        for name, start, stop in (("basal", -100.0, 0.0), ("EE", 7.0, 11.0), ("EI", 11.0, 17.0), ("LE", 17.0, 26.0))
    }
    assert rates["basal"] == pytest.approx(30.0, abs=4.0)
    assert rates["EE"] > 1.4 * rates["basal"]
    assert rates["EI"] < 0.5 * rates["basal"]
    assert rates["LE"] > 1.8 * rates["basal"]
