"""Memory does not grow with the length of a run, whatever is recorded."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.mpi, pytest.mark.nest]

# Records V_m of every cell at every step: 3,000 samples/ms, 72 kB/ms if they were kept. The readout is made frequent
# so that a short run has many of them.
RECORD_ALL = """
import json, sys
from pathlib import Path
from network.cluster.ranks import present
from network.engine import kernel, simulate

out = Path(sys.argv.pop(1))
simulate.MAX_SAMPLES = 60_000
drain, held = simulate._Sink.drain, []

def measured(self):
    drain(self)
    held.append(kernel.memory_bytes())
    (out / f"memory-{present().rank}.json").write_text(json.dumps(held))

simulate._Sink.drain = measured
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
    options += ["--t-presim", "20", "--t-sim", "1500", "--out", str(tmp_path / "run")]
    done = mpirun(2, script(RECORD_ALL), str(tmp_path), "run", str(experiment), *options)
    assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        held = json.loads((tmp_path / f"memory-{rank}.json").read_text())
        assert len(held) >= 30
        # kept samples would add 27 MB a rank over the last half; allocators scatter by a few MB
        assert held[-1] - held[len(held) // 2] < 9e6
