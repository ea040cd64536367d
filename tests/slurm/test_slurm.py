"""Jobs and scans on a real Slurm of two nodes on this machine, memory enforced, no accounting."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time

import numpy as np
import pytest
import yaml

import network as bgnest_package
from network import resources
from network.cluster import launch
from network.errors import ClusterError

pytestmark = pytest.mark.slurm


def job_of(answer: subprocess.CompletedProcess[str]) -> str:
    assert answer.returncode == 0, answer.stderr
    return re.search(r"Submitted batch job (\d+)", answer.stdout)[1]


def log_of(folder) -> str:
    return "\n".join(path.read_text() for path in (folder / "log").glob("slurm-*.out"))


@pytest.fixture(params=["", ".venv-mpich"], ids=["as-found", "mpich"])
def with_mpi(request, environment):
    """Environment of commands whose ranks have a NEST with MPI: the one that is found, and the one of MPICH."""
    chosen = {}
    if request.param:
        made = resources.data_root() / request.param
        if not any(made.glob(f"lib/*/site-packages/nest/{launch.BUILD_MARK}")):
            pytest.skip(f"no {request.param}: make mpi MPI=mpich")
        chosen = {"BGNEST_MPI_PYTHON": str(made / "bin" / "python")}
    try:
        launch.mpi_python()
    except ClusterError as error:
        pytest.skip(f"no MPI: {error}")
    return environment | chosen


def test_a_job_compiles_runs_and_draws_within_the_memory_it_asks_for(cluster, bgnest, environment, tiny, tmp_path):
    """The cache is empty: the compiler needs more than the network."""
    cold = environment | {"BGNEST_CACHE": str(tmp_path / "cache")}
    folder = tmp_path / "run"
    job = job_of(bgnest("submit", tiny, "--out", folder, env=cold, cwd=tmp_path))
    assert json.loads((folder / "record.json").read_text())["status"] == "queued"
    again = bgnest("submit", tiny, "--out", folder, env=cold, cwd=tmp_path)
    assert again.returncode == 1 and "queued already" in again.stderr
    assert cluster.wait_for(job) == "COMPLETED", log_of(folder)
    assert list((tmp_path / "cache").rglob("*.so")), "compiled on the node"
    assert list(folder.rglob("*.png")), "the last step of the job"
    assert "replacing" not in log_of(folder) and "left alone" not in log_of(folder), "nothing was there before"
    run = bgnest_package.open_run(folder)
    assert run.record["job"] == {"slurm": job}
    done = bgnest("submit", tiny, "--out", folder, env=cold, cwd=tmp_path)
    assert done.returncode == 0 and "nothing to do" in done.stdout


def test_memory_is_enforced_here_and_the_run_says_how_it_ended(cluster, models, bgnest, tiny, tmp_path):
    folder = tmp_path / "run"
    job = job_of(bgnest("submit", tiny, "--mem", "40M", "--out", folder, cwd=tmp_path))
    assert cluster.wait_for(job) != "COMPLETED"
    # whoever sees it first: Slurm, or the run, which knows what the job has asked for
    assert "exceeded memory limit" in log_of(folder) or "the Slurm job has asked for" in log_of(folder)
    assert not (folder / "manifest.json").exists()
    told = bgnest("runs", tmp_path)
    assert "interrupted  " in told.stdout and f"job {job} has ended before the run began" in told.stdout


def test_ranks_on_both_nodes_give_the_spikes_of_two_threads(cluster, with_mpi, bgnest, tiny, tmp_path):
    spread, here = tmp_path / "spread", tmp_path / "here"
    options = ["--nodes", 2, "--ranks-per-node", 1, "--threads", 1]
    job = job_of(bgnest("submit", tiny, *options, "--out", spread, env=with_mpi, cwd=tmp_path))
    nodes = cluster.ask("squeue", "-h", "-o", "%D", "-j", job).strip()
    assert nodes == "2"
    assert cluster.wait_for(job) == "COMPLETED", log_of(spread)
    assert bgnest("run", tiny, "--threads", 2, "--no-figures", "--quiet", "--out", here).returncode == 0
    runs = [bgnest_package.open_run(folder) for folder in (spread, here)]
    assert runs[0].record["ranks"] == 2
    assert "cpu binding" not in log_of(spread)  # which this Slurm has not, and is not asked for
    assert "left alone" not in log_of(spread)
    for name in ("principal", "interneuron"):
        trains = [run.spike_arrays(name) for run in runs]
        assert trains[0].times.size
        np.testing.assert_array_equal(trains[0].times, trains[1].times)
        np.testing.assert_array_equal(trains[0].node_ids, trains[1].node_ids)


def test_a_scan_ends_without_accounts_on_nodes_of_two_cores(cluster, models, bgnest, scan_file, tmp_path):
    more = ["--snakemake", "--slurm-init-seconds-before-status-checks 3", "--snakemake", "--slurm-keep-successful-logs"]
    done = bgnest("scan", "run", scan_file, "--slurm", "--threads", 2, *more, "--out", tmp_path / "s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 done of 2 points" in done.stdout
    log = (tmp_path / "s" / "log" / "snakemake.log").read_text()
    assert "--slurm-status-command squeue" in log
    assert log.startswith("Slurm keeps no accounts here")  # Snakemake's executor asks for one all the same
    kept = list((tmp_path / "s" / ".snakemake" / "slurm_logs").rglob("*.log"))
    assert len(kept) == 3, "an option of Snakemake's that was passed on"
    records = [json.loads(path.read_text()) for path in (tmp_path / "s").glob("runs/*/record.json")]
    assert len({record["job"]["slurm"] for record in records}) == 2


def test_a_scan_says_why_a_job_waits_and_ctrl_c_takes_it_out_of_the_queue(
    cluster, models, start_bgnest, scan_file, tmp_path
):
    """SIGINT reaches bgnest alone."""
    words = ["scan", "run", scan_file, "--slurm", "--threads", 1, "--out", tmp_path / "s", "--sbatch=--hold"]
    scan = start_bgnest(*words, cwd=tmp_path)
    scan.wait_until(cluster.queue, 60.0)
    time.sleep(12.0)  # it asks every ten seconds
    begun = time.monotonic()
    os.kill(scan.pid, signal.SIGINT)
    _, errors = scan.communicate(timeout=60.0)
    assert scan.returncode == 130
    assert "(models) waits: JobHeldUser: held by its owner: scontrol release" in errors
    assert cluster.queue() == [] and time.monotonic() - begun < 40.0


def test_a_point_that_fits_on_no_node_is_named_with_slurms_reason(cluster, models, bgnest, scan_file, tmp_path):
    refused = bgnest("scan", "run", scan_file, "--slurm", "--threads", 3, "--out", tmp_path / "s", cwd=tmp_path)
    assert refused.returncode != 0
    assert "FAILED, BadConstraints: no node has what it asks for" in refused.stderr
    assert cluster.queue() == []


def test_sigterm_takes_running_and_waiting_jobs_out_of_the_queue(cluster, models, start_bgnest, scan_file, tmp_path):
    data = yaml.safe_load(scan_file.read_text()) | {"set": {"simulation.t_sim": 100_000}}
    scan_file.write_text(yaml.safe_dump(data))
    options = ["--slurm", "--threads", 2, "--out", tmp_path / "s", "--sbatch=--nodelist=n1"]
    scan = start_bgnest("scan", "run", scan_file, *options, cwd=tmp_path)
    running = lambda: any((tmp_path / "s" / "runs").glob("*/record.json"))  # noqa: E731
    scan.wait_until(running)
    assert len(cluster.queue()) == 2  # one runs, one waits
    scan.terminate()
    _, errors = scan.communicate(timeout=60.0)
    assert scan.returncode == 130 and "interrupted" in errors
    assert cluster.queue() == []


def test_a_failed_job_is_shown_with_the_end_of_its_log(cluster, bgnest, scan_file, tmp_path):
    setup = ["--setup", "echo no such module: GCC >&2; exit 3"]
    failed = bgnest("scan", "run", scan_file, "--slurm", *setup, "--out", tmp_path / "s", cwd=tmp_path)
    assert failed.returncode == 1
    assert re.search(r"Slurm: job \d+ \(models\) FAILED, NonZeroExitCode", failed.stderr)
    assert "no such module: GCC" in failed.stderr
    assert cluster.queue() == []


def test_another_cluster_is_left_alone(cluster, tmp_path, monkeypatch):
    import slurm_cluster

    foreign = tmp_path / "slurm.conf"
    foreign.write_text("ClusterName=theirs\n")
    monkeypatch.setattr(slurm_cluster, "CONFIGURATION", foreign)
    assert "belongs to a cluster" in slurm_cluster.problem()
