"""Read a network back from NEST and compare it with its plan: the last look before time begins.

A simulator accepts a misspelt parameter or a swapped receptor only until somebody looks. The audit looks at a sample of
cells of every population and at all synapses onto a sample of cells of every projection; on demand at all of them.
What is drawn for a cell is known exactly, as it follows from seed and names. What is drawn for a synapse is compared as
a distribution, with bounds that a right network passes whatever its seed, see `furthest`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineError
from ...experiment.distributions import Drawn, bounds
from ...experiment.rules import Ends
from ...experiment.synapses import Tsodyks
from ...plans.cells import cell_values
from ...plans.parts import PopulationPlan, ProjectionPlan
from ..distances import ALPHA, furthest, likely_distance
from . import kernel
from .audit_inputs import input_problems
from .connectivity import Synapses, synapses
from .network import Network
from .runtime import PLASTICITY
from .wiring import check_number

N_CELLS = 20
"""Cells per population that are read in every run."""

MOST = 1_000_000
"""Synapses of a projection up to which all are read in every run if that is needed: for the out-degrees of sources, and
for a sample of those that NEST keeps, of which larger projections are only counted.
"""

HIDDEN = frozenset({"t_spike", "Ca", "tau_Ca", "beta_Ca", "post_trace", "archiver_length"})
"""What cells that keep their history for NEST answer by that: a parameter of such a name is set, but not to be read."""


@dataclass
class Findings:
    """What an audit has looked at, and everything that differs."""

    n_cells: int = 0
    n_synapses: int = 0
    counted: list[str] = field(default_factory=list)
    """Projections of which the synapses were counted and no sample of them was read."""
    unread: list[str] = field(default_factory=list)
    """Parameters for which NEST answers with something of its own, see `HIDDEN`."""
    problems: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Content for ``audit.json``."""
        return {
            "cells_read": self.n_cells,
            "synapses_read": self.n_synapses,
            "projections_only_counted": self.counted,
            "parameters_not_read": self.unread,
            "false_alarms_per_comparison": ALPHA,
            "differences": self.problems,
        }

    def refuse(self) -> None:
        """Raise EngineError if something differs."""
        if self.problems:
            raise EngineError("NEST does not hold what was planned:\n  " + "\n  ".join(self.problems))


def audit(network: Network, n_cells: int = N_CELLS) -> None:
    """Raise EngineError with everything in NEST that differs from the plan, on the cells of this rank.

    Parameters
    ----------
    network : Network
        Built, prepared or not; NEST must keep its source table (its default).
    n_cells : int
        Cells per population that are read back.
    """
    compare(network, n_cells, inputs=False).refuse()


def compare(
    network: Network, n_cells: int | None = N_CELLS, *, most: int | None = None, inputs: bool = True
) -> Findings:
    """Compare what is in NEST on this rank with the plan.

    Parameters
    ----------
    network : Network
    n_cells : int or None
        Cells per population and projection that are read back; None for all.
    most : int, optional
        Of projections with more synapses none but a sample is read, and nothing that would need more than that; of
        those that NEST keeps they are counted. All are read if not given.
    inputs : bool
        Also what drives the cells; False before that is connected.
    """
    found = Findings(problems=list(_kernel(network)))
    for population in network.plan.populations:
        found.problems += _population(network, population, n_cells, found)
    for projection in network.plan.projections:
        found.problems += _constants(network, projection)
        large = most is not None and projection.n_synapses > most
        if large and projection.name not in network.compact:
            found.counted.append(projection.name)
            found.problems += _number(network, projection)
        else:
            found.problems += _projection(network, projection, n_cells, found, sources=not large)
    if inputs:
        found.problems += input_problems(network, n_cells)
    return found


def _kernel(network: Network) -> Iterator[str]:
    nest, plan = kernel.import_nest(), network.plan
    for name, held, planned in (
        ("threads", nest.local_num_threads, plan.threads),
        ("ranks", kernel.num_processes(), plan.ranks),
        ("seed", nest.rng_seed, plan.seed),
        ("resolution", nest.resolution, plan.resolution),
        ("shortest delay", nest.min_delay, plan.min_delay),
        ("longest delay", nest.max_delay, plan.max_delay),
    ):
        if not math.isclose(held, planned, rel_tol=1e-9):
            yield f"{name}: {held:g}, {planned:g} planned"


def _population(network: Network, population: PopulationPlan, n_cells: int | None, found: Findings) -> list[str]:
    """Constants, and what differs from cell to cell, with the very numbers that were drawn."""
    cells = network.populations[population.name]
    if len(cells) != population.n_neurons:
        return [f"{population.name}: {len(cells)} cells, {population.n_neurons} planned"]
    if (local := kernel.local_nodes(cells, n_cells)) is None:
        return []
    numbers = np.asarray(local.tolist()) - cells[0].global_id
    found.n_cells += len(numbers)
    begun = kernel.import_nest().biological_time > 0.0
    planned = cell_values(population, network.plan.seed)
    names = [name for name in planned if not begun or name not in population.initial]
    if network.has_nodes_of_nest(population.name):
        found.unread += [f"{population.name}.{name}" for name in names if name in HIDDEN]
        names = [name for name in names if name not in HIDDEN]
    status = local.get()  # one by one NEST takes thirty times as long
    problems = []
    for name in names:
        held = np.atleast_1d(np.asarray(status[name], dtype=float))
        expected = np.broadcast_to(np.asarray(planned[name], dtype=float), population.n_neurons)[numbers]
        wrong = np.flatnonzero(~np.isclose(held, expected, rtol=1e-9, atol=1e-12))
        if wrong.size:
            one = wrong[0]
            where = f"in {wrong.size} of {len(numbers)} cells, of which the first is cell {numbers[one]}"
            problems.append(f"{population.name}.{name}: {held[one]:.10g}, {expected[one]:.10g} planned ({where})")
    return problems


def _constants(network: Network, projection: ProjectionPlan) -> Iterator[str]:
    """Constants of plasticity: of NEST's synapse model, or of the rows on each thread."""
    synapse = projection.synapse
    if projection.name not in network.compact or network.runtime is None:
        if (model := network.synapse_models.get(projection.name)) is None:
            return
        held = [kernel.import_nest().GetDefaults(model)]
        expected = {name: value for name, value in synapse.constants.items() if isinstance(value, int | float)}
    else:
        plastic = isinstance(synapse, Tsodyks)
        held = network.runtime.plasticity(network.compact[projection.name], network.plan.threads)
        names = PLASTICITY[1:] if plastic else ()
        expected = {"plastic": float(plastic)} | {name: getattr(synapse, name) for name in names}
    for name, value in expected.items():
        for values in held:
            if name in values and not math.isclose(float(values[name]), value, rel_tol=1e-9):
                yield f"{projection.name}.{name}: {float(values[name]):.10g}, {value:.10g} planned"
                break


def _number(network: Network, projection: ProjectionPlan) -> list[str]:
    """How many synapses rows have; NEST's were counted when they were made."""
    if projection.name not in network.compact or network.runtime is None:
        return []
    try:
        check_number(network, projection, network.runtime.count(network.compact[projection.name]))
    except EngineError as error:
        return [str(error).removeprefix("projection ")]
    return []


def _projection(
    network: Network, projection: ProjectionPlan, n_cells: int | None, audited: Findings, *, sources: bool
) -> list[str]:
    """Distinct sources as planned, weights and delays distributed as planned, the right receptor.

    sources: also how many targets each source has, for which all synapses are read.
    """
    if (cells := kernel.local_nodes(network.populations[projection.target], n_cells)) is None:
        return []
    ends, found = network.plan.ends(projection), synapses(network, projection, n_cells)
    audited.n_synapses += len(found)
    problems = _number(network, projection) + (_out_degrees(network, projection, ends) if sources else [])
    numbers = np.asarray(cells.tolist()) - network.populations[projection.target][0].global_id
    problems += _partners(projection, ends, found, numbers)
    problems += _values(projection, ends, found, network.plan.resolution)
    port = network.port_number(projection.target, projection.receptor)
    if (wrong := found.port[found.port != port]).size:
        problems.append(f"{projection.name}: not on receptor {projection.receptor} (port {port}), but port {wrong[0]}")
    return problems


def _partners(projection: ProjectionPlan, ends: Ends, found: Synapses, cells: NDArray[np.int64]) -> list[str]:
    """Who is connected."""
    low, high = projection.rule.in_degrees(ends)
    degrees = np.diff(np.searchsorted(found.target, np.stack([cells, cells + 1]).T)).ravel()
    problems = []
    if (wrong := degrees[(degrees < low) | (degrees > high)]).size:
        problems.append(f"{projection.name}: in-degree {wrong[0]}, {_range(low, high)} planned")
    if ends.without_self and np.any(found.source == found.target):
        problems.append(f"{projection.name}: a cell is its own source")
    if ends.n_sets > 1 and np.any(found.source % ends.n_sets != found.target % ends.n_sets):
        problems.append(f"{projection.name}: cells of different channels are connected")
    if not projection.allow_multapses:
        again = (np.diff(found.source) == 0) & (np.diff(found.target) == 0)
        if again.any():
            one = int(np.argmax(again))
            problems.append(
                f"{projection.name}: a source occurs twice (cell {found.source[one]} onto cell {found.target[one]})"
            )
    return problems


def _values(projection: ProjectionPlan, ends: Ends, found: Synapses, resolution: float) -> Iterator[str]:
    """Weights and delays: within their limits, and distributed as planned where each is drawn for itself."""
    lag = projection.rule.longest_lag(ends)
    # rows keep weights with 24 binary digits
    for name, planned, slack in (("weight", projection.weight, 1e-7), ("delay", projection.delay, resolution)):
        values: NDArray[np.float64] = getattr(found, name)
        if not values.size:
            continue
        low, high = bounds(planned)
        high += lag if name == "delay" else 0.0
        if name == "weight":
            slack *= max(abs(low), abs(high)) if math.isfinite(high) else abs(values).max(initial=0.0)
        slack += 1e-12
        if values.min() < low - slack or values.max() > high + slack:
            yield f"{projection.name}.{name}: [{values.min():g}, {values.max():g}], [{low:g}, {high:g}] planned"
        elif not isinstance(planned, int | float) and (name == "weight" or not lag):
            yield from _shape(f"{projection.name}.{name}", values, planned, slack)


def _shape(what: str, values: NDArray[np.float64], planned: Drawn, slack: float) -> Iterator[str]:
    distance = furthest(values, planned, slack)
    if distance is not None and distance > (limit := likely_distance(len(values))):
        yield (
            f"{what}: distributed otherwise than planned: mean {values.mean():.6g}, standard deviation "
            f"{values.std():.6g}, planned {planned}; distance {distance:.3g} from it, at most {limit:.3g} by chance"
        )


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
