"""Read synapses back, whoever keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...plans.plan import ProjectionPlan
from . import kernel
from .build import Network


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
        columns = _of_rows(network, projection)
        if n_targets is not None:
            last = cells[-1].global_id - network.populations[projection.target][0].global_id
            columns = tuple(column[columns[1] <= last] for column in columns)
    else:
        columns = _of_nest(network, projection, None if n_targets is None else cells)
    order = np.lexsort((columns[0], columns[1]))
    source, target, weight, delay, port = (column[order] for column in columns)
    return Synapses(source.astype(np.int64), target.astype(np.int64), weight, delay, port.astype(np.int64))


def _of_rows(network: Network, projection: ProjectionPlan) -> tuple[NDArray[Any], ...]:
    number = network.compact[projection.name]
    assert network.runtime is not None
    source, target, weight, steps = network.runtime.synapses(number)
    port = network.runtime.port(number)
    return source, target, weight, np.round(steps * network.plan.resolution, 9), np.full(len(source), port)


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
