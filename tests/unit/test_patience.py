"""What does not come back is ended with a sentence; what does is left alone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from network import patience

STUCK = """
import ctypes
from network import patience
with patience.within(0.3, "bgnest: file.h5: not read within 0.3 s"):
    ctypes.PyDLL(None).sleep(60)  # keeps Python's lock, as a library may: no thread of Python could do anything
"""


def test_a_library_that_does_not_come_back_is_ended_with_a_sentence():
    began = time.monotonic()
    words = [sys.executable, "-c", STUCK]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2], timeout=50)
    assert time.monotonic() - began < 30.0
    assert done.returncode == -9 and done.stderr == "bgnest: file.h5: not read within 0.3 s\n"


def test_what_comes_back_in_time_goes_on_and_leaves_no_process(tmp_path, monkeypatch):
    before = psutil.Process().children()
    (tmp_path / "file").write_bytes(b"x" * 100)
    monkeypatch.setattr(patience, "_limited", True)
    with pytest.raises(KeyError), patience.reading(tmp_path / "file"):
        raise KeyError
    with patience.within(0.2, "too long"):
        pass
    assert psutil.Process().children() == before
    time.sleep(0.5)  # and nothing ends this process now
