"""SONATA spike files of all kinds of writers are understood; what cannot be read is refused before anything runs."""

from __future__ import annotations

import os
import random

import h5py
import numpy as np
import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.experiment.spike_files import SpikeFileError, read_trains
from network.plans import make_plan
from network.runs.sonata import read_spikes

TIMES, IDS = [105.0, 101.5, 120.25, 101.5], [0, 2, 1, 0]
SORTED = ([101.5, 101.5, 105.0, 120.25], [0, 2, 0, 1])
SORTING = {"none": 0, "by_id": 1, "by_time": 2}


def write(path, *, name="ctx", times=TIMES, ids=IDS, t="f8", i="u8", sorting=None, units=None, gids=False, **dataset):
    """Spike file with one population, or none if there is no name."""
    with h5py.File(path, "a") as file:
        group = file.require_group(f"spikes/{name}" if name else "spikes")
        group.create_dataset("timestamps", data=np.array(times, dtype=t), **dataset)
        group.create_dataset("gids" if gids else "node_ids", data=np.array(ids, dtype=i), **dataset)
        if sorting is not None:
            group.attrs["sorting"] = sorting
        if units is not None:
            group["timestamps"].attrs["units"] = units
    return path


def read(path, population="ctx"):
    trains = read_trains(path, population)
    assert (trains.times.dtype, trains.node_ids.dtype) == (np.float64, np.uint64)
    return trains.times.tolist(), trains.node_ids.tolist()


@pytest.mark.parametrize(
    "sorting",
    [
        *("none", "by_time", "by_id", b"by_time", np.bytes_(b"by_id"), "sorted somehow", 0, 2, np.uint8(1), 7, -1.5),
        *(np.array([2]), np.array(["by_time"], dtype="S7"), np.array([], dtype="f8"), h5py.Empty("S7")),
    ],
)
def test_whatever_the_attribute_says_the_spikes_are_sorted(tmp_path, sorting):
    """By time, then by train: also where the attribute claims that they are already."""
    path = write(tmp_path / "s.h5", sorting=sorting)
    assert read(path) == SORTED
    assert read_spikes(path, "ctx")[0].tolist() == SORTED[0]


def test_an_enumeration_as_order(tmp_path):
    path = write(tmp_path / "s.h5")
    with h5py.File(path, "a") as file:
        file["spikes/ctx"].attrs.create("sorting", 2, dtype=h5py.enum_dtype(SORTING, basetype="u1"))
    assert read(path) == SORTED


@pytest.mark.parametrize("t", ["f4", "f8", ">f8", "f2"])
@pytest.mark.parametrize("i", ["u1", "i2", "u4", ">i8", "i8", "f8"])
def test_types_of_times_and_ids(tmp_path, t, i):
    assert read(write(tmp_path / "s.h5", t=t, i=i)) == SORTED


def test_whole_milliseconds(tmp_path):
    assert read(write(tmp_path / "s.h5", times=[5, 1, 4, 1], t="i4")) == ([1.0, 1.0, 4.0, 5.0], [0, 2, 1, 0])


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        *((None, 1), ("ms", 1), (b"ms", 1), ("milliseconds", 1), ("Ms ", 1), (np.array(["ms"], dtype="S2"), 1)),
        *(("s", 1e3), ("seconds", 1e3), ("us", 1e-3)),
    ],
)
def test_units(tmp_path, units, factor):
    path = write(tmp_path / "s.h5", units=units, times=np.array(TIMES) / factor)
    assert read(path)[0] == pytest.approx(SORTED[0], rel=1e-12)


@pytest.mark.parametrize(
    "dataset", [{"chunks": (2,)}, {"chunks": (3,), "compression": "gzip", "shuffle": True}, {"maxshape": (None,)}]
)
def test_layout_of_the_datasets(tmp_path, dataset):
    assert read(write(tmp_path / "s.h5", **dataset)) == SORTED


def test_the_only_population_needs_no_name(tmp_path):
    path = write(tmp_path / "s.h5", name="thalamus 1")
    assert read_trains(path).population == "thalamus 1"
    write(path, name="other", times=[1.0], ids=[0])
    with pytest.raises(SpikeFileError, match="name a population; populations of the file: other, thalamus 1"):
        read_trains(path)
    assert read(path, "other") == ([1.0], [0])


@pytest.mark.parametrize("gids", [True, False])
def test_the_first_version_of_the_format_has_no_populations(tmp_path, gids):
    assert read_trains(write(tmp_path / "s.h5", name="", gids=gids)).times.tolist() == SORTED[0]


@pytest.mark.parametrize(
    "text",
    [
        "train,time_ms\n{0},{t[0]}\n{2},{t[1]}\n{1},{t[2]}\n0,101.5\n",
        "# written by hand\n\ntime_ms;note;cell\n105;a;0\n101.5;b;2\n120.25;c;1\n101.5;d;0\n",
        "sender\ttime_ms\t\n0\t105.0\n2\t101.5\n1\t120.25\n0\t101.5\n",
        '"Time (s)","Node ID"\n0.105,0\n0.1015,2\n0.12025,1\n0.1015,0\n',
        "\ufefftime train\r\n105 0\r\n101.5 2\r\n120.25 1\r\n101.5 0\r\n",
    ],
)
def test_tables_of_text(tmp_path, text):
    path = tmp_path / "spikes.csv"
    path.write_text(text.format(*range(3), t=TIMES), encoding="utf-8")
    times, ids = read(path, None)
    assert times == pytest.approx(SORTED[0], rel=1e-12)
    assert ids == SORTED[1]


def test_a_table_without_a_spike(tmp_path):
    path = tmp_path / "spikes.csv"
    path.write_text("train,time_ms\n")
    assert read_trains(path).n_trains == 0


def test_trains_that_neo_has_written(tmp_path):
    """Train i of the first segment is train i, in whatever unit and order; one may be silent."""
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    segment = neo.Segment()
    for times, unit in (([101.5, 105.0], pq.ms), ([0.12025], pq.s), ([], pq.ms), ([101_500.0], pq.us)):
        segment.spiketrains.append(neo.SpikeTrain(times * unit, t_stop=1.0 * pq.s))
    block = neo.Block()
    block.segments.append(segment)
    path = tmp_path / "trains.mat"
    neo.io.NeoMatlabIO(str(path)).write_block(block)
    trains = read_trains(path, None)
    np.testing.assert_allclose(trains.times, [101.5, 101.5, 105.0, 120.25])
    assert trains.node_ids.tolist() == [0, 3, 0, 1]


def test_units_of_nwb(tmp_path):
    """Times are in seconds, unit by unit."""
    path = hdf5(
        tmp_path / "s.nwb",
        units__spike_times=[0.1015, 0.105, 0.12025, 0.1015],
        units__spike_times_index=[2, 3, 3, 4],
    )
    times, ids = read(path, None)
    assert times == pytest.approx([101.5, 101.5, 105.0, 120.25], rel=1e-12)
    assert ids == [0, 3, 0, 1]


def test_a_pickle_is_not_read_as_that_runs_what_is_in_it(tmp_path):
    path, made = tmp_path / "trains.pkl", tmp_path / "made"
    path.write_bytes(f"cposix\nsystem\n(S'touch {made}'\ntR.".encode())
    with pytest.raises(SpikeFileError, match="a pickle is not read"):
        read_trains(path)
    assert not made.exists()


def empty(path, n):
    """Write datasets that say they are long and hold nothing."""
    with h5py.File(path, "w") as file:
        for name in ("timestamps", "node_ids"):
            file.create_dataset(f"spikes/ctx/{name}", shape=(n,), dtype="f8", chunks=(1000,))


def hdf5(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name.replace("__", "/")] = data
    return path


WRONG = {
    "no such file": (lambda path: path, "No such file or directory"),
    "a folder": (lambda path: path.mkdir(), "Is a directory"),
    "text": (lambda path: path.write_text("0 12.5\n1 13.5\n"), "a table whose first line names a column of times"),
    "nothing": (lambda path: path.touch(), "a table whose first line names a column of times"),
    "bytes": (lambda path: path.write_bytes(b"\xff\xfe\x00\x80"), "nor a table of text (UTF-8)"),
    "three columns": (
        lambda path: path.write_text("t,cell,neuron\n1,2,3\n"),
        "names a column of times and one of trains",
    ),
    "words": (lambda path: path.write_text("time_ms,train\n1.0,two\n"), "not a table of numbers"),
    "short line": (lambda path: path.write_text("time_ms,train\n1.0\n"), "not a table of numbers"),
    "unit of a table": (lambda path: path.write_text("time (h),train\n1.0,0\n"), "the table are in 'h'; readable: ms"),
    "negative train": (lambda path: path.write_text("time_ms,train\n1.0,-1\n"), "the table are not all whole numbers"),
    "index of NWB": (
        lambda path: hdf5(path, units__spike_times=[1.0, 2.0], units__spike_times_index=[1]),
        "/units/spike_times_index does not belong to 2 spike_times",
    ),
    "cut off": (
        lambda path: path.write_bytes(write(path.with_suffix(".whole")).read_bytes()[:900]),
        "not a readable HDF5 file",
    ),
    "link to nowhere": (
        lambda path: hdf5(path, spikes__ctx__timestamps=[1.0], spikes__ctx__node_ids=h5py.ExternalLink("no.h5", "/a")),
        "not a readable HDF5 file, as SONATA spike files are (",
    ),
    "other HDF5": (lambda path: hdf5(path, a=[1.0]), "no group /spikes; not a SONATA spike file"),
    "spikes are data": (lambda path: hdf5(path, spikes=[1.0]), "no group /spikes"),
    "no populations": (lambda path: h5py.File(path, "w").create_group("spikes").file.close(), "no spikes of 'ctx'"),
    "other population": (lambda path: write(path, name="ctxx"), "no spikes of 'ctx'; did you mean 'ctxx'?"),
    "no times": (lambda path: hdf5(path, spikes__ctx__node_ids=[1]), "ctx has no dataset 'timestamps'"),
    "no ids": (lambda path: hdf5(path, spikes__ctx__timestamps=[1.0]), "ctx has no dataset 'node_ids'"),
    "pipe": (os.mkfifo, "Not a file, but a pipe or a device"),
    "number of a cell without end": (
        lambda path: path.write_text("time_ms,train\n1.0,99999999999999999999\n"),
        "the node_ids of the table go up to 1e+20",
    ),
    "longer than memory": (
        lambda path: empty(path, 10**12),
        "more numbers than there is memory for",
    ),
    "lengths": (lambda path: write(path, ids=[1]), "ctx has 4 timestamps but 1 node_ids"),
    "matrix": (lambda path: write(path, times=[[1.0]], ids=[[1]]), "ctx: 'timestamps' is not a list of numbers"),
    "texts": (lambda path: write(path, t="S6"), "ctx: 'timestamps' is not a list of numbers"),
    "unit": (lambda path: write(path, units="ticks"), "the timestamps of ctx are in 'ticks'; readable: ms, s, us"),
    "not a number": (lambda path: write(path, times=[1, 2, 3, np.nan]), "the timestamps of ctx are not all finite"),
    "negative id": (lambda path: write(path, ids=[0, 1, -1, 0], i="i4"), "node_ids of ctx are not all whole numbers"),
    "half an id": (lambda path: write(path, ids=[0, 1, 0.5, 0], i="f8"), "node_ids of ctx are not all whole numbers"),
    "no spikes": (lambda path: write(path, times=[], ids=[]), "within the simulation: there are none at all"),
    "too late": (lambda path: write(path, times=[9000.5], ids=[0]), "at 9000.5 to 9000.5 ms, the simulation ends at"),
    "too early": (lambda path: write(path, times=[-3.0], ids=[0]), "they are at -3 to -3 ms"),
    "too many": (lambda path: write(path, ids=[0, 0, 0, 10**6]), "trains up to number 1000000, P has"),
}


@pytest.fixture
def planned(tiny_params, tmp_path):
    """Plan of the tiny network that plays a file, written as a user would."""

    def plan(more=""):
        text = f"""spike_inputs:
  play:
    file: ctx.h5
    target: P
    weights: {{exc: {{value: 1, unit: nS, assumed: test}}}}
    delay: {{value: 2, unit: ms, assumed: test}}
    {more}
"""
        (tmp_path / "mine.yaml").write_text(text)
        return make_plan(load_experiment("tiny", [tmp_path / "mine.yaml"]))

    return plan


@pytest.mark.parametrize("fault", WRONG)
def test_a_file_that_cannot_be_played_is_refused_with_file_and_key(planned, tmp_path, fault):
    make, message = WRONG[fault]
    make(tmp_path / "ctx.h5")
    with pytest.raises(SpecError) as error:
        planned("population: ctx")
    (problem,) = error.value.problems
    assert problem.startswith(("mine.yaml:3: spike_inputs.play.file: ", f"{tmp_path}/mine.yaml:3: spike_inputs.play."))
    assert "ctx.h5: " in problem and message in problem


def test_what_is_switched_off_is_not_read(planned, tmp_path):
    (tmp_path / "ctx.h5").write_text("no spikes")
    assert planned("enabled: false").spike_inputs == ()


def test_a_name_that_is_left_out_is_the_same_simulation(planned, tmp_path):
    write(tmp_path / "ctx.h5")
    with_name, without = planned("population: ctx"), planned()
    assert without.spike_inputs[0].population == "ctx"
    assert without.simulation_hash == with_name.simulation_hash


def test_ids_that_do_not_count_trains_are_refused(planned, tmp_path):
    write(tmp_path / "ctx.h5", ids=[1, 2, 3, 2**60])
    with pytest.raises(SpecError, match="they number the trains, from 0 on"):
        planned("in_degree: {value: 2, unit: 1, assumed: test}")


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bits_are_read_or_refused(tmp_path, seed):
    """Times have no unit here: of a damaged attribute of text the HDF5 library may not come back."""
    rng = random.Random(seed)
    content = bytearray(write(tmp_path / "ctx.h5", units=None).read_bytes())
    for _ in range(rng.choice([1, 2, 5, 20])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    (tmp_path / "ctx.h5").write_bytes(content)
    try:
        trains = read_trains(tmp_path / "ctx.h5", "ctx")
    except SpikeFileError:
        return
    assert len(trains.times) == len(trains.node_ids) and np.isfinite(trains.times).all()
