"""Kinds of synapses: both ways to write them, plans of before, what each kind says of itself."""

import pytest

from network.codegen import targets
from network.errors import SpecError
from network.experiment.kinds import kinds_of
from network.experiment.synapses import Static, Synapse, Tsodyks
from network.plans import make_plan, plan_from_dict
from network.plans.cost import load_cost_model

KIND = """
projections:
  Q_to_Q:
    plasticity: null
    synapse:
      kind: tsodyks
      U: {value: 0.3, unit: 1, source: book}
      tau_rec: {value: 0.8, unit: s, source: book}
      tau_fac: {value: 0.0, unit: ms, source: book}
      tau_psc: {value: 5.0, unit: ms, source: book}
"""


def test_both_spellings_mean_the_same_network(published):
    short, long = make_plan(published("")), make_plan(published(KIND))
    assert long.projections == short.projections and long.network_hash == short.network_hash
    assert [p.synapse for p in long.projections] == [Static(), Tsodyks(0.3, 800.0, 0.0, 5.0)]
    assert plan_from_dict(long.to_dict()) == long


def test_static_can_be_said(published):
    said = make_plan(published("projections: {P_to_Q: {synapse: {kind: static}}}"))
    assert said.network_hash == make_plan(published("")).network_hash


def test_plans_of_before_the_kinds_are_read(published):
    plan = make_plan(published(""))
    before = plan.to_dict()
    for projection, plasticity in zip(
        before["projections"], (None, {"U": 0.3, "tau_rec": 800.0, "tau_fac": 0.0, "tau_psc": 5.0}), strict=True
    ):
        del projection["synapse"]
        projection["plasticity"] = plasticity
    assert plan_from_dict(before) == plan


@pytest.mark.parametrize(
    ("synapse", "message"),
    [
        ("{kind: nowhere}", "projections.P_to_Q.synapse: kind must be one of: static, tsodyks"),
        ("{kind: tsodyks}", "projections.P_to_Q.synapse.tau_rec: is missing"),
        ("{kind: static, U: 0.3}", "projections.P_to_Q.synapse.U: unknown key"),
    ],
)
def test_mistakes_are_told_with_the_choices(published, synapse, message):
    with pytest.raises(SpecError, match=r"overlays/change.yaml") as error:
        published(f"projections: {{P_to_Q: {{synapse: {synapse}}}}}")
    assert message in str(error.value)


def test_a_kind_on_top_of_another_spelling_takes_its_place(published):
    static = make_plan(published("projections: {Q_to_Q: {synapse: {kind: static}}}"))
    assert [p.synapse for p in static.projections] == [Static(), Static()]


def test_two_kinds_at_once_are_refused(published):
    both = KIND.replace("plasticity: null", "plasticity: {U: {value: 0.3, unit: 1, source: book}}")
    with pytest.raises(SpecError, match=r"projections.Q_to_Q: give exactly one of 'plasticity' and 'synapse'"):
        published(both)


def test_the_recovery_time_must_differ_in_either_spelling(published):
    with pytest.raises(SpecError, match=r"projections.Q_to_Q.synapse.tau_psc: 5 ms must differ from tau_rec"):
        published(KIND.replace("value: 0.8, unit: s", "value: 5, unit: ms"))


def test_every_kind_has_its_cost_and_its_place_in_the_runtime():
    model, fast = load_cost_model(), targets.get("vectorised").synapses
    for kind in kinds_of(Synapse):
        like = kind.measured_as or kind.TAG["kind"]
        for key, size in zip((like, f"nest_{like}"), kind.bytes, strict=True):
            if not key.startswith("nest_") and kind.lane_class is None:
                continue
            assert key in model.delivery_per_event
            if kind.measured_as:
                continue  # its size depends on what is written
            # the source table has 8 bytes for each, and vectors that grow have a reserve of at most as much again
            assert size + 8 <= model.memory_per_synapse[key].value <= 2 * (size + 8)
        assert fast.get(kind.nest_model) == kind.lane_class  # None for both where there is none
