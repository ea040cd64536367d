"""What connects to what in an experiment: its rules in plain numbers, between which cells, and whether that fits.

``in_degree: 9`` in a projection is short for ``connect: {rule: fixed_in_degree, in_degree: 9}``.  ``autapses``,
``multapses`` and ``within_action`` stand beside ``connect`` and modify every rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from . import derive, space
from .connect import Effective
from .distributions import Listed, WrittenFromFile, bounds, plain
from .edge_files import EdgeFileError
from .limits import MAX_DELAY
from .modulators import factor
from .quantities import Quantity
from .rules import Ends, FixedInDegree, Rule
from .yamlfile import KeyPath

if TYPE_CHECKING:
    from .schema import Experiment, Projection

MAX_SYNAPSES = 1e15
"""Synapses of a projection: a human brain has some 1e14 in all."""


def planned_rule(projection: Projection, phis: Mapping[str, float]) -> Rule:
    """Rule of a projection in plain numbers, from either spelling."""
    if projection.connect is not None:
        return projection.connect.plain(phis)
    assert projection.in_degree is not None
    degree = factor(projection.effects.get("in_degree", ()), projection.in_degree_beta, phis)
    rounding = projection.in_degree_rounding or "nearest"
    return FixedInDegree(derive.scaled_in_degree(projection.in_degree.value, degree, rounding))


def population_sizes(experiment: Experiment) -> dict[str, int]:
    """Work out the number of neurons of every population of an experiment."""
    counts = {n: p.n_anatomical.value for n, p in experiment.populations.items() if p.n_anatomical is not None}
    scaled = {}
    if counts and experiment.network.n_neurons is not None:
        scaled = derive.population_sizes(counts, int(experiment.network.n_neurons.value))
    fixed = {n: int(p.n_neurons.value) for n, p in experiment.populations.items() if p.n_neurons is not None}
    return {name: (scaled | fixed)[name] for name in experiment.populations if name in scaled | fixed}


def n_actions(experiment: Experiment, population: str) -> int:
    """Look up into how many interleaved sets a population is split."""
    actions = experiment.network.actions
    return int(actions.n.value) if actions is not None and population in actions.populations else 1


def ends_of(experiment: Experiment, projection: Projection, sizes: dict[str, int], phis: Mapping[str, float]) -> Ends:
    """Populations and modifiers of a projection; sources repeat where they must and a small network allows it."""
    ends = Ends(
        sizes[projection.source],
        sizes[projection.target],
        same=projection.source == projection.target,
        autapses=projection.autapses,
        multapses=projection.multapses,
        n_sets=n_actions(experiment, projection.source) if projection.within_action else 1,
        source=_layout(experiment, projection.source, sizes),
        target=_layout(experiment, projection.target, sizes),
    )
    rule = planned_rule(projection, phis)
    if experiment.network.small_network == "multapses" and rule.takes_multapses and rule.problem(ends):
        return Ends(**{**vars(ends), "multapses": True})
    return ends


def _layout(experiment: Experiment, name: str, sizes: dict[str, int]) -> space.Layout | None:
    positions = experiment.populations[name].positions
    if positions is None:
        return None
    return space.Layout(name, positions.plain(sum(sizes.values())), sizes[name], int(experiment.simulation.seed))


Problem = tuple[KeyPath, str]


def file_problems(experiment: Experiment) -> Iterator[Problem]:
    """Whatever is wrong with weights and delays from files; all other checks need those that are there."""
    for name, projection in experiment.projections.items():
        target = experiment.populations.get(projection.target)
        receptor = None if target is None else target.receptors.get(projection.receptor)
        for key in ("weight", "delay"):
            value = getattr(projection, key)
            if not isinstance(value, WrittenFromFile):
                continue
            try:
                drawn = value.plain()
                empty = isinstance(drawn, Listed) and not drawn.n
            except EdgeFileError as error:
                yield ("projections", name, key), str(error)
                break  # the other one cannot be read either
            if empty:
                yield (
                    ("projections", name, "connect"),
                    "no edges in the file; leave it out with enabled: false",
                )
                break
            low, _ = bounds(drawn)
            if key == "weight" and low < 0.0 and receptor is not None and not receptor.signed:
                yield ("projections", name, key), f"down to {low:g} {receptor.unit}; {receptor.what} cannot be negative"


def wiring_problems(experiment: Experiment) -> Iterator[Problem]:
    """Whatever does not fit of wiring rules and distributions, as (key path, message)."""
    phis = experiment.phis
    sizes = population_sizes(experiment)
    for name, population in experiment.populations.items():
        for key, spread in population.heterogeneity.items():
            value = population.neuron.get(key)
            if value is not None and spread.distribution == "lognormal" and value.value <= 0.0:
                message = f"a lognormal distribution needs a mean greater than 0, not {value.value:g} {value.unit}"
                yield ("populations", name, "heterogeneity", key), message
    for name, projection in experiment.projections.items():
        path = ("projections", name)
        yield from _drawn(path, projection, experiment.simulation.resolution.value)
        known = projection.source in sizes and projection.target in sizes
        if projection.enabled and known and min(sizes[projection.source], sizes[projection.target]) > 0:
            yield from _rule(path, experiment, projection, sizes, phis)


def _rule(
    path: KeyPath, experiment: Experiment, projection: Projection, sizes: dict[str, int], phis: Mapping[str, float]
) -> Iterator[Problem]:
    if projection.connect is None:
        return  # in-degrees in the short form are checked all at once, with the smallest network that has room
    rule, where = planned_rule(projection, phis), (*path, "connect")
    made = projection.connect.factor(phis) if isinstance(projection.connect, Effective) else 1.0
    if made < 0.0:
        yield (*where, "beta"), f"makes less than nothing: 1 + beta * phi = {made:g}"
        return
    if (probability := getattr(rule, "probability", None)) is not None and probability > 1.0:
        yield (*where, "beta"), f"makes the probability {probability:g}, more than 1"
        return
    if projection.multapses and not rule.takes_multapses:
        message = f"{rule.name} makes at most one synapse per pair; multapses are for rules with a number of synapses"
        yield (*path, "multapses"), f"{message} (fixed_in_degree, fixed_out_degree, fixed_total_number)"
        return
    ends = ends_of(experiment, projection, sizes, phis)
    if ends.n_sets > min(ends.n_source, ends.n_target):
        yield (*path, "within_action"), f"{ends.n_sets} actions, but only {min(ends.n_source, ends.n_target)} cells"
    elif problem := rule.problem(ends):
        yield where, f"{rule.name} does not fit from {projection.source} to {projection.target}: {problem}"
    elif rule.expected(ends) > MAX_SYNAPSES:
        yield where, f"{rule.expected(ends):.3g} synapses; a projection has at most {MAX_SYNAPSES:g}"
    elif (longest := bounds(plain(projection.delay))[1] + rule.longest_lag(ends)) > MAX_DELAY:
        yield (*where, "velocity"), f"makes delays up to {longest:g} ms; they may be {MAX_DELAY:g} ms long"


def _drawn(path: KeyPath, projection: Projection, resolution: float) -> Iterator[Problem]:
    """Distributions beside the spreads of before, and delays that NEST cannot have."""
    for name in ("weight", "delay"):
        value = getattr(projection, name)
        if isinstance(value, Quantity):
            continue
        if getattr(projection, f"{name}_spread") is not None:
            yield (*path, f"{name}_spread"), f"{name} is a distribution already; give one of the two"
    if not isinstance(projection.delay, Quantity):
        low, high = bounds(projection.delay.plain())
        if low < resolution * (1.0 - 1e-9):
            yield (*path, "delay"), f"delays down to {low:g} ms are shorter than the resolution of {resolution:g} ms"
        if MAX_DELAY < high < float("inf"):
            yield (*path, "delay"), f"delays up to {high:g} ms; they may be {MAX_DELAY:g} ms long"
        if high == float("inf"):
            yield (*path, "delay"), "delays have no upper limit; add clamp or truncate with 'high'"
