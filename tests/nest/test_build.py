"""What stands in NEST is what was planned: parameters, in-degrees, weights, delays, receptors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine.nest import devices, kernel
from network.engine.nest.audit import audit
from network.engine.nest.build import build
from network.engine.nest.connectivity import synapses
from network.errors import EngineError
from network.experiment.rules import FixedInDegree
from network.experiment.streams import stream
from network.plans import Clamped, Uniform

pytestmark = [pytest.mark.nest, pytest.mark.nestml]


@pytest.fixture(scope="module")
def standing(module, small_plan):
    """The small network, built and not simulated; the tests that build another one come after those that take it."""
    kernel.reset(small_plan, module.path)
    return build(small_plan, module)


@pytest.fixture
def built(standing):
    """What stands, with a plan that a test may change."""
    return dataclasses.replace(standing)


def test_the_audit_finds_the_network_as_planned(built):
    # whole populations but for MSN, of which a rule that errs would be seen in a hundred as well
    audit(built, n_cells=100)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("MSN_D1.E_L", {"populations": ("MSN_D1", "params", "E_L", -70.0)}),
        ("FSN_to_MSN_D1: in-degree", {"projections": ("FSN_to_MSN_D1", "rule", FixedInDegree(17))}),
        ("STN_to_SNr.weight", {"projections": ("STN_to_SNr", "weight", Uniform(0.1, 0.2))}),
        ("STN_to_SNr.delay", {"projections": ("STN_to_SNr", "delay", Uniform(0.5, 0.6))}),
        ("STN_to_SNr: not on receptor", {"projections": ("STN_to_SNr", "receptor", "ampa_ext")}),
    ],
)
def test_the_audit_sees_every_kind_of_difference(built, what, change):
    """Pretend that something else had been planned: the audit must name it."""
    ((kind, edit),) = change.items()
    entries = []
    for entry in getattr(built.plan, kind):
        if entry.name == edit[0] and kind == "populations":
            entry = dataclasses.replace(entry, params={**entry.params, edit[2]: edit[3]})
        elif entry.name == edit[0]:
            entry = dataclasses.replace(entry, **{edit[1]: edit[2]})
        entries.append(entry)
    built.plan = dataclasses.replace(built.plan, **{kind: tuple(entries)})
    with pytest.raises(EngineError, match=what):
        audit(built)


def test_cells_differ_as_specified(built):
    """C_m: normal, 20 %, clamped at three SD; V_th: 1 mV; V_m starts uniform over the 20 mV below the table's V_th."""
    plan = built.plan.population("MSN_D1")
    status = built.populations["MSN_D1"].get(["C_m", "V_th", "V_m", "u"])
    c_m, v_th, v_m = (np.asarray(status[name]) for name in ("C_m", "V_th", "V_m"))
    n = plan.n_neurons
    # four standard errors: a right implementation fails in 1 of 16,000 seeds, and the seed is fixed
    assert abs(c_m.mean() - 15.2) < 4 * 3.04 / np.sqrt(n)
    assert abs(c_m.std() / 15.2 - 0.2) < 4 * 0.2 / np.sqrt(2 * n)
    assert c_m.min() >= 15.2 * 0.4 - 1e-12 and c_m.max() <= 15.2 * 1.6 + 1e-12
    assert abs(v_th.mean() + 29.7) < 4 / np.sqrt(n)
    assert -49.7 <= v_m.min() < -49.0 and -30.4 < v_m.max() <= -29.7
    assert np.all(np.asarray(status["u"]) == 0.0)
    assert abs(np.corrcoef(c_m, v_th)[0, 1]) < 4 / np.sqrt(n)


def test_clamped_values_pile_up_on_the_limit():
    values = Clamped(0.0, 1.0, -0.5, 0.5).draw(4000, stream(1, "x"))
    share = np.mean(values == 0.5)
    assert values.min() == -0.5
    assert abs(share - 0.3085) < 4 * np.sqrt(0.3085 * 0.6915 / 4000)  # P(z > 0.5)


def test_streams_are_reproducible_and_independent():
    first, again, other = (stream(5, "STN", name).random(1000) for name in ("C_m", "C_m", "V_th"))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(1000)


def test_weights_and_delays_fill_their_ranges(built):
    """Uniform weights in [0.5, 1.5] of the mean; delays too, on the grid of 0.1 ms; independent of each other."""
    found = synapses(built, next(p for p in built.plan.projections if p.name == "MSN_D2_to_MSN_D2"), 100)
    # 50,000 synapses come within a thousandth of the ends of a range, which are asked for to half a hundredth
    weight, delay = found.weight, found.delay
    assert abs(weight.mean() - 0.35) < 4 * 0.35 / np.sqrt(12 * weight.size)
    assert 0.175 <= weight.min() < 0.177 and 0.523 < weight.max() <= 0.525 + 1e-7
    assert set(np.round(np.unique(delay) * 10).astype(int)) <= set(range(8, 27))
    np.testing.assert_allclose(delay * 10, np.round(delay * 10), atol=1e-9)
    assert abs(delay.mean() - 1.7) < 4 * 1.7 / np.sqrt(12 * delay.size) + 0.001
    assert abs(np.corrcoef(weight, delay)[0, 1]) < 4 / np.sqrt(weight.size)


def test_sources_are_distinct_where_the_population_is_large_enough(module, make_small):
    """At 10,000 neurons no projection of the publication needs to draw a source twice."""
    plan = make_small(n_neurons=10_000)
    chosen = {"MSN_D2_to_MSN_D1", "FSN_to_MSN_D2", "GPe_TI_S_to_FSN", "STN_to_GPe_TA"}
    plan = dataclasses.replace(plan, projections=tuple(p for p in plan.projections if p.name in chosen))
    assert not any(projection.allow_multapses for projection in plan.projections)
    kernel.reset(plan, module.path)
    audit(build(plan, module), n_cells=50)


def test_a_refusal_names_the_projection(module, small_plan):
    broken = tuple(dataclasses.replace(p, delay=0.1) if p.name == "STN_to_SNr" else p for p in small_plan.projections)
    plan = dataclasses.replace(small_plan, projections=broken)
    kernel.reset(plan, module.path)
    with pytest.raises(EngineError, match="STN_to_SNr"):
        build(plan, module)


def test_a_single_thread_holds_more_cells_than_small_synapses_can_address(module, small_plan):
    """NEST's small synapses reach 65,534 cells per thread; the full network has more, and one thread must do."""
    cells = dataclasses.replace(small_plan.population("MSN_D1"), n_neurons=66_000, first_id=0, heterogeneity={})
    cells = dataclasses.replace(cells, initial={"V_m": cells.params["V_th"] + 20.0, "u": 0.0})
    plan = dataclasses.replace(
        small_plan,
        populations=(cells,),
        projections=(),
        inputs=(),
        recorders=(),
        groups={},
        spike_populations=("MSN_D1",),
        spike_start=0.0,
        spike_stop=20.0,
    )
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    (recorder,), _ = devices.connect_recorders(network)
    nest.Simulate(20.0)
    assert len(np.unique(recorder.collect()[1])) == 66_000  # started above threshold, every cell fires


@pytest.mark.parametrize(("drive", "small"), [("internal", True), ("device", False)])
def test_recorders_reach_cells_behind_the_parrots_of_a_device_drive(module, make_small, monkeypatch, drive, small):
    """The small synapses to recorders address so many nodes per thread; a device drive adds a parrot per cell."""
    plan = make_small(drive=drive, recording="device")
    monkeypatch.setattr(kernel, "MAX_HPC_NODES_PER_THREAD", plan.n_neurons + 100)
    nest = kernel.reset(plan, module.path)
    network = build(plan, module)
    devices.connect_inputs(network)
    devices.connect_recorders(network)
    size = nest.GetDefaults(devices.RECORDER_SYNAPSE, "sizeof")
    assert size == nest.GetDefaults("static_synapse_hom_w_hpc" if small else "static_synapse_hom_w", "sizeof")
    assert nest.GetDefaults("static_synapse_hom_w_hpc", "sizeof") < nest.GetDefaults("static_synapse_hom_w", "sizeof")
