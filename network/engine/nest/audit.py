"""Read parameters, in-degrees, weights and delays back from NEST and compare them with the plan.

A simulator accepts a misspelt parameter or a swapped receptor only until somebody looks. The audit looks at
a sample of cells of every population and at all synapses onto a sample of cells of every projection.
"""

from __future__ import annotations

import math

import numpy as np

from ...errors import EngineError
from ...experiment.distributions import bounds
from ...experiment.rules import Ends
from ...plans.parts import PopulationPlan, ProjectionPlan
from . import kernel
from .connectivity import synapses
from .network import Network


def audit(network: Network, n_cells: int = 20) -> None:
    """Raise EngineError with everything in NEST that differs from the plan, on the cells of this rank.

    Parameters
    ----------
    network : Network
        Built, prepared or not; NEST must keep its source table (its default).
    n_cells : int
        Cells per population that are read back.
    """
    problems: list[str] = []
    for population in network.plan.populations:
        problems += _population(network, population, n_cells)
    for projection in network.plan.projections:
        problems += _projection(network, projection, n_cells)
    if problems:
        raise EngineError("NEST does not hold what was planned:\n  " + "\n  ".join(problems))


def _population(network: Network, population: PopulationPlan, n_cells: int) -> list[str]:
    """Constants equal, varied parameters inside their limits."""
    cells = network.populations[population.name]
    if len(cells) != population.n_neurons:
        return [f"{population.name}: {len(cells)} cells, {population.n_neurons} planned"]
    if (local := kernel.local_nodes(cells, n_cells)) is None:
        return []
    status = local.get(list(population.params))
    problems = []
    for name, expected in population.params.items():
        values = np.atleast_1d(np.asarray(status[name], dtype=float))
        if (limits := population.heterogeneity.get(name)) is not None:
            low, high = bounds(limits)
            if values.min() < low or values.max() > high:
                problems.append(f"{population.name}.{name}: outside [{low}, {high}]")
        elif not all(math.isclose(value, expected, rel_tol=1e-12) for value in values):
            problems.append(f"{population.name}.{name}: {values[0]}, {expected} planned")
    return problems


def _projection(network: Network, projection: ProjectionPlan, n_cells: int) -> list[str]:
    """Distinct sources as planned, weights and delays inside their limits, the right receptor."""
    if (cells := kernel.local_nodes(network.populations[projection.target], n_cells)) is None:
        return []
    ends, found = network.plan.ends(projection), synapses(network, projection, n_cells)
    problems = _out_degrees(network, projection, ends)
    low, high = projection.rule.in_degrees(ends)
    first = network.populations[projection.target][0].global_id
    for cell in np.asarray(cells.tolist()) - first:
        sources = found.source[slice(*np.searchsorted(found.target, (cell, cell + 1)))]
        if not low <= len(sources) <= high:
            problems.append(f"{projection.name}: in-degree {len(sources)}, {_range(low, high)} planned")
            break
        if ends.without_self and cell in sources:
            problems.append(f"{projection.name}: a cell is its own source")
            break
        if not projection.allow_multapses and len(set(sources)) < len(sources):
            problems.append(f"{projection.name}: a source occurs twice")
            break
    resolution = network.plan.resolution
    # rows keep weights with 24 binary digits
    for name, planned, slack in (("weight", projection.weight, 1e-7), ("delay", projection.delay, resolution)):
        low, high = bounds(planned)
        high += projection.rule.longest_lag(ends) if name == "delay" else 0.0
        values = getattr(found, name)
        if name == "weight":
            slack *= max(abs(low), abs(high)) if math.isfinite(high) else abs(values).max(initial=0.0)
        if values.size and (values.min() < low - slack - 1e-12 or values.max() > high + slack + 1e-12):
            problems.append(f"{projection.name}.{name}: [{values.min()}, {values.max()}], [{low}, {high}] planned")
    if np.any(found.port != network.port_number(projection.target, projection.receptor)):
        problems.append(f"{projection.name}: not on receptor {projection.receptor}")
    return problems


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _out_degrees(network: Network, projection: ProjectionPlan, ends: Ends) -> list[str]:
    """Where the rule says how many targets a source has; with several ranks nobody holds all of them."""
    low, high = projection.rule.out_degrees(ends)
    if math.isinf(high) or kernel.num_processes() > 1:
        return []
    for n in np.bincount(synapses(network, projection).source, minlength=ends.n_source):
        if not low <= n <= high:
            return [f"{projection.name}: out-degree {n}, {_range(low, high)} planned"]
    return []
