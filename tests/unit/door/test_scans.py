"""A scan through the front door, on the mock engine: from axes to a table."""

from __future__ import annotations

import bgnest
import pytest


def test_a_scan_runs_and_is_a_table(tmp_path):
    mock = {"simulation.mock": {"rate": 10}}
    experiment = bgnest.load("lindahl2016/activation_control", changes=mock, n_neurons=10_000, t_presim=50, t_sim=200)
    scan = bgnest.scan(experiment, {"simulation.mock.rates.STN": [20, 60]}, folder=tmp_path / "scan")
    table = scan.run(cores=1, progress=False).table()
    stn = table[table["population"] == "STN"].set_index("STN")
    assert list(stn.index) == [20, 60] and stn["rate"].tolist() == pytest.approx([20, 60], rel=0.1)
    assert set(table["population"]) >= {"STN", "SNr", "GPe_TI"}
