"""Who am I in a job, and how ranks are started: decided from variables and programs, without MPI."""

from __future__ import annotations

import functools
import subprocess
import sys

import pytest

from network.cluster import job, launch
from network.cluster.ranks import Ranks, present, rank_name, without_launcher
from network.codegen import mpi
from network.errors import ClusterError


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Ranks(0, 1)),
        ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}, Ranks(3, 4)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, Ranks(1, 2)),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8"}, Ranks(5, 8)),
        # a batch script on a Slurm node is no rank, although it has a number
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, Ranks(0, 1)),
        # mpirun inside a Slurm job step of one task: the inner launcher counts
        (
            {
                "OMPI_COMM_WORLD_RANK": "1",
                "OMPI_COMM_WORLD_SIZE": "2",
                "SLURM_PROCID": "0",
                "SLURM_STEP_NUM_TASKS": "1",
            },
            Ranks(1, 2),
        ),
        ({"PMI_RANK": "", "PMI_SIZE": "x"}, Ranks(0, 1)),
        ({"PMI_RANK": "2", "PMI_SIZE": "2"}, Ranks(0, 1)),
    ],
)
def test_rank_and_size_are_read_from_any_launcher(variables, expected):
    assert present(variables) == expected


def test_only_rank_0_is_first():
    assert Ranks(0, 4).first and not Ranks(1, 4).first


def test_names_of_ranks_sort_like_the_ranks():
    names = [rank_name(rank) for rank in range(0, 200_000, 999)]
    assert names == sorted(names)


def test_children_do_not_think_they_are_ranks():
    variables = {"OMPI_COMM_WORLD_RANK": "1", "PMIX_RANK": "1", "PMI_RANK": "1", "HOME": "/home/me", "PATH": "/bin"}
    assert without_launcher(variables) == {"HOME": "/home/me", "PATH": "/bin"}


def fake_launcher(monkeypatch, *, version, cores, refuse=(), family="", programs=None):
    """Let launchers have a version, or each its own, and refuse commands that contain one of some words."""
    versions = programs or dict.fromkeys(("mpirun", "mpiexec", "srun"), version)

    def run(command, **options):
        if command[-1] == "--version":
            return subprocess.CompletedProcess(command, 0, versions[command[0]], "")
        refused = any(word in command for word in refuse)
        return subprocess.CompletedProcess(command, int(refused), "", "not enough slots" if refused else "")

    # a cache of its own, so that real launchers are asked again afterwards
    monkeypatch.setattr(mpi, "launcher_version", functools.cache(mpi.launcher_version.__wrapped__))
    monkeypatch.setattr(launch, "mpi_family", lambda: family)
    monkeypatch.setattr(launch.subprocess, "run", run)
    monkeypatch.setattr(launch.shutil, "which", lambda name: f"/usr/bin/{name}" if name in versions else None)
    monkeypatch.setattr(launch.psutil, "cpu_count", lambda logical: cores)
    monkeypatch.setattr(launch.os, "geteuid", lambda: 0)
    monkeypatch.delenv("BGNEST_LAUNCHER", raising=False)


def test_ranks_get_cores_of_their_own_where_they_fit(monkeypatch):
    fake_launcher(monkeypatch, version="mpirun (Open MPI) 4.1.4", cores=8)
    command = launch.launcher_command(2, threads=4)
    assert command[command.index("--map-by") + 1] == "slot:PE=4"
    assert command[-2:] == ["-n", "2"] and "--allow-run-as-root" in command


def test_more_threads_than_cores_are_not_bound(monkeypatch):
    fake_launcher(monkeypatch, version="mpirun (Open MPI) 4.1.4", cores=2)
    command = launch.launcher_command(2, threads=2)
    assert command[command.index("--bind-to") + 1] == "none" and "--oversubscribe" not in command


def test_more_ranks_than_slots_oversubscribe(monkeypatch):
    fake_launcher(monkeypatch, version="mpirun (Open MPI) 4.1.4", cores=2, refuse=("slot:PE=1",))
    fallback = launch.launcher_command(2)
    assert "none" in fallback and "--oversubscribe" not in fallback
    refuse_all_but_oversubscribed(monkeypatch)
    assert "--oversubscribe" in launch.launcher_command(4)


def test_the_launcher_is_of_the_mpi_that_nest_was_compiled_with(monkeypatch):
    both = {"mpirun": "mpirun (Open MPI) 4.1.4", "mpirun.mpich": "HYDRA build details:\n    Version: 4.0.2"}
    fake_launcher(monkeypatch, version="", cores=8, family="mpich", programs=both)
    assert launch.launcher_command(2, threads=4) == ["mpirun.mpich", "-bind-to", "core:4", "-n", "2"]
    monkeypatch.setattr(launch, "mpi_family", lambda: "openmpi")
    assert launch.launcher_command(2, threads=4)[0] == "mpirun"
    # the other way round: Hydra is the default, Open MPI has the suffix
    other = {"mpiexec": both["mpirun.mpich"], "mpirun.openmpi": both["mpirun"]}
    fake_launcher(monkeypatch, version="", cores=8, family="openmpi", programs=other)
    assert launch.launcher_command(2)[0] == "mpirun.openmpi"


def refuse_all_but_oversubscribed(monkeypatch):
    run = launch.subprocess.run

    def stricter(command, **options):
        done = run(command, **options)
        if command[-1] == "true" and "--oversubscribe" not in command:
            done.returncode = 1
        return done

    monkeypatch.setattr(launch.subprocess, "run", stricter)


def test_a_launcher_that_refuses_everything_is_quoted(monkeypatch):
    fake_launcher(monkeypatch, version="HYDRA build details", cores=2, refuse=("-n",))
    with pytest.raises(ClusterError, match="not enough slots"):
        launch.launcher_command(2)


def test_the_user_can_name_the_launcher(monkeypatch):
    monkeypatch.setenv("BGNEST_LAUNCHER", "srun --mpi=pmix -n {ranks} -c {threads}")
    assert launch.launcher_command(16, threads=8) == ["srun", "--mpi=pmix", "-n", "16", "-c", "8"]


def test_without_a_launcher_the_package_is_named(monkeypatch):
    monkeypatch.delenv("BGNEST_LAUNCHER", raising=False)
    monkeypatch.setattr(launch.shutil, "which", lambda name: None)
    with pytest.raises(ClusterError, match="openmpi-bin"):
        launch.launcher_command(2)


def test_without_a_nest_with_mpi_the_ways_to_get_one_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(launch, "_nest_has_mpi", lambda: False)
    monkeypatch.setattr(launch.resources, "data_root", lambda: tmp_path)
    monkeypatch.delenv("BGNEST_MPI_PYTHON", raising=False)
    with pytest.raises(ClusterError, match="make mpi"):
        launch.mpi_python()


END = """
import sys
from network.cluster import job
sys.stderr = sys.stderr
job.silence_other_ranks()
print("said on stdout")
sys.modules["nest"] = sys  # MPI has started
job.end("what went wrong", 3)
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_ends_the_process_at_once_and_is_told(rank):
    variables = {**without_launcher(), "PMI_RANK": str(rank), "PMI_SIZE": "2"}
    done = subprocess.run([sys.executable, "-c", END], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    prefix = "" if rank == 0 else "rank 1 of 2: "
    assert done.stderr == f"{prefix}what went wrong\n"
    assert done.stdout == ("said on stdout\n" if rank == 0 else "")


@pytest.mark.parametrize(
    ("code", "output", "errors", "gone"),
    [
        (0, "RUNNING\n", "", False),
        (0, "PENDING\n", "", False),
        (0, "", "", True),
        (0, "COMPLETED\n", "", True),
        (1, "", "slurm_load_jobs error: Invalid job id specified", True),
        (1, "", "Unable to contact slurm controller", False),
    ],
)
def test_a_slurm_job_is_gone_only_when_slurm_says_so(monkeypatch, code, output, errors, gone):
    monkeypatch.setattr(job.shutil, "which", lambda name: "/usr/bin/squeue")
    answer = subprocess.CompletedProcess([], code, output, errors)
    monkeypatch.setattr(job.subprocess, "run", lambda *arguments, **options: answer)
    assert job.is_gone({"slurm": "1234"}) is gone


def test_without_slurm_nobody_can_tell(monkeypatch):
    monkeypatch.setattr(job.shutil, "which", lambda name: None)
    assert not job.is_gone({"slurm": "1234"}) and not job.is_gone({})
