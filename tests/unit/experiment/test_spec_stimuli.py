"""Stimuli, actions, schedules and currents: what a plan makes of them, against numbers known by hand."""

from __future__ import annotations

import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.plans import Cells, make_plan, plan_from_dict

STEP_TIMES = "times: {value: [1200, 1500], unit: ms}"


def plan(*overrides, state="activation_control"):
    return make_plan(load_experiment(f"lindahl2016/{state}", overrides=overrides))


def changes(made):
    return [(s.time, round(s.dopamine, 9)) for s in made.segments]


def schedule(text, *more):
    return plan(f"network.dopamine_schedule={{{text}}}", *more)


def test_steps_change_levels_at_their_times():
    made = schedule(f"kind: steps, {STEP_TIMES}, levels: {{value: [0.0, 1.0], unit: 1}}")
    assert changes(made) == [(1200.0, 0.0), (1500.0, 1.0)]
    # phi from -0.8 to 0.2: everything that dopamine modulates changes, nothing else
    depleted = plan("network.dopamine=0.0")
    before = plan()
    for population in before.populations:
        target = depleted.population(population.name).params
        changed = {k: v for k, v in target.items() if v != population.params[k]}
        assert made.segments[0].params.get(population.name, {}) == changed


def test_in_degrees_stay_those_of_the_network():
    made = schedule(f"kind: steps, {STEP_TIMES}, levels: {{value: [0.0, 1.0], unit: 1}}")
    assert {p.name: p.in_degree for p in made.projections} == {p.name: p.in_degree for p in plan().projections}


def test_a_level_that_does_not_change_is_no_segment():
    assert schedule("kind: steps, times: {value: [5], unit: ms}, levels: {value: [0.8], unit: 1}").segments == ()


def test_burst_and_dip_return_to_the_level_of_the_network():
    text = "kind: pulse, start: {value: 100, unit: ms}, duration: {value: 200, unit: ms}, level: {value: %s, unit: 1}"
    assert changes(schedule(text % 1.0)) == [(100.0, 1.0), (300.0, 0.8)]
    assert changes(schedule(text % 0.1, "network.dopamine=0.5")) == [(100.0, 0.1), (300.0, 0.5)]


def test_repeated_bursts_go_on_until_the_end():
    made = schedule(
        "kind: pulse, start: {value: 500, unit: ms}, duration: {value: 100, unit: ms}, level: {value: 1.0, unit: 1}, "
        "period: {value: 800, unit: ms}"
    )
    assert changes(made) == [(500.0, 1.0), (600.0, 0.8), (1300.0, 1.0), (1400.0, 0.8)]


def test_a_ramp_has_the_mean_of_the_line_in_every_step():
    made = schedule(
        "kind: ramp, start: {value: 0, unit: ms}, duration: {value: 400, unit: ms}, level: {value: 0.0, unit: 1}, "
        "interval: {value: 100, unit: ms}"
    )
    assert changes(made) == [(0.0, 0.7), (100.0, 0.5), (200.0, 0.3), (300.0, 0.1), (400.0, 0.0)]


def test_a_train_of_pulses_repeats():
    text = (
        "kind: pulse_train, start: {value: 10, unit: ms}, duration: {value: 5, unit: ms}, "
        "interval: {value: 5, unit: ms}, factors: {value: [3, 0.5], unit: 1}, period: {value: %s, unit: ms}"
    )
    made = plan(f"inputs.CTX_to_FSN.modulation={{{text % 100}}}")
    [waveform] = [i.waveform for i in made.inputs if i.name == "CTX_to_FSN"]
    assert [waveform.value(t) for t in (9.0, 12.0, 17.0, 21.0, 99.0, 112.0, 917.0)] == pytest.approx(
        [1.0, 3.0, 0.5, 1.0, 1.0, 3.0, 0.5]
    )
    with pytest.raises(SpecError, match=r"ends at 20 ms, after its period of 15 ms"):
        plan(f"inputs.CTX_to_FSN.modulation={{{text % 15}}}")


def test_changes_after_the_end_are_left_out_and_changes_off_the_grid_refused():
    text = "kind: steps, times: {value: [%s], unit: ms}, levels: {value: [0.0], unit: 1}"
    assert schedule(text % "9000").segments == ()
    with pytest.raises(SpecError, match=r"0\.15 ms is not on the grid of 0\.1 ms"):
        schedule(text % "0.15")


@pytest.mark.parametrize("level", ["1.2", "-0.1"])
def test_levels_outside_0_to_1_are_refused(level):
    with pytest.raises(SpecError, match=r"network\.dopamine_schedule\.levels"):
        schedule(f"kind: steps, times: {{value: [5], unit: ms}}, levels: {{value: [{level}], unit: 1}}")


def test_a_varied_parameter_cannot_be_changed_during_a_run():
    with pytest.raises(SpecError, match=r"populations\.STN\.V_th: changes during the run, but differs from cell"):
        schedule(
            "kind: steps, times: {value: [5], unit: ms}, levels: {value: [0.0], unit: 1}",
            "populations.STN.dopamine={V_th: {value: 0.1, unit: 1}}",
        )


def test_currents_add_up_on_top_of_I_e():
    one = "currents.a={target: SNr, times: {value: [100, 300], unit: ms}, amplitudes: {value: [10, 0], unit: pA}}"
    two = "currents.b={target: SNr, times: {value: [200], unit: ms}, amplitudes: {value: [-4], unit: pA}}"
    made = plan(one, two)
    assert [(s.time, s.params["SNr"]["I_e"]) for s in made.segments] == [
        (100.0, pytest.approx(29.2)),
        (200.0, pytest.approx(25.2)),
        (300.0, pytest.approx(15.2)),
    ]
    assert all(set(s.params) == {"SNr"} for s in made.segments)


def test_schedules_and_currents_are_identity_of_a_simulation_not_of_a_network():
    made = schedule("kind: steps, times: {value: [5], unit: ms}, levels: {value: [0.0], unit: 1}")
    assert made.network_hash == plan().network_hash
    assert made.simulation_hash != plan().simulation_hash
    assert plan_from_dict(made.to_dict()) == made


ACTIONS = (
    "network.actions={n: {value: 2, unit: 1}, populations: [MSN_D1, SNr]}",
    "projections.MSN_D1_to_SNr.within_action=true",
)
PULSE = (
    "modulation: {kind: pulse, start: {value: 500, unit: ms}, duration: {value: 100, unit: ms}, "
    "factor: {value: %s, unit: 1}}"
)


def test_stimuli_cover_every_cell_once():
    made = plan(
        *ACTIONS,
        f"inputs.CTX_to_MSN_D1.stimuli.first={{action: 1, fraction: {{value: 0.2, unit: 1}}, {PULSE % 2}}}",
        f"inputs.CTX_to_MSN_D1.stimuli.second={{action: 2, {PULSE % 3}}}",
    )
    parts = {i.name: i for i in made.inputs if i.target == "MSN_D1"}
    assert parts["CTX_to_MSN_D1_first"].cells == Cells(0, 7594, 2)  # 3797 of the 18986 even cells
    assert parts["CTX_to_MSN_D1_second"].cells == Cells(1, 37971, 2)
    assert parts["CTX_to_MSN_D1_rest_1"].cells == Cells(7594, 37971, 2)
    assert sorted(k for i in parts.values() for k in i.cells.ids) == list(range(37971))
    assert parts["CTX_to_MSN_D1_first"].waveform.value(550.0) == pytest.approx(2.0)
    assert parts["CTX_to_MSN_D1_rest_1"].waveform is None
    assert all(i.rate == 546.0 for i in parts.values())


def test_a_fraction_without_actions_takes_the_first_cells():
    made = plan(f"inputs.CTX_to_STN.stimuli.burst={{fraction: {{value: 0.25, unit: 1}}, {PULSE % 5}}}")
    parts = {i.name: i.cells for i in made.inputs if i.target == "STN"}
    assert parts == {"CTX_to_STN_burst": Cells(0, 97, 1), "CTX_to_STN_rest": Cells(97, 388, 1)}


def test_projections_within_an_action_keep_their_in_degree():
    made = {p.name: p for p in plan(*ACTIONS).projections}
    assert made["MSN_D1_to_SNr"].n_sets == 2
    assert made["MSN_D1_to_SNr"].n_synapses == 377_000
    assert made["STN_to_SNr"].n_sets == 1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("projections.STN_to_SNr.within_action=true",), "not split into actions: STN, SNr"),
        ((*ACTIONS, "projections.STN_to_SNr.within_action=true"), "not split into actions: STN"),
        ((*ACTIONS, f"inputs.CTX_to_MSN_D1.stimuli.x={{action: 3, {PULSE % 2}}}"), "number 3, MSN_D1 has 2"),
        ((f"inputs.CTX_to_STN.stimuli.x={{action: 1, {PULSE % 2}}}",), "number 1, STN has none"),
        (
            ("currents.x={target: XYZ, times: {value: [1], unit: ms}, amplitudes: {value: [1], unit: pA}}",),
            "XYZ",
        ),
        (
            ("currents.x={target: STN, times: {value: [1, 2], unit: ms}, amplitudes: {value: [1], unit: pA}}",),
            "2 times and 1 amplitudes",
        ),
        (
            (
                "spike_inputs.x={file: none.h5, population: p, target: STN, weights: {ampa: {value: 1, unit: nS}}, "
                "delay: {value: 1, unit: ms}}",
            ),
            "none.h5: No such file",
        ),
    ],
)
def test_mistakes_are_named(overrides, message):
    with pytest.raises(SpecError) as error:
        plan(*overrides)
    assert message in str(error.value)


def test_too_many_cells_are_refused():
    half = f"fraction: {{value: 0.6, unit: 1}}, {PULSE % 2}"
    with pytest.raises(SpecError, match="233 cells wanted, 155 of 388 are left"):
        plan(f"inputs.CTX_to_STN.stimuli={{a: {{{half}}}, b: {{{half}}}}}")


def test_a_train_of_pulses_has_the_mean_of_its_pulses():
    made = plan(
        "inputs.CTX_to_STN.modulation={kind: pulse_train, start: {value: 1000, unit: ms}, duration: "
        "{value: 100, unit: ms}, interval: {value: 500, unit: ms}, factors: {value: [2, 1, 4], unit: 1}}"
    )
    wave = next(i.waveform for i in made.inputs if i.name == "CTX_to_STN")
    assert [wave.value(t) for t in (0, 1000, 1099.9, 1100, 1550, 2050, 2100, 9000)] == [
        1,
        2,
        2,
        1,
        1,
        4,
        1,
        1,
    ]
    assert wave.mean(1000.0, 2500.0) == pytest.approx(1 + (1 + 0 + 3) * 100 / 1500)
