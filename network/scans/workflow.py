"""Write the Snakemake workflow of a scan and let Snakemake run it, here or on Slurm."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from .. import program
from .. import resources as folders
from ..cluster import launch
from ..cluster.slurm import COMPILERS, MEMORY_RESERVE, SHORTEST, SLOWER, one_line
from ..errors import ScanError
from ..experiment import dump_experiment
from ..plans.cost import load_cost_model
from ..plans.identity import short
from ..processes import end_with_parent, family
from ..runs.layout import to_json, write_atomic
from ..sealing import SEAL, seal_holds, sealed
from .planning import PlannedPoint, Planner, ScanPlan, job_memory
from .points import Point
from .schema import ScanSpec

TEMPLATE = Path(__file__).resolve().parent / "templates" / "Snakefile"
SPEC, POINTS, WORKFLOW, LOCK = "scan.yaml", "points.json", "workflow.json", ".lock"
FORMAT, FORMAT_VERSION = "bgnest-scan", 1
COMPILER_MINUTES = 30
"""Time for compiling the models, at least; assumed."""
MINUTES_PER_MODEL = 8
"""Assumed; half a minute to two on the machines that were measured."""
INSTALL = "pip install 'bgnest[scan]', in a checkout pip install -c constraints.txt -e '.[scan]'"
"""How to get what scans need beyond the rest."""
SNAKEMAKE_MB = 300
"""Memory of Snakemake itself within a Slurm job; assumed, it runs twice there with about 110 MB."""
MAX_SHARED = 200
"""Points that share a build in one job; their files stand in one command line."""
INTERRUPTED = 130
ENDING = 60.0
"""Seconds that processes of a killed scan may take to end; they are ended within two."""


@dataclass(frozen=True)
class Slurm:
    """How jobs are handed to Slurm.

    Attributes
    ----------
    partition, account : str or None
    jobs : int
        Jobs in the queue at a time.
    extra : tuple of str
        More options of ``sbatch``.
    setup : tuple of str
        Shell lines before each job, such as ``module load NEST``.
    launcher : str
        Starts the ranks of a job; ``{ranks}`` and ``{threads}`` are filled in.
    """

    partition: str | None = None
    account: str | None = None
    jobs: int = 100
    extra: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    launcher: str = "srun -n {ranks} -c {threads} --cpu-bind=cores --kill-on-bad-exit=1"

    def __post_init__(self) -> None:
        """Refuse what would not fit into a line of a job script."""
        named = {"--partition": [self.partition or ""], "--account": [self.account or ""], "--sbatch": self.extra}
        for what, texts in {**named, "--setup": self.setup, "launcher": [self.launcher]}.items():
            for text in texts:
                one_line(text, what)


def write_points(folder: Path, spec: ScanSpec, label: str, plan: ScanPlan) -> None:
    """Write what the scan is: its file with all defaults, and its points with their identity.

    Raises
    ------
    ScanError
        If the folder exists and is not the folder of a scan.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / POINTS).is_file():
        raise ScanError(f"{folder}: exists and is not the folder of a scan (no {POINTS}); choose another")
    folder.mkdir(parents=True, exist_ok=True)
    data = spec.model_dump(mode="json", exclude_defaults=True)
    write_atomic(folder / SPEC, yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": label,
        "axes": list(spec.leaves),
        "points": [point.to_dict() for point in plan.points],
    }
    write_atomic(folder / POINTS, to_json(sealed(json.loads(to_json(content)))))


def read_points(folder: Path) -> list[PlannedPoint]:
    """Points that a folder was last run for; ScanError if it is not the folder of a scan."""
    try:
        content = json.loads((folder / POINTS).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["format_version"] != FORMAT_VERSION:
            raise ScanError(f"{folder / POINTS}: written by another version of bgnest")
        if SEAL in content and not seal_holds(content):  # those of before had none
            raise ScanError(f"{folder / POINTS}: damaged; `bgnest scan run` with the file of the scan writes it again")
        return [PlannedPoint(**{**p, "models": tuple(p["models"])}) for p in content["points"]]
    except FileNotFoundError as error:
        raise ScanError(f"{folder}: not the folder of a scan (no {POINTS}); has it been run?") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ScanError(f"{folder / POINTS}: not readable ({error})") from error


Todo = Sequence[tuple[Point, PlannedPoint]]


def write_workflow(folder: Path, plan: ScanPlan, todo: Todo, label: str, slurm: Slurm | None = None) -> None:
    """Write the Snakemake workflow for some points, and the complete experiment of each.

    The experiments are complete, so that later changes of files do not reach points that wait.

    Raises
    ------
    ScanError
        If builds are to be shared in jobs of Slurm.
    """
    execution = plan.execution
    if slurm is not None and execution.share_builds:
        raise ScanError("execution.share_builds is for this machine; leave it out with --slurm")
    if slurm is not None:
        one_line(str(folder.absolute()), "--out")
    for name in ("points", "runs", "log"):
        (folder / name).mkdir(exist_ok=True)
    planner = Planner(label, execution)
    for point, planned in todo:
        write_atomic(folder / "points" / f"{planned.label}.yaml", dump_experiment(planner.experiment(point)))
    for sources in planner.sources:
        shutil.copy(sources, folder / "points" / sources.name)
    python = launch.mpi_python() if execution.ranks > 1 and slurm is None else Path(sys.executable)
    groups = _groups([planned for _, planned in todo], plan) if execution.share_builds else {}
    grouped = {point for group in groups.values() for point in group["points"]}
    content = {
        "folder": str(folder.absolute()),
        "environment": "" if slurm is None else _slurm_environment(slurm),
        "bgnest": shlex.join(program.command(python=python)),
        "arguments": f"--threads {execution.threads} --ranks {execution.ranks}",
        "resources": {} if slurm is None else _slurm_resources(plan, slurm),
        "models": _models_job([planned for _, planned in todo], plan, slurm),
        "jobs": {
            planned.label: {
                "cores": plan.job_cores,
                "mem_mb": _mebibytes(planned) + (SNAKEMAKE_MB if slurm is not None else 0),
                "runtime": _minutes(planned.seconds),
            }
            for _, planned in todo
            if planned.label not in grouped
        },
        "groups": groups,
    }
    write_atomic(folder / WORKFLOW, to_json(content))
    write_atomic(folder / "Snakefile", TEMPLATE.read_text(encoding="utf-8"))


def _mebibytes(point: PlannedPoint) -> int:
    return math.ceil(job_memory(point) / 2**20)


def _minutes(seconds: float) -> int:
    return math.ceil(max(SHORTEST, SLOWER * seconds) / 60)


def _models_job(points: Sequence[PlannedPoint], plan: ScanPlan, slurm: Slurm | None) -> dict[str, Any]:
    """Job that compiles what all points need, once per code generation target."""
    models = sorted({model for point in points for model in point.models})
    each = MEMORY_RESERVE * load_cost_model().memory_per_compilation.value / 2**20
    # nodes have the cores that a point needs; more of them, or so many on one node, nobody knows
    there = plan.execution.threads if slurm is not None else min(plan.cores, int(plan.memory_bytes / 2**20 / each))
    cores = max(1, min(len(models), COMPILERS, there))
    targets = sorted({point.target for point in points})
    rounds = len(targets) * math.ceil(len(models) / cores)
    resources: dict[str, Any] = {
        "mem_mb": math.ceil(each * cores),
        "runtime": max(COMPILER_MINUTES, MINUTES_PER_MODEL * rounds),
    }
    if slurm is None:
        resources["mem_mb"] = min(resources["mem_mb"], plan.memory_bytes // 2**20)
    else:
        resources["mem_mb"] += SNAKEMAKE_MB
        resources["cpus_per_task"] = cores
    arguments = [f"{shlex.join(models)} --target {target} --jobs {cores}" for target in targets]
    return {"arguments": arguments, "cores": cores, "resources": resources}


def _groups(points: Sequence[PlannedPoint], plan: ScanPlan) -> dict[str, dict[str, Any]]:
    """Jobs of points that have their network in common; those alone with theirs are in none."""
    by_network: dict[str, list[PlannedPoint]] = {}
    for point in points:
        by_network.setdefault(point.network_hash, []).append(point)
    groups = {}
    for network, members in by_network.items():
        for number, start in enumerate(range(0, len(members), MAX_SHARED)):
            part = members[start : start + MAX_SHARED]
            if len(part) < 2:
                continue
            workers = min(plan.n_jobs, len(part))
            groups[f"{short(network)}_{number}"] = {
                "points": [point.label for point in part],
                "cores": workers,
                "mem_mb": workers * max(map(_mebibytes, part)),
                "runtime": _minutes(sum(point.seconds for point in part) / workers),
            }
    return groups


def _slurm_resources(plan: ScanPlan, slurm: Slurm) -> dict[str, Any]:
    execution = plan.execution
    resources: dict[str, Any] = {"tasks": execution.ranks, "cpus_per_task": execution.threads}
    resources |= {"mpi": "srun"} if execution.ranks > 1 else {}
    return resources | ({"slurm_extra": shlex.join(slurm.extra)} if slurm.extra else {})


def _slurm_environment(slurm: Slurm) -> str:
    """What stands before each command in a job."""
    setup = "".join(f"{line} && " for line in slurm.setup)
    return f"{setup}BGNEST_LAUNCHER={shlex.quote(slurm.launcher)} "


def snakemake_command(
    folder: Path, plan: ScanPlan, *, slurm: Slurm | None = None, keep_going: bool = True, dry_run: bool = False
) -> list[str]:
    """Command line of Snakemake for a workflow that has been written.

    Raises
    ------
    ScanError
        If Snakemake or what it needs for Slurm is not installed.
    """
    needed = ["snakemake", *(["snakemake_executor_plugin_slurm"] if slurm is not None else [])]
    for module in needed:
        if importlib.util.find_spec(module) is None:
            raise ScanError(f"scans are run by Snakemake, and {module} is not installed: {INSTALL}")
    command = [sys.executable, "-P", "-m", "snakemake", "--snakefile", "Snakefile", "--directory", "."]
    # a manifest is written last and at once: what has one is complete, whatever Snakemake remembers of the job.
    # Its own lock is not needed: `hold` has one that cannot outlive the process.
    command += ["--keep-incomplete", "--ignore-incomplete", "--rerun-triggers", "mtime", "--nolock", "--nocolor"]
    command += ["--scheduler", "greedy", "--retries", str(plan.execution.retries)]
    command += ["--keep-going"] if keep_going else []
    command += ["--dry-run"] if dry_run else []
    if slurm is None:
        return [*command, "--cores", str(plan.cores), "--resources", f"mem_mb={plan.memory_bytes // 2**20}"]
    defaults = [f"slurm_partition={slurm.partition}"] if slurm.partition else []
    defaults += [f"slurm_account={slurm.account}"] if slurm.account else []
    command += ["--executor", "slurm", "--jobs", str(slurm.jobs), "--latency-wait", "60"]
    return [*command, *(["--default-resources", *defaults] if defaults else [])]


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[int]:
    """Be the only process that runs a scan; yields a descriptor to pass on to processes that belong to it.

    The lock is the kernel's: it ends with the last process that has it, however that ends. Where the process that
    ran the scan was killed, those that belonged to it are about to end, and are waited for.

    Raises
    ------
    ScanError
        If another process runs this scan.
    """
    with (folder / LOCK).open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + ENDING
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                file.seek(0)
                who = file.read().strip()
                if time.monotonic() > deadline or not _was_killed(who):
                    raise ScanError(f"{folder}: this scan is being run already ({who})") from error
            time.sleep(0.1)
        file.truncate(0)
        file.write(_myself() + "\n")
        file.flush()
        yield file.fileno()


def _myself() -> str:
    return f"process {os.getpid()} on {os.uname().nodename}"


def _was_killed(who: str) -> bool:
    """Whether the process that wrote its name into a lock is of this machine and gone."""
    found = re.fullmatch(r"process (\d+) on (.*)", who)
    return found is not None and found[2] == os.uname().nodename and not psutil.pid_exists(int(found[1]))


def execute(folder: Path, command: Sequence[str], lock: int, watch: Callable[[], None], *, here: bool = True) -> int:
    """Run Snakemake to its end, calling ``watch`` every second; returns its exit code, 130 after Ctrl-C.

    Ctrl-C reaches Snakemake and all jobs by themselves, being in our process group. SIGTERM is passed on to them as
    if it were Ctrl-C. If this process is killed, so are they, and the lock is free when they have ended; jobs that
    Slurm has (not ``here``) go on, and Snakemake alone is ended.
    """
    interrupted = False

    def interrupt(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        if number == signal.SIGTERM:
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)

    log = folder / "log" / "snakemake.log"
    with (
        family([lock]) as jobs,
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=_environment() | (jobs.environment if here else {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            preexec_fn=end_with_parent,
        ) as process,
    ):
        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1.0)
                watch()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return INTERRUPTED if interrupted else process.returncode


def _environment() -> dict[str, str]:
    """Environment of the jobs, which run in another folder: names of files in it become absolute."""
    environment = dict(os.environ)
    for name in ("BGNEST_CACHE", "BGNEST_MODELS", "BGNEST_PARAMS"):
        if parts := environment.get(name):
            places = [str(folders.user_path(part).absolute()) for part in parts.split(os.pathsep) if part]
            environment[name] = os.pathsep.join(places)
    return environment


def set_aside(run: Path, why: str) -> Path:
    """Move a run folder away without deleting anything; returns its new place, named after the reason."""
    number = 1
    while (kept := run.with_name(f"{run.name}.{why}-{number}")).exists():
        number += 1
    shutil.move(run, kept)
    return kept


def dry_run(folder: Path, command: Sequence[str]) -> str:
    """Text of Snakemake's dry run; ScanError if it finds a fault."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScanError(f"Snakemake refuses the workflow in {folder}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr
