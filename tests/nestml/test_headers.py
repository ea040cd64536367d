"""Compiling needs nothing of the system but the compiler and the C library.

A developer's machine has Boost, libtool, GSL and MPI, and hides when code comes to need their headers. The compiler's
own list of the files that it read does not.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from network.codegen import build, headers, targets, toolchain
from network.errors import BuildError

# headers of the C library beyond the C++ standard, POSIX.1-2017
POSIX = """
dirent dlfcn fcntl fnmatch glob grp netdb poll pthread pwd regex sched semaphore spawn strings sys/file sys/ioctl
sys/mman sys/resource sys/select sys/socket sys/stat sys/time sys/times sys/types sys/uio sys/un sys/utsname sys/wait
syslog termios unistd utime
"""
COMPILER = ("omp.h", "immintrin.h", "x86intrin.h")


def files_read(command: list[str], text: str | None = None) -> set[Path]:
    """Files that the compiler reads, as it lists them itself (``-M``)."""
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    words = shlex.split(answer.stdout.replace("\\\n", " "))
    return {Path(word).resolve() for word in words[1:]}


def of_compiler_and_c_library(compiler: toolchain.Compiler) -> set[Path]:
    """Every header that standard C++, POSIX, OpenMP and vector instructions reach."""
    wanted = ["bits/stdc++.h", *(f"{name}.h" for name in POSIX.split()), *COMPILER]
    text = "".join(f"#if __has_include(<{name}>)\n#include <{name}>\n#endif\n" for name in wanted)
    flags = ["-std=c++20", "-fopenmp", "-march=native", "-O3"]  # the C library inlines more when optimised
    return files_read([*compiler.command, *flags, "-M", "-x", "c++", "-"], text)


def foreign(command: list[str], compiler: toolchain.Compiler) -> list[Path]:
    """Files of a compilation that a machine with a compiler, Python and ourselves does not have."""
    ours = [Path(sys.prefix).resolve(), headers.FALLBACK.parent, toolchain.find_nest().include]
    standard = of_compiler_and_c_library(compiler)
    # all of the compiler's own folders: the C++ library, its part for this machine, OpenMP
    ours += [path.parent for path in standard if path.name in ("vector", "omp.h")]
    ours += [path.parent.parent for path in standard if path.name == "c++config.h"]
    generated = Path(command[command.index("-c") + 1]).resolve().parent
    return sorted(
        path
        for path in files_read(command)
        if path not in standard and not any(path.is_relative_to(folder) for folder in (*ours, generated))
    )


def commands(log: Path, compiler: toolchain.Compiler, target: str) -> list[list[str]]:
    """Compiler calls that a module's log lists, such that what we bring goes before what the system may have.

    The log names the folders in which the cache makes things; afterwards they lie under the same key elsewhere. Folders
    of headers are replaced by those of here: the module may have been compiled for another checkout.
    """
    chosen = targets.get(target)
    here = [*toolchain.nest_flags(toolchain.find_nest()), *chosen.flags, *toolchain.march_flags("native")]
    here += [*chosen.include_flags(), *headers.environment_flags()]

    def relocated(command: list[str]) -> list[str]:
        begin, end = command.index("-std=c++20"), command.index("-c")
        kinds = [[re.sub(r"/.*", "", word) for word in flags] for flags in (command[begin:end], here)]
        assert kinds[0] == kinds[1]
        return [*compiler.command, *here, *command[end:]]

    def moved(word: str) -> str:
        final = [re.sub(r"/tmp/([0-9a-f]+)-[^/]+/", rf"/{kind}/\1/", word) for kind in ("objects", "modules")]
        return next((path for path in final if Path(path).is_file()), word)

    found = [shlex.split(line[2:]) for line in log.read_text().splitlines() if line.startswith("$ ") and " -c " in line]
    found = [relocated(command) for command in found]
    return [["-isystem" if word == "-idirafter" else moved(word) for word in command] for command in found]


@pytest.mark.nestml
@pytest.mark.parametrize("target", ["plain", "vectorised"])
def test_only_headers_that_every_machine_has(target, module):
    compiler = toolchain.find_compiler()
    calls = commands(module(target).log, compiler, target)
    assert len(calls) > len(module(target).models)  # every model, and the module itself
    for call in (calls[0], calls[-1]):  # all models of a target include the same
        assert foreign([*call[: call.index("-o")], "-M"], compiler) == []


def test_a_foreign_header_is_noticed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "ltdl.h").write_text("#include <vector>\n")
    source = tmp_path / "src" / "model.cpp"
    source.parent.mkdir()
    source.write_text("#include <ltdl.h>\n#include <string>\n#include <unistd.h>\n")
    compiler = toolchain.find_compiler()
    call = [*compiler.command, "-std=c++20", f"-I{elsewhere}", "-c", str(source), "-M"]
    assert foreign(call, compiler) == [elsewhere / "ltdl.h"]


def test_a_system_without_boost_and_libtool_is_served(tmp_path):
    """Whatever this machine has: with the system's own folders left out, ours are enough."""
    compiler = toolchain.find_compiler()
    source = tmp_path / "uses.cpp"
    source.write_text("".join(f"#include <{name}>\n" for name in (*headers.BOOST, "ltdl.h")) + "lt_dlhandle handle;\n")
    flags = ["-isystem" if word == "-idirafter" else word for word in headers.environment_flags()]
    read = files_read([*compiler.command, "-std=c++20", *flags, "-M", str(source)])
    assert headers.FALLBACK / "ltdl.h" in read
    boost = [path for path in read if re.search(r"/boost/type_index\.hpp$", str(path))]
    assert boost and all("libboost_headers" in str(path) for path in boost)


def test_missing_boost_is_one_message_before_anything_is_compiled(tmp_path, monkeypatch):
    monkeypatch.setattr(headers, "has_header", lambda compiler, header, flags=(): not header.startswith("boost/"))
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path))
    with pytest.raises(BuildError, match=r"headers of Boost.*pip install libboost-headers.*apt install libboost-dev"):
        build(["lif_cond_alpha"])
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".o", ".so", ".cpp")]


def test_nest_config_passes_the_folders_on(tmp_path):
    nest = toolchain.find_nest()
    program = toolchain.write_nest_config(
        tmp_path, nest, toolchain.find_compiler(), includes=headers.environment_flags()
    )
    answer = subprocess.run([program, "--includes"], capture_output=True, text=True, check=True)
    words = shlex.split(answer.stdout)
    assert f"-I{nest.include}" in words and str(headers.FALLBACK) in words


def test_the_log_of_a_module_lists_its_compiler_calls(module):
    found = commands(module("vectorised").log, toolchain.find_compiler(), "vectorised")
    assert json.dumps(found).count("-isystem") >= 2
