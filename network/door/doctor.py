"""What this machine has for simulations, and what to do about what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .. import resources
from ..cluster import launch, settings
from ..codegen import headers, toolchain
from ..codegen.cache import Cache
from ..errors import Error
from ..refusals import cache_root
from ..room import free_disk, memory_limits, smallest
from ..text import human_bytes
from ..together import usable_cores

GOOD, REMARK, BAD = "ok", "note", "missing"
SMALL_MEMORY, SMALL_DISK = 2e9, 2e9
"""Bytes; assumed: compiling takes 660 MB, a network of 10,000 neurons half a gigabyte, all models 0.2 GB."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
    state : str
        ``ok``, ``note`` (something is not possible here) or ``missing`` (no simulation is possible).
    found : str
        What is there.
    advice : str
        What to do, where something is not ``ok``.
    """

    what: str
    state: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """What was found; true if simulations are possible."""

    findings: tuple[Finding, ...] = field(default_factory=tuple)

    def __bool__(self) -> bool:
        return all(finding.state != BAD for finding in self.findings)

    def __str__(self) -> str:
        width = max(len(finding.what) for finding in self.findings)
        lines = [f"{finding.state:<8} {finding.what:<{width}}  {finding.found}" for finding in self.findings]
        advice = [f"- {finding.what}: {finding.advice}" for finding in self.findings if finding.advice]
        if not self:
            last = ["", "No simulation is possible here yet. What to do:", *advice]
        else:
            last = ["", "Simulations are possible here: bgnest run --n-neurons 10000 --threads 2"]
            last += ["What is not possible or may be better:", *advice] if advice else []
        return "\n".join([*lines, *last])

    __repr__ = __str__


def examine() -> Report:
    """Look at everything that simulations need; takes a second or two and changes nothing but an empty cache folder."""
    parts = (_program, _nest, _nestml, _compiler, _boost, _gsl, _cores, _mpi, _slurm, _cache, _memory, _disk, _settings)
    return Report(tuple(finding for part in parts for finding in part()))


def _program() -> Iterator[Finding]:
    from .. import __version__

    python = f"Python {sys.version.split()[0]} in {sys.prefix}"
    yield Finding("bgnest", GOOD, f"{__version__} in {Path(__file__).resolve().parents[1]}, {python}")


def _tried(what: str, look: Callable[[], str]) -> Finding:
    """Finding of something without which nothing runs."""
    try:
        return Finding(what, GOOD, look())
    except Error as error:
        return Finding(what, BAD, str(error).partition(". ")[0], str(error))


def _nest() -> Iterator[Finding]:
    def look() -> str:
        nest = toolchain.find_nest()
        return f"{nest.version} in {nest.package}, {'threads and MPI' if nest.mpi else 'threads, no MPI'}"

    yield _tried("NEST", look)


def _nestml() -> Iterator[Finding]:
    yield _tried("NESTML", toolchain.nestml_version)


def _compiler() -> Iterator[Finding]:
    yield _tried("C++ compiler", lambda: toolchain.find_compiler().version)


def _boost() -> Iterator[Finding]:
    def look() -> str:
        headers.require_boost(toolchain.find_compiler(), headers.environment_flags())
        return "found"

    yield _tried("headers of Boost", look)


def _gsl() -> Iterator[Finding]:
    try:
        there = toolchain.has_header(toolchain.find_compiler(), "gsl/gsl_odeiv2.h", headers.environment_flags())
    except Error:
        return  # without a compiler, which is told above
    advice = (
        "only `--target reference` needs it: apt install libgsl-dev (Debian, Ubuntu), dnf install gsl-devel (Fedora)"
    )
    yield Finding("headers of GSL", GOOD if there else REMARK, "found" if there else "none", "" if there else advice)


def _cores() -> Iterator[Finding]:
    n, load = usable_cores(), os.getloadavg()[0]
    busy = f"the machine is busy; `--threads` of all cores together ({n}) will wait for other programs"
    text = f"{n} usable, load {load:.1f}; --threads up to {n}"
    yield Finding("cores", REMARK if load > n else GOOD, text, busy if load > n else "")


def _mpi() -> Iterator[Finding]:
    try:
        python = launch.mpi_python()
        words = launch.launcher_command(2)
        yield Finding("MPI (--ranks)", GOOD, f"NEST with MPI in {python.parent.parent}, {' '.join(words)}")
    except Error as error:
        yield Finding("MPI (--ranks)", REMARK, str(error).partition(". ")[0].partition(":")[0], str(error))


def _slurm() -> Iterator[Finding]:
    if shutil.which("sbatch") is None:
        yield Finding("Slurm", REMARK, "no sbatch", "`bgnest submit` and `scan run --slurm` need a machine with Slurm")
        return
    partitions = _answer("sinfo", "--noheader", "--format=%P %c %m")
    if partitions is None:
        said = "sbatch is there, but no controller answers"
        yield Finding("Slurm", REMARK, said, "see `sinfo`; ask those who run the cluster")
        return
    names = ", ".join(f"{p} ({c} cores, {m} MB)" for p, c, m in map(str.split, partitions.splitlines()[:4]))
    accounting = "with" if settings.has_accounting() else "without"
    yield Finding("Slurm", GOOD, f"partitions {names}; {accounting} accounting")


def _answer(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cache() -> Iterator[Finding]:
    def look() -> str:
        root = Cache().root
        n = sum(1 for _ in (root / "objects").iterdir())
        return f"{n} compiled models in {root}, {human_bytes(free_disk(root))} free"

    finding = _tried("compiled models", look)
    yield finding
    if finding.state == GOOD and free_disk(cache_root()) < SMALL_DISK:
        yield Finding("disk of the cache", REMARK, "nearly full", "BGNEST_CACHE names a folder elsewhere")


def _memory() -> Iterator[Finding]:
    limit = smallest(memory_limits())
    small = limit.size < SMALL_MEMORY
    advice = "compile with --jobs 1 and stay below 10,000 neurons" if small else ""
    yield Finding("memory", REMARK if small else GOOD, f"{human_bytes(limit.size)} that {limit.of}", advice)


def _disk() -> Iterator[Finding]:
    free = free_disk(Path.cwd())
    advice = f"runs are written below {Path.cwd()}; `--out` names another place" if free < SMALL_DISK else ""
    yield Finding("disk", REMARK if advice else GOOD, f"{human_bytes(free)} free in {Path.cwd()}", advice)


def _settings() -> Iterator[Finding]:
    given = {name: value for name, value in os.environ.items() if name.startswith("BGNEST_")}
    folders = [part for name in ("BGNEST_PARAMS", "BGNEST_MODELS") for part in given.get(name, "").split(os.pathsep)]
    lost = [part for part in folders if part and not resources.user_path(part).is_dir()]
    text = " ".join(f"{name}={value}" for name, value in sorted(given.items())) or "none set"
    advice = f"no such folder: {', '.join(lost)}" if lost else ""
    yield Finding("variables BGNEST_*", REMARK if lost else GOOD, text, advice)
