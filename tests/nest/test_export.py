"""Circuits that are exported are simulated again, with the same spikes; tables say what the circuit says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import bgnest
import h5py
import libsonata
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from network.cli.main import app
from network.runs.sonata import SpikeWriter

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
CHANGES = {
    # what is left: static and plastic synapses, drawn and constant weights, several receptors
    **{f"projections.{pattern}": None for pattern in ("MSN_*", "FSN_*", "GPe_T*_to_MSN*", "GPe_T*_to_FSN")},
    "projections.GPe_TA_to_GPe_TA.weight_spread": None,
    "projections.STN_to_SNr.connect": {"rule": "fixed_total_number", "number": 900},
    "network.dopamine": 0.6,
}


@pytest.fixture(scope="module", params=["compact", "nest"])
def run(request, tmp_path_factory):
    """Run with a Poisson drive and spikes from a file, whose circuit and tables are exported."""
    folder = tmp_path_factory.mktemp(request.param)
    with SpikeWriter(folder / "thalamus.h5", {"thalamus": None}) as writer:
        writer.append("thalamus", np.arange(10.0, 140.0, 5.0), np.arange(26) % 3)
    stimulus = {
        "file": str(folder / "thalamus.h5"), "target": "STN", "weights": {"ampa": 2.0}, "delay": 1.5, "in_degree": 2
    }  # fmt: skip
    changes = {**CHANGES, "simulation.wiring": request.param, "spike_inputs.thalamus": stimulus}
    if request.param == "compact":
        size, changes["network.small_network"] = 1000, "multapses"
    else:  # of several synapses of one pair NEST adds up in an order of its own
        size, changes["projections.*.in_degree"] = 3000, 3
    experiment = bgnest.load("lindahl2016/activation_control", changes=changes, n_neurons=size, t_presim=50, t_sim=100)
    return experiment.run(threads=2, out=folder / "run", progress=False)


@pytest.fixture(scope="module")
def circuit(run):
    return run.export(run.path.parent / "circuit", progress=False)


def spikes(run):
    return {name: (run.spike_arrays(name).times, run.spike_arrays(name).node_ids) for name in run.recorded}


def test_the_circuit_is_simulated_again_with_the_same_spikes(run, circuit):
    threads = 1 if run.path.parent.name.startswith("compact") else 2  # rows do not mind
    again = bgnest.load(circuit).run(threads=threads, out=run.path.parent / "again", progress=False)
    assert sum(len(times) for times, _ in spikes(run).values()) > 500
    assert (again.path / "spikes.h5").read_bytes() == (run.path / "spikes.h5").read_bytes()
    assert (again.plan.n_synapses, again.plan.min_delay, again.plan.max_delay) == (
        sum(len(run.connections(p.name)) for p in run.plan.projections),
        run.plan.min_delay,
        run.plan.max_delay,
    )
    assert {p.rule.name for p in again.plan.projections} == {"from_file"}


def test_a_circuit_that_is_changed_is_another_one(run, circuit):
    if run.plan.wiring == "nest":
        pytest.skip("the same for both")
    before = bgnest.load(circuit).plan()
    edges = circuit.parent / "networks" / "edges" / "GPe_TI_N_to_STN.h5"
    content = edges.read_bytes()
    try:
        with h5py.File(edges, "r+") as file:
            file["edges/GPe_TI_N_to_STN/0/syn_weight"][...] = 0.0
        changed = bgnest.load(circuit)
        assert changed.plan().network_hash != before.network_hash
        again = changed.run(out=run.path.parent / "changed", progress=False)
    finally:
        edges.write_bytes(content)
    assert len(again.spikes("STN")) > 1.2 * len(run.spikes("STN"))  # it is not inhibited any more


def test_libraries_of_the_field_read_the_circuit(run, circuit):
    config = libsonata.CircuitConfig.from_file(circuit)
    assert config.node_populations == set(run.populations)
    for projection in run.plan.projections:
        edges, table = config.edge_population(projection.name), run.connections(projection.name)
        every = edges.select_all()
        assert (edges.source, edges.target) == (projection.source, projection.target)
        np.testing.assert_array_equal(edges.source_nodes(every), table["source"])
        np.testing.assert_array_equal(edges.target_nodes(every), table["target"])
        np.testing.assert_array_equal(edges.get_attribute("syn_weight", every), table["weight"])
        np.testing.assert_array_equal(edges.get_attribute("delay", every), table["delay"])
    stn = config.node_population("STN")
    planned = run.plan.population("STN")
    assert set(stn.get_dynamics_attribute("tau_syn_ampa", stn.select_all())) == {planned.params["tau_syn_ampa"]}
    assert len(set(stn.get_dynamics_attribute("C_m", stn.select_all()))) == planned.n_neurons
    simulation = libsonata.SimulationConfig.from_file(circuit.parent / "simulation_config.json")
    assert (simulation.run.tstop, simulation.run.dt) == (150.0, 0.1)
    ours = json.loads((circuit.parent / "simulation_config.json").read_text())["bgnest"]
    assert {drive["name"] for drive in ours["poisson_inputs"]} == {i.name for i in run.plan.inputs}


def test_bluepysnap_reads_the_circuit(run, circuit):
    snap = pytest.importorskip("bluepysnap")
    found = snap.Circuit(str(circuit))
    table = run.connections("STN_to_SNr")
    onto = found.edges["STN_to_SNr"].afferent_edges(3, ["syn_weight", "delay"])
    np.testing.assert_array_equal(onto["syn_weight"], table.loc[table["target"] == 3, "weight"])
    assert len(found.nodes["SNr"].ids()) == run.populations["SNr"]
    assert len(found.nodes.ids("GPe_TI")) == sum(run.populations[name] for name in run.groups["GPe_TI"])


def test_tables_have_what_connections_have(run, tmp_path):
    name = "GPe_TI_N_to_STN"
    expected = run.connections(name)
    for kind, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        folder = run.export(tmp_path / kind, format=kind, projections=[name], progress=False)
        assert sorted(path.name for path in folder.iterdir()) == [f"{name}.{kind}", "projections.json"]
        found = read(folder / f"{name}.{kind}")
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)
        about = json.loads((folder / "projections.json").read_text())[name]
        assert about["units"] == {"weight": "nS", "delay": "ms"} and about["n_synapses"] == len(expected)


def test_the_command_exports_runs_and_experiments_that_were_never_run(run, tmp_path):
    name, runner = "GPe_TI_N_to_STN", CliRunner()
    options = ["--format", "csv", "--projection", name, "--quiet"]
    done = runner.invoke(app, ["export", str(run.path), "--out", str(tmp_path / "of_run"), *options])
    assert done.exit_code == 0, done.output
    source = [str(run.path / "params.yaml"), "--threads", str(run.plan.threads)]
    done = runner.invoke(app, ["export", *source, "--out", str(tmp_path / "of_experiment"), *options])
    assert done.exit_code == 0, done.output
    files = [(tmp_path / folder / f"{name}.csv").read_bytes() for folder in ("of_run", "of_experiment")]
    assert files[0] == files[1]
    refused = runner.invoke(app, ["export", str(run.path), "--seed", "3", "--out", str(tmp_path / "new")])
    assert refused.exit_code == 2 and "a run is what it is" in refused.output


def test_mistakes_are_told_before_anything_is_built(run, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for options, message in (
        ({"out": tmp_path / "full"}, "exists already; choose a new folder"),
        ({"out": tmp_path / "new", "format": "sonat"}, "did you mean 'sonata'"),
        ({"out": tmp_path / "new", "format": "csv", "projections": ["STN_to_SNR"]}, "did you mean 'STN_to_SNr'"),
        ({"out": tmp_path / "new", "projections": ["STN_to_SNr"]}, "a SONATA circuit has all projections"),
    ):
        with pytest.raises(bgnest.Error, match=message):
            run.export(progress=False, **options)
    assert not (tmp_path / "new").exists()


def test_the_examples_of_the_documentation_work(run, circuit, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(run.path)
    (tmp_path / "circuit").symlink_to(circuit.parent)
    text = (Path(__file__).parents[2] / "docs" / "howto" / "circuits.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for example in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(compile(example, "docs/howto/circuits.md", "exec"), names)
    assert "{'weight': 'nS', 'delay': 'ms'}" in capsys.readouterr().out
    assert names["out_degrees"].sum() == len(names["synapses"])
    assert (tmp_path / "tables" / "GPe_TI_N_to_STN.parquet").is_file() and (tmp_path / "edges.h5").is_file()
