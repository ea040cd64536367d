"""The circuit as a graph: populations, what connects them and how strongly, what comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..experiment import Experiment
from ..experiment.distributions import mean
from ..plans import Plan
from ..plans.parts import ProjectionPlan


@dataclass(frozen=True)
class Link:
    """All projections of one sign from a population to another; of sign 0 what modulates synapses there.

    ``strength`` is the sum of the mean weights of all synapses onto one target cell (of a rested synapse where they
    are plastic), in ``unit``.
    """

    source: str
    target: str
    sign: int
    strength: float
    unit: str


@dataclass(frozen=True)
class Entry:
    """Something that reaches a population from outside: ``sign`` is 1, -1, or 0 where it depends."""

    label: str
    target: str
    sign: int


@dataclass(frozen=True)
class Circuit:
    """Sizes by population, links between them, entries."""

    sizes: dict[str, int]
    links: tuple[Link, ...]
    entries: tuple[Entry, ...]


def sign_of(plan: Plan, projection: ProjectionPlan) -> int:
    """1 for a projection that excites, -1 for one that inhibits."""
    return _sign(plan, projection.target, projection.receptor, mean(projection.weight))


def _sign(plan: Plan, target: str, receptor: str, weight: float) -> int:
    """Sign of a receptor; of a current also that of the weight (of a conductance it tells NEST the port)."""
    found = plan.population(target).receptors.get(receptor)
    if found is None:
        return 1 if weight >= 0.0 else -1
    return found.effect if found.unit == "nS" or weight >= 0.0 else -found.effect


def circuit_of(experiment: Experiment, plan: Plan) -> Circuit:
    """The graph of a network as it is built."""
    sizes = {population.name: population.n_neurons for population in plan.populations}
    strengths: dict[tuple[str, str, int, str], float] = {}
    for p in plan.projections:
        key = p.source, p.target, sign_of(plan, p), plan.population(p.target).unit(p.receptor)
        degree = p.n_synapses / sizes[p.target]
        strengths[key] = strengths.get(key, 0.0) + degree * abs(mean(p.weight)) * p.synapse.rested
    links = tuple(Link(*key[:3], strength, key[3]) for key, strength in strengths.items())
    modulating = {(p.synapse.modulated_by, p.target) for p in plan.projections if p.synapse.modulated_by is not None}
    links += tuple(Link(source, target, 0, 0.0, "") for source, target in sorted(modulating))
    return Circuit(sizes, links, tuple(_entries(experiment, plan)))


def _entries(experiment: Experiment, plan: Plan) -> list[Entry]:
    found = [
        Entry(f"{_short(name, i.target)}\n{_rate(i.rate.value * (1.0 if i.level is None else i.level.value))}", *rest)
        for name, i in experiment.inputs.items()
        if i.enabled
        for rest in [(i.target, _of_weights(plan, i.target, {r: w.value for r, w in i.weights.items()}))]
    ]
    found += [
        Entry(f"{_short(s.name, s.target)}\nrecorded spikes", s.target, _of_weights(plan, s.target, s.weights))
        for s in plan.spike_inputs
    ]
    found += [
        Entry(
            f"{_short(name, c.target)}\ncurrent", c.target, _of_current(tuple(amplitude for _, amplitude in c.steps()))
        )
        for name, c in experiment.currents.items()
        if c.enabled
    ]
    found += [
        Entry(
            f"{_short(name, s.target)}\npulses, {s.frequency.value:g} Hz", s.target, _of_current((s.amplitude.value,))
        )
        for name, s in experiment.stimulations.items()
        if s.enabled
    ]
    return found


def _of_weights(plan: Plan, target: str, weights: Mapping[str, float]) -> int:
    signs = {_sign(plan, target, receptor, weight) for receptor, weight in weights.items()}
    return signs.pop() if len(signs) == 1 else 0


def _of_current(amplitudes: tuple[float, ...]) -> int:
    if all(value >= 0.0 for value in amplitudes):
        return 1
    return -1 if all(value <= 0.0 for value in amplitudes) else 0


def _short(name: str, target: str) -> str:
    """Name of an input without the population that it goes to.

    >>> _short("background_to_A", "A"), _short("step", "A")
    ('background', 'step')
    """
    return name.removesuffix(f"_to_{target}")


def _rate(rate: float) -> str:
    return f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.3g}/s"
