"""A cell that diverges ends a job of several ranks as it ends a run of one: with its name, and what was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from network.runs.layout import run_status
from network.runs.reader import Run

pytestmark = [pytest.mark.mpi, pytest.mark.nest]

WILD = Path(__file__).parents[1] / "nest" / "data" / "wild.yaml"


@pytest.mark.parametrize(("ranks", "threads"), [(2, 1), (2, 2)])
def test_the_cell_is_named_and_what_was_recorded_is_kept(bgnest, tmp_path, ranks, threads):
    out = tmp_path / "run"
    done = bgnest(
        "run", str(WILD), "--ranks", str(ranks), "--threads", str(threads), "--no-figures", "--quiet", "--out", str(out)
    )
    assert done.returncode == 3, done.stderr
    assert "cell 0 of wild is no longer finite in the step after 19" in done.stderr and "V_peak=1e+17" in done.stderr
    assert done.stderr.count("cell 0 of wild") == 1 and "Traceback" not in done.stderr and run_status(out) == "exploded"
    partial = Run.open(out, allow_incomplete=True)
    partial.verify()
    stopped = partial.record["stopped"]
    assert (stopped["population"], stopped["cell"]) == ("wild", 0) and stopped["states"]["V_m"] > 25.0
    assert partial.window[0] == 0.0 and 18.0 < partial.window[1] <= stopped["time"] < 20.0
    assert len(partial.spikes("calm").times) >= 20
