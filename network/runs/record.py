"""Provenance of a run: which code, on which machine, how started, when, and how much memory it took."""

from __future__ import annotations

import os
import platform
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from .code import code_digest


def now() -> str:
    """Present time, ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def collect_record(
    *,
    versions: Mapping[str, str],
    threads: int = 1,
    ranks: int = 1,
    command: Sequence[str] | None = None,
    source: str | Path | None = None,
) -> dict[str, Any]:
    """Facts known when a run starts, ready for ``record.json``.

    Parameters
    ----------
    versions : mapping
        Versions of what computes the result, for example ``{"bgnest": "0.1.0", "nest": "3.10.0"}``. Passed
        in, because this layer must not import a simulator. Python's own version is added.
    command : sequence of str, optional
        Command line; the present one by default.
    source : path, optional
        A file of the package under version control; its commit is recorded. By default this module.
    """
    return {
        "versions": {**versions, "python": platform.python_version()},
        "git": git_state(source or __file__),
        "code": code_digest(),
        "machine": machine(),
        "threads": threads,
        "ranks": ranks,
        "command": list(sys.argv if command is None else command),
        "working_directory": str(Path.cwd()),
        "started": now(),
    }


def machine() -> dict[str, Any]:
    """Host name, operating system, processor, cores usable by this process, memory in bytes."""
    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
    }


def cpu_model(cpuinfo: str | Path = "/proc/cpuinfo") -> str:
    """Name of the processor as the kernel reports it; the architecture where there is no such file."""
    try:
        lines = Path(cpuinfo).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def git_state(source: str | Path) -> dict[str, Any] | None:
    """Commit and cleanness of the checkout that tracks a file.

    Returns
    -------
    dict with ``commit`` (str) and ``dirty`` (bool), or None
        None where there is no git, no checkout, or the file is not under version control: a package installed
        inside somebody else's checkout must not borrow that commit.
    """
    path = Path(source).resolve()

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(path.parent), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", path.name)
        return {
            "commit": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def memory_bytes() -> int:
    """Resident memory of this process in bytes."""
    return int(psutil.Process().memory_info().rss)


def peak_memory_bytes() -> int:
    """Largest resident size of this process so far.

    The usual call counts what the process was a copy of before it became this program, such as a large caller.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        if found is not None:
            return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
