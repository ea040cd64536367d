"""Memory does not grow with the length of a run, whatever is recorded."""

from __future__ import annotations

import numpy as np
import pytest

from network.runs.reader import Run

pytestmark = [pytest.mark.mpi, pytest.mark.nest]

# Records V_m of every cell at every step: 3,000 samples/ms, 72 kB/ms if they were kept. The readout is made frequent
# so that a short run has many of them.
RECORD_ALL = """
from network.engine import session as simulate
simulate.MAX_SAMPLES = 60_000
"""


def test_recording_every_state_of_every_cell_does_not_fill_the_memory(mpirun, script, tmp_path):
    experiment = tmp_path / "record_all.yaml"
    populations = ("MSN_D1", "MSN_D2", "FSN", "GPe_TI_N", "GPe_TI_S", "GPe_TA", "STN", "SNr")
    traces = "\n".join(
        f"    {name}: {{population: {name}, cells: 1000, variables: [V_m], interval: {{value: 0.1, unit: ms}}}}"
        for name in populations
    )
    experiment.write_text(f"overlay_of: lindahl2016/activation_control\nrecording:\n  traces:\n{traces}\n")
    options = ["--n-neurons", "300", "--set", "network.small_network=multapses", "--quiet", "--no-figures"]
    options += ["--t-presim", "20", "--t-sim", "4500", "--out", str(tmp_path / "run")]
    done = mpirun(2, script(RECORD_ALL), "run", str(experiment), *options)
    assert done.returncode == 0, done.stderr
    run = Run.open(tmp_path / "run")
    assert sum(run.report(name, "V_m").values.shape[1] for name in populations) == 300
    for rank in run.timers["ranks"]:
        times, held = np.array(rank["memory_over_time"]).T
        assert len(times) >= 100 and times[-1] > 4400.0
        late = times > 3200.0  # HDF5 has filled its buffers by then
        # bytes per ms of biological time; a rank that kept its samples would grow by 36,000
        assert np.polyfit(times[late], held[late], 1)[0] < 4_000.0
