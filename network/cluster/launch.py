"""Start an MPI job here or inside a cluster allocation: which Python, which launcher, which options."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from .. import program, resources
from ..codegen import mpi
from ..codegen.toolchain import find_nest
from ..errors import BuildError, ClusterError
from ..processes import family
from .job import JOB_NAME
from .ranks import without_launcher
from .settings import srun_options

INTERRUPTED = 130
MPI_ENVIRONMENTS = (".venv-mpi", ".venv-mpich")
"""What ``make mpi`` and ``make mpi MPI=mpich`` make; the first that is there is taken."""
BUILD_MARK = "bgnest-build.json"
"""File that `network.cluster.nest_mpi` leaves in a NEST which it has compiled, installed and tested."""


def mpi_python() -> Path:
    """Python whose NEST has MPI: this one, ``$BGNEST_MPI_PYTHON``, or that of ``make mpi``.

    Raises
    ------
    ClusterError
        If there is none; says how to get one.
    """
    if _nest_has_mpi():
        return Path(sys.executable)
    if given := os.environ.get("BGNEST_MPI_PYTHON"):
        if not shutil.which(given):
            raise ClusterError(f"BGNEST_MPI_PYTHON={given}: no such program")
        return Path(given)
    for made in (resources.data_root() / name for name in MPI_ENVIRONMENTS):
        if any(made.glob(f"lib/python*/site-packages/nest/{BUILD_MARK}")):
            return made / "bin" / "python"
    raise ClusterError(
        "the installed NEST has threads, but no MPI. Either run with --threads only, or get a NEST with MPI: "
        "`make mpi` compiles one (minutes, once), environment.yml has one from conda-forge; on a cluster see "
        "docs/howto/clusters.md. The variable BGNEST_MPI_PYTHON names the Python of an environment that has one."
    )


@functools.cache
def _nest_has_mpi() -> bool:
    """Whether the NEST of this Python was built with MPI; looks at its files and does not import it."""
    try:
        return find_nest().mpi
    except BuildError:
        return False


def filled(command: str, what: str, **numbers: int) -> str:
    """Fill the numbers into a launcher's command, such as ``srun -n {ranks}``; ``what`` names it in messages."""
    try:
        return command.format(**numbers)
    except (KeyError, IndexError, ValueError) as error:
        names = ", ".join(f"{{{name}}}" for name in numbers)
        raise ClusterError(f"{what}: {command!r} cannot be filled in; names: {names}; write {{{{ for {{") from error


def launcher_command(ranks: int, threads: int = 1) -> list[str]:
    """Return the command, without the program, that starts a job of so many ranks here.

    ``$BGNEST_LAUNCHER`` replaces the choice made here, ``{ranks}`` and ``{threads}`` in it are filled in:
    ``BGNEST_LAUNCHER="srun --mpi=pmix -n {ranks} -c {threads}"``.

    Raises
    ------
    ClusterError
        If there is no launcher, or it refuses to start a trivial program.
    """
    if given := os.environ.get("BGNEST_LAUNCHER"):
        return shlex.split(filled(given, "BGNEST_LAUNCHER", ranks=ranks, threads=threads))
    program = mpi.launcher_of(mpi_family()) or mpi.launcher_of("") or (shutil.which("srun") and "srun")
    if program is None:
        raise ClusterError(
            "no mpirun, mpiexec or srun. Debian/Ubuntu: apt-get install openmpi-bin; on a cluster load its MPI module."
        )
    problems = []
    for command in _candidates(program, ranks, threads):
        done = subprocess.run([*command, "true"], capture_output=True, text=True, env=without_launcher(), check=False)
        if done.returncode == 0:
            return command
        problems.append(f"  {shlex.join(command)}: {(done.stderr or done.stdout).strip()[:400]}")
    raise ClusterError(f"{program} does not start {ranks} ranks here:\n" + "\n".join(problems))


def _candidates(program: str, ranks: int, threads: int) -> list[list[str]]:
    """Commands to try in order: ranks bound to cores of their own, not bound, more ranks than cores."""
    count = ["-n", str(ranks)]
    if program == "srun":
        return [[program, *count, "-c", str(threads), *srun_options(mpi_family())]]
    fits = ranks * threads <= (psutil.cpu_count(logical=False) or 1)
    if mpi.family_of(mpi.launcher_version(program)) == mpi.OPEN_MPI:
        base = [program, "--quiet", *(["--allow-run-as-root"] if os.geteuid() == 0 else [])]
        bound = [*base, "--map-by", f"slot:PE={threads}", "--bind-to", "core", *count]
        free = [*base, "--bind-to", "none", *count]
        return [*([bound] if fits else []), free, [*base, "--bind-to", "none", "--oversubscribe", *count]]
    # MPICH and Intel MPI share the launcher Hydra, which knows no limit on the number of ranks
    bound = [program, "-bind-to", f"core:{threads}", *count]
    return [*([bound] if fits else []), [program, *count]]


def mpi_family() -> str:
    """Family of the MPI of the NEST that ranks run; empty if its files do not tell."""
    try:
        return find_nest(next(iter(_packages(mpi_python())), None)).mpi_family
    except (BuildError, ClusterError):
        return ""


def _packages(python: Path) -> list[Path]:
    """Package ``nest`` of another environment; none for the running Python."""
    if python == Path(sys.executable):
        return []
    place = Path(shutil.which(python) or python)
    return sorted(place.parent.parent.glob("lib*/python3*/site-packages/nest"))


def start(arguments: Sequence[str], *, ranks: int, threads: int, name: str, output: Path | None = None) -> int:
    """Run ``bgnest`` with the given arguments as an MPI job of some name and return its exit code.

    The job gets the terminal: what rank 0 prints appears as it would without MPI. With ``output`` it gets a file
    instead, and a session of its own. Ctrl-C, SIGTERM and SIGHUP end the job; the exit code is then 130. If this
    process is killed, the job ends, too.

    Raises
    ------
    ClusterError
        If there is no NEST with MPI or no launcher.
    """
    python = mpi_python()
    # -P: a folder named `network` in the working directory is not ours
    command = [*launcher_command(ranks, threads), *program.command(*arguments, python=python)]
    environment = {**without_launcher(), "OMP_NUM_THREADS": str(threads), JOB_NAME: name}
    if ranks * threads > (os.cpu_count() or 1):
        # threads that wait must give way: more of them than cores, and each rank's OpenMP knows only its own
        environment.setdefault("OMP_WAIT_POLICY", "passive")
    interrupted = False

    def interrupt(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        if number != signal.SIGINT:  # Ctrl-C reaches the launcher by itself, being in our process group
            job.terminate()
        elif output is not None:
            job.send_signal(signal.SIGINT)

    with contextlib.ExitStack() as stack:
        streams: dict[str, Any] = {}
        if output is not None:
            file = stack.enter_context(output.open("wb"))
            streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file, "start_new_session": True}
        environment |= stack.enter_context(family()).environment
        job = stack.enter_context(subprocess.Popen(command, env=environment, **streams))
        in_main = threading.current_thread() is threading.main_thread()  # others get no signals
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if in_main else ()
        heard = [number for number in wanted if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, interrupt) for number in heard}
        try:
            code = job.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return INTERRUPTED if interrupted else code


def become_rank(arguments: Sequence[str]) -> None:
    """Replace this process by the Python whose NEST has MPI, for ``mpirun -n 2 .venv/bin/bgnest …``.

    Returns if this Python's NEST has MPI.

    Raises
    ------
    ClusterError
        If there is no NEST with MPI.
    """
    python = mpi_python()
    if python != Path(sys.executable):
        os.execv(python, program.command(*arguments, python=python))
