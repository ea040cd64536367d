"""Weights of synapses, read from NEST."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...plans.parts import WeightsPlan
from . import kernel
from .connectivity import synapses
from .network import Network


class WeightReader:
    """The first synapses of a projection onto cells of this rank, by target and source."""

    def __init__(self, network: Network, plan: WeightsPlan) -> None:
        nest, self.plan = kernel.import_nest(), plan
        projection = next(p for p in network.plan.projections if p.name == plan.projection)
        self._constant: NDArray[np.float64] | None = None
        if projection.name in network.compact:  # rows do not change
            rows = synapses(network, projection)
            self.pairs = rows.source[: plan.synapses], rows.target[: plan.synapses]
            self._constant = rows.weight[: plan.synapses]
            return
        sides = [network.populations[name] for name in (projection.source, projection.target)]
        found = nest.GetConnections(*sides, synapse_model=network.synapse_models[projection.name])
        ids = [np.atleast_1d(found.get(key)) for key in ("source", "target")] if len(found) else [np.empty(0, int)] * 2
        order = np.lexsort(ids)[: plan.synapses]
        self._connections = found if len(order) == 0 else nest.SynapseCollection([found._datum[i] for i in order])
        source, target = (one[order] - side[0].global_id for one, side in zip(ids, sides, strict=True))
        self.pairs = source.astype(np.int64), target.astype(np.int64)

    def sample(self) -> NDArray[np.float64]:
        """Weights now."""
        if self._constant is not None:
            return self._constant
        if not len(self.pairs[0]):
            return np.empty(0)
        return np.atleast_1d(np.asarray(self._connections.get("weight"), dtype=float))
