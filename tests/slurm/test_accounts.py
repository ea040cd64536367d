"""Jobs and scans on a real Slurm that keeps accounts and lets nobody compute without one."""

from __future__ import annotations

import re

import pytest
from slurm_cluster import ACCOUNT

from network.cluster import settings

pytestmark = pytest.mark.slurm
ACCOUNTS = True
QUICK = ["--snakemake", "--slurm-init-seconds-before-status-checks 3"]


def test_a_scan_ends_by_what_sacct_says(cluster, models, bgnest, scan_file, tmp_path):
    folder = tmp_path / "s"
    done = bgnest("scan", "run", scan_file, "--slurm", "--threads", 1, *QUICK, "--out", folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 done of 2 points" in done.stdout
    log = (folder / "log" / "snakemake.log").read_text()
    assert "--slurm-status-command sacct" in log
    # the account is that of the user, and nothing is guessed
    assert "guess" not in log and "invalid option" not in log and "keeps no accounts" not in log
    jobs = cluster.ask("sacct", "-n", "-X", "-P", "-o", "State,Account").split()
    assert jobs.count(f"COMPLETED|{ACCOUNT}") == 3, "the models and two points"
    assert settings.has_accounting() and settings.default_account() == ACCOUNT


def test_an_account_that_is_not_there_is_refused_by_name(cluster, models, bgnest, tiny, scan_file, tmp_path):
    refused = bgnest("submit", tiny, "--account", "nobody", "--out", tmp_path / "run", cwd=tmp_path)
    assert refused.returncode == 1 and "Invalid account" in refused.stderr
    scan = ["scan", "run", scan_file, "--slurm", "--account", "nobody", "--out", tmp_path / "s"]
    refused = bgnest(*scan, cwd=tmp_path)
    assert refused.returncode == 1 and "nobody" in refused.stderr, refused.stderr
    assert cluster.queue() == []


def test_a_job_is_charged_to_the_account_it_names(cluster, models, bgnest, tiny, tmp_path):
    named = bgnest("submit", tiny, "--account", ACCOUNT, "--out", tmp_path / "run", cwd=tmp_path)
    job = re.search(r"Submitted batch job (\d+)", named.stdout)[1]
    assert cluster.wait_for(job) == "COMPLETED"
    told = lambda: cluster.ask("sacct", "-n", "-X", "-P", "-j", job, "-o", "State,Account").strip()  # noqa: E731
    assert cluster._wait(lambda: told() == f"COMPLETED|{ACCOUNT}", 20.0), told()


def test_a_failed_job_is_shown_with_the_state_that_sacct_has(cluster, bgnest, scan_file, tmp_path):
    setup = ["--setup", "echo no such module: GCC >&2; exit 3"]
    failed = bgnest("scan", "run", scan_file, "--slurm", *setup, *QUICK, "--out", tmp_path / "s", cwd=tmp_path)
    assert failed.returncode == 1
    assert re.search(r"Slurm: job \d+ \(models\) FAILED", failed.stderr) and "no such module: GCC" in failed.stderr
    assert cluster.queue() == []


def test_doctor_sees_the_accounts(cluster, bgnest):
    assert "with accounting" in bgnest("doctor").stdout
