"""A builder that errs in one place is found out by the audit, which names the place and both values."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

import network as bgnest
from network.engine.distances import furthest, likely_distance
from network.engine.nest import build as building
from network.engine.nest import drives, kernel, rows
from network.engine.nest import engine as engines
from network.engine.nest.build import build
from network.engine.nest.engine import NestSimulation
from network.engine.nest.runtime import Runtime
from network.engine.verify import build_and_audit
from network.errors import EngineError
from network.experiment.distributions import Clamped, LogNormal, TruncatedNormal, Uniform
from network.experiment.example import example_of
from network.experiment.nestml import model_interfaces

pytestmark = [pytest.mark.nest, pytest.mark.nestml]


@pytest.fixture(scope="module")
def small(make_small):
    """Without the projections that make most of the synapses."""
    plan = make_small()
    few = tuple(p for p in plan.projections if p.n_synapses < 20_000)
    return dataclasses.replace(plan, projections=few)


def differences(plan, module, *, exhaustive=False):
    kernel.reset(plan, module.path)
    return NestSimulation(build(plan, module)).audit(exhaustive=exhaustive)["differences"]


def nest_wired(plan):
    return dataclasses.replace(plan, wiring="nest", recording="device")


@pytest.mark.parametrize("change", [lambda p: p, nest_wired, lambda p: dataclasses.replace(p, drive="device")])
def test_a_right_network_passes_whole(small, module, change):
    assert differences(change(small), module, exhaustive=True) == []


def test_large_projections_are_sampled(small, module, monkeypatch):
    """A limit of no synapses makes all projections large."""
    monkeypatch.setattr(engines, "MOST", 0)
    assert differences(small, module) == []
    usual = Runtime.wire

    def wire(self, projection, number):
        halved_weights(projection)
        return usual(self, projection, number)

    monkeypatch.setattr(Runtime, "wire", wire)
    found = differences(small, module)
    drawn = [p.name for p in small.projections]
    assert {one.split(".")[0] for one in found if ".weight" in one} == set(drawn)


def told(name, edit):
    """Change what the module is told of a projection."""

    def patch(monkeypatch):
        usual = Runtime.wire

        def wire(self, projection, number):
            if number == patch.number:
                edit(projection)
            return usual(self, projection, number)

        monkeypatch.setattr(Runtime, "wire", wire)

    patch.projection = name
    return patch


def halved_weights(p):
    p.weight.a, p.weight.b = p.weight.a / 2, p.weight.b / 2


def narrow_weights(p):
    middle = (p.weight.a + p.weight.b) / 2
    p.weight.a, p.weight.b = middle * 0.9, middle * 1.1


def late(p):
    p.delay.a, p.delay.b = p.delay.a + 0.5, p.delay.b + 0.5


def constant_delay(p):
    p.delay.kind, p.delay.a = 0, (p.delay.a + p.delay.b) / 2


def other_port(p):
    p.port = 1 - p.port if p.port < 2 else 0


def set_field(name, value):
    def edit(p):
        setattr(p, name, value)

    return edit


def patched_cells(edit):
    def patch(monkeypatch):
        usual = building.cell_values

        def values(population, seed):
            found = usual(population, seed)
            if population.name == "STN":
                edit(found)
            return found

        monkeypatch.setattr(building, "cell_values", values)

    return patch


def patched_drive(edit):
    def patch(monkeypatch):
        usual = drives._parameters

        def parameters(network, source):
            found = usual(network, source)
            if source.target == "STN":
                edit(found)
            return found

        monkeypatch.setattr(drives, "_parameters", parameters)

    return patch


def no_spread(found):
    found["C_m"] = float(np.mean(found["C_m"]))


def weaker(found):
    for name in found:
        if name.startswith("drive_weight_"):
            found[name] *= 0.5


def other_kernel(**values):
    def patch(monkeypatch):
        usual = building._copy_synapse_models

        def copy(network):
            kernel.import_nest().set(**values)
            usual(network)

        monkeypatch.setattr(building, "_copy_synapse_models", copy)

    return patch


def fewer_recorders(kind):
    def patch(monkeypatch):
        usual = engines.connect_recorders

        def connect(network):
            spikes, states = usual(network)
            return (spikes[:-1], states) if kind == "spikes" else (spikes, states[:-1])

        monkeypatch.setattr(engines, "connect_recorders", connect)

    return patch


BROKEN = {
    "weights halved": ("STN_to_GPe_TA.weight", told("STN_to_GPe_TA", halved_weights)),
    "weights less spread": ("STN_to_GPe_TI_N.weight: distributed", told("STN_to_GPe_TI_N", narrow_weights)),
    "delays later": ("STN_to_GPe_TA.delay", told("STN_to_GPe_TA", late)),
    "delays all alike": ("STN_to_GPe_TI_N.delay: distributed", told("STN_to_GPe_TI_N", constant_delay)),
    "receptor swapped": ("STN_to_GPe_TI_N: not on receptor", told("STN_to_GPe_TI_N", other_port)),
    "U wrong": ("FSN_to_FSN.U: 0.9,", told("FSN_to_FSN", set_field("U", 0.9))),
    "recovery wrong": ("FSN_to_FSN.tau_rec: 1,", told("FSN_to_FSN", set_field("tau_rec", 1.0))),
    "not plastic": ("FSN_to_FSN.plastic: 0,", told("FSN_to_FSN", set_field("plastic", 0))),
    "parameter wrong": ("STN.E_L: -1,", patched_cells(lambda found: found.update(E_L=-1.0))),
    "cells all alike": ("STN.C_m", patched_cells(no_spread)),
    "initial value wrong": ("STN.V_m: -60,", patched_cells(lambda found: found.update(V_m=-60.0))),
    "drive too fast": ("drive_rate", patched_drive(lambda found: found.update(drive_rate=found["drive_rate"] * 2))),
    "drive too weak": ("drive_weight_", patched_drive(weaker)),
    "drive of another seed": ("drive_seed 77", patched_drive(lambda found: found.update(drive_seed=77))),
    "drive with a course": (
        "drive_values",
        patched_drive(lambda found: found.update(drive_times=[0.0, 1.0], drive_values=[1.0, 2.0])),
    ),
    "seed not applied": ("seed: 99, 1 planned", other_kernel(rng_seed=99)),
    "spike recorder missing": ("spike recorders: of", fewer_recorders("spikes")),
    "trace missing": ("traces:", fewer_recorders("states")),
}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("tau_fac", 5.0, "tau_fac: 5,"), ("U", 0.5, "U: 0.5,"), ("plastic", 0, "plastic: 0, 1 planned")],
)
def test_rows_that_are_not_made_as_told_are_found_out(make_small, module, monkeypatch, field, value, said):
    """The constants are those of the module, on every thread, not what it was told."""
    plan = make_small(threads=2)
    number = [p.name for p in plan.projections].index("FSN_to_FSN")
    usual = Runtime.wire

    def wire(self, projection, its_number):
        made = type(projection).from_buffer_copy(projection)
        if its_number == number:
            setattr(made, field, value)
        return usual(self, made, its_number)

    monkeypatch.setattr(Runtime, "wire", wire)
    assert [one for one in differences(plan, module) if f"FSN_to_FSN.{said}" in one]


def test_static_rows_that_are_made_plastic_are_found_out(small, module, monkeypatch):
    number = [p.name for p in small.projections].index("STN_to_GPe_TA")
    usual = Runtime.wire

    def wire(self, projection, its_number):
        if its_number == number:
            projection.plastic, projection.U = 1, 0.5
            projection.tau_psc, projection.tau_rec, projection.tau_fac = 3.0, 100.0, 0.0
        return usual(self, projection, its_number)

    monkeypatch.setattr(Runtime, "wire", wire)
    assert any("STN_to_GPe_TA.plastic: 1, 0 planned" in one for one in differences(small, module))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_builder_that_errs_is_found_out(small, module, monkeypatch, kind):
    names, patch = BROKEN[kind]
    if hasattr(patch, "projection"):
        patch.number = [p.name for p in small.projections].index(patch.projection)
    patch(monkeypatch)
    found = differences(small, module)
    assert found and any(names in one for one in found), found


def test_a_wrong_degree_is_found_out(small, module, monkeypatch):
    """The count after wiring would say so; here that is blind as well."""
    monkeypatch.setattr(building, "check_number", lambda *_: None)
    usual = rows._tell

    def tell(projection, choice, *rest):
        usual(projection, choice, *rest)
        projection.degree -= 1

    monkeypatch.setattr(rows, "_tell", tell)
    found = differences(small, module)
    assert any("STN_to_GPe_TA: in-degree 29, 30 planned" in one for one in found), found


def test_a_repeated_source_is_found_out(make_small, module, monkeypatch):
    plan = make_small(n_neurons=3000)
    few = tuple(p for p in plan.projections if p.name == "MSN_D2_to_GPe_TI_N")
    assert not few[0].allow_multapses
    plan = dataclasses.replace(plan, projections=few)
    usual = Runtime.wire

    def wire(self, projection, number):
        projection.multapses = 1
        return usual(self, projection, number)

    monkeypatch.setattr(Runtime, "wire", wire)
    found = differences(plan, module)
    assert any("MSN_D2_to_GPe_TI_N: a source occurs twice" in one for one in found), found


def test_a_run_with_a_wrong_network_fails_and_keeps_what_was_found(small, module, monkeypatch, tmp_path):
    from network.engine.session import audited

    kernel.reset(small, module.path)
    simulation = NestSimulation(build(dataclasses.replace(small), module))
    simulation._network.plan = dataclasses.replace(small, seed=small.seed + 1)
    written = {}

    class Folder:
        path = tmp_path

        def write_json(self, name, value):
            written[name] = value

    with pytest.raises(EngineError, match="seed: 1, 2 planned"):
        audited(simulation, Folder(), engines.NestEngine())
    assert written["audit.json"]["differences"]


@pytest.mark.parametrize(
    "planned",
    [
        Uniform(1.0, 3.0),
        Clamped(2.0, 1.0, 1.0, 4.0),
        TruncatedNormal(2.0, 1.0, 1.0, 4.0),
        LogNormal(2.0, 1.0, 0.0, None, "redraw"),
        LogNormal(2.0, 1.0, 1.0, 4.0, "clamp"),
        LogNormal(2.0, 1.0, 1.0, 4.0, "redraw"),
    ],
)
def test_right_values_pass_and_wrong_ones_do_not(planned):
    for seed in range(200):
        values = planned.draw(300, np.random.default_rng(seed))
        assert furthest(values, planned, 1e-9) < likely_distance(300)
        rounded = np.round(values, 1)
        assert furthest(rounded, planned, 0.1) < likely_distance(300)
    assert furthest(values * 0.5, planned, 1e-9) > likely_distance(300)
    assert math.isclose(likely_distance(100), 10 * likely_distance(10_000))


def test_verify_builds_the_network_of_a_run_again_and_reads_all_of_it(small, monkeypatch):
    """What `bgnest verify RUN --all` does, of a run that was right, with a builder that errs since."""
    assert build_and_audit(small, exhaustive=True)["exhaustive"]
    number = [p.name for p in small.projections].index("FSN_to_FSN")
    usual = Runtime.wire

    def wire(self, projection, its_number):
        made = type(projection).from_buffer_copy(projection)
        made.tau_rec *= 2.0 if its_number == number else 1.0
        return usual(self, made, its_number)

    monkeypatch.setattr(Runtime, "wire", wire)
    with pytest.raises(EngineError, match=r"FSN_to_FSN\.tau_rec: \d+, \d+ planned"):
        build_and_audit(small, exhaustive=True)


LEAKY = """
model archived:
    state:
        V_m mV = -70 mV
        Ca real = 0.5
    equations:
        V_m' = -(V_m - E_L) / tau_m + I_e / C_m
        Ca' = -Ca / t_spike
    parameters:
        C_m pF = 250 pF
        tau_m ms = 10 ms
        E_L mV = -70 mV
        V_th mV = -55 mV
        t_spike ms = 20 ms
        I_e pA = 500 pA
    input:
        exc <- spike
    output:
        spike
    update:
        integrate_odes()
    onCondition(V_m > V_th):
        V_m = E_L
        emit_spike()
"""


def test_names_that_nest_has_for_something_of_its_own(tmp_path, monkeypatch):
    """With the general code NEST answers -1 and 0 for its history; that is no difference from the plan."""
    (tmp_path / "archived.nestml").write_text(LEAKY)
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    file = tmp_path / "net.yaml"
    file.write_text(example_of("archived", model_interfaces()["archived"]))
    changes = {"simulation.target": "plain", "simulation.t_sim": 30, "populations.source.neuron.t_spike": 10}
    run = bgnest.load(file).with_changes(changes).run(out=tmp_path / "run", progress=False)
    assert run.status == "complete" and len(run.spikes("source")) > 0
    unread = json.loads((tmp_path / "run" / "audit.json").read_text())["parameters_not_read"]
    assert "source.t_spike" in unread and "source.C_m" not in unread
