"""Parts of several ranks merge to the file a single rank would have written."""

from __future__ import annotations

import libsonata
import numpy as np
import pytest

from network.errors import RunError
from network.runs import ReportWriter, SpikeWriter, merge_reports, merge_spikes, read_report, read_spikes

SIZES = {"A": 50, "B": 9, "silent": 3}


def write_parts(folder, trains, n_ranks, *, sort_limit=10**8):
    """Neurons dealt out to ranks in turn; the last rank has no B at all."""
    folder.mkdir()
    paths = []
    for rank in range(n_ranks):
        names = [name for name in SIZES if not (name == "B" and n_ranks > 2 and rank == n_ranks - 1)]
        path = folder / f"spikes.rank-{rank:03d}.h5"
        with SpikeWriter(path, {name: SIZES[name] for name in names}, sort_limit=sort_limit) as writer:
            for name in names:
                times, ids = trains[name]
                n_owners = n_ranks - 1 if name == "B" and n_ranks > 2 else n_ranks
                mine = ids % n_owners == rank
                for half in (slice(None, None, 2), slice(1, None, 2)):
                    writer.append(name, times[mine][half], ids[mine][half])
        paths.append(path)
    return paths


@pytest.mark.parametrize("block", [4_000_000, 64, 3])
@pytest.mark.parametrize("n_ranks", [2, 4])
def test_merge_equals_single_rank_byte_for_byte(tmp_path, trains, n_ranks, block):
    single = write_parts(tmp_path / "one", trains, 1)
    parts = write_parts(tmp_path / "many", trains, n_ranks)
    one = merge_spikes(single, tmp_path / "one.h5")
    many = merge_spikes(parts[::-1], tmp_path / "many.h5", block=block)
    assert one == many == {"A": 5000, "B": 700, "silent": 0}
    for name, (times, ids) in trains.items():
        order = np.lexsort((ids, times))
        found = read_spikes(tmp_path / "many.h5", name)
        np.testing.assert_array_equal(found[0], times[order])
        np.testing.assert_array_equal(found[1], ids[order])
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "many.h5").read_bytes()
    reader = libsonata.SpikeReader(str(tmp_path / "many.h5"))
    assert reader["silent"].get() == []
    assert reader["A"].sorting == "by_time"


def test_unsorted_parts_are_sorted(tmp_path, trains):
    parts = write_parts(tmp_path / "many", trains, 2, sort_limit=0)
    merge_spikes(parts, tmp_path / "many.h5", block=16)
    times, ids = trains["A"]
    np.testing.assert_array_equal(read_spikes(tmp_path / "many.h5", "A")[1], ids[np.lexsort((ids, times))])


def test_counts_that_disagree_fail_and_keep_the_parts(tmp_path, trains):
    parts = write_parts(tmp_path / "many", trains, 2)
    with pytest.raises(RunError, match="B: 701 expected, 700 in the parts"):
        merge_spikes(parts, tmp_path / "all.h5", expected={"A": 5000, "B": 701}, remove_parts=True)
    assert all(part.exists() for part in parts)
    assert not (tmp_path / "all.h5").exists()
    merge_spikes(parts, tmp_path / "all.h5", expected={"A": 5000, "B": 700, "silent": 0}, remove_parts=True)
    assert not any(part.exists() for part in parts)


def write_report(path, ids, frames, **options):
    options = {"units": "mV", "start": 1.0, "interval": 1.0, **options}
    with ReportWriter(path, "STN", "V_m", ids, **options) as writer:
        writer.append(frames)
    return path


def test_reports_merge_by_neuron(tmp_path):
    frames = np.random.default_rng(2).normal(size=(200, 5)).astype(np.float32)
    ids = np.array([0, 3, 4, 8, 9])
    whole = write_report(tmp_path / "whole.h5", ids, frames)
    parts = [
        write_report(tmp_path / "report.rank-1.h5", ids[1::2], frames[:, 1::2]),
        write_report(tmp_path / "report.rank-0.h5", ids[::2], frames[:, ::2]),
    ]
    assert merge_reports(parts, tmp_path / "merged.h5", remove_parts=True) == (200, 5)
    assert not any(part.exists() for part in parts)
    one, other = read_report(whole), read_report(tmp_path / "merged.h5")
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.node_ids, other.node_ids)
    np.testing.assert_array_equal(one.times, other.times)


def test_reports_that_do_not_fit_are_refused(tmp_path):
    frames = np.zeros((10, 1))
    one = write_report(tmp_path / "one.h5", [0], frames)
    with pytest.raises(RunError, match="share neurons"):
        merge_reports([one, write_report(tmp_path / "same.h5", [0], frames)], tmp_path / "m.h5")
    with pytest.raises(RunError, match=r"short\.h5"):
        merge_reports([one, write_report(tmp_path / "short.h5", [1], frames[:5])], tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()
