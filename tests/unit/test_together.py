"""Work that is shared with forked helpers comes back whole, whatever happens to them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from network.together import Together


def test_results_come_in_the_order_of_the_tasks_and_from_several_processes():
    def slow(number):
        time.sleep(0.02)
        return number, os.getpid()

    with Together([lambda n=n: slow(n) for n in range(12)], helpers=2) as work:
        results = work.results()
    assert [number for number, _ in results] == list(range(12))
    assert len({process for _, process in results}) > 1


def test_without_helpers_everything_is_done_here():
    with Together([os.getpid] * 3, helpers=0) as work:
        assert work.results() == [os.getpid()] * 3


def test_an_error_of_a_task_is_raised_here():
    def wrong():
        raise ValueError("this one")

    with Together([os.getpid, wrong, wrong], helpers=1) as work, pytest.raises(ValueError, match="this one"):
        work.results()


def test_what_a_killed_helper_had_taken_is_done_here():
    here = os.getpid()

    def deadly():
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    with Together([deadly] * 4, helpers=2) as work:
        time.sleep(0.2)  # for the helpers to take some
        assert work.results() == [here] * 4


def test_helpers_end_when_the_work_is_given_up():
    def children():
        return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())

    before = children()
    with pytest.raises(KeyboardInterrupt), Together([lambda: time.sleep(60)] * 4, helpers=2):
        assert len(children() - before) == 2
        raise KeyboardInterrupt
    assert children() == before
