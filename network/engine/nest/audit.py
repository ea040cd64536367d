"""Read parameters, in-degrees, weights and delays back from NEST and compare them with the plan.

A simulator accepts a misspelt parameter or a swapped receptor only until somebody looks. The audit looks at
a sample of cells of every population and at all synapses onto a sample of cells of every projection.
"""

from __future__ import annotations

import math

import numpy as np

from ...errors import EngineError
from ...plans.plan import PopulationPlan, ProjectionPlan, Uniform
from . import kernel
from .build import Network


def audit(network: Network, n_cells: int = 20) -> None:
    """Raise EngineError with everything in NEST that differs from the plan, on the cells of this rank.

    Parameters
    ----------
    network : Network
        Built, prepared or not; requires that NEST keeps its source table (its default).
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
            if values.min() < limits.low or values.max() > limits.high:
                problems.append(f"{population.name}.{name}: outside [{limits.low}, {limits.high}]")
        elif not all(math.isclose(value, expected, rel_tol=1e-12) for value in values):
            problems.append(f"{population.name}.{name}: {values[0]}, {expected} planned")
    return problems


def _projection(network: Network, projection: ProjectionPlan, n_cells: int) -> list[str]:
    """Distinct sources as planned, weights and delays inside their limits, the right receptor."""
    nest = kernel.import_nest()
    if (targets := kernel.local_nodes(network.populations[projection.target], n_cells)) is None:
        return []
    found = nest.GetConnections(target=targets, synapse_model=network.synapse_models[projection.name])
    data = found.get(["source", "target", "weight", "delay", "receptor"])
    source, target = np.atleast_1d(data["source"]), np.atleast_1d(data["target"])
    problems = []
    for cell in targets.tolist():
        sources = source[target == cell]
        if len(sources) != projection.in_degree:
            problems.append(f"{projection.name}: in-degree {len(sources)}, {projection.in_degree} planned")
            break
        if not projection.allow_multapses and len(set(sources)) < len(sources):
            problems.append(f"{projection.name}: a source occurs twice")
            break
    resolution = network.plan.resolution
    for name, planned, slack in (("weight", projection.weight, 0.0), ("delay", projection.delay, resolution)):
        low, high = (planned.low, planned.high) if isinstance(planned, Uniform) else (planned, planned)
        values = np.atleast_1d(np.asarray(data[name], dtype=float))
        if values.size and (values.min() < low - slack - 1e-12 or values.max() > high + slack + 1e-12):
            problems.append(f"{projection.name}.{name}: [{values.min()}, {values.max()}], [{low}, {high}] planned")
    # NEST reports the port, which counts from 0; receptor_type counts from 1
    port = network.receptor_type(projection.target, projection.receptor) - 1
    if np.any(np.atleast_1d(data["receptor"]) != port):
        problems.append(f"{projection.name}: not on receptor {projection.receptor}")
    return problems
