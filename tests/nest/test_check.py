"""``bgnest check invariance`` on a tiny network, with the NEST that is there."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
TINY = ("check", "invariance", "--vps", "2", "--n-neurons", "300", "--t-sim", "20")


def test_one_and_two_threads_give_the_same(bgnest):
    done = bgnest(*TINY)
    assert done.returncode == 0, done.stderr
    assert "nothing of it depends on the number of virtual processes" in done.stdout
    assert "1 x 1" in done.stdout and "1 x 2" in done.stdout
    assert "\npass: 17 file(s) of spikes and states" in done.stdout  # spikes, and two variables of eight populations


def test_it_says_what_depends_on_the_split(bgnest):
    done = bgnest(*TINY, "--set", "simulation.wiring=nest")
    assert done.returncode == 0, done.stderr
    assert "depends on the number of virtual processes (ranks x threads):\n  NEST wires" in done.stdout
    assert "2 virtual processes" in done.stdout and "\npass: " in done.stdout


def test_its_table_is_there_for_programs(bgnest):
    done = bgnest(*TINY, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["same"] is True and found["depends_on_split"] == []
    assert [(run["ranks"], run["threads"]) for run in found["runs"]][:2] == [(1, 1), (1, 2)]
    assert len({run["sha256"] for run in found["runs"]}) == 1 and all(run["same"] for run in found["runs"])
