"""Tables and states of scans, from run folders written by hand: nothing is simulated here."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from network.errors import RunCorruptError, ScanError
from network.experiment.loading import load_experiment
from network.plans import make_plan
from network.runs import RunFolder
from network.runs.code import bare_python, code_digest
from network.scans import Scan
from network.scans.collect import collect, to_xarray, write_table
from network.scans.status import MISSING, Code, code_remark, counts, scan_status, seconds_left
from network.sealing import sealed

CONTROL = "lindahl2016/activation_control"
OVERRIDES = {"network.n_neurons": 10000, "simulation.t_presim": 1000, "simulation.t_sim": 2000}


@pytest.fixture
def scan(tmp_path):
    return Scan(CONTROL, {"network.dopamine": [0, 0.8]}, overrides=OVERRIDES, folder=tmp_path / "s")


def write_run(scan, number, *, rate=20.0, beat=None, code=None):
    """A complete run of a point: every STN cell fires at a rate, in step at ``beat`` Hz if given; others are silent."""
    point = scan.plan().points[number]
    plan = make_plan(
        load_experiment(CONTROL, overrides={**OVERRIDES, **{"network.dopamine": point.values["dopamine"]}})
    )
    record = {
        "code": code or code_digest(),
        "versions": {"nest": Code.here().nest},
        "started": "2026-01-01T00:00:00+00:00",
    }
    rng = np.random.default_rng(number)
    n_neurons = plan.population("STN").n_neurons
    if beat is None:
        times = np.sort(rng.uniform(1000, 3000, round(rate * 2 * n_neurons)))
        cells = rng.integers(0, n_neurons, len(times))
    else:
        volleys = np.arange(1000, 3000, 1000 / beat)
        times, cells = np.repeat(volleys, n_neurons), np.tile(np.arange(n_neurons), len(volleys))
    with RunFolder.create(scan.folder / "runs" / point.label, record=record) as folder:
        folder.write_params("{}\n")
        folder.write_plan(plan.to_dict())
        folder.write_timers({"seconds": {}, "real_time_factor": 3.5})
        with folder.spike_writer(list(plan.spike_populations)) as spikes:
            spikes.append("STN", times, cells)
        return folder.finish(simulation_hash=plan.simulation_hash)


def rows(scan):
    table = scan.collect()
    return table[table["population"] == "STN"].set_index("dopamine")


def test_rates_and_beats_are_those_that_were_written(scan):
    write_run(scan, 0, rate=25.0)
    write_run(scan, 1, beat=20.0)
    table = rows(scan)
    assert table["rate"].to_dict() == {0: pytest.approx(25.0, rel=0.001), 0.8: pytest.approx(20.0)}
    assert table.loc[0.8, "cv"] == pytest.approx(0.0, abs=1e-6) and table.loc[0, "cv"] == pytest.approx(1.0, abs=0.1)
    assert table.loc[0.8, "peak_frequency"] == pytest.approx(20.0, abs=1.0)
    # volleys at 20 Hz have harmonics of equal power at 40, 60, 80 and 100 Hz; independent spikes a flat spectrum
    assert 0.2 < table.loc[0.8, "beta_share"] < 0.3 and table.loc[0, "beta_share"] == pytest.approx(0.11, abs=0.05)
    # a flat spectrum has 2 r / n per Hz, here 11 (spikes/s)^2 in 10 Hz
    assert table.loc[0.8, "beta_power"] > 50 * table.loc[0, "beta_power"]
    assert list(table["verdict"]) == ["high", "high"] and list(table["rtf"]) == [3.5, 3.5]
    silent = scan.collect().set_index(["population", "dopamine"]).loc[("FSN", 0.8)]
    assert silent["rate"] == 0 and silent["active"] == 0 and np.isnan(silent["cv"]) and np.isnan(silent["beta_share"])


def test_points_that_are_not_done_are_rows_without_numbers(scan):
    write_run(scan, 0)
    table = scan.collect()
    assert set(table["status"]) == {"done", "missing"}
    gone = table[table["dopamine"] == 0.8]
    assert set(gone["status"]) == {"missing"} and gone["rate"].isna().all()
    assert list(gone["population"]) == list(table[table["dopamine"] == 0]["population"])


def test_metrics_are_kept_until_the_run_changes(scan):
    run = write_run(scan, 0, rate=10.0)
    first = scan.collect()
    cache = scan.folder / "metrics" / f"{run.path.name}.json"
    kept = json.loads(cache.read_text())
    for row in kept["rows"]:
        row["rate"] = 123.0  # what is kept is used ...
    cache.write_text(json.dumps(sealed(kept)))
    assert rows(scan).loc[0, "rate"] == 123.0
    manifest = run.path / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")  # ... for this very run
    pd.testing.assert_frame_equal(scan.collect(), first)


def test_files_and_grids_hold_the_same_numbers(scan, tmp_path):
    write_run(scan, 0)
    write_run(scan, 1)
    table = scan.collect()
    csv, parquet = write_table(table, tmp_path / "out")
    pd.testing.assert_frame_equal(pd.read_parquet(parquet), table)
    assert np.allclose(pd.read_csv(csv)["rate"], table["rate"], rtol=1e-5)
    grid = to_xarray(table, ["dopamine"])
    assert grid["rate"].dims == ("dopamine", "population")
    assert float(grid["rate"].sel(dopamine=0.8, population="STN")) == rows(scan).loc[0.8, "rate"]


def test_runs_of_two_codes_are_never_in_one_table(scan):
    write_run(scan, 0)
    write_run(scan, 1, code="a" * 64)
    assert [s.state for s in scan.status()] == ["done", "stale"]
    assert rows(scan)["rate"].notna().to_dict() == {0: True, 0.8: False}


def test_runs_of_one_other_code_belong_together(scan):
    write_run(scan, 0, code="a" * 64)
    write_run(scan, 1, code="a" * 64)
    statuses = scan.status()
    assert [s.state for s in statuses] == ["done", "done"]
    assert "made by code aaaaaaaa" in code_remark(statuses)
    assert [s.state for s in scan_status(scan.folder, scan.plan().points, code=Code.here())] == ["stale", "stale"]
    other_nest = Code("a" * 64, "3.9.0")
    assert [s.state for s in scan_status(scan.folder, scan.plan().points, code=other_nest)] == ["stale", "stale"]


def test_a_run_in_a_folder_of_another_point_is_not_that_point(scan):
    run = write_run(scan, 0)
    run.path.rename(run.path.with_name(scan.plan().points[1].label))
    first, second = scan.status()
    assert (first.state, second.state) == ("missing", "stale")
    assert "another simulation" in second.reason


def test_what_stopped_runs_say_of_themselves(scan):
    first, second = (scan.folder / "runs" / point.label for point in scan.plan().points)
    with pytest.raises(RuntimeError), RunFolder.create(first):
        raise RuntimeError("NEST refuses\nmore")
    with pytest.raises(KeyboardInterrupt), RunFolder.create(second):
        raise KeyboardInterrupt
    assert [(s.state, s.reason) for s in scan.status()] == [
        ("failed", "RuntimeError: NEST refuses"),
        ("interrupted", "Ctrl-C"),
    ]
    record = json.loads((first / "record.json").read_text())
    process = {"host": record["process"]["host"], "pid": 2**22 + 1, "created": 0.0}
    (first / "record.json").write_text(json.dumps({**record, "status": "running", "process": process}))
    (first / "progress.json").write_text('{"phase": "simulate", "done": 500, "total": 2000, "unit": "ms"}')
    killed = scan.status()[0]
    assert killed.state == "interrupted" and "killed" in killed.reason and "simulate 25 %" in killed.reason
    (first / "record.json").write_text(json.dumps({**record, "status": "running"}))
    running = scan.status()[0]
    assert (running.state, running.reason) == ("running", "simulate 25 %")


def test_time_left_learns_from_finished_points(scan):
    write_run(scan, 0)
    statuses = scan.status()
    assert counts(statuses) == "1 done, 1 missing"
    planned = statuses[1].point.seconds
    took = statuses[0].seconds
    assert statuses[1].state == MISSING and took
    assert seconds_left(statuses, 1) == pytest.approx(planned * took / statuses[0].point.seconds)


def test_digest_of_the_code_ignores_words():
    code = 'def f(x):\n    """Say."""\n    return x + 1  # why\n'
    assert bare_python(code) == bare_python("def f( x ):\n    return x+1\n")
    assert bare_python(code) != bare_python(code.replace("+ 1", "+ 2"))
    assert bare_python('"""Only words."""\n') == "pass"
    assert len({code_digest(), code_digest(("engine",)), code_digest(("codegen",))}) == 3


def test_collect_of_nothing_has_all_columns(scan):
    table = collect(scan.folder, scan.status(), ["dopamine"])
    assert list(table["status"]) == ["missing", "missing"] and table["rate"].isna().all()


def test_a_damaged_run_gives_no_rows_also_where_they_are_known_and_is_run_again(scan, caplog):
    scan.dry_run()
    write_run(scan, 0)
    scan.collect()
    run = scan.status()[0].run
    content = bytearray((run / "spikes.h5").read_bytes())
    content[len(content) // 2] ^= 1
    (run / "spikes.h5").write_bytes(content)
    with pytest.raises(RunCorruptError, match=r"spikes\.h5: content differs"):
        scan.collect()
    label = scan.status()[0].label
    assert "wildcards: point=" + label in scan.dry_run() and run.is_dir()
    assert label in {planned.label for _, planned in scan._todo((), leave_stale=True)}
    assert not run.exists() and (run.with_name(f"{label}.damaged-1") / "spikes.h5").is_file()
    assert "spikes.h5: content differs" in caplog.text


def test_rows_and_points_that_were_damaged_are_not_believed(scan):
    scan.dry_run()
    write_run(scan, 0)
    table = scan.collect()
    for file in scan.folder.glob("metrics/*.json"):
        file.write_text(file.read_text().replace('"n_spikes": ', '"n_spikes": 1'))
    pd.testing.assert_frame_equal(scan.collect(), table)
    points = scan.folder / "points.json"
    points.write_text(points.read_text().replace('"n_neurons": ', '"n_neurons": 1'))
    with pytest.raises(ScanError, match=r"points\.json: damaged"):
        Scan.open(scan.folder)


def test_digest_of_the_code_is_remembered_as_long_as_no_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("network.runs.code.PACKAGE", tmp_path)
    (tmp_path / "engine").mkdir()
    file = tmp_path / "engine" / "step.py"
    read = []
    parsed = bare_python
    monkeypatch.setattr("network.runs.code.bare_python", lambda text: read.append(text) or parsed(text))
    digests = []
    for text in ("x = 1\n", "x = 1\n", "x = 2  # a\n", "x = 2  # why\n"):
        if not file.is_file() or file.read_text() != text:
            file.write_text(text)
        code_digest.cache_clear()  # as in a new process
        digests.append(code_digest(("engine",)))
    assert len(read) == 3 and digests[0] == digests[1] != digests[2] == digests[3]
    code_digest.cache_clear()
