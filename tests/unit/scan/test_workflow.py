"""What Snakemake is asked for; nothing is simulated here."""

from __future__ import annotations

import json
import math
import re
import shutil

import pytest

from network.cluster.slurm import MEMORY_RESERVE
from network.errors import ClusterError, ScanError, SpecError
from network.experiment import load_experiment
from network.plans import make_plan
from network.scans import Scan
from network.scans.running import hold
from network.scans.workflow import SNAKEMAKE_MB, Slurm, snakemake_command

CONTROL = "lindahl2016/activation_control"


@pytest.fixture
def scan(tmp_path):
    axes = {"network.dopamine": [0, 0.8]}
    return Scan(CONTROL, axes, overlays=["laptop"], folder=tmp_path / "s", execution={"ranks": 4, "threads": 8})


def test_slurm_jobs_ask_for_what_the_plan_predicts(scan):
    text = scan.dry_run(Slurm(partition="batch", account="bg", extra=("--exclusive",)))
    jobs = re.findall(r"wildcards: point=(\S+)\n\s*resources: (.+)", text)
    assert [label for label, _ in jobs] and len(jobs) == 2
    points = {point.label: point for point in scan.plan(local=False).points}
    for label, resources in jobs:
        memory = math.ceil(MEMORY_RESERVE * points[label].memory_bytes / 2**20) + SNAKEMAKE_MB
        for wanted in (
            f"mem_mb={memory}",
            "runtime=10",
            "tasks=4",
            "cpus_per_task=8",
            "mpi=srun",
            "slurm_partition=batch",
            "slurm_account=bg",
            "slurm_extra=--exclusive",
        ):
            assert wanted in resources, wanted
    models = re.search(r"rule models:\n(?:.+\n)*?\s*resources: (.+)", text)
    assert models and "cpus_per_task=4" in models.group(1) and "runtime=30" in models.group(1)


def test_models_are_compiled_in_no_more_cores_than_a_point_has(tmp_path, cores=2):
    """Larger requests may wait for ever for a node of that size; each core needs the memory of a compiler."""
    execution = {"threads": cores}
    scan = Scan(CONTROL, {"simulation.seed": [1]}, overlays=["laptop"], folder=tmp_path / "s", execution=execution)
    scan.dry_run(Slurm())
    job = json.loads((scan.folder / "workflow.json").read_text())["models"]
    assert job["cores"] == job["resources"]["cpus_per_task"] == cores
    assert job["resources"]["mem_mb"] > 1.2 * cores * 580 / 1.05 + SNAKEMAKE_MB
    assert all(text.endswith(f"--target vectorised --jobs {cores}") for text in job["arguments"])


@pytest.mark.parametrize("field", ["partition", "account", "extra", "setup", "launcher"])
def test_line_breaks_do_not_get_into_jobs(field):
    text = "x\ntouch NEW"
    with pytest.raises(ClusterError, match="takes no line breaks"):
        Slurm(**{field: (text,) if field in ("extra", "setup") else text})


def test_the_frozen_experiment_is_the_planned_simulation(scan):
    scan.dry_run(Slurm())
    for point in scan.plan(local=False).points:
        frozen = load_experiment(scan.folder / "points" / f"{point.label}.yaml")
        assert make_plan(frozen, ranks=4, threads=8).simulation_hash == point.simulation_hash


def test_jobs_here_stay_within_cores_and_memory(tmp_path):
    execution = {"cores": 2, "memory": "3G", "threads": 2}
    scan = Scan(CONTROL, {"simulation.seed": [1, 2]}, overlays=["laptop"], folder=tmp_path / "s", execution=execution)
    assert scan.dry_run().count("rule point:") == 2
    command = " ".join(snakemake_command(scan.folder, scan.plan()))
    assert "--cores 2 --resources mem_mb=3072" in command and "--keep-going" in command
    workflow = json.loads((tmp_path / "s" / "workflow.json").read_text())
    assert {job["cores"] for job in workflow["jobs"].values()} == {2}
    assert "--threads 2 --ranks 1" in workflow["arguments"]


def test_a_scan_of_a_folder_is_the_scan_that_was_run(scan):
    scan.dry_run(Slurm())
    again = Scan.open(scan.folder)
    assert again.spec == scan.spec
    assert again.plan(local=False).points == scan.plan(local=False).points
    assert [status.state for status in again.status()] == ["missing", "missing"]


def test_a_folder_of_something_else_is_left_alone(scan):
    scan.folder.mkdir()
    (scan.folder / "thesis.txt").write_text("precious")
    with pytest.raises(ScanError, match="not the folder of a scan"):
        scan.dry_run(Slurm())
    assert [path.name for path in scan.folder.iterdir()] == ["thesis.txt"]


def test_a_scan_that_was_killed_while_its_folder_began_is_run_by_the_same_command(scan):
    scan.dry_run(Slurm())
    whole = (scan.folder / "points.json").read_bytes()
    for path in scan.folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (scan.folder / ".points.json.tmp").write_bytes(whole[:100])  # killed while it was written
    scan.dry_run(Slurm())
    assert (scan.folder / "points.json").read_bytes() == whole
    (scan.folder / "scan.yaml").unlink()  # killed behind it
    scan.dry_run(Slurm())
    assert Scan.open(scan.folder).spec == scan.spec


def test_one_process_at_a_time_runs_a_scan(scan):
    scan.dry_run(Slurm())
    with hold(scan.folder), pytest.raises(ScanError, match="being run already"):
        scan.dry_run(Slurm())
    scan.dry_run(Slurm())


def test_points_that_share_a_network_share_a_job(tmp_path):
    axes = {"cortex": {"path": "inputs.CTX_to_*.rate", "operation": "scale", "values": [0.8, 1, 1.2]}, "seed": [1, 2]}
    execution = {"share_builds": True, "cores": 2}
    scan = Scan(CONTROL, axes, overlays=["laptop"], folder=tmp_path / "s", execution=execution)
    text = scan.dry_run()
    assert text.count("rule share_") == 2 and "rule point:" not in text
    groups = json.loads((tmp_path / "s" / "workflow.json").read_text())["groups"].values()
    points = {point.label: point for point in scan.plan().points}
    assert [len(group["points"]) for group in groups] == [3, 3]
    assert all(len({points[label].network_hash for label in group["points"]}) == 1 for group in groups)
    with pytest.raises(SpecError, match="one rank and one thread"):
        scan.limited(threads=2)
    with pytest.raises(ScanError, match="this machine"):
        scan.dry_run(Slurm())


def test_sources_of_the_users_own_go_with_the_points(tmp_path):
    (tmp_path / "sources.yaml").write_text("doe2027: {what: unpublished}\n")
    rate = "{rate: {value: 300, unit: spikes/s, source: doe2027}}"
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"overlay_of: lindahl2016/activation_control\ninputs: {{CTX_to_STN: {rate}}}\n")
    scan = Scan(mine, {"seed": [1]}, folder=tmp_path / "s")
    scan.dry_run()
    (point,) = scan.plan().points
    frozen = load_experiment(tmp_path / "s" / "points" / f"{point.label}.yaml")
    assert make_plan(frozen).simulation_hash == point.simulation_hash
