"""Spikes that pulses of a stimulation make in axons.

Each axon is a parrot neuron that fires with the pulses. It has a carrier (``codegen/runtime/row_carrier.h``) for each
of its cell, with the same number: both hand their spikes to the same rows, so that an axonal spike meets the synapses,
and their short-term plasticity, as a spike of the cell does. Weights in rows add up exactly, so threads do not matter
for these; but where synapses are plastic the order does in which spikes of cell and axon come within a slice. So each
axon is put on the thread of its cell, where its spikes come after those of the cell.
"""

from __future__ import annotations

import numpy as np

from ...experiment.streams import stream
from ...plans.parts import PulsesPlan
from . import kernel
from .network import Network


def connect_axons(network: Network, pulses: PulsesPlan) -> None:
    """One parrot neuron per cell, which fires with its share of the pulses; the first slice is too early for any."""
    if not pulses.axons or not pulses.onsets:
        return
    nest, plan = kernel.import_nest(), network.plan
    cells = network.populations[pulses.target]
    first, n_cells = cells[0].global_id, len(cells)
    if unused := (first - nest.network_size - 1) % kernel.virtual_processes():
        nest.Create("parrot_neuron", unused)
    axons = nest.Create("parrot_neuron", n_cells)
    times = np.round(np.array(pulses.onsets) - plan.min_delay, 9)  # a generator's spike takes the shortest delay
    kept = times > 0.5 * plan.resolution
    # drawn for all pulses, so that those of one do not depend on which are too early
    excited = stream(plan.seed, pulses.name, "axons").random((n_cells, len(times))) < pulses.axons
    generators = nest.Create("spike_generator", n_cells, {"allow_offgrid_times": True})
    generators.set([{"spike_times": times[row & kept]} for row in excited])
    network.generators[pulses.name], network.parrots[pulses.name] = generators, axons
    nest.Connect(generators, axons, "one_to_one", {"weight": 1.0, "delay": plan.min_delay})
    for carrier in {part.carrier for part in network.module.parts if part.carrier is not None}:
        _share_rows(network, carrier, cells, axons[0].global_id - first)


def _share_rows(network: Network, carrier: str, cells: object, shift: int) -> None:
    """Connect axons to all rows of this rank that their cells are connected to."""
    nest = kernel.import_nest()
    found = nest.GetConnections(source=cells, synapse_model=carrier)
    if not len(found):
        return
    data = found.get(["source", "target", "weight"])
    source, target, row = (np.atleast_1d(np.asarray(data[key])) for key in ("source", "target", "weight"))
    delay = np.full(len(row), network.plan.min_delay)
    synapse = {"synapse_model": carrier, "weight": row.astype(np.float64), "delay": delay}
    nest.Connect(source.astype(np.int64) + shift, target.astype(np.int64), "one_to_one", synapse)
