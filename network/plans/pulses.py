"""Plans of electrical stimulation: when its pulses come."""

from __future__ import annotations

from ..errors import SpecError
from ..experiment.schema import Experiment
from .parts import PulsesPlan, Segment
from .plan import Plan


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


def beside_pulses(plan: Plan) -> list[Segment]:
    """Changes of a plan without those that are nothing but an edge of a pulse, for people."""
    edges = {round(time + after, 9) for p in plan.pulses for time in p.onsets for after in (0.0, p.width)}
    found, before = [], (plan.dopamine, plan.modulators)
    for segment in plan.segments:
        levels = segment.dopamine, segment.levels
        targets = {p.target for p in plan.pulses}
        if segment.time not in edges or levels != before or (segment.params.keys() | segment.cells.keys()) - targets:
            found.append(segment)
        before = levels
    return found
