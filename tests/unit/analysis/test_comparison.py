"""``bgnest verdict`` and ``compare`` on runs that are made up."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from network.analysis.comparison import parameter_differences, statistics
from network.cli.main import app
from network.experiment import dump_experiment, load_experiment
from network.plans import make_plan
from network.runs import RunFolder

SMALL = ("network.n_neurons=1000", "network.small_network=multapses", "simulation.t_sim=1000")


def make(folder, state, rates, *overrides):
    """A run whose cells fire regularly at given rates (spikes/s)."""
    experiment = load_experiment(f"lindahl2016/{state}", overrides=[*SMALL, *overrides])
    plan = make_plan(experiment)
    with RunFolder.create(folder) as made:
        made.write_params(dump_experiment(experiment))
        made.write_plan(plan.to_dict())
        with made.spike_writer([p.name for p in plan.populations]) as writer:
            for p in plan.populations:
                rate = rates.get(p.name.removesuffix("_N").removesuffix("_S"), 0.0)
                times = [1000.0 + (k + 0.5) * 1000.0 / rate for k in range(round(rate))] if rate else []
                spikes = sorted((t, i) for i in range(p.n_neurons) for t in times)
                writer.append(p.name, [t for t, _ in spikes], [i for _, i in spikes])
        return made.finish()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    control = make(folder / "control", "slow_wave_depleted", {"GPe_TI": 21.0, "GPe_TA": 9.0, "STN": 20.0})
    changed = make(
        folder / "changed", "slow_wave_depleted", {"GPe_TI": 42.0, "GPe_TA": 9.0}, "projections.STN_to_SNr.weight=5"
    )
    return control, changed


def test_only_what_differs_is_listed(runs):
    assert parameter_differences(*runs) == [("projections.STN_to_SNr.weight", "9.88 nS", "5 nS")]
    assert parameter_differences(runs[0], runs[0]) == []


def test_statistics_stand_side_by_side(runs):
    table = statistics(*runs)
    assert table.loc["GPe_TI", ["rate_A", "rate_B"]].tolist() == pytest.approx([21.0, 42.0])
    assert table.loc["STN", ["rate_A", "rate_B"]].tolist() == pytest.approx([20.0, 0.0])


def test_the_exit_code_is_the_verdict(runs):
    """This state has bands for TI, TA and STN only."""
    good, bad = (CliRunner().invoke(app, ["verdict", str(run.path)]) for run in runs)
    assert good.exit_code == 0 and "3 of 3 inside their bands: PASS" in good.output
    assert "unit pairs are not judged: that needs 3000 ms, 3 cycles; recorded: 1000 ms" in good.output
    assert bad.exit_code == 2 and "1 of 3 inside their bands: not judged at this size" in bad.output
    asked = CliRunner().invoke(app, ["verdict", str(runs[1].path), "--any-size"])
    assert asked.exit_code == 1 and "1 of 3 inside their bands: FAIL" in asked.output


def test_nothing_to_judge_has_a_code_of_its_own(tmp_path):
    run = make(tmp_path / "free", "dopamine_knockouts@intact", {"STN": 20.0})
    shown = CliRunner().invoke(app, ["verdict", str(run.path)])
    assert shown.exit_code == 2 and "no targets for this state" in shown.output and "--state STATE" in shown.output


def test_a_run_without_spikes_misses_all_targets(runs, tmp_path):
    run = make(tmp_path / "silent", "activation_control", {})
    (run.path / "spikes.h5").unlink()  # as if none had been recorded
    (run.path / "manifest.json").unlink()
    shown = CliRunner().invoke(app, ["rates", str(run.path), "--partial"], catch_exceptions=False)
    assert shown.exit_code == 0 and "there are no spikes" in shown.output
    assert "0 of 16 inside their bands: not judged at this size" in shown.output
    assert statistics(run, runs[0]).loc["STN", ["rate_A", "rate_B"]].isna().tolist() == [True, False]


def test_another_state_can_be_asked_for(runs):
    other = CliRunner().invoke(
        app, ["verdict", str(runs[0].path), "--state", "activation_control", "--no-pairs", "--any-size"]
    )
    assert other.exit_code == 1


def test_compare_prints_both_parts(runs):
    shown = CliRunner().invoke(app, ["compare", *(str(run.path) for run in runs)])
    assert shown.exit_code == 0
    assert "projections.STN_to_SNr.weight" in shown.output
    assert "2.00" in shown.output  # B / A of GPe TI
