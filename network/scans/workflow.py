"""Write the Snakemake workflow of a scan and let Snakemake run it, here or on Slurm."""

from __future__ import annotations

import importlib.util
import json
import math
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .. import program
from ..cluster import launch
from ..cluster.settings import default_account, has_accounting, srun_options
from ..cluster.slurm import COMPILERS, MEMORY_RESERVE, SHORTEST, SLOWER, one_line
from ..errors import ScanError
from ..experiment import dump_experiment
from ..plans.cost import load_cost_model
from ..plans.identity import short
from ..runs.layout import to_json, write_atomic
from ..sealing import SEAL, seal_holds, sealed
from .jobs import beginning
from .planning import PlannedPoint, Planner, ScanPlan, job_memory
from .points import Point
from .schema import ScanSpec

TEMPLATE = Path(__file__).resolve().parent / "templates" / "Snakefile"
SPEC, POINTS, WORKFLOW = "scan.yaml", "points.json", "workflow.json"
FORMAT, FORMAT_VERSION = "bgnest-scan", 1
COMPILER_MINUTES = 30
"""Time for compiling the models, at least; assumed."""
MINUTES_PER_MODEL = 8
"""Assumed; half a minute to two on the machines that were measured."""
INSTALL = "pip install 'bgnest[scan]', in a checkout pip install -c constraints.txt -e '.[scan]'"
"""How to get what scans need beyond the rest."""
SNAKEMAKE_MB = 300
"""Memory of Snakemake itself within a Slurm job; assumed, it runs twice there with about 110 MB."""
CHECK = 10
"""Seconds until Snakemake first asks for the states of its jobs; ten more each time that none has ended."""
OURS = {
    "--snakefile": "it writes the workflow",
    "-s": "it writes the workflow",
    "--directory": "see --out",
    "-d": "see --out",
    "--executor": "see --slurm",
    "-e": "see --slurm",
    "--cores": "see --cores",
    "-c": "see --cores",
    "--jobs": "see --jobs",
    "-j": "see --jobs",
    "--resources": "see --memory",
    "--slurm-jobname-prefix": "it finds its jobs by their name",
    "--dry-run": "see --dry-run",
    "-n": "see --dry-run",
}
"""Options of Snakemake that are not passed on, and why."""
MAX_SHARED = 200
"""Points that share a build in one job; their files stand in one command line."""


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
        Starts the ranks of a job; ``{ranks}`` and ``{threads}`` are filled in. Empty: ``srun`` with what Slurm and
        the MPI want.
    """

    partition: str | None = None
    account: str | None = None
    jobs: int = 100
    extra: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    launcher: str = ""

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
    begun = f".{POINTS}.tmp"  # all that a scan which is killed at once leaves
    if folder.exists() and not (folder / POINTS).is_file() and any(entry.name != begun for entry in folder.iterdir()):
        raise ScanError(f"{folder}: exists and is not the folder of a scan (no {POINTS}); choose another")
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": label,
        "axes": list(spec.leaves),
        "points": [point.to_dict() for point in plan.points],
    }
    # first, as by this file a folder is known for that of a scan
    write_atomic(folder / POINTS, to_json(sealed(json.loads(to_json(content)))))
    data = spec.model_dump(mode="json", exclude_defaults=True)
    write_atomic(folder / SPEC, yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


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
        resources |= {"cpus_per_task": cores, **_slurm_names(slurm)}
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
    return resources | _slurm_names(slurm)


def _slurm_names(slurm: Slurm) -> dict[str, Any]:
    """Resources of every job."""
    # named, so that Snakemake's executor does not guess one, which fails (2.8)
    named = {"slurm_partition": slurm.partition, "slurm_account": slurm.account or default_account()}
    extra = {"slurm_extra": shlex.join(slurm.extra)} if slurm.extra else {}
    return {key: value for key, value in named.items() if value} | extra


def _slurm_environment(slurm: Slurm) -> str:
    """What stands before each command in a job."""
    setup = "".join(f"{line} && " for line in slurm.setup)
    chosen = ["srun", "-n", "{ranks}", "-c", "{threads}", *srun_options(launch.mpi_family())]
    launcher = slurm.launcher or " ".join(chosen)
    return f"{setup}BGNEST_LAUNCHER={shlex.quote(launcher)} "


def snakemake_command(
    folder: Path,
    plan: ScanPlan,
    *,
    slurm: Slurm | None = None,
    keep_going: bool = True,
    dry_run: bool = False,
    options: Sequence[str] = (),
) -> list[str]:
    """Command line of Snakemake for a workflow that has been written; ``options`` are more of its own.

    Raises
    ------
    ScanError
        If Snakemake or what it needs for Slurm is not installed, or an option is one that has to be as it is.
    """
    more = [word for option in options for word in _words(option)]
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
        command += ["--cores", str(plan.cores), "--resources", f"mem_mb={plan.memory_bytes // 2**20}"]
        return [*command, *more]
    command += ["--executor", "slurm", "--jobs", str(slurm.jobs), "--latency-wait", "60"]
    command += ["--slurm-jobname-prefix", beginning(folder), "--slurm-init-seconds-before-status-checks", str(CHECK)]
    if shutil.which("squeue") is not None:
        # the executor asks sacct wherever the program exists, and waits for ever if Slurm keeps no accounts
        command += ["--slurm-status-command", "sacct" if has_accounting() else "squeue"]
    return [*command, *more]


def _words(option: str) -> list[str]:
    try:
        words = shlex.split(option)
    except ValueError as error:
        raise ScanError(f"--snakemake {option!r}: {error}") from error
    if not words or not words[0].startswith("-"):
        raise ScanError(f"--snakemake {option!r}: an option begins with -, as in --snakemake='--slurm-qos short'")
    if taken := next((word for word in words if word.partition("=")[0] in OURS), None):
        raise ScanError(f"--snakemake {option!r}: {taken} is set by bgnest: {OURS[taken.partition('=')[0]]}")
    return words


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
