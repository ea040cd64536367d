"""What killed builds have left goes with the next build; what another process builds in stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from network.codegen import cache

BUILDING = """
import sys, time
from pathlib import Path
from network.codegen.cache import Cache
with Cache(Path(sys.argv[1])).building("modules", "abc") as folder:
    (folder / "half.o").write_text("half")
    print(folder, flush=True)
    time.sleep(60)
"""


def building(root):
    process = subprocess.Popen([sys.executable, "-c", BUILDING, str(root)], stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().strip())


def aged(*folders, seconds=20.0):
    for folder in folders:
        os.utime(folder, (time.time() - seconds,) * 2)


def test_folders_of_killed_builds_go_and_those_of_others_stay(tmp_path):
    (killed, left), (other, used) = building(tmp_path), building(tmp_path)
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait(20)
        aged(left, used)
        assert left.is_dir() and used.is_dir()
        cache.Cache(tmp_path).clean()
        assert not left.exists() and (used / "half.o").read_text() == "half"
    finally:
        other.kill()
        other.wait(20)
    cache.Cache(tmp_path).clean()
    assert not used.exists()


def test_a_folder_that_is_just_being_made_stays(tmp_path):
    store = cache.Cache(tmp_path)
    fresh = tmp_path / "tmp" / f"abc-1{cache.held_mark()}"
    fresh.mkdir()
    store.clean()
    assert fresh.is_dir()
    aged(fresh)
    store.clean()
    assert not fresh.exists()


def test_a_folder_of_another_machine_stays(tmp_path):
    """Its locks may not be seen here."""
    store, elsewhere = cache.Cache(tmp_path), tmp_path / "tmp" / "abc-3.held-01234567"
    elsewhere.mkdir()
    aged(elsewhere)
    store.clean()
    assert elsewhere.is_dir()


@pytest.mark.parametrize(("seconds", "stays"), [(3600.0, True), (100_000.0, False)])
def test_without_a_lock_only_the_age_of_a_folder_tells(tmp_path, seconds, stays):
    """Folders of earlier versions."""
    store = cache.Cache(tmp_path)
    old = tmp_path / "tmp" / "abc-2"
    old.mkdir()
    aged(old, seconds=seconds)
    store.clean()
    assert old.exists() == stays


def test_a_build_ends_where_it_should_and_leaves_nothing(tmp_path):
    store = cache.Cache(tmp_path)
    with store.building("modules", "abc") as folder:
        (folder / "a").write_text("a")
        aged(folder)
        cache.Cache(tmp_path).clean()  # by another build
    assert (store.entry("modules", "abc") / "a").read_text() == "a"
    assert list((tmp_path / "tmp").iterdir()) == []
