"""Synapses of NESTML in an experiment: what is written, what is refused and how, what a plan keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from network.codegen import BuildError, Pair, build
from network.errors import SpecError
from network.experiment import load_experiment
from network.experiment.synapses.nestml import NestmlSynapse
from network.plans import make_plan, plan_from_dict

INSTALLED = Path(sys.prefix) / "models" / "synapses"
pytestmark = pytest.mark.skipif(not INSTALLED.is_dir(), reason="NESTML's models are not installed")

SYNAPSE = "projections.A_to_MSN.synapse"
STDSP = [f"{SYNAPSE}.{key}" for key in ("model=stdsp_synapse", "modulator=null", "parameters=null")]


def load(*changes):
    return load_experiment("corticostriatal/reward", overrides=changes)


def test_a_plan_knows_the_synapse_its_file_and_who_modulates_it():
    plan = make_plan(load())
    first, _ = plan.projections
    assert first.synapse.model == "neuromodulated_stdp_synapse" and first.synapse.modulator == "SNc"
    assert first.synapse.parameters["tau_c"] == 1000.0 and len(first.synapse.digest) == 64
    assert first.synapse.post_ports == ("post_spikes",) and first.synapse.modulator_ports == ("mod_spikes",)
    assert [s.model for s in plan.paired("MSN")] == ["neuromodulated_stdp_synapse"] and plan.paired("SNc") == []
    assert plan_from_dict(plan.to_dict()) == plan
    assert [w.projection for w in plan.weights] == ["A_to_MSN", "B_to_MSN"]
    assert plan.weights[0].times[:3] == [0.0, 500.0, 1000.0] and plan.weights[0].times[-1] == 20000.0
    changed = make_plan(load(*(f"projections.{p}.synapse.parameters.tau_c=500" for p in ("A_to_MSN", "B_to_MSN"))))
    assert changed.network_hash != plan.network_hash


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([f"{SYNAPSE}.model=stdp_synaps"], "no NESTML synapse 'stdp_synaps'; synapses: neuromodulated_stdp_synapse"),
        (STDSP, "reads: dAP_trace: is missing: the variable of the target's cells that stdsp_synapse sees there"),
        ([*STDSP, f"{SYNAPSE}.reads={{dAP_trace: x}}"], "reads.dAP_trace: qif_msn has no variable 'x'; "),
        (
            [*STDSP, f"{SYNAPSE}.reads={{dAP_trace: V_m}}"],
            "reads.dAP_trace: V_m of qif_msn is in mV, the port 'dAP_trace' wants pA",
        ),
        ([f"{SYNAPSE}.reads={{dAP_trace: u}}"], "reads.dAP_trace: no continuous port of neuromodulated_stdp_synapse; "),
        ([f"{SYNAPSE}.modulator_delay=0.25"], "modulator_delay: 0.25 ms is not a multiple of the resolution of 0.1 ms"),
        (
            [f"{SYNAPSE}.parameters.tau_x={{value: 5, unit: ms, assumed: t}}"],
            "not a parameter or state of neuromodulated_stdp_synapse; ",
        ),
        (
            [f"{SYNAPSE}.parameters.Wmax={{value: 2, unit: 1, assumed: t}}"],
            "neuromodulated_stdp_synapse.nestml declares it and never uses it: leave it out",
        ),
        ([f"{SYNAPSE}.parameters.w=5"], "parameters.w: not a parameter or state of neuromodulated_stdp_synapse; "),
        ([f"{SYNAPSE}.modulator=null"], "modulator: is missing: the population whose spikes come to the port 'mod"),
        ([f"{SYNAPSE}.modulator=VTA"], "modulator: no population 'VTA'; "),
        ([f"{SYNAPSE}.parameters.tau_tr_post=5"], "differ from those of A_to_MSN: cells of MSN keep one trace"),
        ([f"{SYNAPSE}.parameters.tau_c=5 mV"], "parameters.tau_c: wrong unit 'mV'; accepted: ms"),
        (["simulation.target=vectorised"], "keep no history of spikes for it; choose 'auto' or 'plain' or 'reference'"),
        (["recording.weights.A.projection=C"], "recording.weights.A.projection: no projection 'C'; "),
        (["recording.weights.A.interval=0.25"], "0.25 ms is not a multiple of the resolution of 0.1 ms"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_built(changes, message):
    with pytest.raises(SpecError) as caught:
        load(*changes)
    assert message in str(caught.value)


def test_cells_of_the_vectorised_target_take_none():
    with pytest.raises(BuildError, match="'vectorised' take no NESTML synapses"):
        build([], "vectorised", pairs=[Pair("qif_msn", ())])


def test_target_auto_takes_the_general_code_for_cells_with_such_synapses():
    plan = make_plan(load("simulation.target=auto"))
    assert plan.target_of("MSN") == "plain" and plan.target_of("CTX_A") == "vectorised"
    assert "neuromodulated_stdp_synapse" in plan.reasons["qif_msn"] and "qif_msn" not in str(plan.models_by_target)


def test_a_synapse_that_hears_its_source_only_leaves_the_cells_their_code():
    plastic = [
        f"projections.{name}.synapse.{key}"
        for name in ("A_to_MSN", "B_to_MSN")
        for key in (
            "model=tsodyks_synapse",
            "modulator=null",
            "parameters=null",
            "parameters.U={value: 0.2, unit: 1, assumed: t}",
        )
    ]
    plan = make_plan(load("simulation.target=vectorised", *plastic))
    first, _ = plan.projections
    assert plan.paired("MSN") == [] and "qif_msn" in plan.models_by_target["vectorised"]
    assert first.synapse.constants == {"U": 0.2, "u": 0.2}  # as its file says: u real = U


def test_the_spikes_of_the_modulator_count_among_the_delays():
    assert make_plan(load("projections.A_to_MSN.synapse.modulator_delay=0.5")).min_delay == 0.5


def test_every_installed_synapse_can_be_taken():
    for path in sorted(INSTALLED.glob("*.nestml")):
        synapse = NestmlSynapse(path.stem, modulator="SNc" if "modulated" in path.stem else None)
        if synapse.interface.currents:
            synapse = NestmlSynapse(path.stem, reads=dict.fromkeys(synapse.interface.currents, "u"))
        assert synapse.problem() is None, path
