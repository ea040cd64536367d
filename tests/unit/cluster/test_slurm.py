"""The job script asks for what the plan needs and runs what was asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from network.cluster import slurm
from network.cluster.errors import ClusterError
from network.spec import load_experiment, make_plan
from network.spec.cost import estimate


@pytest.fixture(scope="module")
def plan():
    return make_plan(load_experiment("lindahl2016/activation_control"), ranks=4, threads=64)


def script(plan, tmp_path, template=slurm.TEMPLATE, **changes):
    job = slurm.Job(**{"nodes": 2, "ranks_per_node": 2, "threads": 64, **changes})
    return slurm.job_script(plan, job, tmp_path / "run", tmp_path / "e.yaml", tmp_path / "job.sh", template=template)


def directives(text: str) -> dict[str, str]:
    lines = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH")]
    return dict(line.partition("=")[::2] for line in lines)


def test_nodes_ranks_and_threads_are_those_asked_for(plan, tmp_path):
    found = directives(script(plan, tmp_path))
    assert (found["nodes"], found["ntasks-per-node"], found["cpus-per-task"]) == ("2", "2", "64")


def test_memory_of_a_node_covers_its_ranks(plan, tmp_path):
    asked = slurm.parse_memory(directives(script(plan, tmp_path))["mem"])
    needed = 2 * estimate(plan).memory_per_rank
    assert 1.2 * needed < asked < 1.5 * needed
    assert directives(script(plan, tmp_path, memory=slurm.parse_memory("64G")))["mem"] == "65536M"


def test_wall_time_follows_the_plan_with_a_reserve(tmp_path):
    long = make_plan(load_experiment("lindahl2016/activation_control", overrides=["simulation.t_sim=100000"]))
    asked = slurm.parse_time(directives(script(long, tmp_path))["time"])
    assert 2.5 * estimate(long).total < asked < 4 * estimate(long).total
    assert directives(script(long, tmp_path, wall_time=3600.0))["time"] == "01:00:00"


def test_log_lies_where_it_does_not_count_as_a_result(plan, tmp_path):
    log = Path(directives(script(plan, tmp_path))["output"])
    assert log.parent == tmp_path / "run" / "log"


def test_own_directives_setup_and_launcher(plan, tmp_path):
    text = script(
        plan,
        tmp_path,
        directives=("--partition=batch", "--exclusive"),
        setup=("module load GCC",),
        launcher="mpiexec -n {ranks} -ppn {ranks_per_node}",
    )
    assert directives(text)["partition"] == "batch" and "exclusive" in directives(text)
    assert "\nmodule load GCC\n" in text and "mpiexec -n 4 -ppn 2" in text


@pytest.mark.parametrize("launcher", ["srun", "mpirun"])
def test_script_is_valid_shell_and_compiles_before_it_starts_ranks(plan, tmp_path, launcher):
    text = script(plan, tmp_path, launcher=launcher)
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    assert text.index("models build") < text.index(f"\n{launcher} ") < text.index("--resume")
    assert "@" not in text


def test_script_does_what_it_says(plan, tmp_path, monkeypatch):
    """Run by bash with stand-ins for bgnest and srun, it calls them in order with the right arguments."""
    calls = tmp_path / "calls"
    for name in ("bgnest", "srun"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        forward = '\nwhile [ "${1#-}" != "$1" ]; do shift; done\n"$@"\n' if name == "srun" else "\n"
        program.write_text(f'#!/bin/bash\necho "{name} $*" >> {calls}{forward}')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    subprocess.run(["bash"], input=script(plan, tmp_path), text=True, check=True)
    lines = calls.read_text().splitlines()
    assert [line.split()[:2] for line in lines[::2]] == [["bgnest", "models"], ["bgnest", "run"]]
    assert lines[1].startswith("srun --cpus-per-task=64") and lines[-1] == f"bgnest plot {tmp_path / 'run'}"
    assert f"run {tmp_path / 'e.yaml'} --threads 64 --out {tmp_path / 'run'} --resume" in lines[2]


def test_an_own_template_with_a_wrong_name_lists_the_names(plan, tmp_path):
    template = tmp_path / "own.sh"
    template.write_text("#SBATCH --nodes=@{node}\n")
    with pytest.raises(ClusterError, match=r"own.sh: unknown name @\{node\}; names: .*nodes"):
        script(plan, tmp_path, template=template)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 1800), ("30:15", 1815), ("2:00:00", 7200), ("1-12", 129600), ("1-00:30", 88200), ("1-00:30:10", 88210)],
)
def test_times_are_read_as_slurm_does(text, seconds):
    assert slurm.parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "abc", "1:2:3:4", "1-", "-5"])
def test_times_that_slurm_would_refuse(text):
    with pytest.raises(ClusterError, match="hours:minutes:seconds"):
        slurm.parse_time(text)


def test_memory_without_unit_is_refused():
    with pytest.raises(ClusterError, match="64G"):
        slurm.parse_memory("64")


def test_without_slurm_the_script_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(slurm.shutil, "which", lambda name: None)
    with pytest.raises(ClusterError, match=r"no sbatch .*job\.sh"):
        slurm.hand_in(tmp_path / "job.sh")
