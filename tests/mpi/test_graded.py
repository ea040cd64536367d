"""Graded synapses between ranks."""

from __future__ import annotations

from pathlib import Path

import pytest

from network.runs.reader import Run

pytestmark = [pytest.mark.mpi, pytest.mark.nest]
DATA = Path(__file__).parents[1] / "nest" / "data" / "graded"


def test_open_probabilities_reach_the_cells_of_other_ranks(bgnest, tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_MODELS", str(DATA))
    runs = []
    for ranks in ("1", "2"):
        out = tmp_path / ranks
        done = bgnest("run", str(DATA / "mixed.yaml"), "--ranks", ranks, "--quiet", "--no-figures", "--out", str(out))
        assert done.returncode == 0, done.stderr
        runs.append(Run.open(out))
    for variable in ("V_m", "s_glu", "s_gaba", "g_fast", "g_slow"):
        alone, split = (run.report("P", variable).values for run in runs)
        assert alone.shape == (999, 30) and (alone == split).all(), variable
    for current in ("I_fast", "I_slow", "I_exc", "I_syn"):  # sums over the cells of all ranks
        alone, split = (run.report("P", current, "lfp").values for run in runs)
        assert alone.shape == (999, 1) and (alone == split).all() and (alone != 0.0).any(), current
    alone, split = (run.spikes("P") for run in runs)
    assert alone.times.size > 5 and (alone.times == split.times).all() and (alone.node_ids == split.node_ids).all()
