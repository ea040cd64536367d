"""Read back what drives the cells and who records them; see `network.engine.nest.audit`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from ...plans.cells import weight_factors
from ...plans.parts import InputPlan
from ..base import SpikeSource, StateSource
from . import kernel
from .audit_devices import device_problems
from .network import Network


def input_problems(network: Network, n_cells: int | None) -> Iterator[str]:
    """Everything that differs in the input of the cells of this rank."""
    plan, driven = network.plan, set()
    for source in plan.inputs:
        if plan.drive == "internal" and not source.device:
            driven.add(source.target)
            yield from _drawn(network, source, n_cells)
    yield from _silent(network, driven)
    yield from device_problems(network, n_cells)


def _drawn(network: Network, source: InputPlan, n_cells: int | None) -> Iterator[str]:
    """Poisson input that cells draw themselves: rate, seed, delay, course, and a weight per port."""
    cells = network.populations[source.target]
    first = cells[0].global_id
    ids = first + np.arange(len(cells))
    if source.cells is not None:
        ids = ids[slice(*astuple(source.cells))]
    ids = ids[kernel.is_local(ids)][:n_cells]
    if not ids.size:
        return
    nest, target = kernel.import_nest(), network.plan.population(source.target)
    factors = np.ones(len(cells))
    if source.weight_spread:
        factors = weight_factors(source, len(cells), network.plan.seed)
    weights: Counter[str] = Counter()
    for receptor, weight in source.weights.items():
        weights[f"drive_weight_{target.port(receptor)}"] += weight  # type: ignore[assignment]
    course = source.waveform
    expected: dict[str, Any] = {
        "drive_rate": source.rate,
        "drive_seed": network.plan.seed,
        "drive_times": [] if course is None else list(course.times),
        "drive_values": [] if course is None else list(course.values),
        "drive_period": 0.0 if course is None else course.period or 0.0,
    }
    held = nest.NodeCollection(ids.tolist()).get()
    one = len(ids) == 1
    for name, value in expected.items():
        for cell, found in zip(ids - first, [held[name]] if one else held[name], strict=True):
            if np.shape(found) != np.shape(value) or not np.allclose(found, value, rtol=1e-9, atol=1e-12):
                yield f"input {source.name}: {name} {found} in cell {cell}, {value} planned"
                break
    for name, weight in weights.items():
        for cell, found in zip(ids - first, [held[name]] if one else held[name], strict=True):
            if not np.isclose(abs(found), abs(weight * factors[cell]), rtol=1e-9, atol=1e-15):
                yield f"input {source.name}: {name} {found:g} in cell {cell}, {weight * factors[cell]:g} planned"
                break
    delay = float(np.atleast_1d(held["drive_delay"])[0])
    if abs(delay - source.delay) > network.plan.resolution:
        yield f"input {source.name}: drive_delay {delay:g}, {source.delay:g} planned"


def _silent(network: Network, driven: Iterable[str]) -> Iterator[str]:
    """No cell draws input that is not planned."""
    for name in sorted(network.populations.keys() - set(driven)):
        if (local := kernel.local_nodes(network.populations[name], 5)) is not None:
            status = local[0].get()
            if status.get("drive_rate"):
                yield f"{name}: draws Poisson input of {status['drive_rate']:g} spikes/s, none planned"


def recorder_problems(network: Network, spikes: Sequence[SpikeSource], states: Sequence[StateSource]) -> Iterator[str]:
    """Recorders that are missing, or listen to other cells than planned."""
    nest, plan = kernel.import_nest(), network.plan
    there = tuple(source.population for source in spikes)
    if there != plan.spike_populations:
        yield f"spike recorders: of {', '.join(there)}; {', '.join(plan.spike_populations)} planned"
    for source in spikes:
        device, n_local = getattr(source, "device", None), kernel.count_local(network.populations[source.population])
        if device is not None and kernel.num_processes() == 1:
            n = len(nest.GetConnections(target=device))
            if n != n_local:
                yield f"spike recorder of {source.population}: listens to {n} cells, {n_local} planned"
        ids = getattr(source, "ids", None)
        if ids is not None and len(ids) != len(network.populations[source.population]):
            planned = len(network.populations[source.population])
            yield f"spike recorder of {source.population}: listens to {len(ids)} cells, {planned} planned"
    if len(states) != len(plan.recorders):
        yield f"traces: {len(states)}, {len(plan.recorders)} planned"
        return
    for state, recorder in zip(states, plan.recorders, strict=True):
        what = f"trace {recorder.name or recorder.population}"
        first = network.populations[recorder.population][0].global_id
        numbers = np.sort(np.asarray(recorder.node_ids, dtype=np.int64))
        if not np.array_equal(state.node_ids, numbers[kernel.is_local(numbers + first)]):
            yield f"{what}: other cells than planned"
        device = getattr(state, "device", None)
        if device is not None and tuple(map(str, device.record_from)) != recorder.variables:
            yield f"{what}: of {device.record_from}, {recorder.variables} planned"
        if device is not None and not np.isclose(device.interval, recorder.interval):
            yield f"{what}: every {device.interval:g} ms, not {recorder.interval:g}"
