"""Spikes and traces of a run in the files of other programs, read by their own libraries."""

from __future__ import annotations

import json
import shutil

import bgnest
import h5py
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from network.cli.main import app


def test_tables(run, tmp_path):
    folder = run.export_activity(tmp_path / "tables", format="csv")
    spikes = pd.read_csv(folder / "spikes_STN.csv")
    np.testing.assert_allclose(spikes["time_ms"], run.spike_arrays("STN").times)
    np.testing.assert_array_equal(spikes["cell"], run.spike_arrays("STN").node_ids)
    trace = pd.read_csv(folder / "report_STN_V_m.csv")
    assert list(trace.columns) == ["time_ms", "cell_0_mV", "cell_1_mV"]
    np.testing.assert_allclose(trace["cell_1_mV"], -trace["cell_0_mV"])
    assert len(list(folder.glob("spikes_*.csv"))) == len(run.recorded)


def test_tables_drive_another_network(run, tmp_path):
    """What is written can be read as spike trains again."""
    from network.experiment.spike_files import read_trains

    folder = run.export_activity(tmp_path / "tables", format="csv")
    trains = read_trains(folder / "spikes_STN.csv")
    np.testing.assert_allclose(trains.times, run.spike_arrays("STN").times)


def test_neo_reads_what_neo_wrote(run, tmp_path):
    neo = pytest.importorskip("neo")
    path = run.export_activity(tmp_path / "run.pkl", format="neo")
    block = neo.io.PickleIO(str(path)).read_block()
    assert len(block.segments[0].spiketrains) == sum(run.populations[name] for name in run.recorded)
    assert {signal.name for signal in block.segments[0].analogsignals} == {"STN.V_m", "STN.w"}


def test_nwb_has_units_in_seconds(run, tmp_path):
    pynwb = pytest.importorskip("pynwb", reason="no PyNWB: pip install pynwb")
    path = run.export_activity(tmp_path / "run.nwb", format="nwb")
    with pynwb.NWBHDF5IO(str(path), "r") as reader:
        file = reader.read()
        units = file.units.to_dataframe()
        times = np.sort(np.concatenate(list(units.loc[units["population"] == "STN", "spike_times"])))
        np.testing.assert_allclose(times, np.sort(run.spike_arrays("STN").times) / 1e3)
        assert file.acquisition["report_STN_V_m"].rate == pytest.approx(1000.0)


def test_bluepysnap_opens_the_run_folder(run, tmp_path):
    snap = pytest.importorskip("bluepysnap")
    run = bgnest.open_run(shutil.copytree(run.path, tmp_path / "run"))
    before = run.record
    configuration = run.export_activity(format="sonata")
    simulation = snap.Simulation(str(configuration))
    stn = simulation.spikes["STN"].get()
    np.testing.assert_allclose(np.sort(stn.index.to_numpy()), np.sort(run.spike_arrays("STN").times))
    assert (simulation.time_stop, simulation.dt) == (400.0, 0.1)
    report = simulation.reports["report_STN_V_m"]
    frame = report["STN"].get([0, 1])
    np.testing.assert_allclose(frame[1].to_numpy(), -frame[0].to_numpy(), atol=1e-6)
    assert len(frame) == 300 and report.data_units == "mV"
    assert len(simulation.circuit.nodes["SNr"].ids()) == run.populations["SNr"]
    assert len(simulation.circuit.nodes.ids("GPe")) == sum(run.populations[name] for name in run.groups["GPe"])
    # the run is what it was
    assert bgnest.open_run(run.path).verify().record == before


def test_files_say_that_they_are_sonata(run):
    for path in run.path.glob("*.h5"):
        with h5py.File(path) as file:
            assert file.attrs["magic"] == 0x0A7A and list(file.attrs["version"]) == [0, 1], path


def test_the_command_and_its_mistakes(run, tmp_path):
    runner = CliRunner()
    words = ["export", str(run.path), "--activity", "--format", "csv", "--out", str(tmp_path / "t")]
    done = runner.invoke(app, words)
    assert done.exit_code == 0 and (tmp_path / "t" / "spikes_STN.csv").is_file()
    assert "exists already" in str(runner.invoke(app, words).exception)
    with pytest.raises(bgnest.Error, match=r"format 'mat'; .*csv, neo, nwb, sonata"):
        run.export_activity(tmp_path / "x", format="mat")
    with pytest.raises(bgnest.Error, match="say where to"):
        run.export_activity(format="csv")
    with pytest.raises(bgnest.Error, match="Neo does not write it"):
        run.export_activity(tmp_path / "x.unknown", format="neo")


def test_node_sets_name_populations_and_groups(run, tmp_path):
    made = bgnest.open_run(shutil.copytree(run.path, tmp_path / "run"))
    made.export_activity(format="sonata")
    sets = json.loads((made.path / "node_sets.json").read_text())
    assert sets["STN"] == {"population": "STN"} and sets["GPe"] == list(made.groups["GPe"])
