"""What compiling NEST with MPI needs: probe for it, install it as root, or say what is missing."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..codegen import mpi
from ..errors import ClusterError, NoCompilerError


@dataclass(frozen=True)
class Requirement:
    """Something the build needs: how to see it, and the packages that bring it.

    Attributes
    ----------
    what : str
        Named in messages.
    found : callable
        True if it is there.
    debian, fedora : tuple of str
        Packages of these distributions.
    """

    what: str
    found: Callable[[], bool]
    debian: tuple[str, ...]
    fedora: tuple[str, ...]


def compiler() -> list[str]:
    """Command of the C++ compiler: the variable ``CXX``, else ``g++``."""
    return shlex.split(os.environ.get("CXX", "")) or ["g++"]


def _program(*names: str) -> bool:
    return any(shutil.which(name) for name in names)


def _header(name: str) -> bool:
    """Whether the compiler finds a header, with whatever ``CPATH`` a module system has set."""
    if not _program(compiler()[0]):
        return False
    done = subprocess.run(
        [*compiler(), "-E", "-x", "c++", "-"],
        input=f"#include <{name}>\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0


def _has(family: str) -> bool:
    try:
        return _program(mpi.find(family).cxx)
    except NoCompilerError:
        return False


def requirements(family: str = "") -> tuple[Requirement, ...]:
    """Everything that pip cannot bring; ``family`` names an MPI, else any will do."""
    name = mpi.FAMILIES.get(family, "an MPI library")
    debian, fedora = mpi.PACKAGES[family or mpi.OPEN_MPI]
    return (
        Requirement("a C++ compiler (g++)", lambda: _program(compiler()[0]), ("g++",), ("gcc-c++",)),
        Requirement(
            "the headers of this Python (Python.h)",
            lambda: (Path(sysconfig.get_path("include")) / "Python.h").is_file(),
            ("python3-dev",),
            ("python3-devel",),
        ),
        Requirement(
            f"{name} with its compiler (mpicxx)",
            lambda: _has(family),
            (debian[0],),
            (fedora[0],),
        ),
        Requirement(
            "a program that starts MPI jobs (mpirun, mpiexec or srun)",
            lambda: _program("srun") or mpi.launcher_of(family) is not None,
            (debian[1],),
            (fedora[1],),
        ),
        Requirement(
            "the GNU Scientific Library (gsl/gsl_version.h)",
            lambda: _header("gsl/gsl_version.h"),
            ("libgsl-dev",),
            ("gsl-devel",),
        ),
        Requirement(
            "libltdl (ltdl.h), with which NEST loads models",
            lambda: _header("ltdl.h"),
            ("libltdl-dev",),
            ("libtool-ltdl-devel",),
        ),
        Requirement(
            "the Boost headers (boost/version.hpp), with which NEST sorts synapses",
            lambda: _header("boost/version.hpp"),
            ("libboost-dev",),
            ("boost-devel",),
        ),
    )


def missing(family: str = "") -> list[Requirement]:
    """Requirements that this machine does not meet."""
    return [requirement for requirement in requirements(family) if not requirement.found()]


def remedy(lacking: Sequence[Requirement]) -> str:
    """What is missing and every way to get it, for people who are not root."""
    debian = " ".join(package for requirement in lacking for package in requirement.debian)
    fedora = " ".join(package for requirement in lacking for package in requirement.fedora)
    return "\n".join(
        [
            "NEST cannot be compiled with MPI here; missing:",
            *(f"  - {requirement.what}" for requirement in lacking),
            "Ways to get it:",
            f"  Debian, Ubuntu   sudo apt-get install {debian}",
            f"  Fedora, RHEL     sudo dnf install {fedora}",
            "  cluster modules  load the modules of a compiler, MPI, GSL and Boost (docs/howto/clusters.md)",
            "  conda            environment.yml has a NEST with MPI that needs no compiling",
        ]
    )


def ensure(tell: Callable[[str], None], family: str = "") -> None:
    """Install what is missing if that is possible without asking anyone: as root, on Debian or Ubuntu.

    Parameters
    ----------
    tell : callable
        Gets one line before packages are installed.
    family : str
        ``openmpi``, ``mpich``, or empty for any MPI.

    Raises
    ------
    ClusterError
        If something stays missing; names it and the ways to get it.
    """
    lacking = missing(family)
    if not lacking:
        return
    if os.geteuid() == 0 and _program("apt-get"):
        packages = [package for requirement in lacking for package in requirement.debian]
        tell(f"installing {' '.join(packages)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            if done.returncode:
                output = done.stdout[-800:] + done.stderr[-800:]
                raise ClusterError(f"{shlex.join(command)} failed:\n{output}\n{remedy(lacking)}")
        lacking = missing(family)
    if lacking:
        raise ClusterError(remedy(lacking))
