"""Plans of electrical stimulation: when its pulses come."""

from __future__ import annotations

from ..errors import SpecError
from ..experiment.schema import Experiment
from .parts import PulsesPlan


def onsets_of(experiment: Experiment, name: str) -> tuple[float, ...]:
    """Times in ms at which the pulses of a stimulation start.

    Raises
    ------
    SpecError
        If pulses would overlap, or are too many.
    """
    simulation, given = experiment.simulation, experiment.stimulations[name]
    stop = simulation.t_presim.value + simulation.t_sim.value
    try:
        return given.onsets(name, simulation.resolution.value, stop, int(simulation.seed))
    except ValueError as error:
        key = f"stimulations.{name}.frequency"
        try:
            where = f"{experiment.origin(key)}: "
        except KeyError:  # an experiment that was not read from files
            where = ""
        raise SpecError([f"{where}{key}: {error}"]) from error


def plan_pulses(experiment: Experiment) -> tuple[PulsesPlan, ...]:
    """All stimulations that are on."""
    return tuple(
        PulsesPlan(
            name=name,
            target=given.target,
            onsets=onsets_of(experiment, name),
            width=given.width.value,
            amplitude=given.amplitude.value,
            axons=None if given.axons is None else given.axons.probability.value,
        )
        for name, given in experiment.stimulations.items()
        if given.enabled
    )
