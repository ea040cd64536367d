"""A current from a file reaches the cells that are named, when it says, and no others."""

from __future__ import annotations

import numpy as np
import pytest

import network as bgnest_package

pytestmark = pytest.mark.nest

FILE = """
overlay_of: base
simulation: {{t_presim: 0, t_sim: 60}}
recording:
  traces:
    some: {{population: principal, cells: [2, 3, 4], variables: [V_m], interval: 0.1}}
currents:
  played:
    target: principal
    cells: [3]
    file: course.csv
    interval: 0.5
    shift: 40
    enabled: {enabled}
"""


def test_a_current_from_a_file_reaches_its_cell_alone(bgnest, tmp_path):
    assert bgnest("new", "example", cwd=tmp_path).returncode == 0
    (tmp_path / "example" / "course.csv").write_text("time_ms,current_nA\n0,0.5\n0.5,0.5\n1,1\n1.5,0\n")
    traces = {}
    for enabled in ("false", "true"):
        path = tmp_path / "example" / f"{enabled}.yaml"
        path.write_text(FILE.format(enabled=enabled))
        folder = tmp_path / enabled
        done = bgnest("run", path, "--no-figures", "--quiet", "--out", folder, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        report = bgnest_package.open_run(folder).reader.report("principal", "V_m", "some")
        traces[enabled] = np.asarray(report.values), np.asarray(report.times)
    (without, times), (played, _) = traces["false"], traces["true"]
    gained = played - without
    assert np.all(gained[times <= 40.0] == 0.0)
    # the others hear of it by the spikes of that cell alone, after the delay of 1.5 ms
    soon = (times > 40.05) & (times < 41.5)
    assert np.all(gained[soon][:, [0, 2]] == 0.0)
    # 500 pA into 200 pF: 2.5 mV per ms at first
    assert 0.2 < gained[times > 40.05][0, 1] < 0.3 or gained[soon][:, 1].max() > 1.0
