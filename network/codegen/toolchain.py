"""Find NEST, NESTML and a C++ compiler, and how a module for that NEST has to be compiled.

NEST is looked at from outside, never imported: importing it would load the kernel, print a banner and fix the
number of threads. What ``nest-config`` of an installed wheel says is of no use (it describes the machine that
built the wheel), so everything is read off the files that are there.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import mmap
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import hidden
from ..errors import BuildError, NoCompilerError
from ..memo import remembered
from . import mpi as mpi_libraries

NEST_VERSIONS = ((3, 10), (4, 0))  # from, up to but without
NEST_FILE = "ll_api.py"  # beside its __init__.py
NESTML_VERSIONS = ((9, 0), (9, 1))
MIN_GCC = 11  # the first with C++20 as NEST 3.10's headers need it
LAUNCHER_PREFIXES = (
    "OMPI_",
    "PMI_",
    "PMIX_",
)  # an MPI launcher's variables; a compiler started with them may hang


@dataclass(frozen=True)
class Nest:
    """An installed NEST.

    Attributes
    ----------
    package : Path
        The Python package ``nest``.
    include : Path
        Folder of NEST's headers.
    version : str
    old_abi : bool
        Whether it was compiled with the C++ ABI from before GCC 5, as the wheels on PyPI are.
    mpi : bool
    mpi_family : str
        ``openmpi`` or ``mpich``; empty without MPI, or where its files do not tell.
    fingerprint : str
        Digest of the headers, the ABI and the MPI library: what a compiled model depends on.
    """

    package: Path
    include: Path
    version: str
    old_abi: bool
    mpi: bool
    fingerprint: str
    mpi_family: str = ""


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler.

    Attributes
    ----------
    command : tuple of str
        How to call it.
    version : str
    """

    command: tuple[str, ...]
    version: str


def clean_environment() -> dict[str, str]:
    """Environment for tools: no variables of an MPI launcher, same hashes and messages always."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHER_PREFIXES)}
    return {**kept, "PYTHONHASHSEED": "0", "LC_ALL": "C"}


def run(
    command: list[str], more: Mapping[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run a tool in the clean environment, with ``more`` variables, and return what it printed."""
    return subprocess.run(  # type: ignore[call-overload]
        command, capture_output=True, text=True, env=clean_environment() | dict(more or {}), check=False, **options
    )


def _version_tuple(text: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else ()


def _define(header: str, name: str) -> str | None:
    """Value of a macro in a header's text; empty text if it is defined without a value."""
    found = re.search(rf"^\s*#\s*define\s+{name}\b[ \t]*(.*?)[ \t]*$", header, re.MULTILINE)
    return found.group(1).strip('"') if found else None


def find_nest(package: Path | None = None) -> Nest:
    """Look at the NEST that ``import nest`` would load.

    Parameters
    ----------
    package : Path, optional
        Folder of the Python package ``nest``; by default what Python would import.

    Raises
    ------
    BuildError
        If there is none, its headers are missing, or its version is not supported.
    """
    if package is None:
        spec = importlib.util.find_spec("nest")
        if spec is not None and spec.origin and not Path(spec.origin).with_name(NEST_FILE).is_file():
            raise BuildError(hidden.told({"nest": spec.origin}))
        if spec is None or not spec.submodule_search_locations:
            raise BuildError(
                f"NEST is not installed for {sys.executable}. "
                "Install it with `pip install nest-simulator==3.10.0`, "
                "or take conda (environment.yml)."
            )
        package = Path(next(iter(spec.submodule_search_locations)))
    package = package.resolve()
    include = _find_include(package)
    config = (include / "config.h").read_text(errors="replace")
    version = _define(config, "NEST_VERSION") or "unknown"
    low, high = NEST_VERSIONS
    if not low <= _version_tuple(version) < high:
        raise BuildError(
            f"NEST {version} in {package} is not supported, 3.10 is needed. Install it with "
            "`pip install nest-simulator==3.10.0`, or take conda (environment.yml)."
        )
    libraries = _kernel_libraries(package, include)
    old_abi = remembered("old ABI", libraries, lambda: _has_old_abi(package, include))
    mpi = _define(config, "HAVE_MPI") is not None
    headers = headers_of(include)

    def fingerprint() -> str:
        digest = hashlib.sha256(f"{version} old_abi={old_abi}".encode())
        for header in headers:
            digest.update(header.name.encode() + header.read_bytes())
        if mpi:  # NEST's headers are the same for every MPI, the objects that they describe are not
            digest.update(b" ".join(sorted(mpi_libraries.libraries(libraries))))
        return digest.hexdigest()

    known = remembered(f"headers of NEST {version} {old_abi} {mpi}", [*headers, *libraries], fingerprint)
    family = remembered("family of MPI", libraries, lambda: _family(libraries)) if mpi else ""
    return Nest(package, include, version, old_abi, mpi, known, family)


def _family(libraries_of_nest: list[Path]) -> str:
    return mpi_libraries.family_of_libraries(mpi_libraries.libraries(libraries_of_nest))


def headers_of(include: Path) -> list[Path]:
    """Headers in a folder, by name."""
    return sorted(include.glob("*.h"), key=lambda path: path.name)


def _find_include(package: Path) -> Path:
    """Headers of a NEST: inside the package (wheel), or in ``include`` of its installation prefix."""
    candidates = [folder / "include" / "nest" for folder in (package, *package.parents)]
    for candidate in candidates:
        if (candidate / "config.h").is_file() and (candidate / "node.h").is_file():
            return candidate
    raise BuildError(
        f"the headers of NEST in {package} are missing (no include/nest/config.h there or above). "
        "Install NEST again with its headers: `pip install --force-reinstall nest-simulator==3.10.0`."
    )


def _kernel_libraries(package: Path, include: Path) -> list[Path]:
    """Shared objects with NEST's kernel, in a wheel or an installation prefix."""
    prefix = include.parent.parent
    libraries = [
        *package.glob("nestkernel_api*.so"),
        *(
            prefix / lib / name
            for lib in ("lib/nest", "lib64/nest", "lib")
            for name in ("libnestkernel.so", "libnest.so")
        ),
    ]
    return [library for library in libraries if library.is_file()]


def _has_old_abi(package: Path, include: Path) -> bool:
    """Whether strings in NEST's functions are those of the old ABI, which spells their names otherwise."""
    for library in _kernel_libraries(package, include):
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if re.search(rb"_ZNK?4nest\w*RKNSt7__cxx1112basic_string", content):
                return False
            if re.search(rb"_ZNK?4nest\w*RKSs", content):
                return True
    return False


def nestml_version() -> str:
    """Version of the installed NESTML.

    Raises
    ------
    BuildError
        If there is none, or not the supported one.
    """
    try:
        version = importlib.metadata.version("nestml")
    except importlib.metadata.PackageNotFoundError:
        raise BuildError(
            f"NESTML is not installed for {sys.executable}. Install it with `pip install nestml==9.0.0`."
        ) from None
    low, high = NESTML_VERSIONS
    if not low <= _version_tuple(version) < high:
        raise BuildError(
            f"NESTML {version} is not supported, 9.0 is needed: parts of its templates are replaced here. "
            "Install it with `pip install nestml==9.0.0`."
        )
    return version


@functools.cache
def nestml_fingerprint() -> str:
    """Versions of everything that decides what NESTML writes."""
    versions = [f"nestml {nestml_version()}"]
    for package in ("odetoolbox", "ode-toolbox", "sympy"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(versions)


def find_compiler() -> Compiler:
    """Take the compiler in ``CXX``, else ``g++`` or ``c++``.

    Raises
    ------
    NoCompilerError
        If there is none or it is too old.
    """
    remedy = (
        "Install one with `apt install g++` (Debian, Ubuntu), `dnf install gcc-c++` (Fedora, RHEL) or "
        "`conda install -c conda-forge cxx-compiler`, or name one in the variable CXX."
    )
    given = shlex.split(os.environ.get("CXX", ""))
    for command in [given] if given else [["g++"], ["c++"]]:
        if shutil.which(command[0]) is not None:
            break
    else:
        looked = f"CXX={shlex.join(given)} names no program" if given else "there is neither g++ nor c++"
        raise NoCompilerError(f"no C++ compiler: {looked}. {remedy}")
    answer = run([*command, "-dumpfullversion", "-dumpversion"])
    description = run([*command, "--version"]).stdout.splitlines()
    if answer.returncode or not description:
        raise NoCompilerError(f"the C++ compiler {shlex.join(command)} does not run: {answer.stderr.strip()}. {remedy}")
    version = answer.stdout.strip()
    if "clang" not in description[0].lower() and int(version.split(".")[0]) < MIN_GCC:
        raise NoCompilerError(
            f"{shlex.join(command)} is GCC {version}, but {MIN_GCC} or newer is needed for C++20. {remedy}"
        )
    return Compiler(tuple(command), f"{description[0]} {platform.machine()}")


def march_flags(march: str) -> tuple[str, ...]:
    """Compiler flags for a CPU: ``native`` (this one), ``portable`` (x86-64 since 2013), or GCC's name."""
    if march == "native":
        return ("-march=native",)
    if march == "portable":
        return ("-march=x86-64-v3", "-mtune=generic") if platform.machine() in ("x86_64", "AMD64") else ()
    return (f"-march={march}",)


@functools.cache
def resolved_cpu(compiler: Compiler, flags: tuple[str, ...]) -> str:
    """Tell what the CPU flags mean here, so that machines with other CPUs do not share compiled code.

    Raises
    ------
    BuildError
        If the compiler does not know the CPU.
    """
    answer = run([*compiler.command, *flags, "-v", "-E", "-x", "c++", os.devnull])
    if answer.returncode:
        reason = next((line for line in answer.stderr.splitlines() if "error:" in line), "").strip()
        raise BuildError(
            f"the compiler refuses {' '.join(flags)}: {reason}. Choices: native, portable, or a name that GCC "
            "knows (for instance x86-64-v2, x86-64-v4, znver3)."
        )
    kept = re.findall(r'"?(-m[\w.=+-]+|--param=?"? ?"?l[12]-[\w=-]+)"?', answer.stderr)
    return " ".join(kept)


def has_header(compiler: Compiler, header: str, flags: tuple[str, ...] = ()) -> bool:
    """Whether the compiler finds a header."""
    answer = run([*compiler.command, *flags, "-E", "-x", "c++", "-"], input=f"#include <{header}>\n")
    return answer.returncode == 0


def mpi_flags(family: str = "") -> tuple[str, ...]:
    """Compiler flags for the MPI headers, which the headers of a NEST with MPI include.

    Parameters
    ----------
    family : str
        MPI that NEST was built with: ``openmpi``, ``mpich``, or empty for the one of ``mpicxx``.

    Raises
    ------
    NoCompilerError
        If there is no compiler of this MPI.
    """
    if not family and shutil.which("mpicxx") is None:
        raise NoCompilerError(
            "this NEST was built with MPI, but there is no mpicxx to ask for the MPI headers. Install the MPI that "
            "it was built with, for instance `apt install libopenmpi-dev openmpi-bin`, or load its module."
        )
    cxx = mpi_libraries.find(family).cxx
    for question in ("--showme:compile", "-compile_info", "-show"):
        answer = run([cxx, question])
        if answer.returncode == 0:
            words = shlex.split(answer.stdout)
            return tuple(word for word in words if word.startswith(("-I", "-D")))
    raise BuildError(f"{cxx} does not tell its compiler flags (tried --showme:compile, -compile_info and -show).")


def nest_flags(nest: Nest) -> tuple[str, ...]:
    """Compiler flags that code for this NEST needs."""
    return (
        "-std=c++20",
        "-fPIC",
        "-fopenmp",
        "-DNDEBUG",
        f"-D_GLIBCXX_USE_CXX11_ABI={0 if nest.old_abi else 1}",
        f"-I{nest.include}",
        *(mpi_flags(nest.mpi_family) if nest.mpi else ()),
    )


def write_nest_config(
    folder: Path, nest: Nest, compiler: Compiler, flags: tuple[str, ...] = ("-O3",), includes: tuple[str, ...] = ()
) -> Path:
    """Write a ``bin/nest-config`` that tells the truth about the installed NEST.

    Nothing here needs it. It serves those who build a NEST module in the usual way, with CMake or with
    NESTML's option ``nest_path``, against a NEST whose own ``nest-config`` describes another machine.

    Parameters
    ----------
    folder : Path
        Takes the place of NEST's installation prefix; the program goes into its ``bin``.
    nest : Nest
    compiler : Compiler
    flags : tuple of str
        Optimisation flags to pass on.
    includes : tuple of str
        Flags for folders of headers beside NEST's own.

    Returns
    -------
    Path
        The program.
    """
    include = f"-I{nest.include}"
    cflags = [flag for flag in nest_flags(nest) if flag != include]
    answers = {
        "prefix": str(folder),
        "exec-prefix": str(folder),
        "version": nest.version,
        "compiler": shutil.which(compiler.command[0]) or compiler.command[0],
        "compiler-name": "GNU",
        "compiler-flags": shlex.join([*flags, *cflags]),
        "cflags": shlex.join([*flags, *cflags]),
        "includes": shlex.join([include, *includes]),
        # NEST has loaded its libraries already when it loads a module; a second OpenMP would be harmful
        "libs": "",
        "static-libraries": "",
        "libdir": "lib",
        "docdir": "share/doc/nest",
        "datadir": "share/nest",
        "python-executable": sys.executable,
    }
    cases = "\n".join(f"    --{name}) echo {shlex.quote(value)} ;;" for name, value in answers.items())
    program = folder / "bin" / "nest-config"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        "#!/bin/sh\n"
        f"# Describes NEST {nest.version} in {nest.package} as it is installed.\n"
        'for question in "$@"; do\n  case "$question" in\n'
        f"{cases}\n"
        '    *) echo "nest-config: unknown option $question" >&2; exit 1 ;;\n'
        "  esac\ndone\n"
    )
    program.chmod(0o755)
    return program
