"""Rules of small networks: offsets in a circle, and random permutations."""

from __future__ import annotations

import numpy as np
import pytest

from network.experiment.rules import Ends
from network.experiment.rules.offsets import Offsets
from network.experiment.rules.permutations import Permutations


def rng():
    return np.random.default_rng(1)


def test_offsets_count_in_a_circle():
    source, target = Offsets((0, -1)).pairs(Ends(4, 4), rng())
    assert list(zip(target, source, strict=True)) == [(0, 0), (0, 3), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]
    source, target = Offsets((1,)).pairs(Ends(6, 3), rng())  # sources 0, 2, 4 are opposite the targets
    assert list(zip(target, source, strict=True)) == [(0, 1), (1, 3), (2, 5)]


def test_some_target_cells_only():
    rule, ends = Offsets((0, -1), 3), Ends(10, 10)
    source, target = rule.pairs(ends, rng())
    chosen = np.unique(target)
    assert len(chosen) == 3 and rule.expected(ends) == len(source) == 6
    assert set(zip(target, source, strict=True)) == {(j, (j + k) % 10) for j in chosen for k in (0, -1)}
    assert not np.array_equal(np.unique(rule.pairs(ends, np.random.default_rng(5))[1]), chosen)
    assert rule.in_degrees(ends) == (0, 2) and rule.describe() == "offsets 0, -1 onto 3 cells"


def test_sets_stay_apart():
    source, target = Offsets((1,)).pairs(Ends(6, 6, n_sets=2), rng())
    assert list(zip(target, source, strict=True)) == [(0, 2), (1, 3), (2, 4), (3, 5), (4, 0), (5, 1)]


def test_permutations_have_certain_numbers_at_both_ends():
    ends = Ends(10, 10, multapses=True, same=True)
    source, target = Permutations(4).pairs(ends, rng())
    assert np.all(np.bincount(source) == 4) and np.all(np.bincount(target) == 4)
    assert Permutations(4).expected(ends) == len(source)


@pytest.mark.parametrize(
    ("rule", "ends", "message"),
    [
        (Offsets((0, 10)), Ends(10, 10), "two of the offsets mean the same"),
        (Offsets((0,)), Ends(10, 10, same=True, autapses=False), "the offset 0 makes autapses"),
        (Offsets((1,), 11), Ends(10, 10), "11 of 10 target cells"),
        (Offsets(()), Ends(10, 10), "offsets are missing"),
        (Permutations(2), Ends(10, 9, multapses=True), "of one size"),
        (Permutations(2), Ends(10, 10), "multapses: true"),
        (Permutations(2), Ends(10, 10, multapses=True, same=True, autapses=False), "autapses are false"),
    ],
)
def test_what_does_not_fit_is_said(rule, ends, message):
    assert message in rule.problem(ends)
