"""What is found out by scripts/faults.py and is cheap to keep: want of memory, and others who were quicker."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from network.cli.main import no_memory
from network.codegen.cache import full_disk_said
from network.engine import run as engine_run
from network.engine.batch import run_all
from network.engine.run import run
from network.errors import BuildError, RunExistsError
from network.experiment import load_experiment
from network.runs.folder import RunFolder
from network.runs.layout import write_atomic

ROOT = Path(__file__).resolve().parents[3]
CHANGES = ["simulation.mock={rate: 5}", "simulation.t_presim=0", "simulation.t_sim=50", "network.n_neurons=10000"]


@pytest.fixture(scope="module")
def experiment():
    return load_experiment("lindahl2016/activation_control", overrides=CHANGES)


def test_want_of_memory_is_found_behind_other_errors():
    try:
        try:
            raise MemoryError
        except MemoryError as error:
            raise ValueError("a library says something else") from error
    except ValueError as error:
        assert no_memory(error)
    assert no_memory(OSError(errno.ENOMEM, "Cannot allocate memory")) and not no_memory(ValueError("x"))


def test_a_command_without_memory_ends_with_one_line():
    code = "from network.cli import main\ndef app(**_):\n    raise MemoryError\nmain.app = app\nmain.main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and done.stderr.startswith("bgnest: out of memory")


@pytest.fixture
def quicker(monkeypatch):
    """Another process completes the run in the moment before its folder is taken."""
    create = RunFolder.create.__func__

    def late(cls, path, **options):
        monkeypatch.undo()
        run(load_experiment("lindahl2016/activation_control", overrides=CHANGES), out=path)
        return create(cls, path, **options)

    monkeypatch.setattr(engine_run.RunFolder, "create", classmethod(late))


def test_a_run_that_another_process_has_just_completed_is_used(experiment, tmp_path, quicker):
    assert run(experiment, out=tmp_path / "run", resume=True).record["status"] == "complete"


def test_without_resume_it_is_refused(experiment, tmp_path, quicker):
    with pytest.raises(RunExistsError):
        run(experiment, out=tmp_path / "run")


def test_a_batch_uses_what_another_one_has_just_completed(experiment, tmp_path, quicker):
    assert run_all({"one": experiment}, tmp_path)["one"].record["status"] == "complete"


def test_a_full_disk_is_told_with_the_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        write_atomic(tmp_path / "origin.json", "{}")
    assert error.value.filename == str(tmp_path / "origin.json")


def test_many_files_that_do_not_fit_the_cache_are_one_message(tmp_path):
    with (
        pytest.raises(BuildError, match="cannot be written: No space left on device"),
        full_disk_said(tmp_path),
    ):
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])
    with pytest.raises(shutil.Error), full_disk_said(tmp_path):
        raise shutil.Error([("a", "b", "[Errno 2] No such file: 'a'")])


def test_what_hdf5_says_when_it_forgets_a_file_is_not_shown():
    code = (
        "import sys\nfrom network.cli import interrupts\ninterrupts.keep()\n"
        "class Lost:\n    def __init__(self, text): self.text = text\n"
        "    def __del__(self): raise RuntimeError(self.text)\n"
        "Lost(\"Can't decrement id ref count (file write failed)\")\nLost('something else')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "something else" in done.stderr and "ref count" not in done.stderr
