"""Times are on the grid or refused, NEST's limits are known, and the delay that is asked for is the one used."""

import pytest

from network.errors import SpecError
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.summary import _projections, code_notes

TWO_RECEPTORS = ["inputs.X_to_P.weights.inh=1", "simulation.drive=device", "projections.*.enabled=false"]


def tiny(*overrides, **options):
    return make_plan(load_experiment("tiny", overrides=overrides), **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["projections.Q_to_Q.delay=1.55"], "projections.Q_to_Q.delay: 1.55 ms is not a multiple of the resolution"),
        (["inputs.X_to_P.delay=0.25"], "inputs.X_to_P.delay: 0.25 ms is not a multiple of the resolution"),
        (["simulation.resolution=0.03125"], "simulation.resolution: 0.03125 ms is not a multiple of 0.001 ms"),
        (["simulation.resolution=1e-12"], "simulation.resolution: 1e-12 ms is not a multiple of 0.001 ms"),
        (["recording.traces.P.interval=1e-8"], "recording.traces.P.interval: 1e-08 ms is not a multiple"),
        (["simulation.resolution=0.0005"], "simulation.resolution: 0.0005 ms is not a multiple of 0.001 ms"),
        (
            ["projections.Q_to_Q.delay=3000", "simulation.resolution=0.001"],
            "projections.Q_to_Q.delay: 3000 ms is longer than NEST can keep, 2097.15 ms at this resolution",
        ),
        (["inputs.X_to_P.rate=2e6"], "inputs.X_to_P.rate: 1.6e+06 spikes/s are 160 spikes in a step of 0.1 ms"),
    ],
)
def test_refused(changes, message, tiny_params):
    with pytest.raises(SpecError) as caught:
        tiny(*changes)
    (problem,) = caught.value.problems
    assert message in problem


def test_shift_of_recorded_spikes_is_on_the_grid(tiny_params, tmp_path):
    (tmp_path / "trains.h5").touch()
    given = {"file": str(tmp_path / "trains.h5"), "population": "X", "target": "P", "weights": {"exc": 1.0}}
    with pytest.raises(SpecError, match=r"spike_inputs\.S\.shift: 0\.05 ms is not a multiple"):
        load_experiment("tiny", overrides={"spike_inputs": {"S": {**given, "delay": 1.0, "shift": 0.05}}})


def test_too_many_threads_for_nest(tiny_params):
    with pytest.raises(SpecError, match="threads: NEST takes at most 511, not 512"):
        tiny(threads=512)


def test_the_plan_shows_drawn_delays_as_nest_rounds_them(tiny_params):
    plan = tiny("projections.Q_to_Q.delay=7.33", "projections.Q_to_Q.delay_spread=0.5")
    (line,) = [line for line in _projections(plan).splitlines() if line.startswith("Q_to_Q")]
    assert "  3.7-11  " in line
    assert plan.max_delay == 11.0


@pytest.mark.parametrize(("delay", "shortest"), [(2.5, 1.2), (2.0, 1.0), (0.2, 0.1)])
def test_two_receptors_behind_one_generator_keep_the_delay(delay, shortest, tiny_params):
    """A parrot neuron takes the shortest delay of the network; what is left must not be shorter than that."""
    plan = tiny(*TWO_RECEPTORS, f"inputs.X_to_P.delay={delay}")
    assert plan.min_delay == shortest
    assert plan.max_delay == delay


def test_a_single_receptor_needs_no_shorter_delay(tiny_params):
    plan = tiny("simulation.drive=device", "projections.*.enabled=false", "inputs.X_to_P.delay=2.5")
    assert plan.min_delay == plan.max_delay == 2.5


def test_cells_that_draw_themselves_need_no_shorter_delay(tiny_params):
    assert (
        tiny("projections.*.enabled=false", "inputs.X_to_P.weights.inh=1", "inputs.X_to_P.delay=0.1").min_delay == 0.1
    )


def test_a_delay_that_cannot_be_halved_is_refused(tiny_params):
    with pytest.raises(SpecError, match=r"inputs\.X_to_P\.delay: 0\.1 ms is too short for a generator that drives"):
        tiny(*TWO_RECEPTORS, "inputs.X_to_P.delay=0.1")


@pytest.mark.parametrize("target", ["plain", "reference"])
def test_cells_that_cannot_draw_are_driven_by_devices(target, tiny_params):
    experiment = load_experiment("tiny", overrides=[f"simulation.target={target}"])
    plan = make_plan(experiment)
    assert plan.drive == "device"
    (note,) = code_notes(plan)
    assert f"cells of target {target} cannot draw" in note
    assert code_notes(make_plan(load_experiment("tiny"))) == []


def test_a_drive_that_was_asked_for_is_not_changed(tiny_params):
    with pytest.raises(SpecError, match=r"simulation\.drive: cells of simulation\.target 'plain' cannot draw"):
        tiny("simulation.target=plain", "simulation.drive=internal")


def test_a_change_off_the_grid_is_named_with_its_current(user):
    given = "currents: {late: {target: P, times: {value: [0.15], unit: ms}, amplitudes: {value: [1.0], unit: pA}}}"
    with pytest.raises(SpecError, match=r"mine\.yaml:2: currents\.late\.times: the change at 0\.15 ms"):
        make_plan(user(f"overlay_of: tiny/base\n{given}\n"))
