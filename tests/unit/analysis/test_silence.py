"""A population that should fire and does not is named in the output, the report and the record."""

from __future__ import annotations

import pytest

from network.analysis.targets.judge import judge_run, run_targets
from network.door import open_run
from network.door.reporting import run_report
from network.engine.run import run
from network.experiment import load_experiment

MOCK = ("network.n_neurons=10000", "simulation.t_presim=0", "simulation.mock={rate: 20, rates: {STN: 0, FSN: 0}}")


def silent_run(path, *changes):
    experiment = load_experiment("lindahl2016/activation_control", overrides=[*MOCK, *changes])
    return run(experiment, out=path)


def warnings(run):
    return [note for note in judge_run(run, run_targets(run), pairs=False).notes if note.startswith("warning")]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return silent_run(tmp_path_factory.mktemp("silence") / "run", "simulation.t_sim=600")


def test_a_silent_population_is_named_with_what_it_should_do(done):
    found = warnings(done)
    assert len(found) == 2
    (stn,) = (one for one in found if "STN" in one)
    assert stn.startswith("warning: STN did not fire once in 600 ms (") and "its rate should be 10.5 spikes/s" in stn
    assert any("FSN" in one for one in found)


def test_without_a_window_input_counts(done):
    found = [note for note in judge_run(done, None, pairs=False).notes if "did not fire" in note]
    assert any("STN" in one and "it has input" in one for one in found)
    assert not any("MSN" in one for one in found)  # these fire


def test_a_recording_that_is_too_short_says_nothing(tmp_path):
    assert not any("STN" in one for one in warnings(silent_run(tmp_path / "run", "simulation.t_sim=5")))


def test_cvs_of_few_intervals_are_not_judged(tmp_path, done):
    """Poisson trains, whose CV is 1: in 200 ms at 20 spikes/s it comes out at 0.7, as if it was that of a cell."""
    run = silent_run(tmp_path / "run", "simulation.t_sim=200")
    short = judge_run(run, run_targets(run), pairs=False).of("cv")
    assert (
        short.loc["SNr", "value"] < 0.8 and short.loc["SNr", "verdict"] == short.loc["GPe_TA", "verdict"] == "too short"
    )
    long = judge_run(done, run_targets(done), pairs=False).of("cv")
    assert long.loc["SNr", "value"] > 0.8 and long.loc["SNr", "verdict"] == "high"
    assert long.loc["STN", "verdict"] == "missing" and long.loc["MSN_D1", "verdict"] == "-"


def test_output_and_report_have_the_warning(done, bgnest):
    shown = bgnest("rates", done.path)
    assert "warning: STN did not fire once" in shown.stdout
    page = run_report(open_run(done.path), figures=False).read_text(encoding="utf-8")
    assert "warning: STN did not fire once in 600 ms" in page
