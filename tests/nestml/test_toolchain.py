"""Finding NEST and the compiler: what is detected, and one clear message with the remedy for what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from network.codegen import available, build, targets, toolchain
from network.codegen.toolchain import Nest
from network.errors import BuildError


@pytest.fixture
def nest() -> Nest:
    if importlib.util.find_spec("nest") is None:
        pytest.skip("NEST is not installed")
    return toolchain.find_nest()


@pytest.fixture
def fake_nest(tmp_path):
    """Write the skeleton of a NEST installation below a prefix, as CMake or conda lay it out; returns the package."""

    def make(version: str = "3.10.0", mpi: bool = False, symbols: bytes = b"", headers: bool = True) -> Path:
        package = tmp_path / "lib/python3.12/site-packages/nest"
        package.mkdir(parents=True)
        library = tmp_path / "lib/nest/libnest.so"
        library.parent.mkdir(parents=True)
        library.write_bytes(b"\x7fELF\0" + symbols + b"\0")
        if headers:
            include = tmp_path / "include/nest"
            include.mkdir(parents=True)
            mpi_line = "#define HAVE_MPI 1" if mpi else "/* #undef HAVE_MPI */"
            (include / "config.h").write_text(f'#define NEST_VERSION "{version}"\n{mpi_line}\n')
            (include / "node.h").write_text("class Node;\n")
        return package

    return make


def test_finds_nest_without_importing_it(nest):
    code = (
        "import sys; from network.codegen import toolchain; found = toolchain.find_nest(); "
        "assert 'nest' not in sys.modules; print(found.version)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == nest.version == importlib.metadata.version("nest-simulator")
    assert (nest.include / "archiving_node.h").is_file()


def test_abi_and_mpi_agree_with_nest_itself(nest):
    code = "import nest; print(nest.build_info['have_mpi'], nest.nestkernel.__file__)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        assert answer.stdout.split()[-2] == str(nest.mpi)
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", *map(str, nest.package.glob("nestkernel_api*.so"))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    copies = [line for line in symbols.splitlines() if "ModelManager" in line and "copy_node_model_" in line]
    assert copies and all(("__cxx11" not in line) == nest.old_abi for line in copies)


def test_models_for_different_mpi_libraries_are_told_apart(tmp_path, fake_nest):
    """NEST's headers do not differ, but what they describe does: a handle is a number in one, a pointer in another."""
    package = fake_nest(mpi=True, symbols=b"libmpi.so.40")
    one = toolchain.find_nest(package).fingerprint
    (tmp_path / "lib/nest/libnest.so").write_bytes(b"\x7fELF\0libmpi.so.12\0")
    assert toolchain.find_nest(package).fingerprint != one


@pytest.mark.parametrize(
    ("symbols", "old"),
    [
        (b"_ZN4nest12ModelManager10copy_modelERKSs", True),
        (b"_ZN4nest12ModelManager10copy_modelERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", False),
    ],
)
def test_abi_is_read_from_the_kernel_library(fake_nest, symbols, old):
    found = toolchain.find_nest(fake_nest(symbols=symbols))
    assert found.old_abi is old
    assert f"-D_GLIBCXX_USE_CXX11_ABI={0 if old else 1}" in toolchain.nest_flags(found)


def test_prefix_layout_and_mpi(fake_nest):
    package = fake_nest(mpi=True)
    found = toolchain.find_nest(package)
    assert found.mpi
    assert found.include == package.parents[3] / "include/nest"


@pytest.mark.parametrize(
    "script",
    [
        '[ "$1" = --showme:compile ] && echo "-I/opt/mpi/include -pthread -DOMPI=1"',
        '[ "$1" = -show ] && echo "g++ -Wl,-z,now -I/opt/mpi/include -DOMPI=1 -L/opt/mpi/lib -lmpi"',
    ],
    ids=["openmpi", "mpich"],
)
def test_mpi_headers_are_asked_from_the_mpi_compiler(tmp_path, monkeypatch, script):
    wrapper = tmp_path / "mpicxx"
    wrapper.write_text(f"#!/bin/sh\n{script}\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert toolchain.mpi_flags() == ("-I/opt/mpi/include", "-DOMPI=1")


def test_mpi_without_its_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"built with MPI.*no mpicxx.*libopenmpi-dev"):
        toolchain.mpi_flags()


def test_fingerprint_follows_the_headers(fake_nest):
    package = fake_nest()
    before = toolchain.find_nest(package)
    (before.include / "node.h").write_text("class Node { int more; };\n")
    assert toolchain.find_nest(package).fingerprint != before.fingerprint


@pytest.mark.parametrize("version", ["3.8.0", "2.20.2", "4.0.0"])
def test_unsupported_nest(fake_nest, version):
    with pytest.raises(BuildError, match=rf"NEST {version} .*3\.10 is needed.*pip install nest-simulator==3\.10"):
        toolchain.find_nest(fake_nest(version=version))


def test_nest_without_headers(fake_nest):
    with pytest.raises(BuildError, match=r"headers of NEST .* missing"):
        toolchain.find_nest(fake_nest(headers=False))


def test_no_nest(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BuildError, match=r"NEST is not installed .*pip install nest-simulator"):
        toolchain.find_nest()


@pytest.mark.parametrize("version", [None, "8.1.0"])
def test_missing_or_unsupported_nestml(monkeypatch, version):
    def answer(package: str) -> str:
        if version is None:
            raise importlib.metadata.PackageNotFoundError(package)
        return version

    monkeypatch.setattr(importlib.metadata, "version", answer)
    with pytest.raises(BuildError, match=r"NESTML .*pip install nestml==9\.0"):
        toolchain.nestml_version()


def test_no_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(BuildError, match=r"neither g\+\+ nor c\+\+.*apt install g\+\+"):
        toolchain.find_compiler()


def test_compiler_named_by_the_user_does_not_exist(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -O1")
    with pytest.raises(BuildError, match=r"CXX=no-such-compiler -O1 names no program"):
        toolchain.find_compiler()


def test_old_compiler(monkeypatch, tmp_path):
    compiler = tmp_path / "g++"
    compiler.write_text('#!/bin/sh\ncase "$1" in -dump*) echo 9.4.0 ;; *) echo "g++ (GCC) 9.4.0" ;; esac\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(BuildError, match=r"GCC 9\.4\.0, but 11 or newer is needed"):
        toolchain.find_compiler()


def test_unknown_cpu():
    compiler = toolchain.find_compiler()
    with pytest.raises(BuildError, match=r"refuses -march=babbage.*portable"):
        toolchain.resolved_cpu(compiler, toolchain.march_flags("babbage"))


def test_launcher_variables_do_not_reach_the_tools(monkeypatch):
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_NAMESPACE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("KEPT_VARIABLE", "1")
    environment = toolchain.clean_environment()
    assert not [name for name in environment if name.startswith(("OMPI_", "PMI_", "PMIX_"))]
    assert environment["KEPT_VARIABLE"] == "1"
    assert environment["PYTHONHASHSEED"] == "0"


def test_nest_config_tells_where_nest_is(nest, tmp_path):
    program = toolchain.write_nest_config(tmp_path, nest, toolchain.find_compiler())

    def ask(question: str) -> str:
        return subprocess.run([str(program), question], capture_output=True, text=True, check=True).stdout.strip()

    assert ask("--version") == nest.version
    assert ask("--includes") == f"-I{nest.include}"
    assert Path(ask("--compiler")).is_file()
    assert "-std=c++20" in shlex.split(ask("--cflags"))
    assert subprocess.run([str(program), "--nonsense"], capture_output=True, check=False).returncode == 1


def test_targets():
    assert {"plain", "reference"} <= set(available())
    assert targets.get("plain").fingerprint() != targets.get("reference").fingerprint()
    assert not targets.get("plain").needs_gsl
    with pytest.raises(BuildError, match=r"no code generation target 'fast'; targets: .*plain"):
        targets.get("fast")


def test_reference_target_without_gsl(nest, monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "has_header", lambda *args: False)
    with pytest.raises(BuildError, match=r"GNU Scientific Library.*libgsl-dev.*conda-forge gsl"):
        build(["qif_msn"], target="reference", cache=tmp_path)


def test_unknown_models(nest, tmp_path):
    with pytest.raises(BuildError, match=r"no NESTML model 'qif_mns'.*qif_msn"):
        build(["qif_mns"], target="plain", cache=tmp_path)
    with pytest.raises(BuildError, match=r"there is no NESTML file .*absent.nestml"):
        build([tmp_path / "absent.nestml"], target="plain", cache=tmp_path)


def test_cache_that_cannot_be_written(nest, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match=r"cannot be written .*BGNEST_CACHE"):
        build(["qif_msn"], target="plain", cache=tmp_path / "file")
