"""Connect one projection in NEST by the rule of its plan, and count what was made."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import Any

import numpy as np

from ...errors import EngineError
from ...experiment.distributions import Clamped, Drawn, LogNormal, TruncatedNormal, Uniform
from ...experiment.rules import Ends, Rule, spread_of
from ...experiment.streams import stream
from ...plans.parts import ProjectionPlan
from . import kernel
from .network import Network


@singledispatch
def parameter(value: Drawn) -> Any:
    """What tells NEST to draw the weight or delay of every synapse."""
    raise TypeError(f"NEST is not told how to draw {value!r}")


@parameter.register
def _(value: Uniform) -> Any:
    return kernel.import_nest().random.uniform(value.low, value.high)


@parameter.register
def _(value: Clamped) -> Any:
    nest = kernel.import_nest()
    return nest.math.min(nest.math.max(nest.random.normal(value.mean, value.sd), value.low), value.high)


@parameter.register
def _(value: TruncatedNormal) -> Any:
    nest = kernel.import_nest()
    return nest.math.redraw(nest.random.normal(value.mean, value.sd), value.low, value.high)


@parameter.register
def _(value: LogNormal) -> Any:
    nest = kernel.import_nest()
    drawn = nest.random.lognormal(*value.of_logarithm)
    high = np.finfo(float).max if value.high is None else value.high
    if value.beyond == "clamp":
        return nest.math.min(nest.math.max(drawn, value.low), high)
    return drawn if value.high is None and value.low <= 0.0 else nest.math.redraw(drawn, value.low, high)


def connect(network: Network, projection: ProjectionPlan) -> None:
    """Make the synapses of a projection; weights and delays are drawn per synapse.

    Raises
    ------
    EngineError
        If NEST refuses, or makes another number of synapses than the rule does.
    """
    nest = kernel.import_nest()
    sources, targets = network.populations[projection.source], network.populations[projection.target]
    ends = network.plan.ends(projection)
    rng = stream(network.plan.seed, projection.name, "wiring")
    before, listed = nest.num_connections, 0
    parts = projection.rule.parts(ends)
    try:
        for number, (rule, part) in enumerate(parts):
            every = slice(number, None, projection.n_sets)
            if rule.expected(part) == 0:
                continue
            if rule.lists_pairs(part):
                listed += _connect_pairs(network, projection, rule, part, number, rng)
            else:
                chosen = (sources, targets) if projection.n_sets == 1 else (sources[every], targets[every])
                nest.Connect(*chosen, _rule(rule, part), _synapse(network, projection))
    except (nest.NESTError, ValueError) as error:
        raise EngineError(f"projection {projection.name}: cannot be connected: {error}") from error
    by_lists = any(rule.lists_pairs(part) for rule, part in parts)
    check_number(network, projection, nest.num_connections - before, listed if by_lists else None)


def check_number(network: Network, projection: ProjectionPlan, made: int, planned: int | None = None) -> None:
    """Compare the number of synapses on this rank with what is planned, or can be where it is random.

    Raises
    ------
    EngineError
        If they differ.
    """
    n_local = kernel.count_local(network.populations[projection.target])
    ends = network.plan.ends(projection)
    if planned is None and n_local < ends.n_target and not projection.rule.even:
        return  # nobody knows how many of them end here
    low, high = _planned(projection.rule, ends, n_local) if planned is None else (planned, planned)
    if not low <= made <= high:
        expected = f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
        raise EngineError(f"projection {projection.name}: {made} synapses made, {expected} planned")


def _rule(rule: Rule, ends: Ends) -> dict[str, Any]:
    modifiers = {"allow_multapses": ends.multapses, "allow_autapses": ends.autapses}
    return {**rule.nest_rule(ends), **modifiers}


def _synapse(network: Network, projection: ProjectionPlan) -> dict[str, Any]:
    synapse: dict[str, Any] = {"synapse_model": network.synapse_models[projection.name]}
    for name, value in (("weight", projection.weight), ("delay", projection.delay)):
        if not isinstance(value, int | float):
            synapse[name] = parameter(value)
    return synapse


def _connect_pairs(
    network: Network, projection: ProjectionPlan, rule: Rule, ends: Ends, number: int, rng: np.random.Generator
) -> int:
    """Connect listed pairs of one set; returns how many of them end on this rank.

    Every rank draws all pairs, weights and delays, so that they do not depend on the number of ranks.
    """
    nest = kernel.import_nest()
    pairs = rule.pairs(ends, rng)
    stride = 1 if ends.n_sets > 1 else projection.n_sets  # a rule that minds the sets itself numbers all cells
    first = [network.populations[name][0].global_id for name in (projection.source, projection.target)]
    source, target = (start + number + stride * ids for start, ids in zip(first, pairs, strict=True))
    own = kernel.is_local(target)
    synapse: dict[str, Any] = {"synapse_model": network.synapse_models[projection.name]}
    for name, value in (("weight", projection.weight), ("delay", projection.delay)):
        if not isinstance(value, int | float):
            synapse[name] = value.draw(len(target), rng)[own]
    if (lag := rule.lag(pairs, ends)) is not None:
        synapse["delay"] = synapse.get("delay", projection.delay) + lag[own]
    if own.any():
        nest.Connect(source[own], target[own], "one_to_one", synapse)
    return int(own.sum())


def _planned(rule: Rule, ends: Ends, n_local: int) -> tuple[float, float]:
    """Number of synapses that this rank can hold: those onto its own cells."""
    low, high = (degree * n_local for degree in rule.in_degrees(ends)) if n_local else (0.0, 0.0)
    if low == high:
        return low, high
    expected, share = rule.expected(ends), n_local / ends.n_target
    variance = rule.variance(ends) * share**2 + expected * share * (1.0 - share)
    reach = spread_of(variance)
    return max(low, math.floor(expected * share - reach)), min(high, math.ceil(expected * share + reach))
