"""Courses of currents from tables, NWB and Neo, and currents into some cells: numbers known by hand."""

from __future__ import annotations

import os
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from network.door.starting import new_network
from network.errors import SpecError
from network.experiment import load_experiment
from network.experiment.current_files import CurrentFileError, read_current, steps_of
from network.plans import Cells, make_plan, plan_from_dict
from network.plans.isolated import _into_port
from network.plans.modulation import _ranges

NET = """
overlay_of: {base}
populations: {{principal: {{neuron: {{I_e: {{value: 10, unit: pA, assumed: test}}}}}}}}
currents:
  step: {{target: principal, {what}}}
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Make a plan of the network of `bgnest new` with a current."""
    monkeypatch.chdir(tmp_path)
    new_network("example", None)

    def make(what, name="experiment.yaml"):
        path = tmp_path / "example" / name
        path.write_text(NET.format(base="base", what=what))
        return make_plan(load_experiment(path))

    return make


@pytest.mark.parametrize(
    ("text", "times", "currents"),
    [
        ("time_ms,current_pA\n0,1\n0.5,2\n", [0, 0.5], [1, 2]),
        ("t (s);I (nA);V (mV)\n0;1;-70\n0.001;-2;-60\n", [0, 1], [1000, -2000]),
        ("# by hand\n time  stimulus\n3 4\n5 6\n", [3, 5], [4, 6]),
    ],
)
def test_tables_in_their_units(tmp_path, text, times, currents):
    path = tmp_path / "course.csv"
    path.write_text(text)
    found = read_current(path)
    np.testing.assert_allclose(found[0], times)
    np.testing.assert_allclose(found[1], currents)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_ms,a_pA,b_pA\n0,1,2\n", r"name a column \(series\); there are: a_pA, b_pA"),
        ("current_pA\n1\n", "one column with times"),
        ("time_ms,current_mV\n0,1\n", "column 'current_mV' is in 'mv'; readable"),
        ("time_ms,current_pA\n1,1\n0,1\n", "times do not grow"),
        ("time_ms,current_pA\n", "no samples"),
        ("time_ms,current_pA\n0,x\n", "not a table of numbers"),
        ("time_ms,current_pA\n0,nan\n", "not all finite"),
        ("time_ms,current_pA,current_pA\n0,1,2\n", "several columns are called 'current_pA'"),
    ],
)
def test_tables_that_are_none_say_why(tmp_path, text, message):
    path = tmp_path / "course.csv"
    path.write_text(text)
    with pytest.raises(CurrentFileError, match=message):
        read_current(path)


@pytest.mark.parametrize(
    ("last", "message"), [(1e12, "1,000,000,000,001 steps of 1 ms; 50,000,000 are"), (1e300, "cannot be counted")]
)
def test_times_without_end_are_refused_before_there_is_a_list_of_them(last, message):
    with pytest.raises(CurrentFileError, match=message):
        steps_of(np.array([0.0, last]), np.array([1.0, 2.0]), 1.0, 0.0)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "course.csv")
    with pytest.raises(CurrentFileError, match="Not a file, but a pipe or a device"):
        read_current(tmp_path / "course.csv")


@pytest.mark.parametrize("ending", ["pkl", "PICKLE", "dat"])
def test_what_neo_would_run_is_not_handed_to_it(tmp_path, ending):
    """To read a pickle is to run what is in it, also where the file is HDF5 further on."""
    path, made = tmp_path / f"course.{ending}", tmp_path / "made"
    program = f"cposix\nsystem\n(S'touch {made}'\ntR.".encode()
    with h5py.File(path, "w", userblock_size=1024):
        pass
    path.write_bytes(program.ljust(1024) + path.read_bytes()[1024:])
    with pytest.raises(CurrentFileError, match=r"a pickle is not read|neither NWB nor a kind of file"):
        read_current(path)
    assert not made.exists()


def test_a_series_is_chosen_by_name_and_a_wrong_name_gets_the_choices(tmp_path):
    path = tmp_path / "course.csv"
    path.write_text("time_ms,a_pA,b_nA\n0,1,2\n")
    assert read_current(path, "b_nA")[1] == [2000.0]
    with pytest.raises(CurrentFileError, match="no column 'b_pA'"):
        read_current(path, "b_pA")


def test_nwb_with_a_rate_and_a_conversion(tmp_path):
    path = tmp_path / "cell.nwb"
    with h5py.File(path, "w") as file:
        series = file.create_group("stimulus/presentation/step")
        data = series.create_dataset("data", data=np.array([0, 50, 50, 0]))
        data.attrs.update({"unit": "amperes", "conversion": 1e-12})
        start = series.create_dataset("starting_time", data=0.1)
        start.attrs["rate"] = 1000.0
    times, currents = read_current(path)
    np.testing.assert_allclose(times, [100, 101, 102, 103])
    np.testing.assert_allclose(currents, [0, 50, 50, 0])


def test_neo_gives_its_current_and_not_the_potential(tmp_path):
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    segment = neo.Segment()
    options = {"t_start": 0 * pq.ms, "sampling_period": 0.5 * pq.ms}
    segment.analogsignals.append(neo.AnalogSignal([-70.0, -60.0], units="mV", name="V", **options))
    segment.analogsignals.append(neo.AnalogSignal([0.1, 0.2], units="nA", name="I", **options))
    block = neo.Block()
    block.segments.append(segment)
    path = tmp_path / "cell.mat"
    neo.io.NeoMatlabIO(str(path)).write_block(block)
    times, currents = read_current(path)
    np.testing.assert_allclose(times, [0.0, 0.5])
    np.testing.assert_allclose(currents, [100.0, 200.0])


def test_steps_are_means_of_their_samples_and_end_with_the_last_one():
    times, currents = np.arange(0.0, 4.0, 0.5), np.array([1.0, 3.0, 2.0, 2.0, 2.0, 2.0, 5.0, 7.0])
    assert steps_of(times, currents, 1.0, 0.0) == [(0.0, 2.0), (3.0, 6.0), (4.0, 0.0)]
    # what lies before the start is left out
    assert steps_of(times, currents, 1.0, -3.0) == [(0.0, 6.0), (1.0, 0.0)]
    # a sample holds until the next: steps shorter than the samples are apart
    assert steps_of(np.array([0.0, 2.0]), np.array([1.0, 4.0]), 1.0, 10.0) == [(10.0, 1.0), (12.0, 4.0), (14.0, 0.0)]


def test_a_file_is_played_into_all_cells(plan, tmp_path):
    (tmp_path / "example" / "course.csv").write_text("time_ms,current_nA\n0,0.02\n1,0.03\n")
    what = "file: course.csv, interval: {value: 1, unit: ms}, shift: {value: 500, unit: ms}"
    made = plan(what)
    changes = [(s.time, s.params["principal"]["I_e"]) for s in made.segments]
    assert changes == [(500.0, 30.0), (501.0, 40.0), (502.0, 10.0)]


@pytest.mark.parametrize(("cells", "ids"), [("2", {0, 1}), ("[7, 3]", {3, 7})])
def test_a_current_reaches_the_named_cells_alone(plan, cells, ids):
    what = f"cells: {cells}, times: {{value: [300, 400], unit: ms}}, amplitudes: {{value: [5, 0], unit: pA}}"
    made = plan(what)
    on, off = (s.cells["principal"]["I_e"] for s in made.segments)
    assert {k for k, value in enumerate(on) if value == 15.0} == ids
    assert {value for k, value in enumerate(on) if k not in ids} == {10.0}
    assert set(off) == {10.0} and len(off) == 400
    assert all(not s.params for s in made.segments)
    assert plan_from_dict(made.to_dict()) == made
    # another subset is another simulation
    assert plan(what.replace(cells, "3"), "other.yaml").simulation_hash != made.simulation_hash


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("file: none.csv, interval: {value: 1, unit: ms}", r"currents.step.file: .*none.csv: No such file"),
        ("file: none.csv", "a file needs an 'interval'"),
        (
            "cells: [400], times: {value: [1], unit: ms}, amplitudes: {value: [5], unit: pA}",
            "cell 400, principal has 400",
        ),
        ("cells: 3", "give 'times' and 'amplitudes', or 'file'"),
    ],
)
def test_what_does_not_fit_is_named(plan, what, message):
    with pytest.raises(SpecError, match=message):
        plan(what)


def test_some_cells_are_stretches_without_a_gap():
    assert _ranges((3, 1, 2, 7)) == [Cells(1, 4), Cells(7, 8)]
    assert _ranges((0,)) == [Cells(0, 1)] and _ranges(()) == []


def test_each_cell_alone_gets_its_own_course_by_the_port():
    course = SimpleNamespace(times=(0.0, 10.0), currents=((1.0, 2.0), (3.0, 4.0)))
    first, second = _into_port(SimpleNamespace(name="A"), course, "I_stim")
    assert (first.cells, first.amplitudes) == (Cells(0, 1), (1.0, 3.0))
    assert (second.cells, second.amplitudes) == (Cells(1, 2), (2.0, 4.0))
    assert _into_port(SimpleNamespace(name="A"), course, None) == ()
