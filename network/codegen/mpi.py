"""Which MPI: its compiler, its launcher and its name, where a machine has several side by side.

Debian's packages call the programs of an MPI that is not the default by its name, ``mpicxx.mpich`` and
``mpirun.mpich``; modules and conda put one MPI alone into the search path, without a suffix.
"""

from __future__ import annotations

import functools
import mmap
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import NoCompilerError

OPEN_MPI, MPICH = "openmpi", "mpich"
FAMILIES = {OPEN_MPI: "Open MPI", MPICH: "MPICH"}
PACKAGES = {
    OPEN_MPI: (("libopenmpi-dev", "openmpi-bin"), ("openmpi-devel", "openmpi")),
    MPICH: (("libmpich-dev", "mpich"), ("mpich-devel", "mpich")),
}
"""Packages of Debian and of Fedora: with the compiler, with the launcher."""
_LAUNCHERS = ("mpirun", "mpiexec")


@dataclass(frozen=True)
class Mpi:
    """An MPI that programs can be compiled for.

    Attributes
    ----------
    family : str
        ``openmpi``, ``mpich``, or empty for whatever ``mpicxx`` belongs to.
    cxx, cc : str
        Its compilers.
    """

    family: str = ""
    cxx: str = "mpicxx"
    cc: str = "mpicc"

    @property
    def version(self) -> str:
        """Name and version, empty if it does not say."""
        for command in ((self.cxx, "--showme:version"), (self.cxx, "-v"), ("mpichversion",)):
            # MPICH's compilers hand what they do not know to g++, which prints its own version or an error
            if (answer := first_line(*command)) and family_of(answer):
                return answer
        return first_line("mpirun", "--version")


def family_of(text: str) -> str:
    """Family that a version belongs to, empty if it is none that is known.

    >>> family_of("mpirun (Open MPI) 4.1.4"), family_of("mpicxx for MPICH version 4.0.2")
    ('openmpi', 'mpich')
    """
    if "Open MPI" in text:
        return OPEN_MPI
    # Intel MPI has the interface and the launcher (Hydra) of MPICH
    return MPICH if re.search(r"MPICH|HYDRA|Intel\(R\) MPI", text) else ""


def find(family: str = "") -> Mpi:
    """MPI of a family, or the one that ``mpicxx`` belongs to.

    Raises
    ------
    NoCompilerError
        If there is none of this family; names its packages.
    """
    if not family:
        return Mpi()
    if family not in FAMILIES:
        raise NoCompilerError(f"{family!r} is no MPI that is known here; known: {', '.join(FAMILIES)}")
    for cxx, cc in ((f"mpicxx.{family}", f"mpicc.{family}"), ("mpicxx", "mpicc")):
        found = Mpi(family, cxx, cc)
        if shutil.which(cxx) and family_of(found.version) == family:
            return found
    raise NoCompilerError(
        f"no {FAMILIES[family]} with its compiler; Debian, Ubuntu: apt-get install {' '.join(PACKAGES[family][0])}; "
        f"Fedora, RHEL: dnf install {' '.join(PACKAGES[family][1])}; on a cluster load its module"
    )


def launcher_of(family: str) -> str | None:
    """Program that starts jobs of a family of MPI; of any, if it is empty; None if there is none."""
    plain = [name for name in _LAUNCHERS if shutil.which(name)]
    if not family:
        return next(iter(plain), None)
    named = [f"{name}.{family}" for name in _LAUNCHERS if shutil.which(f"{name}.{family}")]
    matching = (name for name in plain if family_of(launcher_version(name)) == family)
    return next(matching, None) or next(iter(named), None)


@functools.cache
def launcher_version(program: str) -> str:
    """What a launcher prints as its version."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def libraries(files: Iterable[Path]) -> set[bytes]:
    """Names of the MPI libraries that objects load: ``libmpi.so.40`` is Open MPI's, ``libmpich.so.12`` MPICH's."""
    found: set[bytes] = set()
    for path in files:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found |= set(re.findall(rb"\blibmpi\w*\.so[.\d]*", content))
    return found


def family_of_libraries(names: Iterable[bytes]) -> str:
    """Family that libraries belong to; empty if their names do not tell.

    >>> family_of_libraries([b"libmpi.so.40"]), family_of_libraries([b"libmpich.so.12"])
    ('openmpi', 'mpich')
    """
    names = set(names)
    if any(name.startswith(b"libmpich") or name.endswith(b".so.12") for name in names):
        return MPICH  # libmpi.so.12 is the interface that MPICH, Intel MPI and MVAPICH share
    return OPEN_MPI if names else ""


def first_line(*command: str) -> str:
    """First line that a program prints; empty if it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return ""
    return next(iter(done.stdout.splitlines()), "").strip()
