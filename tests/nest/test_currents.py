"""Synapses that are currents, beside NEST's own cell; currents into a continuous port of some cells."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from network import codegen
from network.engine.nest import kernel
from network.engine.nest.audit import audit
from network.engine.nest.build import build
from network.engine.nest.devices import connect_inputs
from network.experiment import load_experiment
from network.plans import make_plan

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

MODEL = (Path(__file__).parent / "data" / "psc_cell.nestml").read_text()
NEURON = {"C_m": (250, "pF"), "tau_m": (10, "ms"), "E_L": (-70, "mV"), "V_th": (-55, "mV"), "V_reset": (-70, "mV")}
FILE = """
meta: {model: own, title: cells with currents}
populations:
  P: &cell
    label: source
    model: psc_cell
    n_neurons: {value: 1, unit: 1, assumed: t}
    neuron: &n
      I_e: {value: 500, unit: pA, assumed: t}
%s
    receptors:
      exc: {tau_syn: {value: 2, unit: ms, assumed: t}}
      slow: {port: inh, parameters: {tau_syn_inh: {value: 3, unit: ms, assumed: t}}}
  X:
    <<: *cell
    label: target
    neuron: {<<: *n, I_e: {value: 0, unit: pA, assumed: t}}
projections:
  fast: &p {source: P, target: X, receptor: exc, in_degree: {value: 1, unit: 1, assumed: t},
    weight: {value: 300, unit: pA, assumed: t}, delay: {value: 1.5, unit: ms, assumed: t}}
  slow: {<<: *p, receptor: slow, weight: {value: -400, unit: pA, assumed: t}, delay: {value: 4, unit: ms, assumed: t}}
network:
  dopamine: {value: 0.8, unit: 1, assumed: t}
  dopamine_reference: {value: 0.8, unit: 1, assumed: t}
simulation:
  target: vectorised
  resolution: {value: 0.1, unit: ms, assumed: t}
  t_presim: {value: 0, unit: ms, assumed: t}
  t_sim: {value: 100, unit: ms, assumed: t}
"""


def test_a_current_acts_as_it_does_on_the_cell_of_nest(tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    (tmp_path / "psc_cell.nestml").write_text(MODEL)
    values = "\n".join(f"      {k}: {{value: {v}, unit: {unit}, assumed: t}}" for k, (v, unit) in NEURON.items())
    (tmp_path / "own.yaml").write_text(FILE % values)
    plan = dataclasses.replace(make_plan(load_experiment(tmp_path / "own.yaml")), spike_populations=())
    module = codegen.build(["psc_cell"], target="vectorised")
    nest = kernel.import_nest()
    kernel.reset(plan, module.path)
    network = build(plan, module)
    audit(network)

    theirs = {name: float(value) for name, (value, _) in NEURON.items()} | {"tau_syn_ex": 2.0, "tau_syn_in": 3.0}
    reference = nest.Create("iaf_psc_exp", params={**theirs, "V_m": -70.0})
    source = network.populations["P"]
    nest.Connect(source, reference, syn_spec={"weight": 300.0, "delay": 1.5})
    nest.Connect(source, reference, syn_spec={"weight": -400.0, "delay": 4.0})
    meters = []
    for cell in (network.populations["X"], reference):
        meters.append(nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 0.1}))
        nest.Connect(meters[-1], cell, syn_spec={"delay": 1.5})
    recorder = nest.Create("spike_recorder")
    nest.Connect(source, recorder, syn_spec={"delay": 1.5})
    nest.Simulate(100.0)
    assert recorder.n_events >= 3
    ours, expected = (np.array(meter.events["V_m"]) for meter in meters)
    assert np.ptp(expected) > 1.0  # both signs were felt
    assert expected.max() > -70.0 + 0.3 and expected.min() < -70.0 - 0.3
    np.testing.assert_allclose(ours, expected, atol=1e-6)


PORT = MODEL.replace("I_syn + I_e", "I_syn + I_e + I_stim").replace("psc_cell", "psc_port")
PORT = PORT.replace("inh <- spike", "inh <- spike\n        I_stim pA <- continuous")
SOME = """
meta: {model: own, title: a current into a port of some cells}
network: {}
populations:
  P: {label: with a port, model: psc_port, n_neurons: 6, defaults: model, neuron: {%s}}
currents:
  written: {target: P, port: I_stim, cells: [1, 2, 4], times: {value: [20.0, 60.0], unit: ms, assumed: t},
    amplitudes: {value: [100.0, 0.0], unit: pA, assumed: t}}
  played: {target: P, port: I_stim, cells: [4], file: course.csv, interval: 10}
simulation:
  resolution: {value: 0.1, unit: ms, assumed: t}
  t_presim: {value: 0, unit: ms, assumed: t}
  t_sim: {value: 100, unit: ms, assumed: t}
"""


@pytest.mark.parametrize("target", ["vectorised", "plain"])
def test_a_current_into_a_continuous_port_reaches_the_cells_that_are_named(tmp_path, monkeypatch, target):
    """Cells without spikes are linear: V_m goes to I tau_m / C_m with the time constant tau_m."""
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    (tmp_path / "psc_port.nestml").write_text(PORT)
    (tmp_path / "course.csv").write_text("time_ms,current_pA\n40,-100\n50,-100\n60,0\n")
    values = {name: value for name, (value, _) in NEURON.items()} | {"I_e": 0}
    neuron = ", ".join(f"{name}: {float(value)}" for name, value in values.items())
    (tmp_path / "own.yaml").write_text(SOME % neuron)
    chosen = load_experiment(tmp_path / "own.yaml", overrides=[f"simulation.target={target}"])
    plan = dataclasses.replace(make_plan(chosen), spike_populations=())
    module = codegen.build(["psc_port"], target=target)
    nest = kernel.import_nest()
    kernel.reset(plan, module.path)
    network = build(plan, module)
    audit(network)
    connect_inputs(network)
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 0.1})
    nest.Connect(meter, network.populations["P"], syn_spec={"delay": plan.min_delay})
    nest.Simulate(99.0)
    times = np.array(meter.events["times"]).reshape(-1, 6)[:, 0]
    gained = np.array(meter.events["V_m"]).reshape(-1, 6) + 70.0
    top, tau = 100.0 * 10.0 / 250.0, 10.0
    rise = np.where(times > 20.0, top * (1.0 - np.exp(-(times - 20.0) / tau)), 0.0)
    fall = lambda start: np.where(times > start, top * (1.0 - np.exp(-(times - start) / tau)), 0.0)  # noqa: E731
    np.testing.assert_allclose(gained[:, [0, 3, 5]], 0.0, atol=1e-9)
    for cell in (1, 2):
        np.testing.assert_allclose(gained[:, cell], rise - fall(60.0), atol=1e-4)
    np.testing.assert_allclose(gained[:, 4], rise - fall(40.0), atol=1e-4)  # both end at 60 ms
