"""Compact wiring: the synapses of a projection as rows in the cells' own module, one connection of NEST per source.

Drawn by the module (``codegen/runtime/row_*.h``) from random numbers that belong to projection and cell, so that a
network is the same for any number of threads and ranks. What NEST offers beyond that (other synapse models, cells of
other targets) is wired by NEST itself, see `network.engine.nest.wiring`.
"""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineError
from ...experiment.distributions import Drawn, Listed, LogNormal, bounds
from ...experiment.graded_cells import Opened
from ...experiment.rules import AllToAll, Ends, FixedInDegree, FixedOutDegree, FixedTotalNumber, PairwiseBernoulli, Rule
from ...experiment.streams import stream
from ...experiment.synapses import Static, Synapse, Tsodyks
from ...experiment.synapses.graded import Graded
from ...plans.parts import ProjectionPlan
from ...plans.plan import Plan
from . import runtime
from .network import Network
from .runtime import LISTED, SOURCES_OF_TARGETS, TARGETS_OF_SOURCES, Distribution, GradedProjection, Projection

DIGITS = 50
"""Binary digits of the sum of all weights onto a port of a cell, in quanta; a double has 53."""


@dataclass(frozen=True)
class _Choice:
    """Who is connected: numbers of partners (one for all, or of each cell), or pairs."""

    kind: int
    degrees: NDArray[np.int32] | int = 0
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None


@singledispatch
def choose(rule: Rule, ends: Ends, rng: np.random.Generator) -> _Choice:
    """How the module is told whom a rule connects; rules that it does not know list their pairs."""
    if rule.lists_pairs(ends):
        return _Choice(LISTED, pairs=rule.pairs(ends, rng))
    if rule.name == "one_to_one":
        every = np.arange(ends.n_target, dtype=np.int64)
        return _Choice(LISTED, pairs=(every, every))
    raise TypeError(f"compact wiring does not know the rule {rule.name}")


@choose.register
def _(rule: FixedInDegree, ends: Ends, rng: np.random.Generator) -> _Choice:
    return _Choice(SOURCES_OF_TARGETS, rule.in_degree)


@choose.register
def _(rule: FixedOutDegree, ends: Ends, rng: np.random.Generator) -> _Choice:
    return _Choice(TARGETS_OF_SOURCES, rule.out_degree)


def _candidates(ends: Ends) -> NDArray[np.int64]:
    """Cells that may be sources of each target cell."""
    sizes = np.array([len(range(first, ends.n_source, ends.n_sets)) for first in range(ends.n_sets)])
    of_target = sizes[np.arange(ends.n_target) % ends.n_sets]
    own = (np.arange(ends.n_target) // ends.n_sets) < of_target
    return of_target - (own & ends.without_self)


@choose.register
def _(rule: AllToAll, ends: Ends, rng: np.random.Generator) -> _Choice:
    return _Choice(SOURCES_OF_TARGETS, _candidates(ends).astype(np.int32))


@choose.register
def _(rule: PairwiseBernoulli, ends: Ends, rng: np.random.Generator) -> _Choice:
    return _Choice(SOURCES_OF_TARGETS, rng.binomial(_candidates(ends), rule.probability).astype(np.int32))


@choose.register
def _(rule: FixedTotalNumber, ends: Ends, rng: np.random.Generator) -> _Choice:
    """In-degrees of random pairs: multinomial with repetition, hypergeometric without."""
    degrees = np.zeros(ends.n_target, dtype=np.int32)
    candidates = _candidates(ends)
    for first, (part, _) in enumerate(rule.parts(ends)):
        assert isinstance(part, FixedTotalNumber)
        every = slice(first, None, ends.n_sets)
        weights = candidates[every]
        if part.number == 0:
            continue
        if ends.multapses:
            degrees[every] = rng.multinomial(part.number, weights / weights.sum())
        else:
            degrees[every] = rng.multivariate_hypergeometric(weights, part.number, method="marginals")
    return _Choice(SOURCES_OF_TARGETS, degrees)


@singledispatch
def tell_synapse(synapse: Synapse, told: Projection) -> None:
    """Tell the module what kind of synapses it is."""
    raise TypeError(f"rows have no synapses of kind {synapse.name}")


@tell_synapse.register
def _(synapse: Static, told: Projection) -> None:
    told.plastic = 0


@tell_synapse.register
def _(synapse: Graded, told: Projection) -> None:
    told.plastic, told.graded = 0, 1


@tell_synapse.register
def _(synapse: Tsodyks, told: Projection) -> None:
    told.plastic = 1
    told.U, told.tau_psc, told.tau_rec, told.tau_fac = synapse.U, synapse.tau_psc, synapse.tau_rec, synapse.tau_fac


def quantum(plan: Plan, population: str, port: str) -> float:
    """Power of two of which all weights onto a port of a population are made multiples, so that sums are exact."""
    target, total = plan.population(population), 0.0
    for projection in plan.projections:
        if projection.target == population and target.port(projection.receptor) == port:
            total += largest_sum(projection, plan)
    return 2.0 ** (math.ceil(math.log2(total)) - DIGITS) if total > 0.0 else 1.0


def largest_sum(projection: ProjectionPlan, plan: Plan) -> float:
    """More than the weights of a projection onto one cell can be together."""
    known = projection.rule.sum_at_most()
    return _most(projection, plan) * _largest(projection.weight) if known is None else known


def _most(projection: ProjectionPlan, plan: Plan) -> float:
    ends = plan.ends(projection)
    high = projection.rule.in_degrees(ends)[1]
    # of a random number of sources no cell has more than all pairs; a spike train may bring several spikes at once
    return float(projection.n_synapses) if math.isinf(high) else high


def _largest(weight: Drawn | float) -> float:
    if isinstance(weight, LogNormal) and weight.high is None:
        mu, sigma = weight.of_logarithm
        return math.exp(mu + 10.0 * sigma)
    return max(abs(end) for end in bounds(weight))


def wire(network: Network, projection: ProjectionPlan, number: int) -> int:
    """Draw the synapses of a projection; returns how many end on this rank.

    Raises
    ------
    EngineError
        If they cannot be drawn, or are not as many as planned.
    """
    plan, ends = network.plan, network.plan.ends(projection)
    choice = choose(projection.rule, ends, stream(plan.seed, projection.name, "wiring"))
    first = {name: network.populations[name][0].global_id for name in (projection.source, projection.target)}
    port = plan.population(projection.target).port(projection.receptor)
    told = Projection(
        kind=choice.kind,
        multapses=projection.allow_multapses,
        without_self=ends.without_self,
        port=network.port_number(projection.target, projection.receptor),
        source_first=first[projection.source],
        n_sources=ends.n_source,
        target_first=first[projection.target],
        n_targets=ends.n_target,
        n_sets=projection.n_sets,
        key=runtime.key_of(plan.seed, projection.name, "rows"),
        quantum=quantum(plan, projection.target, port),
        weight=Distribution.of(projection.weight),
        delay=Distribution.of(projection.delay),
    )
    kept: list[Any] = []  # arrays that must live as long as they are looked at
    _tell(told, choice, projection.rule, ends, kept)
    assert network.runtime is not None
    try:
        if isinstance(projection.delay, Listed):
            kept.append(projection.delay.values(told.n_pairs))
            told.delay, told.pair_lag = Distribution.of(0.0), runtime.pointer(kept[-1], ctypes.c_double)
        tell_synapse(projection.synapse, told)
        made = network.runtime.wire(told, number)
        if isinstance(projection.weight, Listed):
            network.runtime.give_weights(told, number, projection.weight.values(told.n_pairs))
        return made
    except EngineError as error:
        raise EngineError(f"projection {projection.name}: cannot be connected: {error}") from error


def listen(network: Network) -> None:
    """Let the targets of graded synapses, which have been wired, listen to their sources."""
    plan, told = network.plan, []
    for projection in plan.graded_projections:
        gate = projection.synapse.gate
        assert gate is not None
        nodes = network.populations[projection.source]
        told.append(
            GradedProjection(
                number=network.compact[projection.name],
                source_first=nodes[0].global_id,
                n_sources=len(nodes),
                gate=gate.state.encode(),
                conductance=Opened(projection.receptor, "").conductance.encode(),
            )
        )
    if told:
        assert network.runtime is not None
        steps = (round(delay / plan.resolution) for delay in (plan.max_delay, plan.min_delay))
        network.runtime.connect_graded(told, *steps)


def _tell(told: Projection, choice: _Choice, rule: Rule, ends: Ends, kept: list[Any]) -> None:
    def array(values: Any, kind: Any, pointer_kind: Any) -> Any:
        kept.append(np.ascontiguousarray(values, dtype=kind))
        return runtime.pointer(kept[-1], pointer_kind)

    if choice.pairs is not None:
        source, target = choice.pairs
        told.n_pairs = len(source)
        told.pair_source = array(source, np.uint32, ctypes.c_uint32)
        told.pair_target = array(target, np.uint32, ctypes.c_uint32)
        if (lag := rule.lag(choice.pairs, ends)) is not None:
            told.pair_lag = array(lag, np.float64, ctypes.c_double)
    elif isinstance(choice.degrees, int):
        told.degree = choice.degrees
    else:
        told.degrees = array(choice.degrees, np.int32, ctypes.c_int32)
