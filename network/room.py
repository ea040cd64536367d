"""How much memory and disk there is for a process: of the machine, its container or job, and its shell.

What a program may use is the smallest of several limits. A control group (Slurm jobs, containers) kills a process that
goes beyond its limit, without a word; `ulimit -v` makes single allocations fail, wherever they are.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

UNLIMITED = 2.0**60
"""Bytes from which on a limit of a control group means that there is none."""
CONTROL_FILES = {"cgroup": "memory.limit_in_bytes", "cgroup2": "memory.max"}
"""File with the limit, by type of the file system: the first and the second version of control groups."""


@dataclass(frozen=True)
class Limit:
    """Bytes of memory, and whose limit that is.

    Attributes
    ----------
    size : float
        Bytes.
    of : str
        "this machine has", for messages.
    each : bool
        Whether it holds for each process alone, and not for all of a job together.
    """

    size: float
    of: str
    each: bool = False


def memory_limits(root: Path = Path("/"), environment: Mapping[str, str] | None = None) -> list[Limit]:
    """All limits of memory that hold for this process, the machine's first.

    Parameters
    ----------
    root : Path
        Where ``/proc`` and the control groups are looked for.
    environment : mapping, optional
        With the variables of Slurm; by default that of this process.
    """
    found = [Limit(float(psutil.virtual_memory().total), "this machine has")]
    found += _control_groups(root)
    found += _slurm(os.environ if environment is None else environment)
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        found.append(Limit(float(soft), "the shell allows each process (ulimit -v)", each=True))
    return found


def smallest(limits: list[Limit], processes: int = 1) -> Limit:
    """Limit that so many equal processes meet first, for all of them together."""
    together = [Limit(x.size * processes, x.of, x.each) if x.each else x for x in limits]
    return min(together, key=lambda limit: limit.size)


def memory_here() -> float:
    """Bytes that one process can have."""
    return smallest(memory_limits()).size


def _control_groups(root: Path) -> Iterator[Limit]:
    """Limits of the groups that this process is in, and of all above them."""
    groups: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                groups["cgroup2"] = group
            elif "memory" in controllers.split(","):
                groups["cgroup"] = group
    for kind, below, place in _mounts(root):
        if kind not in groups:
            continue
        top = root / place.lstrip("/")
        # in a container the folder of its group is mounted as if it were the first one
        relative = os.path.relpath(groups[kind], below) if groups[kind].startswith(below.rstrip("/") + "/") else "."
        folder = top / relative if not relative.startswith("..") else top
        for level in (folder, *folder.parents):
            if (size := _number(level / CONTROL_FILES[kind])) is not None and size < UNLIMITED:
                yield Limit(size, "the control group of this job or container allows")
            if level == top:
                break


def _mounts(root: Path) -> Iterator[tuple[str, str, str]]:
    """Type, folder within the hierarchy and place of mounted control groups that may know of memory."""
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            left, _, right = line.partition(" - ")
            fields, kinds = left.split(), right.split()
            if len(fields) > 4 and kinds and (kinds[0] == "cgroup2" or "memory" in kinds[-1].split(",")):
                yield kinds[0], fields[3], fields[4]


def _number(file: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        return float(int(file.read_text(encoding="ascii")))
    return None


def _slurm(environment: Mapping[str, str]) -> Iterator[Limit]:
    """What a job has asked for on this node, which not every cluster enforces by a control group."""
    with contextlib.suppress(KeyError, ValueError):
        if (mebibytes := int(environment["SLURM_MEM_PER_NODE"])) > 0:  # 0: the whole node
            yield Limit(mebibytes * 2.0**20, "the Slurm job has asked for")
    with contextlib.suppress(KeyError, ValueError):
        each, cores = int(environment["SLURM_MEM_PER_CPU"]), int(environment["SLURM_CPUS_ON_NODE"])
        if each * cores > 0:
            yield Limit(each * cores * 2.0**20, "the Slurm job has asked for")


def free_disk(path: Path) -> float:
    """Bytes that can be written where a folder is, or is going to be."""
    for folder in (path.absolute(), *path.absolute().parents):
        with contextlib.suppress(OSError):
            return float(shutil.disk_usage(folder).free)
    return float("inf")


def largest_file() -> float:
    """Bytes of the largest file that this process may write (``ulimit -f``)."""
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return float("inf") if soft == resource.RLIM_INFINITY else float(soft)
