"""Rows at the edges of what they can have: one cell, everybody, the shortest and the longest delays."""

from __future__ import annotations

import bgnest
import h5py
import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.audit import audit
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.sonata import SpikeWriter

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
HEAD = """
overlay_of: lindahl2016/activation_control
network: {n_neurons: 1200}
simulation: {resolution: {value: 0.025, unit: ms, assumed: finer}, t_presim: 0, t_sim: 125}
inputs: {'*': null}
"""
FEW = """
populations:
  STN: {n_anatomical: null, n_neurons: 1}
  GPe_TA: {n_anatomical: null, n_neurons: 40}
projections:
  '*': null
  to_itself: {source: STN, target: STN, receptor: gaba_gpe, weight: 1, delay: 1, in_degree: 1}
  often: {source: STN, target: GPe_TA, receptor: ampa_stn, weight: 1, delay: 1, in_degree: 7, multapses: true}
  all_others: {source: GPe_TA, target: GPe_TA, receptor: gaba_gpe, weight: 1, delay: 1, in_degree: 39, autapses: false}
  any_delay:
    source: GPe_TA
    target: GPe_TA
    receptor: gaba_gpe
    weight: {distribution: uniform, low: 0, high: 1}
    delay: {distribution: uniform, low: 0.025, high: 100}
    connect: {rule: all_to_all}
  nobody:
    source: STN
    target: GPe_TA
    receptor: ampa_stn
    weight: 1
    delay: 1
    connect: {rule: pairwise_bernoulli, probability: 0}
"""
ARRIVALS = """
populations:
  STN: {n_anatomical: null, n_neurons: 1}
  GPe_TA: {n_anatomical: null, n_neurons: 4, heterogeneity: {}, initial: {}}
projections:
  '*': null
  late:
    source: STN
    target: GPe_TA
    receptor: ampa_stn
    connect: {rule: from_file, file: edges.h5}
    weight: {distribution: from_file}
    delay: {distribution: from_file}
spike_inputs:
  kick: {file: kick.h5, target: STN, weights: {ampa: 300}, delay: 1}
recording:
  spikes: [STN]
  traces: {v: {population: GPe_TA, cells: 4, variables: [V_m], interval: 0.025}}
"""


def test_one_cell_and_everybody(module, tmp_path):
    path = tmp_path / "few.yaml"
    path.write_text(HEAD + FEW)
    plan = make_plan(load_experiment(path), threads=2)
    assert plan.wiring == "compact" and plan.max_delay == 100.0
    kernel.reset(plan, module.path)
    network = build(plan, module)
    audit(network, n_cells=50)
    found = {p.name: synapses(network, p) for p in plan.projections}
    assert (found["to_itself"].source.tolist(), found["to_itself"].target.tolist()) == ([0], [0])
    assert np.bincount(found["often"].target).tolist() == [7] * 40 and set(found["often"].source) == {0}
    others = set(zip(found["all_others"].source.tolist(), found["all_others"].target.tolist(), strict=True))
    assert others == {(i, j) for i in range(40) for j in range(40) if i != j}
    assert not len(found["nobody"])
    steps = found["any_delay"].delay / 0.025
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    assert 1 <= steps.min() < 20 and 3980 < steps.max() <= 4000 and len(set(np.round(steps))) > 1000


def test_spikes_arrive_after_their_delay(tmp_path):
    """After one step, 50 ms and 100 ms, in steps of 0.025 ms; a fourth cell hears nothing."""
    delays = [0.025, 50.0, 100.0]
    with h5py.File(tmp_path / "edges.h5", "w") as file:
        group = file.create_group("edges/late")
        group["source_node_id"], group["target_node_id"] = np.zeros(3, "i8"), np.arange(3)
        group["0/syn_weight"], group["0/delay"] = np.full(3, 5.0), np.array(delays)
    with SpikeWriter(tmp_path / "kick.h5", {"kick": None}) as writer:
        writer.append("kick", [10.0], [0])
    (tmp_path / "late.yaml").write_text(HEAD + ARRIVALS)
    run = bgnest.load(tmp_path / "late.yaml").run(out=tmp_path / "run", progress=False)
    first = run.spikes("STN")["time_ms"].min()
    assert 10.0 < first < 20.0
    table = run.traces("GPe_TA", "V_m").pivot(index="time_ms", columns="cell", values="V_m")
    late = []
    for cell, delay in enumerate(delays):
        moved = table.index[(table[cell] - table[3]).abs() > 1e-9]
        late.append(round((moved[0] - first - delay) / 0.025))
    assert late[0] in (0, 1, 2) and late == [late[0]] * 3


def test_delays_that_rows_cannot_have_are_refused_before_anything_is_built(tmp_path):
    path = tmp_path / "long.yaml"
    path.write_text(HEAD + FEW.replace("high: 100", "high: 2000"))
    with pytest.raises(bgnest.Error, match=r"long\.yaml.*projections\.any_delay\.delay: .* 65,535 steps.*wiring: nest"):
        bgnest.load(path).plan()
    assert bgnest.load(path, changes={"simulation.wiring": "nest"}).plan().max_delay == 2000.0
    assert bgnest.load(path, changes={"projections.any_delay.delay": 2000.0}).plan().max_delay == 2000.0
