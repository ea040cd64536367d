"""Compile NEST with MPI from PyPI's source distribution, once per machine, into a cached wheel.

NEST's wheels on PyPI have threads but no MPI. Its source distribution can be compiled with MPI, which takes
half an hour of one core if done plainly. Three things make it six times shorter: only the built-in models
that are listed here, several source files in one go of the compiler (CMake's unity build), and no test
program. The wheel is kept in the cache under a digest of everything it depends on.

NEST is compiled for, and installed into, the Python that runs this.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import logging
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..codegen import mpi
from ..errors import ClusterError
from ..refusals import cache_root
from ..sealing import damage, sha256
from . import requirements
from .launch import BUILD_MARK, launcher_command
from .ranks import without_launcher

logger = logging.getLogger(__name__)

NEST_VERSION = "3.10.0"

MODELS = (
    *("static_synapse", "static_synapse_hom_w", "tsodyks_synapse", "tsodyks2_synapse"),
    *("stdp_synapse", "stdp_dopamine_synapse", "volume_transmitter", "gap_junction", "sic_connection"),
    *("poisson_generator", "poisson_generator_ps", "inhomogeneous_poisson_generator"),
    *("sinusoidal_poisson_generator", "spike_generator", "spike_train_injector", "parrot_neuron"),
    *("step_current_generator", "dc_generator", "ac_generator", "noise_generator"),
    *("multimeter", "spike_recorder", "weight_recorder"),
    *("iaf_psc_alpha", "iaf_psc_exp", "iaf_cond_exp", "iaf_cond_alpha", "aeif_cond_exp", "izhikevich"),
)
"""Built-in models: what bgnest uses, what is common in models of the basal ganglia, simple neurons."""

_CMAKE_OPTIONS = {
    "with-mpi": "ON",
    "with-detailed-timers": "ON",  # update, delivery and communication apart
    "with-warning": "OFF",
    "CMAKE_UNITY_BUILD": "ON",
}
_RECIPE = 1  # raise when the way to build changes what comes out
_CPU_SECONDS = 290.0  # measured on an AMD EPYC; for the first estimate of the time left only

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Build:
    """Everything that decides what the compiled NEST is."""

    python: str
    mpi: str
    compiler: str
    gsl: str
    models: tuple[str, ...] | str = MODELS
    version: str = NEST_VERSION
    options: dict[str, str] = field(default_factory=lambda: dict(_CMAKE_OPTIONS))
    machine: str = field(default_factory=lambda: _machine())
    recipe: int = _RECIPE

    @property
    def key(self) -> str:
        """Digest under which the wheel is cached."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Folder of the wheel in the cache."""
        return cache_root() / "nest-mpi" / f"{self.version}-{self.key}"

    def wheel(self) -> Path | None:
        """Compiled wheel in the cache, if there is one that is what was compiled."""
        wheel = next(iter(sorted(self.folder.glob("nest_simulator-*.whl"))), None)
        try:
            digest = json.loads((self.folder / "build.json").read_text()).get("sha256")
        except (OSError, ValueError, AttributeError):
            digest = None  # of before digests were kept; pip notices if it is no whole wheel
        if wheel is None or digest is None or (problem := damage(wheel, size=None, digest=digest)) is None:
            return wheel
        logger.warning("%s is damaged (%s); it is compiled again", wheel, problem)
        return None


def _machine() -> str:
    return "-".join([platform.system(), platform.machine(), *platform.libc_ver()])


def describe_build(models: tuple[str, ...] | str = MODELS, library: mpi.Mpi | None = None) -> Build:
    """Build for this Python, compiler and MPI; ``models`` are names, or ``full`` for all of NEST's models."""
    library = library or mpi.Mpi()
    named = {"MPI_CXX_COMPILER": library.cxx, "MPI_C_COMPILER": library.cc} if library.family else {}
    return Build(
        python=f"{sysconfig.get_config_var('SOABI')}",
        mpi=library.version,
        compiler=mpi.first_line(*requirements.compiler(), "--version"),
        gsl=mpi.first_line("gsl-config", "--version"),
        models=models if isinstance(models, str) else tuple(sorted(models)),
        options=_CMAKE_OPTIONS | named,
    )


def get_wheel(build: Build, tell: Progress) -> Path:
    """Wheel of a build, compiled if the cache has none; one process compiles while others wait.

    Raises
    ------
    ClusterError
        If something is missing on this machine, or the compilation fails; names the log.
    """
    build.folder.mkdir(parents=True, exist_ok=True)
    with _lock(build.folder / "lock", tell):
        wheel = build.wheel()
        if wheel is not None:
            return wheel
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="bgnest-nest-") as temporary:
            made = _compile(build, Path(temporary), tell)
            seconds = time.perf_counter() - start
            facts = {**asdict(build), "seconds": round(seconds), "cores": _jobs(), "sha256": sha256(made)}
            (build.folder / "build.json").write_text(json.dumps(facts, indent=1) + "\n")
            # two steps, so that a wheel under its own name is whole
            partial = build.folder / f".{made.name}"
            shutil.copyfile(made, partial)
            wheel = partial.rename(build.folder / made.name)
        tell(f"compiled in {_duration(seconds)}: {wheel}")
        return wheel


@contextmanager
def _lock(path: Path, tell: Progress) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("another process is compiling this NEST; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(build: Build, folder: Path, tell: Progress) -> Path:
    """Download the sources, compile them, return the wheel inside ``folder``."""
    log = build.folder / "build.log"
    log.unlink(missing_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    tell(f"downloading the sources of NEST {build.version}")
    name = f"nest-simulator=={build.version}"
    only = ["--no-deps", "--no-cache-dir", "--no-binary", "nest-simulator"]
    _run([*pip, "download", *only, "--dest", str(folder), name], log, lambda line: None)
    archive = next(iter(folder.glob("nest*.tar.gz")), None)
    if archive is None:
        raise ClusterError(f"pip left no source archive of {name}; log: {log}")
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    _prepare_sources(source)

    jobs = _jobs()
    options = build.options | {"CMAKE_UNITY_BUILD_BATCH_SIZE": "8" if jobs <= 4 else "3"}
    if isinstance(build.models, str):
        options["with-modelset"] = build.models
    else:
        options["with-models"] = ";".join(build.models)
    settings = [part for key, value in options.items() for part in ("-C", f"cmake.define.{key}={value}")]
    estimate = _CPU_SECONDS / jobs
    tell(f"compiling NEST {build.version} with {build.mpi or 'MPI'} on {jobs} core(s), about {_duration(estimate)}")
    watch = NinjaProgress(tell, estimate)
    environment = {
        **without_launcher(),
        "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs),
        "CMAKE_GENERATOR": "Ninja",
    }
    command = [*pip, "wheel", "--verbose", "--no-deps", "--no-cache-dir", *settings]
    _run([*command, "--wheel-dir", str(folder / "wheel"), str(source)], log, watch.read, environment)
    return next((folder / "wheel").glob("nest_simulator-*.whl"))


def _jobs() -> int:
    """Compilers to run at a time: one per core this process may use, and 1.5 GB of memory for each."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(memory / 1.5e9)))


_GUARD = re.compile(r"^\s*#\s*(ifndef|pragma\s+once)", re.MULTILINE)


def _prepare_sources(source: Path) -> None:
    """Make NEST's sources fit for a unity build, and leave out its C++ test program.

    A few of its headers have no include guard, because each source file includes them once; a unity build
    compiles several source files as one.
    """
    for folder in ("libnestutil", "nestkernel", "models"):
        for header in (source / folder).glob("*.h"):
            text = header.read_text(encoding="utf-8")
            if not _GUARD.search(text):
                header.write_text(f"#pragma once\n{text}", encoding="utf-8")
    tests = source / "testsuite" / "cpptests" / "CMakeLists.txt"
    if tests.is_file():
        tests.write_text("")


def _run(command: list[str], log: Path, read: Progress, environment: dict[str, str] | None = None) -> None:
    """Run a program, append what it prints to the log and hand every line to ``read``."""
    tail: list[str] = []
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            tail = [*tail[-14:], line]
            read(line)
    if process.returncode:
        raise ClusterError(f"{' '.join(command[:5])} … failed; the last lines of {log}:\n{''.join(tail)}")


class NinjaProgress:
    """Reads ninja's ``[n/m]`` lines and tells progress with the time left.

    Parameters
    ----------
    tell : callable
        Gets a line at most every ``interval`` seconds.
    estimate : float
        Seconds that the whole may take; trusted at the beginning, replaced by the pace seen later.
    """

    _step = re.compile(r"^\s*\[(\d+)/(\d+)\]")

    def __init__(self, tell: Progress, estimate: float, interval: float = 10.0) -> None:
        self._tell, self._estimate, self._interval = tell, estimate, interval
        self._start = self._last = time.perf_counter()

    def read(self, line: str) -> None:
        """Take one line of output."""
        found = self._step.match(line)
        if not found:
            return
        done, total = int(found.group(1)), int(found.group(2))
        now = time.perf_counter()
        if now - self._last < self._interval and done < total:
            return
        self._last = now
        left = self.time_left(done / total, now - self._start)
        self._tell(f"  step {done} of {total}, {_duration(left)} left" if done < total else f"  step {done} of {total}")

    def time_left(self, fraction: float, elapsed: float) -> float:
        """Seconds left: the estimate at the start, the pace seen so far towards the end."""
        pace = elapsed / fraction if fraction > 0.0 else self._estimate
        return max(0.0, (1.0 - fraction) * self._estimate + fraction * pace - elapsed)


def _duration(seconds: float) -> str:
    """Length of time for people.

    >>> _duration(42), _duration(200)
    ('42 s', '4 min')
    """
    return f"{seconds:.0f} s" if seconds < 90 else f"{math.ceil(seconds / 60)} min"


def install(build: Build, wheel: Path, tell: Progress) -> bool:
    """Install the wheel into the environment of the running Python; returns False if it was there already."""
    mark = _mark()
    if mark.is_file() and json.loads(mark.read_text()) == {"key": build.key}:
        return False
    tell(f"installing {wheel.name} into {sys.prefix}")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--force-reinstall",
    ]
    done = subprocess.run([*command, "--no-deps", str(wheel)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"pip could not install {wheel}: {done.stderr.strip()}")
    return True


def _mark() -> Path:
    """File that tells which build is installed, and that it has been tested."""
    return Path(sysconfig.get_path("platlib")) / "nest" / BUILD_MARK


def test_run(build: Build, tell: Progress) -> None:
    """Start two ranks for real; a NEST with another MPI than ``mpirun``'s gives two jobs of one rank."""
    program = "import nest; print(f'ranks: {nest.num_processes}')"
    command = [*launcher_command(2), sys.executable, "-c", program]
    environment = {**os.environ, "PYNEST_QUIET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    if done.returncode or done.stdout.count("ranks: 2") != 2:
        raise ClusterError(
            f"NEST is installed, but two MPI ranks do not find each other ({' '.join(command[:4])} …):\n"
            f"{done.stdout[-600:]}{done.stderr[-600:]}\n"
            f"Is {command[0]} from the MPI that NEST was compiled with ({build.mpi})?"
        )
    tell("tested: two ranks work together")


@functools.cache
def _terminal() -> bool:
    return sys.stderr.isatty()


def tell(line: str) -> None:
    """Say a line on the terminal; steps of a compilation overwrite each other."""
    if _terminal():
        end = "" if line.startswith("  step") else "\n"
        print(f"\r\033[K{line}", end=end, file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def make(models: tuple[str, ...] | str = MODELS, tell: Progress = tell, family: str = "") -> Path:
    """Put a NEST with MPI into the environment of the running Python; seconds if it is there or cached.

    Parameters
    ----------
    models : tuple of str or ``full``
    tell : callable
    family : str
        ``openmpi`` or ``mpich``; empty for the MPI that ``mpicxx`` belongs to.

    Raises
    ------
    ClusterError
        See `requirements.ensure`, `get_wheel` and `test_run`.
    """
    requirements.ensure(tell, family)
    build = describe_build(models, mpi.find(family))
    wheel = get_wheel(build, tell)
    if install(build, wheel, tell):
        test_run(build, tell)
        _mark().write_text(json.dumps({"key": build.key}))
    return wheel
