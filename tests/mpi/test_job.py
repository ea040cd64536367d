"""The ranks of a job are one program: one voice, one compilation, one end."""

from __future__ import annotations

import json
import subprocess

import psutil
import pytest

from network.runs.layout import run_status

pytestmark = [pytest.mark.mpi, pytest.mark.nest]

FAIL = """
import sys
from network.cluster.ranks import present
from network.engine.nest import engine
from network.errors import EngineError

if present().rank == int(sys.argv.pop(1)):
    def fail(network):
        raise EngineError("population STN: made to fail")
    engine.connect_recorders = fail
"""

DIFFERS = """
import sys
from network.cluster.ranks import present
from network.engine.nest.engine import NestSimulation

if present().rank == int(sys.argv.pop(1)):
    usual = NestSimulation.audit
    def audit(self, **options):
        return usual(self, **options) | {"differences": ["STN.C_m: 1, 2 planned"]}
    NestSimulation.audit = audit
"""

FILL_DISK = """
import resource, sys
from network.cluster.ranks import present
from network.engine import session as simulate

if present().rank == int(sys.argv.pop(1)):
    drain = simulate._Sink.drain
    def full(self, **options):
        # the system refuses to make a file longer than this, as it does on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        drain(self, **options)
    simulate._Sink.drain = full
"""

COUNT_COMPILATIONS = """
import os, sys
from pathlib import Path
from network.cluster.ranks import present
from network.engine import run
from network.engine.nest import kernel
from network.engine import session as simulate

folder = Path(sys.argv.pop(1))
build, reset = run.codegen.build_each, kernel.reset

def counted(*arguments, **options):
    assert "nest" not in sys.modules
    (folder / f"compiled-by-{present().rank}").touch()
    return build(*arguments, **options)

def noted(plan, *modules):
    (folder / f"loaded-by-{present().rank}").write_text(str(modules))
    return reset(plan, *modules)

run.codegen.build_each, kernel.reset = counted, noted
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_an_error_on_one_rank_ends_the_job_with_one_message(mpirun, script, small, tmp_path, rank):
    out = tmp_path / "run"
    done = mpirun(2, script(FAIL), str(rank), "run", *small, "--t-sim", "50", "--out", str(out))
    assert done.returncode != 0
    assert (done.stdout + done.stderr).count("population STN: made to fail") == 1
    assert "Traceback" not in done.stderr
    assert ("rank 1 of 2" in done.stderr) == (rank == 1)
    assert run_status(out) == "failed"
    record = json.loads((out / "record.json").read_text())
    assert "made to fail" in record["error"] and not (out / "manifest.json").exists()
    # the details are in the log of the rank that failed
    log = out / "log.txt" if rank == 0 else out / "log" / "rank-000001.log"
    assert "Traceback" in log.read_text()


def test_what_another_rank_has_read_back_stands_in_the_audit_of_all(mpirun, script, small, tmp_path):
    out = tmp_path / "run"
    done = mpirun(2, script(DIFFERS), "1", "run", *small, "--t-sim", "50", "--out", str(out))
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "STN.C_m: 1, 2 planned" in done.stdout + done.stderr
    audit = json.loads((out / "audit.json").read_text())
    assert audit["differences"] == ["rank 1: STN.C_m: 1, 2 planned"] and audit["ranks"] == 2
    assert audit["cells_read"] > 8 and run_status(out) == "failed"  # of both


@pytest.mark.parametrize("rank", [0, 1])
def test_a_full_disk_ends_the_job_with_one_message(mpirun, script, small, tmp_path, rank):
    out = tmp_path / "run"
    done = mpirun(2, script(FILL_DISK), str(rank), "run", *small, "--t-sim", "1200", "--out", str(out))
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "cannot be written" in line]
    assert f"rank-{rank:06d}.h5: cannot be written: File too large" in line
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert run_status(out) == "failed"
    assert "cannot be written" in json.loads((out / "record.json").read_text())["error"]


def test_a_folder_that_cannot_be_made_is_told_once(mpirun, script, small, tmp_path):
    (tmp_path / "file").touch()
    done = mpirun(2, script(""), "run", *small, "--t-sim", "20", "--out", str(tmp_path / "file" / "run"))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.count("file/run: Not a directory") == 1


def test_a_mistake_that_all_ranks_see_is_told_once(mpirun, script):
    done = mpirun(2, script(""), "run", "--n-neurons", "100")
    assert done.returncode != 0
    assert (done.stdout + done.stderr).count("Smallest n_neurons") == 1


def test_an_error_in_a_script_of_the_user_ends_the_job(mpirun, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        "from network.engine.nest import kernel\n"
        "nest = kernel.import_nest()\n"
        "if kernel.rank() == 1:\n    raise ValueError('made to fail')\n"
        "kernel.synchronise()\n"
    )
    done = mpirun(2, path)
    assert done.returncode != 0 and "ValueError: made to fail" in done.stderr


def test_only_the_first_rank_talks(mpirun, script, small, tmp_path):
    done = mpirun(2, script(""), "run", *small, "--t-sim", "20", "--out", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run folder:") == 1 and done.stdout.count("population  ") == 1


def test_models_are_compiled_by_one_process_and_all_load_the_same_file(mpirun, script, small, tmp_path):
    job = script(COUNT_COMPILATIONS)
    done = mpirun(2, job, str(tmp_path), "run", *small, "--t-sim", "20", "--out", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("compiled-by-*")] == ["compiled-by-0"]
    assert len({(tmp_path / f"loaded-by-{rank}").read_text() for rank in (0, 1)}) == 1


def test_a_wrong_number_of_ranks_is_refused(mpirun, script):
    done = mpirun(2, script(""), "run", "--ranks", "3")
    assert done.returncode != 0 and "the launcher has started 2" in done.stderr


@pytest.fixture
def endless(mpi_python, start_bgnest, small, tmp_path):
    """A job of two ranks under way."""
    out = tmp_path / "run"
    process = start_bgnest("run", *small, "--t-sim", 10_000_000, "--ranks", 2, "--out", out)
    process.wait_until((out / "spikes.rank-000001.h5.partial").exists)
    return process, out


def ranks_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Processes of a job by rank."""
    children = psutil.Process(process.pid).children(recursive=True)
    found = {}
    for child in children:
        variables = child.environ()
        rank = variables.get("OMPI_COMM_WORLD_RANK", variables.get("PMI_RANK"))
        if rank is not None and "python" in child.name():
            found[int(rank)] = child
    return [found[rank] for rank in sorted(found)]


def test_ctrl_c_leaves_a_marked_incomplete_run(endless):
    process, out = endless
    _, errors = process.interrupt()
    assert process.returncode == 130
    assert errors.count("interrupted") == 1 and "Traceback" not in errors
    assert run_status(out) == "failed"
    # the launcher passes Ctrl-C on as SIGTERM, and either may reach the first rank before the other
    assert json.loads((out / "record.json").read_text())["error"] in ("interrupted", "ended by SIGTERM")


def test_a_killed_rank_ends_the_job(endless):
    process, out = endless
    ranks = ranks_of(process)
    assert len(ranks) == 2
    ranks[1].kill()
    _, errors = process.communicate(timeout=60.0)
    assert process.returncode not in (0, 130)
    assert "marked incomplete" in errors
    assert run_status(out) == "failed"


def test_an_incomplete_run_is_resumed_and_a_complete_one_left_alone(bgnest, small, tmp_path, endless):
    process, out = endless
    process.interrupt()
    command = ("run", *small, "--t-sim", "20", "--ranks", "2", "--out", str(out), "--resume")
    done = bgnest(*command)
    assert done.returncode == 0, done.stderr
    assert run_status(out) == "complete"
    before = (out / "manifest.json").stat().st_mtime_ns
    assert bgnest(*command).returncode == 0
    assert (out / "manifest.json").stat().st_mtime_ns == before


def test_all_ranks_stop_together_when_activity_explodes(mpirun, script, small, tmp_path):
    """The same moment and the same spikes as on one rank: the ranks decide by the sum of their spikes."""
    arguments = ["run", *small, "--t-sim", "5000", "--set", "projections.STN_to_GPe_TI_N.weight={scale: 1000}"]
    found = {}
    for ranks in (1, 2):
        out = tmp_path / str(ranks)
        done = mpirun(ranks, script(""), *arguments, "--threads", str(2 // ranks), "--out", str(out))
        assert done.returncode == 3, done.stderr
        assert (done.stdout + done.stderr).count("GPe_TI_N fires") == 1 and "Traceback" not in done.stderr
        assert run_status(out) == "exploded"
        found[ranks] = (json.loads((out / "record.json").read_text())["stopped"], (out / "spikes.h5").read_bytes())
    assert found[1] == found[2]
