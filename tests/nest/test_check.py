"""``bgnest check invariance`` on a tiny network, with the NEST that is there."""

from __future__ import annotations

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
