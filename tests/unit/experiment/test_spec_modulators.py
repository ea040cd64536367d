"""Modulators: none, one, several; long and short forms; what they act on, and over time."""

from pathlib import Path

import pytest

from network.errors import SpecError
from network.experiment import dump_experiment, load_experiment
from network.plans import make_plan, plan_from_dict
from network.plans.summary import plan_summary

CELL = (Path(__file__).parent / "data" / "currents.yaml").read_text()

NONE = CELL.replace(
    """network:
  dopamine: {value: 0.8, unit: 1, assumed: t}
  dopamine_reference: {value: 0.8, unit: 1, assumed: t}
""",
    "network: {}\n",
)
SEROTONIN = """
modulators:
  serotonin:
    level: {value: 0.2, unit: 1, assumed: t}
    reference: {value: 0.7, unit: 1, assumed: t}
"""


def effect(beta, of="serotonin"):
    return f"{{of: {of}, beta: {{value: {beta}, unit: 1, assumed: t}}, form: linear}}"


def test_a_network_without_modulators_says_nothing_about_them(currents):
    experiment = load_experiment(currents(text=NONE))
    plan = make_plan(experiment)
    assert "dopamine" not in plan_summary(plan) and "dopamine" not in dump_experiment(experiment)
    assert plan_from_dict(plan.to_dict()) == plan
    with pytest.raises(SpecError, match=r"weight_beta: is an effect of dopamine, which this network does not have"):
        load_experiment(
            currents(text=NONE), overrides=["projections.X_to_X.weight_beta={value: 1, unit: 1, assumed: t}"]
        )


def test_effects_act_on_parameters_weights_and_degrees(currents):
    overrides = [
        f"populations.X.effects.tau_m={effect(-0.4)}",
        f"projections.X_to_X.effects.weight={effect(1)}",
        f"projections.X_to_X.effects.in_degree=[{effect(-1)}, {effect(-0.5)}]",
        f"inputs.in_X.effects.weight={effect(0.5)}",
    ]
    plan = make_plan(load_experiment(currents(text=NONE + SEROTONIN), overrides=overrides))
    assert plan.populations[0].params["tau_m"] == pytest.approx(10.0 * 1.2)
    assert plan.projections[0].weight.mean == pytest.approx(-5.0 * 0.5)
    assert plan.projections[0].in_degree == 4  # 2 x 1.5 x 1.25
    assert plan.inputs[0].weights == {"b": pytest.approx(20.0 * 0.75)}
    assert "serotonin 0.2" in plan_summary(plan)


def test_a_schedule_moves_what_the_modulator_acts_on(currents):
    schedule = "{kind: steps, times: {value: [150], unit: ms, assumed: t}, levels: {value: [0.7], unit: 1, assumed: t}}"
    overrides = [f"populations.X.effects.tau_m={effect(-0.4)}", f"modulators.serotonin.schedule={schedule}"]
    plan = make_plan(load_experiment(currents(text=NONE + SEROTONIN), overrides=overrides))
    (segment,) = plan.segments
    assert segment.time == 150.0 and segment.levels == {"serotonin": 0.7} and segment.dopamine is None
    assert segment.params == {"X": {"tau_m": pytest.approx(10.0)}}
    with pytest.raises(SpecError, match=r"effects.weight: weights cannot follow a schedule"):
        load_experiment(
            currents(text=NONE + SEROTONIN), overrides=[*overrides, f"projections.X_to_X.effects.weight={effect(1)}"]
        )


def test_the_short_form_is_the_modulator_dopamine():
    short = load_experiment("lindahl2016/activation_depleted")
    plan, network = make_plan(short), short.network
    long = short.model_copy(
        update={
            "network": network.model_copy(update=dict.fromkeys(("dopamine", "dopamine_reference"))),
            "modulators": short.all_modulators,
        }
    )
    assert make_plan(long) == plan
    assert plan.dopamine == 0.0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (f"populations.X.effects.tau_m={effect(1, 'seratonin')}", "no modulator 'seratonin'; did you mean 'serotonin'"),
        (f"populations.X.effects.tau_n={effect(1)}", "effects.tau_n: no such neuron parameter here"),
        (f"projections.X_to_X.effects.weight={effect(3)}", "makes the weight negative"),
        (f"populations.X.effects.tau_m={effect(3)}", "populations.X.effects.tau_m: tau_m = -5 ms at serotonin 0.2"),
        ("network.dopamine={value: 0.5, unit: 1, assumed: t}", "network.dopamine_reference: is missing"),
        (f"populations.X.effects.tau_m.form={'cubic'}", "cubic"),
    ],
)
def test_effects_that_cannot_be(currents, override, message):
    with pytest.raises(SpecError) as caught:
        load_experiment(
            currents(text=NONE + SEROTONIN), overrides=[f"populations.X.effects.tau_m={effect(0)}", override]
        )
    assert message in "\n".join(caught.value.problems)
