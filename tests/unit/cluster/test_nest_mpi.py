"""What decides the compiled NEST, what is missing for it, and how long it takes: nothing is compiled here."""

from __future__ import annotations

import dataclasses
import time

import pytest

from network.cluster import nest_mpi, requirements
from network.codegen import mpi
from network.errors import ClusterError, NoCompilerError


@pytest.fixture
def build():
    return nest_mpi.Build(python="cpython-311", mpi="Open MPI 4.1.4", compiler="g++ 12", gsl="2.7", machine="x")


def test_whatever_changes_the_binary_changes_the_key(build):
    changes = [
        {"python": "cpython-312"},
        {"mpi": "Open MPI 5.0"},
        {"compiler": "g++ 13"},
        {"gsl": "2.8"},
        {"machine": "y"},
        {"version": "3.10.1"},
        {"models": (*build.models, "hh_psc_alpha")},
        {"options": {**build.options, "with-detailed-timers": "OFF"}},
    ]
    keys = {dataclasses.replace(build, **change).key for change in changes}
    assert len(keys) == len(changes) and build.key not in keys
    assert dataclasses.replace(build).key == build.key


def test_the_order_of_models_does_not_matter():
    models = list(nest_mpi.MODELS)
    assert nest_mpi.describe_build(tuple(models)).key == nest_mpi.describe_build(tuple(reversed(models))).key


def test_a_cached_wheel_is_taken_without_compiling(build, monkeypatch, tmp_path):
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path))
    monkeypatch.setattr(nest_mpi, "_compile", lambda *_: pytest.fail("compiled"))
    build.folder.mkdir(parents=True)
    wheel = build.folder / "nest_simulator-3.10.0-cp311-cp311-linux_x86_64.whl"
    wheel.touch()
    assert nest_mpi.get_wheel(build, lambda line: None) == wheel
    assert build.folder.is_relative_to(tmp_path)


def test_a_new_wheel_appears_whole_and_says_what_it_was_made_from(build, monkeypatch, tmp_path):
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path))

    def compile(build, folder, tell):
        made = folder / "nest_simulator-3.10.0-cp311-cp311-linux_x86_64.whl"
        made.write_text("wheel")
        return made

    monkeypatch.setattr(nest_mpi, "_compile", compile)
    wheel = nest_mpi.get_wheel(build, lambda line: None)
    assert wheel.read_text() == "wheel" and build.wheel() == wheel
    assert '"mpi": "Open MPI 4.1.4"' in (build.folder / "build.json").read_text()
    wheel.write_text("whee")  # cut off on its way: it is compiled again
    assert build.wheel() is None and nest_mpi.get_wheel(build, lambda line: None) == wheel
    assert wheel.read_text() == "wheel" and build.wheel() == wheel


def test_a_failed_compilation_leaves_no_wheel(build, monkeypatch, tmp_path):
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path))

    def fail(build, folder, tell):
        raise ClusterError("no")

    monkeypatch.setattr(nest_mpi, "_compile", fail)
    with pytest.raises(ClusterError):
        nest_mpi.get_wheel(build, lambda line: None)
    assert build.wheel() is None


def test_headers_without_guard_get_one_and_others_stay(tmp_path):
    for folder in ("libnestutil", "nestkernel", "models"):
        (tmp_path / folder).mkdir()
    plain, guarded = tmp_path / "nestkernel" / "a_impl.h", tmp_path / "models" / "b.h"
    plain.write_text("int f();\n")
    guarded.write_text("/* b */\n#ifndef B_H\n#define B_H\n#endif\n")
    nest_mpi._prepare_sources(tmp_path)
    assert plain.read_text() == "#pragma once\nint f();\n"
    assert guarded.read_text() == "/* b */\n#ifndef B_H\n#define B_H\n#endif\n"


def test_progress_counts_steps_and_ends(monkeypatch):
    told: list[str] = []
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    watch = nest_mpi.NinjaProgress(told.append, estimate=100.0)
    for line in ("Collecting", "  [1/4] Building CXX object a.cpp.o", "warning: x", "[2/4] b", "[4/4] Linking"):
        watch.read(line)
    assert told == ["  step 1 of 4, 75 s left", "  step 2 of 4, 50 s left", "  step 4 of 4"]


def test_time_left_goes_from_estimate_to_pace():
    watch = nest_mpi.NinjaProgress(lambda line: None, estimate=100.0)
    assert watch.time_left(0.0, 0.0) == 100.0
    # twice as slow as estimated: nearly done, the pace seen counts
    assert watch.time_left(0.9, 180.0) == pytest.approx(10.0)
    assert watch.time_left(1.0, 500.0) == 0.0


def test_an_mpi_that_is_named_gets_a_build_of_its_own(monkeypatch):
    monkeypatch.setattr(mpi.Mpi, "version", property(lambda self: f"version of {self.cxx}"))
    monkeypatch.setattr(mpi.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(mpi, "family_of", lambda text: "mpich" if "mpich" in text else "openmpi")
    plain, named = nest_mpi.describe_build(), nest_mpi.describe_build(library=mpi.find("mpich"))
    assert named.options["MPI_CXX_COMPILER"] == "mpicxx.mpich" and "MPI_CXX_COMPILER" not in plain.options
    assert named.key != plain.key


def test_the_mpi_of_a_nest_is_told_by_its_libraries(tmp_path):
    file = tmp_path / "nestkernel_api.so"
    for content, family in {
        b"\0libmpi.so.40\0libmpi_cxx.so.40\0": "openmpi",
        b"\0libmpich.so.12\0libmpichcxx.so.12\0": "mpich",
        b"\0libmpi.so.12\0": "mpich",  # as MPICH itself and Intel MPI call it
        b"\0libgsl.so.27\0": "",
    }.items():
        file.write_bytes(content)
        assert mpi.family_of_libraries(mpi.libraries([file])) == family


def test_an_mpi_that_is_not_there_names_its_packages(monkeypatch):
    monkeypatch.setattr(mpi.shutil, "which", lambda name: None)
    with pytest.raises(NoCompilerError, match="apt-get install libmpich-dev mpich"):
        mpi.find("mpich")
    with pytest.raises(NoCompilerError, match="'lam' is no MPI that is known here; known: openmpi, mpich"):
        mpi.find("lam")


def lacking(*names):
    return tuple(
        requirements.Requirement(name, lambda: False, (f"lib{name}-dev",), (f"{name}-devel",)) for name in names
    )


def test_without_root_everything_missing_is_named_with_its_packages(monkeypatch):
    monkeypatch.setattr(requirements, "requirements", lambda family: lacking("gsl", "ltdl"))
    monkeypatch.setattr(requirements.os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError) as error:
        requirements.ensure(lambda line: None)
    text = str(error.value)
    assert "- gsl" in text and "- ltdl" in text
    assert "sudo apt-get install libgsl-dev libltdl-dev" in text and "sudo dnf install gsl-devel ltdl-devel" in text
    assert "environment.yml" in text and "module" in text


def test_root_on_debian_installs_what_is_missing(monkeypatch):
    installed: list[list[str]] = []
    there: set[str] = set()

    def run(command, **options):
        installed.append(command)
        there.update(word for word in command if word.endswith("-dev"))
        return requirements.subprocess.CompletedProcess(command, 0, "", "")

    needed = requirements.Requirement("gsl", lambda: "libgsl-dev" in there, ("libgsl-dev",), ("gsl-devel",))
    monkeypatch.setattr(requirements, "requirements", lambda family: (needed,))
    monkeypatch.setattr(requirements.os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(requirements.subprocess, "run", run)
    requirements.ensure(lambda line: None)
    assert installed[0][:2] == ["apt-get", "update"] and installed[1][-1] == "libgsl-dev"


def test_a_machine_with_everything_is_left_alone(monkeypatch):
    there = requirements.Requirement("gsl", lambda: True, ("libgsl-dev",), ("gsl-devel",))
    monkeypatch.setattr(requirements, "requirements", lambda family: (there,))
    monkeypatch.setattr(requirements.subprocess, "run", lambda *_, **__: pytest.fail("ran something"))
    requirements.ensure(lambda line: None)
