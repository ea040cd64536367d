"""Read synapses back, whoever keeps them; wire projections of a plan again to read theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...codegen import Compiled
from ...plans.parts import ProjectionPlan
from ...plans.plan import Plan
from ..progress import Reporter
from . import kernel, rows
from .build import build
from .network import Network
from .wiring import check_number


@dataclass(frozen=True)
class Synapses:
    """Synapses of a projection that end on cells of this rank, sorted by target, then source.

    Attributes
    ----------
    source, target : ndarray of int64, shape (n,)
        Numbers of the cells, counted from 0 within their populations.
    weight : ndarray, shape (n,)
        In the unit of the receptor.
    delay : ndarray, shape (n,)
        In ms.
    port : ndarray of int64, shape (n,)
        Number of the input port, counted from 0.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]
    delay: NDArray[np.float64]
    port: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source)


def synapses(network: Network, projection: ProjectionPlan, n_targets: int | None = None) -> Synapses:
    """Synapses of a projection on this rank; only those onto its first target cells here, if a number is given."""
    cells = kernel.local_nodes(network.populations[projection.target], n_targets)
    if cells is None:
        columns: tuple[NDArray[Any], ...] = tuple(np.empty(0) for _ in range(5))
    elif projection.name in network.compact:
        return _of_rows(network, projection, None if n_targets is None else cells)
    else:
        columns = _of_nest(network, projection, None if n_targets is None else cells)
    order = np.lexsort((columns[0], columns[1]))
    source, target, weight, delay, port = (column[order] for column in columns)
    return Synapses(source.astype(np.int64), target.astype(np.int64), weight, delay, port.astype(np.int64))


def _of_rows(network: Network, projection: ProjectionPlan, targets: Any) -> Synapses:
    """Synapses of rows; of tens of millions no more copies are kept than must be."""
    number = network.compact[projection.name]
    assert network.runtime is not None
    if targets is None:
        source, target, weight, steps = network.runtime.synapses(number)
    else:
        population = network.populations[projection.target]
        last = targets[-1].global_id - population[0].global_id
        likely = projection.n_synapses * (last + 1) / len(population)
        source, target, weight, steps = network.runtime.synapses(number, last, int(1.2 * likely) + 1000)
    # those onto one cell come from one thread, which has them by source
    order = np.argsort(target, kind="stable")
    delay: NDArray[np.float64] = steps[order] * np.float64(network.plan.resolution)
    np.round(delay, 9, out=delay)
    del steps
    weight = weight[order]
    cells = [column[order].astype(np.int64) for column in (source, target)]
    del order
    port = np.broadcast_to(np.int64(network.runtime.port(number)), weight.shape)
    return Synapses(cells[0], cells[1], weight, delay, port)


def _of_nest(network: Network, projection: ProjectionPlan, targets: Any) -> tuple[NDArray[Any], ...]:
    nest = kernel.import_nest()
    found = nest.GetConnections(target=targets, synapse_model=network.synapse_models[projection.name])
    if not len(found):
        return tuple(np.empty(0) for _ in range(5))
    data = found.get(["source", "target", "weight", "delay", "receptor"])
    columns = [np.atleast_1d(np.asarray(data[key])) for key in ("source", "target", "weight", "delay", "receptor")]
    for column, name in enumerate((projection.source, projection.target)):
        columns[column] = columns[column] - network.populations[name][0].global_id
    return tuple(columns)


def rewired(
    plan: Plan, module: Compiled, names: Collection[str], reporter: Reporter
) -> Iterator[tuple[ProjectionPlan, Synapses]]:
    """Make projections of a plan again, without inputs and recorders; gives the synapses of one after the other.

    Rows belong to projection and cell, so each projection is made by itself, and is gone before the next one is made.
    NEST draws what it wires in the order of the plan, so it wires either all of its projections or none.

    Parameters
    ----------
    plan : Plan
        With one rank; what NEST wires depends on the number of threads.
    module : Compiled
        The models of the plan.
    names : collection of str
        Of the projections, which come in the order of the plan.
    reporter : Reporter
    """
    wanted = [p for p in plan.projections if p.name in names]
    by_nest = tuple(p for p in plan.projections if plan.kept_by(p) == "nest")
    if not any(p.name in names or plan.paired(p.target) for p in by_nest):
        by_nest = ()
    nest = kernel.reset(plan, *(part.path for part in module.parts))
    network = replace(build(replace(plan, projections=by_nest), module, reporter), plan=plan)
    try:
        for projection in wanted:
            if plan.kept_by(projection) == "compact":
                network.compact = {projection.name: 0}
                check_number(network, projection, rows.wire(network, projection, 0))
            found = synapses(network, projection)
            if network.runtime is not None:
                network.runtime.clear()
            yield projection, found
            del found  # before there is the next one
    finally:
        nest.ResetKernel()
