"""Synapses from SONATA files: what is written, what is refused, and what a plan makes of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.experiment.distributions import Listed
from network.experiment.example import example_of
from network.experiment.nestml import model_interfaces
from network.plans import make_plan, plan_from_dict

EXPERIMENT = """
overlay_of: lindahl2016/activation_control
network: {n_neurons: 1000, small_network: multapses}
populations:
  STN: {n_anatomical: null, n_neurons: 4}
  SNr: {n_anatomical: null, n_neurons: 3}
projections:
  '*': null
  mine:
    source: STN
    target: SNr
    receptor: ampa_stn
    connect: {rule: from_file, file: edges.h5}
    weight: {distribution: from_file}
    delay: {distribution: from_file}
"""
SOURCE, TARGET = [3, 0, 1, 3], [2, 0, 0, 1]
WEIGHT, DELAY = [1.5, 2.5, 0.5, 3.0], [1.0, 2.0, 1.0, 4.0]


def write_edges(path, *, source=SOURCE, target=TARGET, columns=None, population="A", index=None):
    """Edges as other programs write them."""
    with h5py.File(path, "w") as file:
        group = file.create_group(f"edges/{population}")
        group["source_node_id"], group["target_node_id"] = np.array(source, "i8"), np.array(target, "i8")
        group.create_group("0")
        for name, values in ({"syn_weight": WEIGHT, "delay": DELAY} if columns is None else columns).items():
            group[f"0/{name}"] = np.array(values, "f4")
        if index is not None:
            group["edge_group_index"] = np.array(index)


@pytest.fixture
def folder(tmp_path):
    write_edges(tmp_path / "edges.h5")
    (tmp_path / "mine.yaml").write_text(EXPERIMENT)
    return tmp_path


def plan_of(folder, *overrides):
    plan = make_plan(load_experiment(folder / "mine.yaml", overrides=overrides))
    return plan, plan.projections[0]


def test_a_plan_knows_what_is_in_the_file(folder):
    plan, mine = plan_of(folder)
    ends = plan.ends(mine)
    assert mine.n_synapses == 4 and mine.rule.in_degrees(ends) == (1, 2)
    assert isinstance(mine.weight, Listed) and (mine.weight.low, mine.weight.high) == (0.5, 3.0)
    assert (mine.delay.low, mine.delay.high) == (1.0, 4.0) and plan.max_delay == 4.0
    assert [list(side) for side in mine.rule.pairs(ends, None)] == [SOURCE, TARGET]
    assert list(mine.weight.values(4)) == WEIGHT
    again = plan_from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan and again.network_hash == plan.network_hash


def test_the_content_of_the_file_is_identity_and_its_place_is_not(folder):
    before = plan_of(folder)[0].network_hash
    (folder / "edges.h5").rename(folder / "moved.h5")
    moved = (folder / "mine.yaml").read_text().replace("edges.h5", "moved.h5")
    (folder / "mine.yaml").write_text(moved)
    assert plan_of(folder)[0].network_hash == before
    write_edges(folder / "moved.h5", columns={"syn_weight": [1.5, 2.5, 0.5, 3.5], "delay": DELAY})
    assert plan_of(folder)[0].network_hash != before


def test_a_file_that_changes_after_planning_is_not_wired(folder):
    plan, mine = plan_of(folder)
    write_edges(folder / "edges.h5", source=SOURCE[::-1])
    for read in (lambda: mine.rule.pairs(plan.ends(mine), None), lambda: mine.weight.values(4)):
        with pytest.raises(SpecError, match=r"edges\.h5: another file than when this was planned"):
            read()


def test_values_stand_where_the_index_of_the_group_says(folder):
    write_edges(folder / "edges.h5", index=[3, 2, 1, 0])
    _, mine = plan_of(folder)
    assert list(mine.weight.values(4)) == WEIGHT[::-1]


def test_pairs_from_a_file_can_have_drawn_weights(folder):
    write_edges(folder / "edges.h5", columns={})
    _, mine = plan_of(folder, "projections.mine.weight=2.0", "projections.mine.delay=1.0")
    assert (mine.weight, mine.delay, mine.n_synapses) == (2.0, 1.0, 4)


def test_modulators_act_on_weights_of_a_file(folder):
    _, mine = plan_of(folder, "projections.mine.weight_beta=0.5", "network.dopamine=0.3")
    assert mine.weight.factor == pytest.approx(0.75) and mine.weight.high == pytest.approx(2.25)
    np.testing.assert_allclose(mine.weight.values(4), 0.75 * np.array(WEIGHT))


@pytest.mark.parametrize(
    ("made", "link", "problem"),
    [
        ({"source": [0, 0, 1, 3_000_000_000]}, None, "at most 50,000,000"),
        ({"index": [0, 1, 2, 44]}, None, "not a readable HDF5 file, as SONATA files"),
        ({}, "0", "the edges of A have no syn_weight"),
        ({}, "target_node_id", "target_node_id that is a list of whole numbers"),
    ],
)
def test_files_that_are_damaged(folder, made, link, problem):
    write_edges(folder / "edges.h5", **made)
    if link:
        with h5py.File(folder / "edges.h5", "a") as file:
            del file[f"edges/A/{link}"]
            file[f"edges/A/{link}"] = h5py.ExternalLink("no.h5", "/a")
    with pytest.raises(SpecError, match=problem):
        plan_of(folder)


def test_the_population_of_edges_is_named_where_there_are_several(folder):
    with h5py.File(folder / "edges.h5", "a") as file:
        file.copy("edges/A", file["edges"], "B")
    with pytest.raises(SpecError, match="name a population; populations of the file: A, B"):
        plan_of(folder)
    with pytest.raises(SpecError, match="no edges of 'C'; populations of the file: A, B"):
        plan_of(folder, "projections.mine.connect.population=C")
    assert plan_of(folder, "projections.mine.connect.population=B")[1].n_synapses == 4


def test_ports_that_a_model_calls_inhibitory_are_told_negative_weights(folder, monkeypatch):
    monkeypatch.setenv("BGNEST_MODELS", str(Path(sys.prefix) / "models" / "neurons"))
    path = folder / "own.yaml"
    path.write_text(example_of("iaf_cond_exp_neuron", model_interfaces()["iaf_cond_exp_neuron"]))
    key = "projections.source_to_target_inh_spikes"
    edges = {"rule": "from_file", "file": str(folder / "edges.h5")}
    listed = {"distribution": "from_file"}
    changes = {f"{key}.connect": edges, f"{key}.weight": listed, f"{key}.delay": listed}
    plan = make_plan(load_experiment(path, overrides=changes))
    weight = next(p for p in plan.projections if p.receptor == "inh_spikes").weight
    assert (weight.low, weight.high) == (-3.0, -0.5)
    assert list(weight.values(4)) == [-one for one in WEIGHT]


def test_weights_of_a_file_need_a_file(folder):
    with pytest.raises(SpecError, match=r"weight: 'distribution: from_file' needs 'connect: \{rule: from_file"):
        plan_of(folder, "projections.mine.connect={rule: one_to_one}")
    with pytest.raises(SpecError, match="'from_file' is for weights and delays of projections only"):
        plan_of(folder, "populations.STN.initial.V_m={distribution: from_file}")


def test_limits_are_kept(folder):
    with pytest.raises(SpecError, match=r"syn_weight of A is 0\.5 to 3, beyond 1 to 3"):
        plan_of(folder, "projections.mine.weight.low=1")
    _, mine = plan_of(folder, "projections.mine.delay.high=12")
    assert mine.delay.high == 12.0


def test_configurations_of_circuits_lead_to_their_experiment(folder):
    ours = {"format": 1, "experiment": "mine.yaml", "warm_up": 100.0}
    run = {"tstop": 350.0, "dt": 0.05, "random_seed": 7}
    circuit, simulation = folder / "circuit_config.json", folder / "simulation_config.json"
    circuit.write_text(json.dumps({"networks": {}, "bgnest": ours}))
    simulation.write_text(json.dumps({"run": run, "bgnest": ours}))
    plan = make_plan(load_experiment(circuit))
    assert plan.network_hash == plan_of(folder)[0].network_hash
    changed = make_plan(load_experiment(simulation, overrides=["simulation.t_presim=100"]))
    assert (changed.t_sim, changed.resolution, changed.seed) == (250.0, 0.05, 7)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{}", "only circuits that `bgnest export` has written"),
        ("{", "cannot be read as JSON"),
        ("[]", "not a JSON object"),
        ('{"bgnest": {"format": 1, "experiment": "nosuch.yaml"}}', "no file 'nosuch.yaml' beside it"),
        ('{"bgnest": {"format": 9, "experiment": "mine.yaml"}}', "format 9 cannot be read, expected 1"),
        (
            '{"bgnest": {"format": 1, "experiment": "mine.yaml"}, "run": {"tend": 1}}',
            "did you mean|unknown key; keys: tstop",
        ),
        ('{"bgnest": {"format": 1, "experiment": "mine.yaml"}, "run": {"tstop": "x"}}', "run.tstop: must be a number"),
    ],
)
def test_configurations_that_cannot_be_simulated(folder, content, problem):
    (folder / "c.json").write_text(content)
    with pytest.raises(SpecError, match=problem):
        load_experiment(folder / "c.json")
    with pytest.raises(SpecError, match="no file"):
        load_experiment(folder / "nosuch.json")


def test_a_pipe_and_a_list_longer_than_memory_are_refused_and_not_read(folder):
    path = folder / "edges.h5"
    with h5py.File(path, "w") as file:
        for end in ("source_node_id", "target_node_id"):
            file.create_dataset(f"edges/A/{end}", shape=(10**12,), dtype="u4", chunks=(1000,))
    with pytest.raises(SpecError, match="more numbers than there is memory for"):
        plan_of(folder)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SpecError, match="Not a file, but a pipe or a device"):
        plan_of(folder)
