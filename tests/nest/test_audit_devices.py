"""What stands outside of the cells is read back, too: a builder that errs there is found out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from network.engine.nest import axons, devices, kernel, spike_trains
from network.engine.nest import engine as engines
from network.engine.nest.build import build
from network.engine.nest.engine import NestEngine, NestSimulation
from network.engine.nest.network import Network
from network.engine.progress import SilentReporter
from network.errors import EngineError
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.sonata import SpikeWriter

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

MODEL = (Path(__file__).parent / "data" / "psc_cell.nestml").read_text()
PORT = MODEL.replace("I_syn + I_e", "I_syn + I_e + I_stim").replace("psc_cell", "psc_port")
PORT = PORT.replace("inh <- spike", "inh <- spike\n        I_stim pA <- continuous")
FILE = """
meta: {model: own, title: all that can drive a cell from outside}
network: {}
populations:
  S: {label: source, model: aeif_stn, n_neurons: 30, defaults: model, neuron: {I_e: -100.0}}
  T: {label: target, model: aeif_gpe, n_neurons: 25, defaults: model}
  P: {label: with a port, model: psc_port, n_neurons: 24, defaults: model}
projections:
  S_to_T: {source: S, target: T, receptor: ampa_stn, connect: {rule: fixed_in_degree, in_degree: 4}, weight: 2.0,
    delay: 2.5}
inputs:
  one: {target: S, rate: 100.0, delay: 2.5, weights: {ampa: 0.4}, weight_spread: 0.3}
  two: {target: T, rate: 80.0, delay: 3.0, weights: {ampa_stn: 0.3, ampa_ext: 0.2},
        modulation: {kind: square, frequency: 20.0, amplitude: 0.5}}
spike_inputs:
  played: {target: S, file: trains.h5, population: ctx, delay: 3.0, in_degree: 5, weights: {ampa: 0.5, nmda: 0.1}}
  single: {target: T, file: trains.h5, population: ctx, delay: 2.0, weights: {ampa_stn: 0.6}}
stimulations:
  dbs: {target: S, frequency: 40.0, width: 0.3, amplitude: 80.0, start: 20.0, axons: {probability: 0.5}}
currents:
  step: {target: P, port: I_stim, times: {value: [50.0, 100.0], unit: ms, assumed: t},
    amplitudes: {value: [20.0, 0.0], unit: pA, assumed: t}}
  of_cells: {target: T, times: {value: [30.0], unit: ms, assumed: t},
    amplitudes: {value: [15.0], unit: pA, assumed: t}}
simulation:
  drive: device
  resolution: {value: 0.1, unit: ms, assumed: t}
  t_presim: {value: 0, unit: ms, assumed: t}
  t_sim: {value: 200, unit: ms, assumed: t}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Plan and compiled models of the network, whose spike trains are in a file."""
    folder = tmp_path_factory.mktemp("devices")
    rng = np.random.default_rng(1)
    with SpikeWriter(folder / "trains.h5", {"ctx": 20}) as writer:
        writer.append("ctx", np.sort(rng.uniform(0.0, 200.0, 400)), rng.integers(0, 20, 400).astype(np.uint64))
    (folder / "psc_port.nestml").write_text(PORT)
    (folder / "own.yaml").write_text(FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BGNEST_MODELS", str(folder))
        plan = make_plan(load_experiment(folder / "own.yaml"))
        return plan, NestEngine().compile(plan, SilentReporter())


def differences(made, *, exhaustive=False):
    plan, compiled = made
    kernel.reset(plan, *(part.path for part in compiled.parts))
    return NestSimulation(build(plan, compiled)).audit(exhaustive=exhaustive)["differences"]


@pytest.mark.parametrize("exhaustive", [False, True])
def test_what_is_as_planned_passes(made, exhaustive):
    plan, _ = made
    assert plan.inputs and plan.currents and plan.spike_inputs and plan.pulses and plan.segments
    assert differences(made, exhaustive=exhaustive) == []


def connecting(change):
    """Change what NEST is told to connect."""

    def patch(monkeypatch):
        nest = kernel.import_nest()
        usual = nest.Connect

        def connect(source, target, rule="all_to_all", synapse=None):
            return usual(source, target, rule, change(source, target, synapse))

        monkeypatch.setitem(vars(nest), "Connect", connect)

    return patch


def only(condition, **changes):
    """Change connections with this weight or delay."""

    def change(source, target, synapse):
        if isinstance(synapse, dict) and "receptor_type" in synapse and condition(synapse):
            return synapse | {key: value(synapse[key]) for key, value in changes.items()}
        return synapse

    return connecting(change)


def setting(module, name, edit):
    """Change a part of the builder by what it returns or does."""

    def patch(monkeypatch):
        monkeypatch.setattr(module, name, edit(getattr(module, name)))

    return patch


def other_waveform(usual):
    def sample(source, resolution, stop):
        times, rates = usual(source, resolution, stop)
        return times, [rate * (1.0 if k % 2 else 1.5) for k, rate in enumerate(rates)]

    return sample


def later_waveform(usual):
    def sample(source, resolution, stop):
        times, rates = usual(source, resolution, stop)
        return [times[0], *(round(time + 3.0, 9) for time in times[1:])], rates

    return sample


def after(edit):
    """Change what stands in NEST once the inputs are connected."""

    def patch(monkeypatch):
        usual = engines.connect_inputs

        def connect(network):
            usual(network)
            edit(network)

        monkeypatch.setattr(engines, "connect_inputs", connect)

    return patch


def steps(usual):
    return lambda read, **options: tuple(np.copy(column)[:-40] for column in usual(read, **options))


def sooner(usual):
    def played(read, **options):
        found, ids = usual(read, **options)
        return np.maximum(1, found - 20), ids

    return played


def current(amplitudes=(20.0, 0.0), late=0.0):
    def edit(network):
        generator = network.generators["current 0"]
        times = np.round(np.asarray(generator.amplitude_times) + late, 9)
        generator.set(amplitude_times=times, amplitude_values=list(amplitudes))

    return edit


def fewer_cells(usual):
    return lambda network, source: usual(network, source)[5 if getattr(source, "name", "") == "two" else 0 :]


def few_axons(usual):
    class Silent:
        def random(self, shape):
            return np.ones(shape)

    return lambda *purpose: Silent() if "axons" in purpose else usual(*purpose)


def has(weight):
    return lambda synapse: np.any(np.isclose(synapse.get("weight", np.nan), weight))


BROKEN = {
    "rate of a generator": ("input one: rate 50, 100", after(lambda n: n.generators["one"].set(rate=50.0))),
    "course of a generator": ("input two: rate", setting(devices, "sample_waveform", other_waveform)),
    "course too late": ("input two: rate", setting(devices, "sample_waveform", later_waveform)),
    "weights of a generator": ("input two: weight 0.6", only(has(0.3), weight=lambda w: w * 2)),
    "weights all alike": (
        "input one: weight 0.4 onto cell",
        setting(devices, "weight_factors", lambda usual: lambda source, n, seed: np.ones(n)),
    ),
    "receptor of a generator": ("input two: not on receptor", only(has(0.2), receptor_type=lambda port: port + 1)),
    "delay of a generator": (
        "input one: delay 1.5 ms, 2.5",
        only(lambda synapse: np.all(np.isclose(synapse["delay"], 2.5)), delay=lambda delay: delay - 1.0),
    ),
    "cells of a generator": ("input two: 0 connections onto cell 0", setting(devices, "_cells", fewer_cells)),
    "amplitude of a current": ("current into P: amplitude 40 at 50 ms, 20", after(current(amplitudes=[40.0, 0.0]))),
    "time of a current": ("current into P: amplitude 0 at 50 ms, 20", after(current(late=10.0))),
    "spikes of a file missing": ("spike input", setting(spike_trains, "played_steps", steps)),
    "spikes of a file too early": ("no spike of train", setting(spike_trains, "played_steps", sooner)),
    "weights of trains": ("spike input played: weight 1 onto", only(has(0.5), weight=lambda w: w * 2)),
    "trains of a receptor": (
        "spike input played: not on receptor",
        only(has(0.1), receptor_type=lambda port: np.asarray(port) + 1),
    ),
    "axons of all pulses silent": ("axons of S (dbs): axon of cell", setting(axons, "stream", few_axons)),
    "axons without rows": (
        "axons of S (dbs): connected to 0 rows",
        setting(axons, "_share_rows", lambda usual: lambda *_: None),
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_builder_that_errs_is_found_out(made, monkeypatch, kind):
    names, patch = BROKEN[kind]
    patch(monkeypatch)
    found = differences(made)
    assert found and any(names in one for one in found), found


def test_a_change_that_is_not_taken_over_ends_the_run(made, monkeypatch):
    plan, compiled = made
    kernel.reset(plan, *(part.path for part in compiled.parts))
    simulation = NestSimulation(build(plan, compiled))
    for segment in plan.segments[:2]:
        simulation.change(segment)
    usual = Network.set
    monkeypatch.setattr(Network, "set", lambda self, name, cells, values: usual(self, name, slice(1, None), values))
    changed = next(segment for segment in plan.segments[2:] if "S" in segment.params)
    with pytest.raises(EngineError, match=rf"S\.I_e: .* planned \(at {changed.time:g} ms, cell 0\)"):
        simulation.change(changed)
