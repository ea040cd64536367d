"""Merging the parts of ranks: one file, right counts, nothing lost when something is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from network.errors import RunError
from network.runs import parts
from network.runs.sonata import ReportWriter, SpikeWriter, read_report, read_spikes

POPULATIONS = {"MSN_D1": 40, "STN": 2, "FSN": 3}


@pytest.fixture
def events():
    """Spike times and ids of the whole network; FSN is silent, STN has two cells."""
    rng = np.random.default_rng(1)
    steps = rng.integers(0, 300, 500)
    return {"MSN_D1": (steps * 0.1, rng.integers(0, 40, 500)), "STN": (np.array([1.5, 0.3]), np.array([1, 0]))}


def write_parts(folder, events, n_ranks):
    """Deal out the cells as NEST does, id modulo ranks, and write what each rank would."""
    for rank in range(n_ranks):
        counts = {}
        with SpikeWriter(parts.spikes_part(folder, rank), POPULATIONS) as writer:
            for name, (times, ids) in events.items():
                own = ids % n_ranks == rank
                order = np.argsort(times[own], kind="stable")
                # in two pieces, as from two readouts
                for piece in np.array_split(order, 2):
                    writer.append(name, times[own][piece], ids[own][piece])
            counts = dict(writer.counts)
        cells = np.array([0, 1, 2])[np.array([0, 1, 2]) % n_ranks == rank]
        reports = []
        if cells.size:
            path = parts.report_part(folder, "report_FSN_V_m.h5", rank)
            with ReportWriter(path, "FSN", "V_m", cells, units="mV", start=0.1, interval=0.1) as report:
                report.append(np.arange(4)[:, None] + 10.0 * cells)
            reports = ["report_FSN_V_m.h5"]
        parts.write_facts(folder, parts.Facts(rank, timers={"connect": rank + 1.0}, n_spikes=counts, reports=reports))


@pytest.mark.parametrize("n_ranks", [1, 2, 3, 7])
def test_one_file_with_all_spikes_remains(tmp_path, events, n_ranks):
    write_parts(tmp_path, events, n_ranks)
    facts = parts.merge(tmp_path, ["report_FSN_V_m.h5"], n_ranks)
    assert [fact.rank for fact in facts] == list(range(n_ranks))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report_FSN_V_m.h5", "spikes.h5"]
    for name, (times, ids) in events.items():
        order = np.lexsort((ids, times))
        read_times, read_ids = read_spikes(tmp_path / "spikes.h5", name)
        np.testing.assert_array_equal(read_times, times[order])
        np.testing.assert_array_equal(read_ids, ids[order])
    assert len(read_spikes(tmp_path / "spikes.h5", "FSN")[0]) == 0


def test_files_do_not_depend_on_the_number_of_ranks(tmp_path, events):
    contents = []
    for n_ranks in (1, 2, 7):
        folder = tmp_path / str(n_ranks)
        folder.mkdir()
        write_parts(folder, events, n_ranks)
        parts.merge(folder, ["report_FSN_V_m.h5"], n_ranks)
        contents.append([(folder / name).read_bytes() for name in ("spikes.h5", "report_FSN_V_m.h5")])
    assert contents[0] == contents[1] == contents[2]


def test_columns_of_a_report_are_in_the_order_of_the_cells(tmp_path, events):
    write_parts(tmp_path, events, 2)  # rank 0 holds cells 0 and 2, rank 1 cell 1
    parts.merge(tmp_path, ["report_FSN_V_m.h5"], 2)
    report = read_report(tmp_path / "report_FSN_V_m.h5")
    assert list(report.node_ids) == [0, 1, 2]
    np.testing.assert_array_equal(report.values[0], [0.0, 10.0, 20.0])


def test_lost_spikes_are_an_error_and_the_parts_stay(tmp_path, events):
    write_parts(tmp_path, events, 2)
    facts = parts.read_facts(tmp_path, 2)
    facts[1].n_spikes["MSN_D1"] += 1
    parts.write_facts(tmp_path, facts[1])
    with pytest.raises(RunError, match="MSN_D1: 501 expected, 500 in the parts"):
        parts.merge(tmp_path, [], 2)
    assert parts.spikes_part(tmp_path, 0).exists() and parts.spikes_part(tmp_path, 1).exists()
    assert not (tmp_path / "spikes.h5").exists()


def test_a_rank_that_never_wrote_is_named(tmp_path, events, monkeypatch):
    monkeypatch.setattr(parts, "VISIBLE_WITHIN", 0.0)
    write_parts(tmp_path, events, 2)
    with pytest.raises(parts.EngineError, match="rank 2"):
        parts.merge(tmp_path, [], 3)


def test_times_are_those_of_the_slowest_rank_and_memory_adds_up():
    measured = [{"connect": 1.0}, {"connect": 3.0, "prepare": 1.0}]
    assert parts.combine(measured, max) == {"connect": 3.0, "prepare": 1.0}
    assert parts.combine([{"peak": 5}, {"peak": 7}], sum) == {"peak": 12}


def test_only_the_first_failing_rank_marks_the_run(tmp_path):
    (tmp_path / "record.json").write_text('{"format": "bgnest-run", "status": "running"}')
    assert parts.claim_failure(tmp_path, "rank 3: X")
    assert not parts.claim_failure(tmp_path, "rank 4: Y")
    assert '"error": "rank 3: X"' in (tmp_path / "record.json").read_text()
