"""What the Slurm of this machine is set to, and with which options its ``srun`` starts ranks."""

from __future__ import annotations

import functools
import getpass
import re
import shutil
import subprocess

from ..codegen import mpi

ANSWER_TIME = 5.0  # s; assumed: a question is answered within milliseconds, and one without a controller after minutes


def has_accounting() -> bool:
    """Whether Slurm keeps accounts of jobs, so that ``sacct`` knows the states of those that have ended."""
    if shutil.which("sacct") is None:
        return False
    done = _asked("sacct", "--noheader", "--allocations")
    return done is not None and done.returncode == 0 and "disabled" not in done.stderr


def default_account() -> str | None:
    """Account that Slurm charges where none is named; None where it keeps no accounts or has none for this user."""
    if shutil.which("sacctmgr") is None or not has_accounting():
        return None
    done = _asked("sacctmgr", "-n", "-P", "show", "user", getpass.getuser(), "format=DefaultAccount")
    return next(iter(done.stdout.split()), None) if done is not None and done.returncode == 0 else None


def binds_cores() -> bool:
    """Whether Slurm gives a rank cores of its own; where it cannot, it says so for every job that asks for it."""
    return (plugin := _setting("TaskPlugin")) is None or plugin not in ("", "(null)", "task/none", "none")


def srun_options(family: str) -> list[str]:
    """Options of ``srun`` for ranks of an MPI.

    Parameters
    ----------
    family : str
        ``openmpi``, ``mpich``, or empty if it is not known, or there is one rank.
    """
    interface = pmi_of(family) if family else None
    return [
        *([f"--mpi={interface}"] if interface else []),
        *(["--cpu-bind=cores"] if binds_cores() else []),
        "--kill-on-bad-exit=1",
    ]


def pmi_of(family: str) -> str | None:
    """Interface by which ``srun`` has to tell ranks of a family of MPI who they are, where it is not Slurm's default.

    Open MPI understands PMIx. MPICH as it is usually built does not, but Slurm's pmi2 speaks its older one, too: with
    any other each rank is a job of its own. An MPICH built with PMIx is left to the default.
    """
    default = _setting("MpiDefault")
    if default is None:
        return None
    without = default in ("", "(null)", "none")
    if family == mpi.OPEN_MPI and without:
        wanted = "pmix"
    elif family == mpi.MPICH and (without or (default.startswith("pmix") and not _mpich_has_pmix())):
        wanted = "pmi2"
    else:
        return None
    return wanted if wanted in _offered() else None


def _setting(name: str) -> str | None:
    """Value in Slurm's configuration; None if it does not tell."""
    program = shutil.which("scontrol")
    found = re.search(rf"^{name}\s*=[^\S\n]*(.*?)\s*$", _configuration(program) if program else "", re.MULTILINE)
    return None if found is None else found[1]


@functools.cache
def _configuration(scontrol: str) -> str:
    """What a ``scontrol`` prints as Slurm's configuration; empty if the controller does not answer."""
    done = _asked(scontrol, "show", "config")
    return "" if done is None else done.stdout


def _offered() -> list[str]:
    """Interfaces that ``srun`` has; versions of Slurm differ in where they say it."""
    done = _asked("srun", "--mpi=list") if shutil.which("srun") else None
    return [] if done is None else (done.stdout + done.stderr).split()


def _mpich_has_pmix() -> bool:
    done = _asked("mpichversion") if shutil.which("mpichversion") else None
    return done is not None and "pmix" in done.stdout


def _asked(*question: str) -> subprocess.CompletedProcess[str] | None:
    """Answer of a program of Slurm; None if its controller does not answer in time, and nobody has to wait for it."""
    try:
        return subprocess.run(question, capture_output=True, text=True, check=False, timeout=ANSWER_TIME)
    except subprocess.TimeoutExpired:
        return None
