"""Slurm job script of one run, filled in from a template file with what the plan says the run needs."""

from __future__ import annotations

import math
import re
import shlex
import shutil
import string
import subprocess
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ClusterError
from ..plans.cost import estimate
from ..plans.plan import Plan
from ..text import human_bytes
from .launch import filled, mpi_family
from .settings import binds_cores, srun_options

TEMPLATE = Path(__file__).resolve().parent / "templates" / "slurm.sh"

SRUN = "srun"
LAUNCHERS = {
    SRUN: "srun --cpus-per-task={threads}",  # and what Slurm and the MPI want: settings.srun_options
    # Open MPI's own; takes nodes and ranks from the allocation
    "mpirun": "mpirun --map-by ppr:{ranks_per_node}:node:PE={threads} --bind-to core -n {ranks}",
}

UNBOUND = "unset SLURM_HINT SLURM_THREADS_PER_CORE  # nothing is bound here, which each srun would say otherwise"

SLOWER = 3.0  # assumed: the prediction holds for one kind of processor, and nodes differ
MEMORY_RESERVE = 1.3  # assumed: error of the prediction and the system's own needs
COMPILERS = 4  # compilers at a time; assumed, each wants as much memory as a small network
SHORTEST = 600.0  # s; assumed: queues round up anyway


class _Template(string.Template):
    """``@{name}`` is replaced; ``$`` belongs to the shell."""

    delimiter = "@"


@dataclass(frozen=True)
class Job:
    """What to ask Slurm for.

    Attributes
    ----------
    nodes, ranks_per_node, threads : int
    wall_time : float
        Seconds; None for what the plan predicts, with a reserve.
    memory : float
        Bytes per node; None for what the plan predicts, with a reserve.
    launcher : str
        ``srun``, ``mpirun``, or a command with ``{ranks}``, ``{ranks_per_node}``, ``{threads}``.
    directives : tuple of str
        More ``#SBATCH`` options, such as ``--partition=batch``.
    setup : tuple of str
        Shell lines before anything is started, such as ``module load NEST``.
    bgnest : str
        Command, as it is called on the node.
    """

    nodes: int = 1
    ranks_per_node: int = 1
    threads: int = 1
    wall_time: float | None = None
    memory: float | None = None
    launcher: str = SRUN
    directives: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    bgnest: str = "bgnest"

    @property
    def ranks(self) -> int:
        """Ranks on all nodes."""
        return self.nodes * self.ranks_per_node

    def compilers(self, n_models: int) -> int:
        """Models to compile at a time: on the cores of a node that the job has, and not more than need be."""
        return max(1, min(n_models, self.ranks_per_node * self.threads, COMPILERS))


def job_script(plan: Plan, job: Job, folder: Path, experiment: Path, script: Path, *, template: Path = TEMPLATE) -> str:
    """Fill in the template.

    Parameters
    ----------
    plan : Plan
        For ``job.ranks`` ranks and ``job.threads`` threads.
    job : Job
    folder : Path
        Run folder.
    experiment : Path
        YAML file of the experiment.
    script : Path
        Where the script will be, for the comment in it.
    template : Path
        Text with ``@{name}``; the one that comes with bgnest names everything there is.

    Raises
    ------
    ClusterError
        If the template names something unknown, or a text does not fit into a line of the script.
    """
    for path in (folder, experiment, script):
        one_line(str(path), "--out")
    cost = estimate(plan)
    wall_time = job.wall_time or max(SHORTEST, SLOWER * cost.total + cost.compile_cold)
    models = sorted({population.model for population in plan.populations})
    compilers = job.compilers(len(models))
    needs = {
        "simulating": float(cost.memory_per_rank * job.ranks_per_node + cost.memory_of_table),
        f"compiling {compilers} model(s) at a time": float(compilers * cost.memory_per_compilation),
        "figures": float(cost.memory_of_figures),
    }
    memory = job.memory or MEMORY_RESERVE * max(needs.values())
    launcher = LAUNCHERS.get(job.launcher, job.launcher)
    if job.launcher == SRUN:
        launcher = " ".join([launcher, *srun_options(mpi_family() if job.ranks > 1 else "")])
    numbers = {"ranks": job.ranks, "ranks_per_node": job.ranks_per_node, "threads": job.threads}
    values = {
        **{name: str(number) for name, number in numbers.items()},
        "job_name": re.sub(r"[^\w.+-]", "_", plan.name),
        "nodes": str(job.nodes),
        "unbound": "" if binds_cores() else UNBOUND,
        "memory_mib": str(math.ceil(memory / 2**20)),
        "wall_time": slurm_time(wall_time),
        "log": log_pattern(folder),
        "directives": "\n".join(f"#SBATCH {directive(text)}" for text in job.directives),
        "setup": "\n".join(one_line(line, "--setup") for line in job.setup),
        "working_directory": shlex.quote(one_line(str(Path.cwd()), "the working directory")),
        "bgnest": job.bgnest,
        "models": shlex.join(models),
        "compilers": str(compilers),
        "memory_needs": ", ".join(f"{what} {human_bytes(size)}" for what, size in needs.items()),
        "target": plan.build_target,
        "launcher": filled(one_line(launcher, "--launcher"), "--launcher", **numbers),
        "experiment": shlex.quote(str(experiment)),
        "folder": shlex.quote(str(folder)),
        "script": shlex.quote(str(script)),
        "expected": f"{cost.total:.0f} s and {human_bytes(cost.memory_per_rank)} per rank on the machine that "
        f"the costs were measured on; {human_bytes(cost.memory_bytes)} in all",
    }
    try:
        return _Template(template.read_text(encoding="utf-8")).substitute(values)
    except KeyError as error:
        raise ClusterError(
            f"{template}: unknown name @{{{error.args[0]}}}; names: {', '.join(sorted(values))}"
        ) from error
    except ValueError as error:
        raise ClusterError(f"{template}: {error}; write @@ for @") from error


def one_line(text: str, what: str) -> str:
    """Text for a job script, where a line break would begin a command; ``what`` names it in the message.

    Raises
    ------
    ClusterError
        If it has a line break or another control character.
    """
    if text.splitlines() not in ([], [text]) or any(
        unicodedata.category(letter) == "Cc" for letter in text.replace("\t", " ")
    ):
        raise ClusterError(f"{what} {text!r}: a job script takes no line breaks or control characters here")
    return text


def directive(text: str) -> str:
    """One option of ``sbatch`` as it stands behind ``#SBATCH``, its value quoted where need be.

    Raises
    ------
    ClusterError
        If it is no option.

    Examples
    --------
    >>> print(directive("--comment=two words"), directive("--gres gpu:1"))
    --comment="two words" --gres gpu:1
    """
    found = re.fullmatch(r"(-\w|--[\w-]+)(?:(=| +)?(.*))?", one_line(text, "--sbatch").strip())
    if not found:
        raise ClusterError(f"--sbatch {text!r}: an option of sbatch begins with - or --, as in --sbatch=--exclusive")
    option, between, value = found.groups()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" and value[0] not in value[1:-1]:
        value = value[1:-1]  # quoted for the script already
    return f"{option}{(between or '')[:1]}{quoted(value)}"


def quoted(text: str) -> str:
    """Quote a value as ``sbatch`` reads it in a script: double quotes, and a backslash before these and itself.

    >>> print(quoted("batch"), quoted("a b"))
    batch "a b"
    """
    if re.fullmatch(r"[\w.,:/%@+=^*\[\]-]*", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def log_pattern(folder: Path) -> str:
    """Name of the log in a run folder as ``sbatch`` takes it: ``%j`` is the number of the job, ``%%`` a ``%``.

    Raises
    ------
    ClusterError
        If the folder's name has a backslash, behind which Slurm replaces nothing.
    """
    if "\\" in str(folder):
        raise ClusterError(f"--out {folder}: Slurm takes no backslash in the name of a log; choose another folder")
    return quoted(f"{str(folder).replace('%', '%%')}/log/slurm-%j.out")


def slurm_time(seconds: float) -> str:
    """Seconds as Slurm writes times, rounded up to minutes.

    >>> slurm_time(59), slurm_time(90000)
    ('00:01:00', '1-01:00:00')
    """
    minutes = math.ceil(seconds / 60)
    days, minutes = divmod(minutes, 24 * 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}:00"
    return f"{days}-{text}" if days else text


def parse_time(text: str) -> float:
    """Seconds of a time as Slurm reads it: minutes, ``minutes:seconds``, ``hours:minutes:seconds``, ``days-…``.

    >>> parse_time("90"), parse_time("1-00:30:00")
    (5400.0, 88200.0)
    """
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text.strip())
    if not found:
        raise ClusterError(f"time {text!r}: write minutes, hours:minutes:seconds or days-hours:minutes:seconds")
    days, *rest = found.groups()
    parts = [int(part) for part in rest if part is not None]
    if days is not None:  # days-hours[:minutes[:seconds]]
        parts = [*parts, 0, 0][:3]
    elif len(parts) < 3:  # minutes[:seconds]
        parts = [0, *parts, 0][:3]
    hours, minutes, seconds = parts
    return float(((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds)


def parse_memory(text: str) -> float:
    """Bytes of a size such as ``8G`` or ``64000M`` (binary, as Slurm counts).

    >>> parse_memory("2G")
    2147483648.0
    """
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)([KMGT])", text.strip(), re.IGNORECASE)
    if not found:
        raise ClusterError(f"memory {text!r}: write a number with K, M, G or T, for instance 64G")
    return float(found.group(1)) * 1024.0 ** ("KMGT".index(found.group(2).upper()) + 1)


def hand_in(script: Path, arguments: Sequence[str] = ()) -> str:
    """Call ``sbatch``; returns its answer.

    Raises
    ------
    ClusterError
        If there is no Slurm here or it refuses the job.
    """
    if shutil.which("sbatch") is None:
        raise ClusterError(f"no sbatch on this machine; the script is ready: sbatch {shlex.quote(str(script))}")
    done = subprocess.run(["sbatch", *arguments, str(script)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"sbatch refuses {script}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()
