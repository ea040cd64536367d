"""A network whose cells come from two modules: vector instructions beside NESTML's per-cell code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from network import codegen
from network.engine.nest import kernel
from network.engine.nest.audit import audit
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses
from network.engine.nest.engine import NestSimulation
from network.engine.progress import SilentReporter
from network.experiment import load_experiment, nestml
from network.experiment.nestml_support import Unsupported
from network.plans import make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

MODEL = (Path(__file__).parent / "data" / "psc_cell.nestml").read_text()
PORT = MODEL.replace("I_syn + I_e", "I_syn + I_e + I_stim")
PORT = PORT.replace("inh <- spike", "inh <- spike\n        I_stim pA <- continuous").replace("psc_cell", "psc_port")
FILE = """
meta: {model: own, title: two targets}
network: {}
populations:
  fast: {label: a, model: psc_cell, n_neurons: {value: 12, unit: 1, assumed: t}, defaults: model}
  slow: {label: b, model: psc_port, n_neurons: {value: 12, unit: 1, assumed: t}, defaults: model}
projections:
  fast_to_slow: &p {source: fast, target: slow, receptor: exc, in_degree: {value: 3, unit: 1, assumed: t},
    weight: {value: 40, unit: pA, assumed: t}, delay: {value: 1.5, unit: ms, assumed: t}}
  slow_to_fast: {<<: *p, source: slow, target: fast, receptor: inh, weight: {value: -40, unit: pA, assumed: t},
    plasticity: {U: {value: 0.5, unit: 1, assumed: t}, tau_rec: {value: 100, unit: ms, assumed: t},
      tau_fac: {value: 0, unit: ms, assumed: t}, tau_psc: {value: 3, unit: ms, assumed: t}}}
inputs:
  in_fast: &i {target: fast, rate: {value: 8000, unit: spikes/s, assumed: t}, delay: {value: 1.5, unit: ms, assumed: t},
    weights: {exc: {value: 30, unit: pA, assumed: t}}}
  in_slow: {<<: *i, target: slow}
currents:
  step: {target: slow, port: I_stim, times: {value: [50, 100], unit: ms, assumed: t},
    amplitudes: {value: [400, 0], unit: pA, assumed: t}}
simulation:
  resolution: {value: 0.1, unit: ms, assumed: t}
  t_presim: {value: 0, unit: ms, assumed: t}
  t_sim: {value: 300, unit: ms, assumed: t}
recording:
  traces:
    slow: {population: slow, cells: 12, variables: [V_m], interval: {value: 1, unit: ms, assumed: t}}
"""


def test_cells_of_two_targets_hear_each_other_their_input_and_their_currents(tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    (tmp_path / "psc_cell.nestml").write_text(MODEL)
    (tmp_path / "psc_port.nestml").write_text(PORT)
    (tmp_path / "own.yaml").write_text(FILE)
    monkeypatch.setattr(nestml, "unsupported", lambda text: [Unsupported(1, "it")] if "psc_port" in text else [])
    plan = make_plan(load_experiment(tmp_path / "own.yaml"))
    assert plan.models_by_target == {"plain": ("psc_port",), "vectorised": ("psc_cell",)}
    module = codegen.build_each(plan.models_by_target)
    kernel.reset(plan, *(part.path for part in module.parts))
    network = build(plan, module)
    audit(network)
    assert network.synapses("fast") and not network.synapses("slow")
    simulation = NestSimulation(network)
    assert [made.population for made in simulation.spikes] == ["fast", "slow"]
    assert {p.name for p in plan.projections if plan.kept_by(p) == "compact"} == set(network.compact)
    assert all(len(synapses(network, projection)) == projection.n_synapses for projection in plan.projections)
    simulation.prepare()
    simulation.run(300.0)
    simulation.flush()
    simulation.cleanup()
    spikes = {made.population: made.collect()[0] for made in simulation.spikes}
    in_step = [np.sum((t > 52) & (t < 100)) / 48 for t in spikes.values()]
    outside = [np.sum((t > 150) & (t < 300)) / 150 for t in spikes.values()]
    assert outside[0] > 0 and outside[1] > 0  # both have their Poisson input
    assert in_step[1] > 1.5 * outside[1]  # the current comes to the port
    times, traces = simulation.states[0].collect()
    before, during = traces["V_m"][times < 50].mean(), traces["V_m"][(times > 52) & (times < 100)].mean()
    assert during != before

    # without the other population's spikes its cells are another story: the projections are felt
    alone = make_plan(load_experiment(tmp_path / "own.yaml", overrides=["projections.*.weight=0"]))
    kernel.reset(alone, *(part.path for part in module.parts))
    other = NestSimulation(build(alone, module, SilentReporter()))
    other.prepare()
    other.run(300.0)
    other.cleanup()
    counts = {made.population: len(made.collect()[0]) for made in other.spikes}
    assert counts["fast"] > len(spikes["fast"])  # freed from inhibition
    assert counts["slow"] < len(spikes["slow"])  # without its excitation
