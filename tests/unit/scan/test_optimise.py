"""A study of runs: explodes, is interrupted, goes on, ends with a table and a figure; the mock engine plays them."""

from __future__ import annotations

import pandas as pd
import pytest

from network.runs.layout import run_status

FILE = """
optimise: lindahl2016/activation_control
set:
  network.n_neurons: 10000
  simulation.t_presim: 100
  simulation.t_sim: 200
  simulation.mock: {rate: 10, pace: 2}
  recording.traces: null
search:
  SNr: {path: simulation.mock.rates.SNr, distribution: {low: 10, high: 100}}
  TI: {path: simulation.mock.rates.GPe_TI_N, distribution: {low: 10, high: 1000, log: true}}
start: {SNr: 25, TI: 1000}
targets: {populations: [SNr, GPe_TI]}
trials: 3
"""


def test_a_study_survives_explosions_and_interrupts(bgnest, start_bgnest, tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / "study.yaml").write_text(FILE)
    out = tmp_path / "out"
    command = ["scan", "optimise", tmp_path / "study.yaml", "--out", out, "--workers", 2]
    process = start_bgnest(*command)
    first = process.stdout.readline()
    process.wait_until((out / "runs" / "trial-0002_activation_control" / "plan.json").exists)
    _, errors = process.interrupt()
    assert process.returncode == 130 and "Traceback" not in errors, errors
    assert first.startswith(("trial 0: exploded", "trial 1: distance"))
    before = pd.read_csv(out / "trials.csv")
    assert 1 <= len(before) < 3

    done = bgnest(*command)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out / "trials.csv").set_index("trial")
    assert len(table) == 3  # those of both calls; interrupted ones were done again under other numbers
    assert table["status"].to_dict() | {0: "exploded"} == table["status"].to_dict()
    before = before.set_index("trial")
    pd.testing.assert_frame_equal(table.loc[before.index, before.columns], before, check_dtype=False)
    good = table[table["status"] == "done"]
    assert good["distance"].min() >= 0 and good["activation_control rate SNr"].notna().all()
    best = good["distance"].idxmin()
    assert f"the best is number {best}" in done.stdout and (out / "trials.png").stat().st_size > 10_000
    assert run_status(out / "runs" / f"trial-{best:04d}_activation_control") == "complete"
    assert len(table[["SNr", "TI"]].drop_duplicates()) == 3  # no values twice

    again = bgnest(*command, "--trials", 3)
    assert again.returncode == 0 and "trial " not in again.stdout.split("\n")[0]
    (tmp_path / "study.yaml").write_text(FILE.replace("t_sim: 200", "t_sim: 300"))
    other = bgnest(*command)
    assert other.returncode == 1 and "of other parameters, targets or code" in other.stderr
