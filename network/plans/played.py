"""Spike trains from files: their plans, and whether anything of them would be played."""

from __future__ import annotations

from ..errors import SpecError
from ..experiment.schema import Experiment
from ..experiment.spike_files import SpikeFileError, played_steps, read_trains
from .inputs import plan_spike_input
from .parts import SpikeInputPlan


def plan_spike_inputs(experiment: Experiment, sizes: dict[str, int]) -> tuple[SpikeInputPlan, ...]:
    """Plan all spike inputs; SpecError names those whose file does not serve."""
    plans, problems = [], []
    for name, given in experiment.spike_inputs.items():
        if not given.enabled:
            continue
        try:
            plans.append(plan_spike_input(name, given, sizes[given.target]))
        except SpikeFileError as error:
            problems.append(_of_file(experiment, name, str(error)))
    if problems:
        raise SpecError(problems)
    return tuple(plans)


def check_played(experiment: Experiment, plans: tuple[SpikeInputPlan, ...], min_delay: float) -> None:
    """Refuse spike inputs of which nothing would be played."""
    simulation = experiment.simulation
    resolution, t_stop = simulation.resolution.value, simulation.t_presim.value + simulation.t_sim.value
    problems = []
    for plan in plans:
        trains = read_trains(plan.file, plan.population or None)
        steps, _ = played_steps(
            trains, delay=plan.delay, shift=plan.shift, resolution=resolution, min_delay=min_delay, t_stop=t_stop
        )
        if steps.size:
            continue
        what = f"no spikes of {plan.population}" if plan.population else "no spikes"
        there = "there are none at all"
        if trains.times.size:
            low, high = trains.times[0] + plan.shift, trains.times[-1] + plan.shift
            there = f"they are at {low:g} to {high:g} ms, the simulation ends at {t_stop:g} ms; mind the shift"
        problems.append(_of_file(experiment, plan.name, f"{what} within the simulation: {there}"))
    if problems:
        raise SpecError(problems)


def _of_file(experiment: Experiment, name: str, message: str) -> str:
    """Name file and line of the experiment, key, and spike file of a problem."""
    key, file = f"spike_inputs.{name}.file", experiment.spike_inputs[name].file
    try:
        return f"{experiment.origin(key)}: {key}: {file}: {message}"
    except KeyError:  # an experiment that was not read from files
        return f"{key}: {file}: {message}"
