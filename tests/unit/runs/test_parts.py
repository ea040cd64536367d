"""What the ranks of a job have read back becomes one audit."""

from __future__ import annotations

import pytest

from network.errors import EngineError
from network.runs import parts


def found(cells, *differences, counted=()):
    return {
        "exhaustive": False,
        "cells_read": cells,
        "synapses_read": 10 * cells,
        "projections_only_counted": list(counted),
        "differences": list(differences),
    }


def test_numbers_are_added_and_differences_say_whose_they_are(tmp_path):
    every = [found(20, counted=["a"]), found(18, "STN.C_m: 1, 2 planned", counted=["a", "b"]), found(19, "seed: 1, 2")]
    for rank, one in enumerate(every):
        parts.write_audit(tmp_path, rank, one)
    merged = parts.merge_audits(tmp_path, every[0], 3)
    assert merged["cells_read"] == 57 and merged["synapses_read"] == 570 and merged["ranks"] == 3
    assert merged["projections_only_counted"] == ["a", "b"]
    assert merged["differences"] == ["rank 1: STN.C_m: 1, 2 planned", "rank 2: seed: 1, 2"]
    assert list(tmp_path.iterdir()) == []  # nothing that a manifest would list


def test_one_rank_is_as_it_was_and_a_missing_one_is_named(tmp_path, monkeypatch):
    assert parts.merge_audits(tmp_path, found(20), 1) == found(20)
    monkeypatch.setattr(parts, "VISIBLE_WITHIN", 0.1)
    parts.write_audit(tmp_path, 0, found(20))
    with pytest.raises(EngineError, match="written by rank 1"):
        parts.merge_audits(tmp_path, found(20), 2)
