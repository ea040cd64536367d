"""Read back what stands outside of the cells: generators of input, currents, spike trains of files, axons.

Each is compared with what a cell shall get, not with how the builder has made it: a time in a generator plus the delays
behind it is the time at which the cell is reached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...experiment.courses import Waveform
from ...experiment.spike_files import Trains
from ...experiment.streams import stream
from ...plans.cells import weight_factors
from ...plans.parts import CurrentPlan, InputPlan, PulsesPlan, SpikeInputPlan
from . import kernel
from .network import Network

STATIC = "static_synapse"
"""NEST's model of the connections of all generators."""
N_TIMES = 50
"""Times at which the rate of a generator is compared, and trains of a file that are."""


def device_problems(network: Network, n_cells: int | None) -> Iterator[str]:
    """Everything that differs in generators and their connections, on this rank."""
    plan = network.plan
    for source in plan.inputs:
        if plan.drive != "internal" or source.device:
            yield from _poisson(network, source, n_cells)
    for number, current in enumerate(plan.currents):
        yield from _current(network, current, number, n_cells)
    for trains in plan.spike_inputs:
        yield from _trains(network, trains, n_cells)
    for pulses in plan.pulses:
        if pulses.axons and pulses.onsets:
            yield from _axons(network, pulses, n_cells)


# --- connections of generators ----------------------------------------------------------------------------------------


def _reached(network: Network, target: str, cells: Any, n_cells: int | None) -> NDArray[np.int64]:
    """Ids in NEST of the first cells of this rank that an input shall reach, by its choice of cells."""
    nodes = network.populations[target]
    ids = int(nodes[0].global_id) + np.arange(len(nodes))
    if cells is not None:
        ids = ids[slice(*astuple(cells))]
    return ids[kernel.is_local(ids)][:n_cells]


def _links(source: Any, ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Connections of a device, or of parrots, onto some cells: source, target, weight, delay, receptor."""
    nest, keys = kernel.import_nest(), ("source", "target", "weight", "delay", "receptor")
    found = nest.GetConnections(source=source, target=nest.NodeCollection(ids.tolist()), synapse_model=STATIC)
    if not len(found):
        return {key: np.empty(0) for key in keys}
    data = found.get(list(keys))
    return {key: np.atleast_1d(np.asarray(data[key])) for key in keys}


def _linked(
    network: Network,
    what: str,
    target: str,
    links: dict[str, NDArray[Any]],
    ids: NDArray[np.int64],
    weights: dict[int, NDArray[np.float64] | float],
    *,
    each: NDArray[np.int64] | int = 1,
    delay: float | None = None,
) -> Iterator[str]:
    """Every cell has as many connections as planned on each port, with the weight of the cell and the delay."""
    first = int(network.populations[target][0].global_id)
    wrong = np.flatnonzero(~np.isin(links["receptor"], list(weights)))
    if wrong.size:
        yield f"{what}: not on receptor {', '.join(map(str, weights))}, but {links['receptor'][wrong[0]]:g}"
    for port, planned in weights.items():
        own = links["receptor"] == port
        places = np.searchsorted(ids, links["target"][own])
        numbers = np.bincount(places, minlength=len(ids))
        if (bad := np.flatnonzero(numbers != each)).size:
            expected = np.broadcast_to(each, len(ids))[bad[0]]
            cell = ids[bad[0]] - first
            yield f"{what}: {numbers[bad[0]]} connections onto cell {cell} on receptor {port}, {expected} planned"
        of_each = np.broadcast_to(np.asarray(planned, dtype=float), len(ids))[places]
        if (bad := np.flatnonzero(~np.isclose(links["weight"][own], of_each, rtol=1e-9, atol=1e-15))).size:
            held = links["weight"][own][bad[0]]
            yield f"{what}: weight {held:.10g} onto cell {ids[places[bad[0]]] - first}, {of_each[bad[0]]:.10g} planned"
    late = np.flatnonzero(~np.isclose(links["delay"], delay)) if delay is not None else np.empty(0, dtype=int)
    if late.size:
        yield f"{what}: delay {links['delay'][late[0]]:g} ms, {delay:g} planned"


# --- Poisson input ----------------------------------------------------------------------------------------------------


def _poisson(network: Network, source: InputPlan, n_cells: int | None) -> Iterator[str]:
    what = f"input {source.name}"
    if (generator := network.generators.get(source.name)) is None:
        yield f"{what}: no generator, one planned"
        return
    if source.waveform is None:
        if not np.isclose(generator.rate, source.rate, rtol=1e-9):
            yield f"{what}: rate {generator.rate:g}, {source.rate:g} planned"
    else:
        yield from _course(network, source, source.waveform, generator)
    ids = _reached(network, source.target, source.cells, n_cells)
    if not ids.size:
        return
    factors: NDArray[np.float64] | float = 1.0
    if source.weight_spread:
        n = len(network.populations[source.target])
        factors = weight_factors(source, n, network.plan.seed)[ids - network.populations[source.target][0].global_id]
    weights = {network.port_number(source.target, name): w * factors for name, w in source.weights.items()}
    plan, links = network.plan, _links(generator, ids)
    if len(source.weights) == 1:  # receptors that are one port have several connections
        yield from _linked(network, what, source.target, links, ids, weights, delay=source.delay)
        return
    parrots = network.parrots.get(source.name)
    if parrots is None:
        yield f"{what}: no parrots, one for each cell planned"
        return
    to_cells = _links(parrots, ids)
    if len(weights) == len(source.weights):
        yield from _linked(
            network, what, source.target, to_cells, ids, weights, delay=round(source.delay - plan.min_delay, 9)
        )
    of_cell: dict[int, set[int]] = defaultdict(set)
    for parrot, cell in zip(to_cells["source"].tolist(), to_cells["target"].tolist(), strict=True):
        of_cell[int(cell)].add(int(parrot))
    used = [next(iter(own)) for own in of_cell.values()]
    if any(len(own) != 1 for own in of_cell.values()) or len(set(used)) != len(used):
        yield f"{what}: a cell hears several trains, or two cells one, one for each planned"


def _course(network: Network, source: InputPlan, waveform: Waveform, generator: Any) -> Iterator[str]:
    """The rate of a step is the mean of the course over it; NEST holds a rate from the step that ends at its time."""
    plan = network.plan
    resolution, stop = plan.resolution, plan.t_presim + plan.t_sim
    times, rates = (np.atleast_1d(getattr(generator, name)) for name in ("rate_times", "rate_values"))
    knots = [time for time in waveform.times if time < stop]
    steps = {round(time / resolution) for time in [*np.linspace(0.0, stop - resolution, N_TIMES), *knots[:N_TIMES]]}
    for step in sorted(step for step in steps if 0 <= step < round(stop / resolution)):
        start, end = step * resolution, (step + 1) * resolution
        place = np.searchsorted(times, end + 1e-6) - 1
        held = rates[place] if place >= 0 else 0.0
        planned = source.rate * waveform.mean(start, end)
        if not np.isclose(held, planned, rtol=1e-6, atol=1e-6 * max(source.rate, 1.0)):
            yield f"input {source.name}: rate {held:g} at {start:g} ms, {planned:g} planned"
            return


# --- currents ---------------------------------------------------------------------------------------------------------


def _current(network: Network, current: CurrentPlan, number: int, n_cells: int | None) -> Iterator[str]:
    """What is sent arrives a delay later; what would have to be sent before the first step comes with that."""
    what, plan = f"current into {current.target}", network.plan
    if (generator := network.generators.get(f"current {number}")) is None:
        yield f"{what}: no generator, one planned"
        return
    times, values = (np.atleast_1d(getattr(generator, name)) for name in ("amplitude_times", "amplitude_values"))
    arrival = np.maximum(np.asarray(current.times), plan.min_delay + plan.resolution)
    for when in np.unique(np.round(arrival, 9)):
        planned = current.amplitudes[int(np.searchsorted(np.round(arrival, 9), when, side="right")) - 1]
        place = int(np.searchsorted(times + plan.min_delay, when + 0.5 * plan.resolution)) - 1
        held = float(values[place]) if place >= 0 else 0.0
        if not np.isclose(held, planned, rtol=1e-9, atol=1e-12):
            yield f"{what}: amplitude {held:g} at {when:g} ms, {planned:g} planned"
            break
    if len(times) > len(current.times):
        yield f"{what}: {len(times)} steps, {len(current.times)} planned"
    ids = _reached(network, current.target, current.cells, n_cells)
    if ids.size:
        port = network.model(current.target).continuous_ports[current.port]
        links = _links(generator, ids)
        yield from _linked(network, what, current.target, links, ids, {port: 1.0}, delay=plan.min_delay)


# --- spike trains -----------------------------------------------------------------------------------------------------


def _trains(network: Network, source: SpikeInputPlan, n_cells: int | None) -> Iterator[str]:
    """Number of trains, their times at the cells, and who hears which."""
    what, plan, played = f"spike input {source.name}", network.plan, network.played.get(source.name)
    if played is None:
        yield f"{what}: no generators, one for each train planned"
        return
    generators, parrots, read = network.generators[source.name], network.parrots[source.name], played
    if len(generators) != read.n_trains or len(parrots) != read.n_trains:
        yield f"{what}: {len(generators)} trains, {read.n_trains} planned"
        return
    behind = max(plan.min_delay, source.delay - plan.min_delay)
    yield from _times(network, source, read, generators, plan.min_delay + behind)
    ids = _reached(network, source.target, None, n_cells)
    first = int(network.populations[source.target][0].global_id)
    if source.in_degree is None:
        ids = ids[ids - first < read.n_trains]
    if not ids.size:
        return
    weights: dict[int, NDArray[np.float64] | float] = {}
    for receptor, weight in source.weights.items():
        weights[network.port_number(source.target, receptor)] = weight
    if len(weights) < len(source.weights):
        return  # two receptors are one port: their connections cannot be told apart
    links, each = _links(parrots, ids), source.in_degree or 1
    yield from _linked(network, what, source.target, links, ids, weights, each=each, delay=behind)
    if source.in_degree is None:
        wrong = np.flatnonzero(links["source"] - parrots[0].global_id != links["target"] - first)
        if wrong.size:
            cell, train = links["target"][wrong[0]] - first, links["source"][wrong[0]] - parrots[0].global_id
            yield f"{what}: cell {cell} hears train {train}, {cell} planned"
        return
    ports = list(weights)
    heard = [np.sort(_pairs(links, port)) for port in ports]
    if any(len(one) != len(heard[0]) or (one != heard[0]).any() for one in heard[1:]):
        yield f"{what}: receptors of a cell hear different trains, the same planned"


def _pairs(links: dict[str, NDArray[Any]], port: int) -> NDArray[np.int64]:
    """Source and target of the connections of a port in one number each."""
    own = links["receptor"] == port
    pairs: NDArray[np.int64] = links["target"][own].astype(np.int64) * 2**32 + links["source"][own].astype(np.int64)
    return pairs


def _times(network: Network, source: SpikeInputPlan, read: Trains, generators: Any, behind: float) -> Iterator[str]:
    """Spikes of some trains, a step sooner or later where a time lies between two, as they arrive."""
    plan, what = network.plan, f"spike input {source.name}"
    stop = plan.t_presim + plan.t_sim
    for train in np.unique(np.linspace(0, read.n_trains - 1, min(N_TIMES, read.n_trains)).astype(int)):
        held = np.atleast_1d(generators[int(train)].spike_times) + behind
        planned = np.sort(read.times[read.node_ids == train]) + source.shift + source.delay
        surely = (planned - behind > plan.resolution) & (planned - behind < stop - plan.resolution)
        inside = held[(held - behind > 0.5 * plan.resolution) & (held - behind < stop + 0.5 * plan.resolution)]
        low, high = (
            int(surely.sum()),
            int(((planned - behind > 0.0) & (planned - behind < stop + plan.resolution)).sum()),
        )
        if len(inside) != len(held) or not low <= len(held) <= high:
            yield f"{what}: {len(held)} spikes in train {train}, {low} planned"
            return
        far = [time for time in planned[surely] if np.abs(held - time).min(initial=np.inf) > 0.51 * plan.resolution]
        if far:
            yield f"{what}: no spike of train {train} arrives at {far[0]:g} ms, one planned"
            return


# --- axons ------------------------------------------------------------------------------------------------------------


def _axons(network: Network, pulses: PulsesPlan, n_cells: int | None) -> Iterator[str]:
    """Each axon fires with its share of the pulses, and hands on what its cell does."""
    probability = pulses.axons or 0.0
    what, plan = f"axons of {pulses.target} ({pulses.name})", network.plan
    cells, generators = network.populations[pulses.target], network.generators.get(pulses.name)
    axons = network.parrots.get(pulses.name)
    if generators is None or axons is None or len(axons) != len(cells) or len(generators) != len(cells):
        there = 0 if axons is None else len(axons)
        yield f"{what}: {there}, {len(cells)} planned"
        return
    onsets = np.asarray(pulses.onsets)
    first = int(cells[0].global_id)
    excited = stream(plan.seed, pulses.name, "axons").random((len(cells), len(onsets))) < probability
    possible = np.round(onsets - plan.min_delay, 9) > 0.5 * plan.resolution
    ids = _reached(network, pulses.target, None, n_cells)
    for number in ids - first:
        generator = generators[int(number)]
        if not generator.local:
            continue
        held = np.atleast_1d(generator.spike_times) + plan.min_delay
        planned = onsets[excited[number] & possible]
        if len(held) != len(planned) or not np.allclose(held, planned, atol=0.51 * plan.resolution):
            yield f"{what}: axon of cell {number} fires at {_some(held)} ms, {_some(planned)} planned"
            return
    yield from _rows_of_axons(network, what, cells, axons, n_cells)


def _some(times: NDArray[np.float64]) -> str:
    return f"[{', '.join(f'{time:g}' for time in times[:3])}{', …' if len(times) > 3 else ''}] ({len(times)})"


def _rows_of_axons(network: Network, what: str, cells: Any, axons: Any, n_cells: int | None) -> Iterator[str]:
    """What a cell is connected to its axon is, too: the rows of this rank."""
    nest = kernel.import_nest()
    n = len(cells) if n_cells is None else min(len(cells), n_cells)
    for carrier in {part.carrier for part in network.module.parts if part.carrier is not None}:
        both = []
        for nodes in (cells[:n], axons[:n]):
            found = nest.GetConnections(source=nodes, synapse_model=carrier)
            data = found.get(["source", "target", "weight"]) if len(found) else {}
            columns = [np.atleast_1d(np.asarray(data.get(key, []))) for key in ("source", "target", "weight")]
            columns[0] = columns[0] - nodes[0].global_id
            both.append(sorted(zip(*(column.tolist() for column in columns), strict=True)))
        if both[0] != both[1]:
            yield f"{what}: connected to {len(both[1])} rows, their cells to {len(both[0])} others or more, all planned"
