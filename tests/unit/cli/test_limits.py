"""Few open files, small files, no right to write, and a report that is killed: a message, and nothing is lost."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
import subprocess
import time

import pytest

from network import program
from network.runs import Run

PLAYED = (
    "kumaravelu2016/healthy",
    *("--set", "simulation.mock={rate: 20}"),
    *("--set", "simulation.t_presim=0"),
    *("--set", "simulation.t_sim=300"),
    *("--quiet", "--no-figures"),
)
DROP_FROM_BOUNDING_SET, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2


def limited(environment, folder, words, limit):
    """A command in a process that begins with a limit."""
    return subprocess.run(
        program.command(*words),
        cwd=folder,
        env=environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def setting(what, value):
    return lambda: resource.setrlimit(what, (value, value))


def without_rights_of_root():
    """Let the rights of folders hold for root, too, from the next program on."""
    for right in (DAC_OVERRIDE, DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, right, 0, 0, 0)


@pytest.fixture(scope="module")
def whole(bgnest, tmp_path_factory):
    """A complete run."""
    folder = tmp_path_factory.mktemp("whole")
    done = bgnest("run", *PLAYED, "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.mark.parametrize(
    ("what", "value"),
    [(resource.RLIMIT_NOFILE, 8), (resource.RLIMIT_NOFILE, 24), (resource.RLIMIT_FSIZE, 4000)],
)
def test_a_run_with_a_limit_completes_or_says_why_and_ends_well_without(
    environment, bgnest, tmp_path, whole, what, value
):
    words = ("run", *PLAYED, "--out", "out", "--resume")
    done = limited(environment, tmp_path, words, setting(what, value))
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or (done.returncode == 1 and "bgnest: " in done.stderr), done
    assert done.returncode == 0 or what == resource.RLIMIT_FSIZE or value < 12
    again = bgnest(*words, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "out" / "spikes.h5").read_bytes() == (whole / "spikes.h5").read_bytes()


def test_what_may_not_be_written_is_read_and_refused_with_its_name(environment, whole):
    rights = {path: stat.S_IMODE(path.stat().st_mode) for path in (whole, *whole.rglob("*")) if path.is_dir()}
    try:
        for path in rights:
            path.chmod(0o555)
        read = limited(environment, whole.parent, ("rates", "out"), without_rights_of_root)
        assert read.returncode == 0 and "STN" in read.stdout, read.stderr
        for words in (("run", *PLAYED, "--out", "out/new"), ("plot", "out")):
            done = limited(environment, whole.parent, words, without_rights_of_root)
            assert done.returncode == 1 and "Permission denied" in done.stderr and "out" in done.stderr, done
            assert "Traceback" not in done.stderr
    finally:
        for path, mode in rights.items():
            path.chmod(mode)
    Run.open(whole).verify()
    assert not (whole / "new").exists()


def test_figures_are_drawn_whatever_backend_the_environment_names(environment, whole, tmp_path):
    words = program.command("plot", str(whole), "--out", str(tmp_path / "figures"))
    settings = {**environment, "MPLBACKEND": "nosuch", "DISPLAY": ":99"}
    done = subprocess.run(words, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and (tmp_path / "figures" / "raster.png").is_file(), done.stderr


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_killed_report_leaves_the_run_whole_and_is_written_again(start_bgnest, bgnest, whole, tmp_path, share):
    page = tmp_path / "page.html"
    words = ("report", whole, "--out", page, "--no-figures")
    began = time.monotonic()
    assert bgnest(*words).returncode == 0
    took, text = time.monotonic() - began, page.read_bytes()
    page.unlink()
    process = start_bgnest(*words)
    time.sleep(share * took)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not page.exists() or page.read_text().rstrip().endswith("</html>")
    Run.open(whole).verify()
    assert bgnest(*words).returncode == 0 and abs(len(page.read_bytes()) - len(text)) < 2000
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
