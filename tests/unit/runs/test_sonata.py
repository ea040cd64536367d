"""SONATA files: what goes in comes out, in pieces or at once, and libsonata agrees."""

from __future__ import annotations

import h5py
import libsonata
import numpy as np
import pytest

from network.errors import RunError, RunMissingError
from network.runs import ReportWriter, SpikeWriter, frames_from_events, read_report, read_spikes, spike_populations

SIZES = {"A": 50, "B": 9, "silent": 3}


def write(path, trains, **options):
    with SpikeWriter(path, {name: SIZES[name] for name in trains}, **options) as writer:
        for name, (times, ids) in trains.items():
            writer.append(name, times, ids)
    return path


def expected(times, ids):
    order = sorted(range(len(times)), key=lambda i: (times[i], ids[i]))
    return times[order], ids[order]


def test_round_trip_sorts_by_time_then_neuron(tmp_path, trains):
    path = write(tmp_path / "spikes.h5", trains)
    assert spike_populations(path) == ["A", "B", "silent"]
    for name, spikes in trains.items():
        times, ids = read_spikes(path, name)
        np.testing.assert_array_equal(times, expected(*spikes)[0])
        np.testing.assert_array_equal(ids, expected(*spikes)[1])
    assert times.dtype == np.float64
    assert ids.dtype == np.uint64


def test_libsonata_reads_spikes_and_empty_populations(tmp_path, trains):
    reader = libsonata.SpikeReader(str(write(tmp_path / "spikes.h5", trains)))
    assert set(reader.get_population_names()) == set(trains)
    for name, spikes in trains.items():
        population = reader[name]
        assert population.sorting == "by_time"
        assert population.time_units == "ms"
        times, ids = expected(*spikes)
        found = population.get_dict()
        np.testing.assert_array_equal(found["timestamps"], times)
        np.testing.assert_array_equal(found["node_ids"], ids)
    assert reader["silent"].get() == []


@pytest.mark.parametrize("in_order", [True, False])
def test_appending_equals_writing_at_once(tmp_path, trains, in_order):
    whole = write(tmp_path / "whole.h5", trains)
    with SpikeWriter(tmp_path / "pieces.h5", SIZES) as writer:
        for name, (times, ids) in trains.items():
            pieces = np.array_split(np.lexsort((ids, times)) if in_order else np.arange(len(times)), 7)
            for piece in pieces:
                writer.append(name, times[piece], ids[piece])
        assert writer.counts == {name: len(times) for name, (times, _) in trains.items()}
    for name in trains:
        for one, other in zip(read_spikes(whole, name), read_spikes(writer.path, name), strict=True):
            np.testing.assert_array_equal(one, other)


def test_population_too_large_to_sort_says_so_and_is_still_read_in_order(tmp_path, trains, caplog):
    with SpikeWriter(tmp_path / "spikes.h5", SIZES, sort_limit=1000) as writer:
        for name, (times, ids) in trains.items():
            for half in (slice(None, None, 2), slice(1, None, 2)):
                writer.append(name, times[half], ids[half])
    with h5py.File(writer.path) as file:
        sorting = {name: int(group.attrs["sorting"]) for name, group in file["spikes"].items()}
    assert sorting == {"A": 0, "B": 2, "silent": 2}
    assert "5000 spikes of A" in caplog.text
    assert np.all(np.diff(read_spikes(writer.path, "A")[0]) >= 0)


def test_spikes_in_order_are_sorted_without_a_limit(tmp_path):
    with SpikeWriter(tmp_path / "spikes.h5", {"A": 50}, sort_limit=0) as writer:
        writer.append("A", [2.0, 1.0], [3, 4])
        writer.append("A", [2.0, 3.0], [5, 0])  # same time as the end of the last chunk, larger id
    with h5py.File(writer.path) as file:
        assert int(file["spikes/A"].attrs["sorting"]) == 2


def test_file_gets_its_name_only_when_whole(tmp_path):
    path = tmp_path / "spikes.h5"
    with pytest.raises(RuntimeError, match="simulator died"), SpikeWriter(path, {"A": 50}) as writer:
        writer.append("A", [1.0], [2])
        assert not path.exists()
        raise RuntimeError("simulator died")
    assert not path.exists()
    with h5py.File(tmp_path / "spikes.h5.partial") as file:
        assert file["spikes/A/timestamps"][()].tolist() == [1.0]


def test_existing_file_is_not_overwritten(tmp_path, trains):
    path = write(tmp_path / "spikes.h5", trains)
    before = path.read_bytes()
    with pytest.raises(RunError, match="not overwritten"):
        SpikeWriter(path, SIZES)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("population", "times", "ids", "message"),
    [
        ("C", [1.0], [0], "no population 'C'; populations: A, B, silent"),
        ("A", [1.0], [50], "0..50"),
        ("A", [1.0], [-1], "-1"),
        ("A", [1.0, 2.0], [1], "equally long"),
        ("A", [np.nan], [1], "finite"),
        ("A", [1.0], [1.0], "integers"),
    ],
)
def test_wrong_spikes_are_refused(tmp_path, population, times, ids, message):
    writer = SpikeWriter(tmp_path / "spikes.h5", SIZES)
    with pytest.raises(ValueError, match=message):
        writer.append(population, times, ids)
    assert writer.counts == dict.fromkeys(SIZES, 0)
    writer.close()


def test_reading_names_what_is_wrong(tmp_path, trains):
    path = write(tmp_path / "spikes.h5", trains)
    with pytest.raises(RunMissingError, match="no spikes of 'STN'; populations: A, B, silent"):
        read_spikes(path, "STN")
    with pytest.raises(RunMissingError, match=r"other\.h5: no such file"):
        read_spikes(tmp_path / "other.h5", "A")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(RunError, match="not a readable HDF5 file"):
        read_spikes(tmp_path / "text.h5", "A")


def report(path, frames, ids=(4, 1, 7), **options):
    options = {"units": "mV", "start": 100.5, "interval": 0.5, **options}
    return ReportWriter(path, "STN", "V_m", ids, **options)


def test_report_round_trip_in_pieces(tmp_path):
    frames = np.random.default_rng(1).normal(-60, 5, (1000, 3)).astype(np.float32)
    with report(tmp_path / "r.h5", frames) as writer:
        for piece in np.array_split(frames, 7):
            writer.append(piece)
    found = read_report(tmp_path / "r.h5")
    assert (found.population, found.variable, found.units) == ("STN", "V_m", "mV")
    assert found.node_ids.tolist() == [1, 4, 7]
    np.testing.assert_array_equal(found.values, frames[:, [1, 0, 2]])  # columns follow their neurons
    np.testing.assert_allclose(found.times, 100.5 + 0.5 * np.arange(1000))


def test_libsonata_reads_reports(tmp_path):
    frames = np.arange(30, dtype=np.float32).reshape(10, 3)
    with report(tmp_path / "r.h5", frames) as writer:
        writer.append(frames)
    population = libsonata.ElementReportReader(str(tmp_path / "r.h5"))["STN"]
    assert population.times == (100.5, 105.5, 0.5)
    assert (population.time_units, population.data_units) == ("ms", "mV")
    assert population.get_node_ids() == [1, 4, 7]
    whole = population.get()
    np.testing.assert_array_equal(whole.data, frames[:, [1, 0, 2]])
    np.testing.assert_allclose(whole.times, 100.5 + 0.5 * np.arange(10))
    np.testing.assert_array_equal(population.get(node_ids=[4]).data[:, 0], frames[:, 0])


def test_wrong_reports_are_refused(tmp_path):
    with pytest.raises(ValueError, match="different indices"):
        report(tmp_path / "r.h5", None, ids=(1, 1))
    with pytest.raises(ValueError, match="interval"):
        report(tmp_path / "r.h5", None, interval=0.0)
    writer = report(tmp_path / "r.h5", None)
    with pytest.raises(ValueError, match=r"expected \(n, 3\)"):
        writer.append(np.zeros((5, 2)))
    writer.close()


def test_events_in_any_order_become_frames():
    times, ids = np.array([1.0, 2.0, 3.0]), np.array([7, 3])
    frames = np.array([[10.0, 11.0], [20.0, 21.0], [30.0, 31.0]])
    flat_times, flat_ids = np.repeat(times, 2), np.tile(ids, 3)
    mixed = np.random.default_rng(3).permutation(6)
    found_times, found = frames_from_events(flat_times[mixed], flat_ids[mixed], frames.ravel()[mixed], ids)
    np.testing.assert_array_equal(found_times, times)
    np.testing.assert_array_equal(found, frames)
    with pytest.raises(ValueError, match="5 samples do not make 3 frames of the 2 neurons"):
        frames_from_events(flat_times[:5], flat_ids[:5], frames.ravel()[:5], ids)
    with pytest.raises(ValueError, match="6 samples"):
        frames_from_events(flat_times, flat_ids + 1, frames.ravel(), ids)
