"""A run folder protects what is in it, knows whether it is complete, and notices damage."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from network.errors import RunCorruptError, RunError, RunExistsError, RunIncompleteError, RunMissingError
from network.runs import Run, RunFolder
from network.runs import reader as run_module
from network.runs.layout import report_filenames, run_status
from network.sealing import sha256


def make(path, plan, *, finish=True, **options):
    folder = RunFolder.create(path, **options)
    folder.write_params("name: tiny\n")
    folder.write_plan(plan)
    folder.write_timers({"simulate": np.float64(1.25)})
    with folder.spike_writer(["GPe_TI_N", "GPe_TI_S", "STN"]) as writer:
        writer.append("GPe_TI_N", [150.0, 120.0, 90.0], [0, 3, 1])
        writer.append("GPe_TI_S", [150.0, 130.0], [0, 1])
    with folder.report_writer("STN", "V_m", [2, 0], units="mV", start=101.0, interval=1.0) as report:
        report.append(np.arange(8.0).reshape(4, 2))
    return folder.finish(n_spikes=5) if finish else folder


def gone_process(folder):
    """Make a run look as if its process had died: its lock is there and free."""
    folder._claim.release()
    (folder.path / ".lock").touch()


def test_what_was_written_is_read(tmp_path, plan):
    make(tmp_path / "run", plan)
    run = Run.open(tmp_path / "run")
    run.verify()
    assert run.plan == plan
    assert run.window == (100.0, 300.0)
    narrow = {**plan, "spike_start": 0.0, "spike_stop": 250.0}
    assert make(tmp_path / "narrow", narrow).window == (100.0, 250.0)
    assert run.timers == {"simulate": 1.25}
    assert run.record["status"] == "complete"
    assert run.record["n_spikes"] == 5
    assert run.record["peak_memory_bytes"] > 1e6
    assert run.populations == {"GPe_TI_N": 4, "GPe_TI_S": 2, "STN": 3}
    spikes = run.spikes("GPe_TI_N")
    assert (spikes.times.tolist(), spikes.node_ids.tolist(), spikes.n_neurons) == (
        [90, 120, 150],
        [1, 3, 0],
        4,
    )
    assert len(spikes.between(*run.window)) == 2
    silent = run.spikes("STN")
    assert (len(silent), silent.n_neurons) == (0, 3)
    assert run.reports == (("STN", "V_m"),)
    report = run.report("STN", "V_m")
    assert report.node_ids.tolist() == [0, 2]
    assert report.values[:, 0].tolist() == [1, 3, 5, 7]
    assert json.loads((run.path / "nodes.json").read_text())["STN"] == {
        "model": "aeif_stn",
        "n_neurons": 3,
        "first_id": 6,
    }


def test_files_of_traces_are_told_apart_where_their_names_would_be_the_same():
    alone = [("STN", "STN", ["V_m", "w"]), ("snr", "SNr", ["V_m"])]
    assert report_filenames(alone) == [
        {"V_m": "report_STN_V_m.h5", "w": "report_STN_w.h5"},
        {"V_m": "report_SNr_V_m.h5"},
    ]
    both = report_filenames([*alone, ("stn", "STN", ["V_m"])])
    assert both[0] == {"V_m": "report_STN_V_m-STN.h5", "w": "report_STN_w.h5"}
    assert both[2] == {"V_m": "report_STN_V_m-stn.h5"}
    # population A with variable B_V, population A_B with variable V
    assert report_filenames([("x", "A", ["B_V"]), ("y", "A_B", ["V"])]) == [
        {"B_V": "report_A_B_V-x.h5"},
        {"V": "report_A_B_V-y.h5"},
    ]


def test_a_group_is_its_members_one_after_the_other(tmp_path, plan):
    spikes = make(tmp_path / "run", plan).spikes("GPe_TI")
    assert spikes.times.tolist() == [90.0, 120.0, 130.0, 150.0, 150.0]
    assert spikes.node_ids.tolist() == [1, 3, 4 + 1, 0, 4 + 0]
    assert spikes.n_neurons == 6


def test_what_is_not_there_is_named_with_the_choices(tmp_path, plan):
    run = make(tmp_path / "run", plan)
    with pytest.raises(RunMissingError, match="no spikes of 'SNr'; there are: GPe_TI_N, GPe_TI_S, STN, GPe_TI"):
        run.spikes("SNr")
    with pytest.raises(RunMissingError, match=r"no report of STN\.w; reports: STN\.V_m"):
        run.report("STN", "w")
    with pytest.raises(ValueError, match="no population 'SNr' in the plan"):
        other = RunFolder.create(tmp_path / "other")
        other.write_plan(plan)
        other.spike_writer(["SNr"])


def test_manifest_is_written_last_and_makes_a_run_complete(tmp_path, plan):
    folder = make(tmp_path / "run", plan, finish=False)
    assert not (folder.path / "manifest.json").exists()
    assert run_status(folder.path) == "running"
    with pytest.raises(RunIncompleteError, match="status: running"):
        Run.open(folder.path)
    folder.finish()
    assert run_status(folder.path) == "complete"
    newest = max(folder.path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert newest.name == "manifest.json"
    files = json.loads(newest.read_text())["files"]
    expected = {"params.yaml", "plan.json", "nodes.json", "timers.json", "record.json", "spikes.h5"}
    assert set(files) == expected | {"report_STN_V_m.h5"}
    assert files["spikes.h5"]["counts"] == {"GPe_TI_N": 3, "GPe_TI_S": 2, "STN": 0}
    assert files["report_STN_V_m.h5"]["counts"] == {"frames": 4, "elements": 2}
    with pytest.raises(RunError, match="sealed"):
        folder.write_timers({})


def test_a_complete_run_is_never_overwritten_silently(tmp_path, plan):
    run = make(tmp_path / "run", plan)
    before = {path: path.read_bytes() for path in run.path.iterdir()}
    with pytest.raises(RunExistsError, match="complete run"):
        RunFolder.create(run.path)
    assert {path: path.read_bytes() for path in run.path.iterdir()} == before
    RunFolder.create(run.path, overwrite=True)
    assert sorted(path.name for path in run.path.iterdir()) == ["record.json"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_that_is_no_run_is_never_touched(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "record.json").write_text('{"format": "something else"}')
    with pytest.raises(RunExistsError, match="not a run folder"):
        RunFolder.create(tmp_path, overwrite=overwrite)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    with pytest.raises(RunExistsError, match="not a run folder"):
        RunFolder.create(tmp_path / "thesis.tex", overwrite=overwrite)


def test_a_run_that_is_going_on_is_not_replaced(tmp_path, plan):
    make(tmp_path / "run", plan, finish=False)
    with pytest.raises(RunExistsError, match="going on"):
        RunFolder.create(tmp_path / "run", overwrite=True)


def test_an_interrupted_run_is_replaced_but_foreign_files_stay(tmp_path, plan, caplog):
    folder = make(tmp_path / "run", plan, finish=False)
    folder.spike_writer(["STN"], part="rank-000")  # never closed
    (folder.path / "notes.txt").write_text("mine")
    (folder.path / "figures").mkdir()
    (folder.path / "figures" / "mine.png").write_text("mine too")
    (folder.path / "log").mkdir()
    for name in ("job.sh", "experiment.yaml", "log/slurm-2.out"):  # of the job that makes the new one: not worth a word
        (folder.path / name).write_text("of the job")
    gone_process(folder)
    assert run_status(folder.path) == "interrupted"
    RunFolder.create(folder.path)
    assert "replacing a run that is interrupted" in caplog.text
    assert "left alone, not part of the old run: figures/mine.png, notes.txt" in caplog.text
    left = {str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file()}
    assert left == {
        *("record.json", "notes.txt", "figures/mine.png"),
        *("job.sh", "experiment.yaml", "log/slurm-2.out"),
    }


def test_an_empty_folder_is_used(tmp_path, plan):
    (tmp_path / "run").mkdir()
    make(tmp_path / "run", plan).verify()


def test_an_error_marks_the_run_failed(tmp_path, plan):
    with pytest.raises(MemoryError), RunFolder.create(tmp_path / "run") as folder:
        folder.write_plan(plan)
        raise MemoryError("too many synapses")
    assert run_status(folder.path) == "failed"
    run = Run.open(folder.path, allow_incomplete=True)
    assert run.record["error"] == "MemoryError: too many synapses"
    with pytest.raises(RunIncompleteError, match="status: failed"):
        Run.open(folder.path)
    RunFolder.create(folder.path)  # may be tried again


def test_open_writers_and_unmerged_parts_keep_a_run_from_being_sealed(tmp_path, plan):
    folder = make(tmp_path / "run", plan, finish=False)
    writer = folder.spike_writer(["STN"], part="rank-001")
    with pytest.raises(RunError, match=r"spikes\.rank-001\.h5\.partial"):
        folder.finish()
    writer.close()
    with pytest.raises(RunError, match=r"spikes\.rank-001\.h5"):
        folder.finish()
    assert run_status(folder.path) == "running"


FILES = ("params.yaml", "plan.json", "nodes.json", "timers.json", "record.json", "spikes.h5", "report_STN_V_m.h5")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "emptied": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_damage_is_found_when_a_run_is_opened(tmp_path, plan, name, kind):
    path = make(tmp_path / "run", plan).path
    DAMAGES[kind](path / name)
    with pytest.raises(RunCorruptError, match=rf"(?s)does not match.*{re.escape(name)}: .*--overwrite"):
        Run.open(path)
    with pytest.raises(RunExistsError, match=r"holds a (complete|damaged) run"):
        RunFolder.create(path)
    make(path, plan, overwrite=True).verify()


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_manifest_is_found(tmp_path, plan, kind):
    path = make(tmp_path / "run", plan).path
    DAMAGES[kind](path / "manifest.json")
    with pytest.raises((RunCorruptError, RunIncompleteError), match=r"manifest\.json"):
        Run.open(path)
    make(path, plan, overwrite=True).verify()


def test_a_manifest_that_was_made_to_fit_is_found(tmp_path, plan):
    path = make(tmp_path / "run", plan).path
    flip(path / "spikes.h5")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"]["spikes.h5"]["sha256"] = sha256(path / "spikes.h5")
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunCorruptError, match=r"manifest\.json: damaged"):
        Run.open(path)


def test_all_damage_is_named_in_one_message(tmp_path, plan):
    path = make(tmp_path / "run", plan).path
    flip(path / "spikes.h5")
    (path / "timers.json").unlink()
    (path / "report_STN_w.h5").write_bytes(b"from elsewhere")
    with pytest.raises(RunCorruptError) as error:
        Run.open(path)
    for problem in ("spikes.h5: content differs", "timers.json: missing", "report_STN_w.h5: not in the manifest"):
        assert problem in str(error.value)


def test_of_a_damaged_run_the_rest_can_be_read_on_purpose(tmp_path, plan, caplog):
    path = make(tmp_path / "run", plan).path
    flip(path / "report_STN_V_m.h5")
    run = Run.open(path, allow_incomplete=True)
    assert "report_STN_V_m.h5: content differs" in caplog.text
    assert len(run.spikes("GPe_TI")) == 5 and run.reports == ()
    flip(path / "spikes.h5")
    with pytest.raises(RunCorruptError, match=r"spikes\.h5: content differs"):
        Run.open(path, allow_incomplete=True).spikes("STN")


def test_very_large_files_are_compared_when_they_are_read(tmp_path, plan, monkeypatch):
    path = make(tmp_path / "run", plan).path
    monkeypatch.setattr(run_module, "EAGER", 10)
    flip(path / "spikes.h5")
    run = Run.open(path)
    assert run.report("STN", "V_m").values.shape == (4, 2)
    for _ in range(2):
        with pytest.raises(RunCorruptError, match=r"spikes\.h5: content differs"):
            run.spikes("STN")


def test_files_of_the_user_are_no_part_of_the_run(tmp_path, plan):
    folder = make(tmp_path / "run", plan, finish=False)
    (folder.path / "notes.txt").write_text("mine")
    path = folder.finish().path
    (path / "notes.txt").write_text("mine, changed")
    Run.open(path).verify()
    RunFolder.create(path, overwrite=True)
    assert (path / "notes.txt").read_text() == "mine, changed"


def test_runs_from_before_manifests_had_a_digest_of_their_own_are_read(tmp_path, plan):
    path = make(tmp_path / "run", plan).path
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["format_version"] = 1
    del manifest["digest"]
    (path / "manifest.json").write_text(json.dumps(manifest))
    Run.open(path).verify()


def test_no_run_and_broken_files_have_their_own_errors(tmp_path, plan):
    with pytest.raises(RunMissingError, match="no such folder"):
        Run.open(tmp_path / "nothing")
    with pytest.raises(RunMissingError, match="not a run folder"):
        Run.open(tmp_path)
    run = make(tmp_path / "run", plan)
    (run.path / "manifest.json").write_text("{")
    with pytest.raises(RunCorruptError, match=r"manifest\.json: not JSON"):
        Run.open(run.path)


def test_log_and_figures_may_change_after_the_run(tmp_path, plan):
    folder = make(tmp_path / "run", plan, finish=False)
    folder.log_path.write_text("one line\n")
    run = folder.finish()
    folder.log_path.write_text("one line\nanother\n")
    run.figures_dir.mkdir()
    (run.figures_dir / "raster.png").write_bytes(b"")
    Run.open(run.path).verify()


def test_json_takes_numpy_but_no_nan(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    folder.write_json("effective.json", {"a": np.arange(2), "b": np.int64(3)})
    assert json.loads((folder.path / "effective.json").read_text()) == {"a": [0, 1], "b": 3}
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.write_json("effective.json", {"a": float("nan")})
    assert json.loads((folder.path / "effective.json").read_text())["b"] == 3
    assert not list(folder.path.glob(".*.tmp"))
