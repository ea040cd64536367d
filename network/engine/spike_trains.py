"""Play recorded spike trains back into a population."""

from __future__ import annotations

import numpy as np

from network.engine import kernel
from network.engine.build import Network, stream
from network.engine.errors import EngineError
from network.results.sonata import read_spikes
from network.spec.plan import SpikeInputPlan


def connect_spike_trains(network: Network, source: SpikeInputPlan) -> None:
    """One generator and one parrot per train, connected to every receptor of the target alike.

    Raises
    ------
    EngineError
        If there are more trains than cells (without ``in_degree``), or no spike within the simulation.
    """
    nest = kernel.import_nest()
    plan = network.plan
    times, ids = read_spikes(source.file, source.population)
    cells = network.populations[source.target]
    n_trains = int(ids.max()) + 1 if ids.size else 0
    if source.in_degree is None and n_trains > len(cells):
        raise EngineError(
            f"spike input {source.name}: {source.file} has trains up to number {n_trains - 1}, {source.target} "
            f"has {len(cells)} cells; give in_degree to draw trains at random"
        )
    # the parrot takes the shortest delay there is; what is left of the delay follows on the way to the cells
    delay = max(plan.min_delay, source.delay - plan.min_delay)
    steps = np.round((times + source.shift + source.delay - delay - plan.min_delay) / plan.resolution)
    inside = (steps >= 1) & (steps <= round((plan.t_presim + plan.t_sim) / plan.resolution))
    steps, ids = steps[inside], ids[inside].astype(np.int64)
    if not steps.size:
        raise EngineError(
            f"spike input {source.name}: {source.file} has no spikes of {source.population} within the "
            "simulation; mind the shift"
        )
    order = np.lexsort((steps, ids))
    ends = np.cumsum(np.bincount(ids, minlength=n_trains))[:-1]
    trains = np.split(np.round(steps[order] * plan.resolution, 9), ends)
    parrots = nest.Create("parrot_neuron", n_trains)
    generators = nest.Create("spike_generator", n_trains, {"allow_offgrid_times": True})
    generators.set([{"spike_times": train} for train in trains])
    nest.Connect(generators, parrots, "one_to_one", {"weight": 1.0, "delay": plan.min_delay})

    # pairs are drawn here and not by NEST, so that all receptors of a cell hear the same trains
    if source.in_degree is None:
        pairs = np.arange(n_trains)
        targets = np.asarray(cells[:n_trains].tolist())
    else:
        shape = (len(cells), source.in_degree)
        pairs = stream(plan.seed, source.name, "sources").integers(n_trains, size=shape).ravel()
        targets = np.repeat(np.asarray(cells.tolist()), source.in_degree)
    ones = np.ones(len(targets))
    for receptor, weight in source.weights.items():
        port = network.receptor_type(source.target, receptor)
        synapse = {
            "weight": weight * ones,
            "delay": delay * ones,
            "receptor_type": port * ones.astype(np.int64),
        }
        nest.Connect(parrots[0].global_id + pairs, targets, "one_to_one", synapse)
