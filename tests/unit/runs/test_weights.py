"""Recorded weights of several ranks, of which each has the synapses onto its own cells."""

from __future__ import annotations

import numpy as np

from network.runs.weights import WEIGHTS, Weights, merge_weights, read_weights, weights_part, write_weights


def of_rank(source, target):
    ids = np.array(source, dtype=np.int64), np.array(target, dtype=np.int64)
    values = np.array([[10.0 * t + s, 10.0 * t + s + 0.5] for s, t in zip(source, target, strict=True)]).reshape(-1, 2)
    return Weights("A_to_B", "nS", np.array([0.0, 500.0]), *ids, values.T)


def test_the_first_synapses_of_all_ranks_together_are_kept_in_order(tmp_path):
    ranks = [of_rank([3, 4, 0], [0, 0, 2]), of_rank([1, 2], [1, 1]), of_rank([], [])]
    parts = [weights_part(tmp_path, rank) for rank in range(3)]
    for part, own in zip(parts, ranks, strict=True):
        write_weights(part, [("A", own)])
    merge_weights(parts, tmp_path / WEIGHTS, {"A": 4})
    merged = read_weights(tmp_path / WEIGHTS, "A")
    assert merged.target.tolist() == [0, 0, 1, 1] and merged.source.tolist() == [3, 4, 1, 2]
    assert merged.values.tolist() == [[3.0, 4.0, 11.0, 12.0], [3.5, 4.5, 11.5, 12.5]]
    assert (merged.projection, merged.units, merged.times.tolist()) == ("A_to_B", "nS", [0.0, 500.0])
    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS]
