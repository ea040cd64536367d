"""What Slurm says of jobs, from stand-ins for its commands; `tests/slurm` has the real ones."""

from __future__ import annotations

import pytest

from network.cluster import queue, settings
from network.errors import ScanError
from network.scans.jobs import ScanJobs, beginning
from network.scans.planning import ScanPlan
from network.scans.workflow import Slurm, snakemake_command

LINES = """
11|{name}_a|PENDING|PartitionConfig|rule_models
12|{name}_a|PENDING|Priority|rule_point_wildcards_p1
13|{name}_a|PENDING|Priority|rule_point_wildcards_p2
14|{name}_a|FAILED|NonZeroExitCode|rule_point_wildcards_p3
15|{name}_a|COMPLETED|None|rule_point_wildcards_p4
16|other|FAILED|None|rule_models
17|{name}_a|PENDING|None|rule_point_wildcards_p5
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Write stand-ins, which are found before anything else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(name, text):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)

    return write


@pytest.fixture
def jobs(tmp_path, commands):
    """Jobs of a scan in the queue, and what is told of them."""
    folder = tmp_path / "scan"
    (folder / "log").mkdir(parents=True)
    (folder / "queue").write_text(LINES.format(name=beginning(folder)))
    commands("squeue", f"cat {folder}/queue")
    commands("scancel", f'for job in "$@"; do sed -i "/^$job|/d" {folder}/queue; done')
    told: list[str] = []
    return ScanJobs(folder, told.append), told, folder


def test_why_jobs_wait_is_told_once_per_reason_and_failures_with_their_log(jobs):
    watch, told, folder = jobs
    (folder / "log" / "p3.log").write_text("all is well\n\nbgnest: no, it is not\n")
    watch.look()
    assert told == [
        "Slurm: job 14 (point p3) FAILED, NonZeroExitCode\n"
        f"  {folder}/log/p3.log:\n    all is well\n    bgnest: no, it is not",
        "Slurm: job 11 (models) waits: PartitionConfig: it asks for more than the partition allows, or has: cores, "
        "memory or time",
        "Slurm: job 12 (point p1) and 1 more waits: Priority: other jobs come first",
    ]
    watch.look(now=True)
    assert len(told) == 3


def test_all_jobs_of_the_scan_are_cancelled_and_no_others(jobs):
    watch, told, folder = jobs
    watch.cancel(5.0)
    left = [line.split("|")[0] for line in (folder / "queue").read_text().split()]
    assert left == ["14", "15", "16"]
    assert told == []


def test_jobs_that_an_earlier_call_left_are_named(jobs):
    watch, _, _ = jobs
    with pytest.raises(ScanError, match=r"4 job\(s\) of this scan .*: scancel 11 12 13 17"):
        watch.refuse_left_over()
    queue.cancel_named(beginning(watch.folder), seconds=5.0)
    watch.refuse_left_over()


@pytest.mark.parametrize(
    ("sacct", "accounts"),
    [("echo", True), ("echo Slurm accounting storage is disabled >&2; exit 1", False), (None, False)],
)
def test_states_come_from_accounts_where_there_are_some(commands, tmp_path, monkeypatch, sacct, accounts):
    commands("squeue", "true")
    if sacct is None:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    else:
        commands("sacct", sacct)
    assert settings.has_accounting() is accounts
    command = snakemake_command(tmp_path, ScanPlan.of([], execution()), slurm=Slurm())
    assert command[command.index("--slurm-status-command") + 1] == ("sacct" if accounts else "squeue")


def execution():
    from network.scans.schema import Execution

    return Execution()


def test_options_of_snakemake_come_last_and_ours_are_refused(tmp_path):
    plan = ScanPlan.of([], execution())
    command = snakemake_command(tmp_path, plan, options=["--slurm-qos short", "--latency-wait=5"])
    assert command[-3:] == ["--slurm-qos", "short", "--latency-wait=5"]
    with pytest.raises(ScanError, match="--executor=local is set by bgnest: see --slurm"):
        snakemake_command(tmp_path, plan, options=["--executor=local"])
    with pytest.raises(ScanError, match="begins with -"):
        snakemake_command(tmp_path, plan, options=["qos short"])
