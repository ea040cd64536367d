"""Play recorded spike trains back into a population."""

from __future__ import annotations

import numpy as np

from ...errors import EngineError
from ...experiment.spike_files import SpikeFileError, played_steps, read_trains
from ...experiment.streams import stream
from ...plans.parts import SpikeInputPlan
from . import kernel
from .network import Network


def connect_spike_trains(network: Network, source: SpikeInputPlan) -> None:
    """One generator and one parrot per train, connected to every receptor of the target alike.

    Raises
    ------
    EngineError
        If the file is no longer what was planned.
    """
    nest = kernel.import_nest()
    plan = network.plan
    try:
        read = read_trains(source.file, source.population or None)
    except SpikeFileError as error:
        raise EngineError(f"spike input {source.name}: {source.file}: {error}") from error
    if read.digest != source.digest:
        raise EngineError(f"spike input {source.name}: {source.file} has changed since the run was planned")
    cells, n_trains = network.populations[source.target], read.n_trains
    t_stop = plan.t_presim + plan.t_sim
    steps, ids = played_steps(
        read,
        delay=source.delay,
        shift=source.shift,
        resolution=plan.resolution,
        min_delay=plan.min_delay,
        t_stop=t_stop,
    )
    delay = max(plan.min_delay, source.delay - plan.min_delay)
    order = np.lexsort((steps, ids))
    ends = np.cumsum(np.bincount(ids, minlength=n_trains))[:-1]
    trains = np.split(np.round(steps[order] * plan.resolution, 9), ends)
    parrots = nest.Create("parrot_neuron", n_trains)
    generators = nest.Create("spike_generator", n_trains, {"allow_offgrid_times": True})
    generators.set([{"spike_times": train} for train in trains])
    network.generators[source.name], network.parrots[source.name] = generators, parrots
    network.played[source.name] = read
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
