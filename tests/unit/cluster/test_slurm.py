"""The job script asks for what the plan needs and runs what was asked for."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from network.cluster import settings, slurm
from network.errors import ClusterError
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.cost import estimate


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
    cost = estimate(plan)
    needed = max(2 * cost.memory_per_rank, 4 * cost.memory_per_compilation)  # two ranks; four models at a time
    assert 1.2 * needed < asked < 1.5 * needed
    assert directives(script(plan, tmp_path, memory=slurm.parse_memory("64G")))["mem"] == "65536M"


@pytest.fixture(scope="module")
def small():
    overrides = ["network.n_neurons=1000", "network.small_network=multapses"]
    return make_plan(load_experiment("lindahl2016/activation_control", overrides=overrides), threads=2)


@pytest.mark.parametrize(("threads", "compilers"), [(1, 1), (2, 2), (64, 4)])
def test_memory_of_a_small_network_covers_compiling_its_models(small, tmp_path, threads, compilers):
    """Each compiler takes 580 MB, and the script runs as many of them as it asks memory for."""
    text = script(small, tmp_path, nodes=1, ranks_per_node=1, threads=threads)
    assert slurm.parse_memory(directives(text)["mem"]) > 1.2 * compilers * 580e6
    assert f"--target vectorised --jobs {compilers}\n" in text
    (line,) = [line for line in text.splitlines() if line.startswith("# Memory of a node")]
    assert f"compiling {compilers} model(s) at a time" in line and "simulating" in line and "figures" in line


def test_memory_covers_the_end_of_a_small_run_and_its_figures(small, tmp_path, monkeypatch):
    """Peaks of these processes with 1,000 cells: 318 MB with the table of rates, 391 MB when plotting."""
    cost = estimate(small)
    assert 318e6 < cost.memory_of_run < 600e6 and 391e6 < cost.memory_of_figures < 600e6
    nothing = dataclasses.replace(cost, memory_per_compilation=0)
    monkeypatch.setattr(slurm, "estimate", lambda plan: nothing)
    asked = slurm.parse_memory(directives(script(small, tmp_path, nodes=1, ranks_per_node=1))["mem"])
    assert asked > 1.25 * 391e6


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


AWKWARD = ["a b", "a#b", "50%", "it's", 'say "hi"', "a;b", "$HOME", "ä b", "a&b"]


def as_sbatch_reads(line: str) -> str:
    """Argument of a line of a job script, read as Slurm's `sbatch` does: quotes, backslashes, comments."""
    argument, quote, escaped = "", "", False
    for letter in line.removeprefix("#SBATCH "):
        if escaped:
            argument, escaped = argument + letter, False
        elif letter == "\\":
            escaped = True
        elif letter == quote:
            quote = ""
        elif not quote and letter in "\"'":
            quote = letter
        elif not quote and (letter == "#" or letter.isspace()):
            break
        else:
            argument += letter
    assert not quote
    return argument


@pytest.mark.parametrize("name", AWKWARD)
def test_any_name_of_a_folder_arrives(plan, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    text = script(plan, folder)
    (output,) = [line for line in text.splitlines() if line.startswith("#SBATCH --output")]
    pattern = as_sbatch_reads(output).removeprefix("--output=")
    assert pattern.replace("%j", "7").replace("%%", "%") == f"{folder}/run/log/slurm-7.out"
    calls = [shlex.split(line) for line in text.splitlines() if " run " in line and not line.startswith("#")]
    assert str(folder / "run") in calls[0] and str(folder / "e.yaml") in calls[0]
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ("--exclusive", "--exclusive"),
        ("--comment=two words", "--comment=two words"),
        ('--comment="two words"', "--comment=two words"),
        ("--comment=a # b", "--comment=a # b"),
        ("--constraint=[a|b]", "--constraint=[a|b]"),
        ("--gres=gpu:a100:1", "--gres=gpu:a100:1"),
        ("-Ca100", "-Ca100"),
        ("--gres gpu:1", "--gres"),
        ('--comment=a"b', '--comment=a"b'),
        ("--comment=", "--comment="),
    ],
)
def test_an_option_of_sbatch_is_one_argument(plan, tmp_path, given, argument):
    lines = script(plan, tmp_path, directives=(given,)).splitlines()
    assert as_sbatch_reads(lines[lines.index("#SBATCH --open-mode=append") + 1]) == argument


@pytest.mark.parametrize("end", ["\ntouch NEW", "\r\ntouch NEW", "\x0b", "\u2028", "\x1b[2J", "\n"])
@pytest.mark.parametrize("what", ["directives", "setup", "launcher", "folder"])
def test_line_breaks_are_refused(plan, tmp_path, what, end):
    with pytest.raises(ClusterError, match="takes no line breaks"):
        if what == "folder":
            script(plan, tmp_path / f"a{end}b")
        else:
            text = f"--account=x{end}"
            script(plan, tmp_path, **{what: text if what == "launcher" else (text,)})


def test_what_is_no_option_of_sbatch_is_refused(plan, tmp_path):
    with pytest.raises(ClusterError, match="an option of sbatch begins with - or --"):
        script(plan, tmp_path, directives=("exclusive",))
    with pytest.raises(ClusterError, match="Slurm takes no backslash"):
        script(plan, tmp_path / "a\\b")


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


def test_a_slurm_whose_controller_does_not_answer_keeps_nobody_waiting(tmp_path, monkeypatch):
    for name in ("scontrol", "sacct", "sacctmgr"):
        (tmp_path / name).write_text("#!/bin/sh\nexec sleep 60\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(settings, "ANSWER_TIME", 0.2)
    began = time.monotonic()
    assert settings.binds_cores() and not settings.has_accounting() and settings.default_account() is None
    assert time.monotonic() - began < 30.0
