"""A scan for real: four points run by Snakemake, one made to fail, one cut short by Ctrl-C, then resumed.

The mock engine plays the runs: what a scan does with them does not depend on what they compute.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from network.cli.main import app
from network.errors import ScanError
from network.scans import Scan
from network.scans.collect import to_xarray, write_table

SCAN = """
# Four small points; the last is long
scan_of: lindahl2016/activation_control
set:
  network.n_neurons: 10000
  simulation.mock: {rate: 5, rates: {STN: 12}, pace: 1}
  simulation.t_presim: 50
  recording.traces: null
combine: zip
axes:
  seed: [1, 2, 3, 4]
  t_sim: [100, 100, 100, 4000]
execution: {cores: 2, memory: 4G}
"""
SMALL = {
    "network.n_neurons": 10000,
    "simulation.t_presim": 0,
    "simulation.t_sim": 200,
    "recording.traces": None,
    "simulation.mock": {"rate": 5},
}


@dataclass
class Story:
    """What happened to the scan."""

    scan: Scan
    interrupted: tuple[int, str, dict[str, str]]
    sealed: dict[str, tuple[int, bytes]]
    resumed: tuple[int, str]


def states(scan: Scan) -> dict[int, str]:
    return {int(status.point.values["seed"]): status.state for status in scan.status()}


def manifests(scan: Scan) -> dict[str, tuple[int, bytes]]:
    found = sorted(scan.folder.glob("runs/*/manifest.json"))
    return {path.parent.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


@contextmanager
def recorded_as(run: Path, **fields: str) -> Iterator[None]:
    """Let a run say something else of itself for a while."""
    record = run / "record.json"
    content = record.read_text()
    record.write_text(json.dumps({**json.loads(content), **fields}))
    try:
        yield
    finally:
        record.write_text(content)


@pytest.fixture(scope="module")
def story(tmp_path_factory, start_bgnest, bgnest) -> Story:
    """Run until two points are done, one has failed and one is under way; Ctrl-C; mend; run again.

    The long point is made to pause while it simulates: it is still under way when the others have ended, however
    slowly they do, and need not be so long that this takes care of itself.
    """
    folder = tmp_path_factory.mktemp("scan")
    file = folder / "four.yaml"
    file.write_text(SCAN)
    scan = Scan.load(file, folder / "scans" / "four")
    _, second, _, fourth = (point.label for point in scan.plan().points)
    obstacle = scan.folder / "runs" / second / "notes.txt"
    obstacle.parent.mkdir(parents=True)
    obstacle.write_text("not a run")
    (scan.folder / "points.json").write_text("{}")  # the folder of a scan, so that it may be used

    def far_enough() -> bool:
        one, two, three, _ = scan.status()
        return "done" in (one.state, three.state) and two.state == "failed"

    long = scan.folder / "runs" / fourth
    first = start_bgnest("scan", "run", "four.yaml", cwd=folder)
    first.wait_until((long / "spikes.rank-000000.h5.partial").exists)
    process = json.loads((long / "record.json").read_text())["process"]["pid"]
    os.kill(process, signal.SIGSTOP)
    try:
        first.wait_until(far_enough)
        os.killpg(first.pid, signal.SIGINT)  # Ctrl-C, before the long point goes on: it could end meanwhile
    finally:
        os.kill(process, signal.SIGCONT)
    output = "".join(first.communicate(timeout=120.0))
    interrupted = (first.returncode, output, states(scan))
    sealed = manifests(scan)

    obstacle.unlink()
    again = bgnest("scan", "run", "four.yaml", cwd=folder)
    return Story(scan, interrupted, sealed, (again.returncode, again.stdout + again.stderr))


def test_ctrl_c_keeps_what_is_done_and_marks_what_was_under_way(story):
    code, output, found = story.interrupted
    assert (found[2], found[4]) == ("failed", "interrupted"), output
    done = [seed for seed in (1, 3) if found[seed] == "done"]
    assert code == 130 and f"interrupted; {len(done)} done" in output
    assert len(story.sealed) == len(done) >= 1


def test_a_failed_point_has_its_log_and_does_not_stop_the_others(story):
    log = story.scan.folder / "log" / f"{story.scan.plan().points[1].label}.log"
    assert log.is_file()
    code, output = story.resumed
    assert code == 0, output
    assert "4 done of 4 points" in output


def test_run_again_does_only_what_was_missing(story):
    now = manifests(story.scan)
    assert len(now) == 4
    assert {name: now[name] for name in story.sealed} == story.sealed


def test_collecting_twice_gives_the_same_table(story):
    first, second = story.scan.collect(), story.scan.collect()
    pd.testing.assert_frame_equal(first, second)
    assert list(first.columns[:5]) == ["point", "seed", "t_sim", "population", "status"]
    assert set(first["status"]) == {"done"} and first["rate"].notna().all()
    stn = first[first["population"] == "STN"]
    assert list(stn["seed"]) == [1, 2, 3, 4] and (stn["rate"] > 1.0).all()
    csv, parquet = write_table(first, story.scan.folder / "table")
    pd.testing.assert_frame_equal(pd.read_parquet(parquet), first)
    assert len(pd.read_csv(csv)) == len(first)
    grid = to_xarray(first, ["seed", "t_sim"])
    assert float(grid["rate"].sel(seed=2, t_sim=100, population="STN")) == stn["rate"].iloc[1]


def test_the_folder_alone_is_enough_for_status_and_figures(story):
    folder = str(story.scan.folder)
    assert "4 done" in CliRunner().invoke(app, ["scan", "status", folder]).output
    said = CliRunner().invoke(app, ["scan", "plot", folder, "--x", "seed", "--band", "t_sim", "--quantity", "cv"])
    assert said.exit_code == 0 and (story.scan.folder / "cv_seed.png").is_file()
    said = CliRunner().invoke(app, ["scan", "plot", folder, "--x", "seed"])
    assert said.exit_code == 2 and "t_sim vary besides" in said.output


def test_results_of_other_code_are_found_and_not_mixed(story):
    scan = story.scan
    with recorded_as(scan.status()[0].run, code="0" * 64):
        assert [s.state for s in scan.status()] == ["stale", "done", "done", "done"]
        table = scan.collect()
        assert table.loc[table["seed"] == 1, "rate"].isna().all()
        with pytest.raises(ScanError, match=r"1 of 4 points are complete, but .* made by code 00000000"):
            scan.run()
        scan.run(leave_stale=True)
        assert states(scan)[1] == "stale"
    assert set(states(scan).values()) == {"done"}


def test_stale_points_are_run_again_only_when_asked_and_the_old_run_is_kept(story):
    scan = story.scan
    status = scan.status()[0]
    record = status.run / "record.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "code": "0" * 64}))
    scan.run(redo=["stale"])
    assert set(states(scan).values()) == {"done"}
    old = status.run.with_name(f"{status.label}.stale-1")
    assert json.loads((old / "record.json").read_text())["code"] == "0" * 64
    assert (old / "spikes.h5").is_file()


def test_one_made_by_hand_into_the_same_folder_is_not_taken_for_the_point(story):
    """A folder that holds another simulation is stale, whatever its name says."""
    scan = story.scan
    with recorded_as(scan.status()[2].run, simulation_hash="f" * 64):
        assert "holds another simulation (ffffffff" in scan.status()[2].reason


def test_exploded_points_are_told_apart_and_not_run_again(tmp_path):
    axes = {"limit": {"path": "simulation.guard.rate", "values": [4, 400]}, "seed": [1, 2]}
    scan = Scan("lindahl2016/activation_control", axes, combine="zip", overrides=SMALL, folder=tmp_path / "s")
    scan.run()
    low, high = scan.status()
    assert (low.state, high.state) == ("exploded", "done")
    assert "spikes/s" in low.reason
    table = scan.collect()
    assert table.loc[table["limit"] == 1, "status"].eq("exploded").all()
    assert table.loc[table["limit"] == 1, "rate"].isna().all()
    before = (low.run / "record.json").stat().st_mtime_ns
    scan.run()
    assert (low.run / "record.json").stat().st_mtime_ns == before
