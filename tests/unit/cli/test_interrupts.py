"""Ctrl-C and SIGTERM end a command at whatever moment they arrive, also where Python drops exceptions."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import time
import weakref

import pytest

from network.cli import interrupts
from network.cluster.job import Terminated, terminated_as_exit


class Cell:
    """Something that can be deleted."""


class Finalised:
    """A signal arrives while it is deleted."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


def in_a_finaliser(number):
    Finalised(number)


def in_a_callback_of_a_weak_reference(number):
    cell = Cell()
    reference = weakref.ref(cell, lambda _: signal.raise_signal(number))
    del cell
    assert reference() is None


def in_the_garbage_collection(number):
    cell = Finalised(number)
    cell.itself = cell
    del cell
    gc.collect()


def in_a_long_finaliser(number):
    class Slow:
        def __del__(self) -> None:
            Finalised(number)
            until = time.monotonic() + 0.1
            while time.monotonic() < until:  # it comes again meanwhile, and is lost again
                pass

    Slow()


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
@pytest.mark.parametrize(
    "moment", [in_a_finaliser, in_a_callback_of_a_weak_reference, in_the_garbage_collection, in_a_long_finaliser]
)
def test_an_interrupt_that_python_ignores_comes_again(moment, number, error, monkeypatch, capfd):
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    interrupts.keep()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(error), terminated_as_exit():
            moment(number)
            time.sleep(20.0)  # the command, which goes on
    finally:
        signal.signal(signal.SIGINT, before)
    assert capfd.readouterr().err == ""


def test_what_else_is_ignored_is_told(monkeypatch, capfd):
    class Broken:
        def __del__(self) -> None:
            raise ValueError("a mistake of a library")

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    interrupts.keep()
    Broken()
    assert "a mistake of a library" in capfd.readouterr().err


def test_the_command_line_keeps_them():
    code = (
        "import signal, sys, time, weakref\n"
        "from network.cli import main\n"
        "class Cell: pass\n"
        "@main.app.command('work')\n"
        "def work():\n"
        "    cell = Cell()\n"
        "    reference = weakref.ref(cell, lambda _: signal.raise_signal(signal.SIGINT))\n"
        "    del cell\n"
        "    time.sleep(60)\n"
        "sys.argv = ['bgnest', 'work']\n"
        "main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (130, "\nbgnest: interrupted\n")
