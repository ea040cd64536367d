"""Numbers of the cost model from measured runs: least squares without negative costs, phase by phase.

Runs with more virtual processes (VPs) than cores count, too: what a phase costs in processor time tells how much of
the work grows with the number of VPs, which two cores would not show otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ..experiment.synapses import Static
from ..plans.cost import NARROW_CELLS, CostModel, Work, memory_per_rank, work
from ..plans.plan import Plan
from .measure import Measurement

Run = tuple[Measurement, Plan]


def counted(run: Run, model: CostModel) -> Work:
    """Work of a run with the number of spikes that it really had."""
    m, plan = run
    w = work(plan, model)
    share = m.n_spikes / (w.spikes * m.t_sim / (m.t_sim + m.t_presim))
    return replace(
        w,
        events_per_vp={kind: share * n for kind, n in w.events_per_vp.items()},
        segments_per_vp=share * w.segments_per_vp,
        spikes_received=share * w.spikes_received,
        spikes=share * w.spikes,
    )


def solve(rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> NDArray[np.float64]:
    """Costs of the columns, none below 0, with the smallest sum of squared relative errors."""
    measured = np.asarray(seconds, dtype=float)
    matrix = np.asarray(rows, dtype=float) / measured[:, None]
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-300)
    found, _ = nnls(matrix / scale, np.ones(len(measured)))
    return np.asarray(found / scale)


def fit(runs: Sequence[Run], model: CostModel, cores: int) -> dict[str, float]:
    """Costs that describe the runs best, by their names in ``params/cost_model.yaml``.

    Parameters
    ----------
    runs : sequence of (Measurement, Plan)
        Of one machine. At least one on a single core, and several numbers of neurons, ranks and threads.
    model : CostModel
        For firing rates, and the costs of cells other than ``default``, which one network cannot tell apart.
    cores : int
        Of the machine.
    """
    found: dict[str, float] = {}
    busy = [(m, p) for m, p in runs if m.ranks * m.threads >= cores]
    works = [counted(run, model) for run in busy]
    vps = [m.ranks * m.threads for m, _ in busy]

    def put(names: Sequence[str], rows: Sequence[Sequence[float]], seconds: Sequence[float]) -> None:
        found.update(zip(names, map(float, solve(rows, seconds)), strict=True))

    put(
        ["create_per_neuron", "create_per_neuron_everywhere"],
        [[w.neurons_per_rank, m.n_neurons] for w, (m, _) in zip(works, busy, strict=True) if m.ranks <= cores],
        [m.seconds["create"] for m, _ in busy if m.ranks <= cores],
    )
    columns, largest = _by_size(busy)
    synapses = [
        [sum(w.synapses_per_vp.values()) * vp * own for own in column]
        for w, vp, column in zip(works, vps, columns, strict=True)
    ]
    (kept_by,) = {kept_by for w in works for kept_by in w.synapses_per_vp}  # all rows, or all connections of NEST
    *connect, target = solve(
        [[*row, w.targets * vp] for row, w, vp in zip(synapses, works, vps, strict=True)],
        [m.seconds["connect"] * cores for m, _ in busy],
    )
    prepare = solve(synapses, [m.seconds["prepare"] * cores for m, _ in busy])
    found.update({f"connect_per_synapse.{kept_by}": float(connect[largest]), "connect_per_target": float(target)})
    found[f"prepare_per_synapse.{kept_by}"] = float(prepare[largest])
    found.update(_update(busy, works, model))
    found.update(_delivery(busy, works, model))
    found.update(_sharing_and_slices(runs, model, cores))
    found.update(_memory(runs, model))
    return found


def _by_size(runs: Sequence[Run]) -> tuple[list[list[float]], int]:
    """Columns that tell runs of different size and length apart, and which of them is the largest network."""
    sizes = sorted({(m.n_neurons, m.t_presim + m.t_sim) for m, _ in runs})
    return [[float((m.n_neurons, m.t_presim + m.t_sim) == size) for size in sizes] for m, _ in runs], len(sizes) - 1


def _update(runs: Sequence[Run], works: Sequence[Work], model: CostModel) -> dict[str, float]:
    """Cost of a cell in a step, of the largest network: smaller ones fit into the cache and are quicker."""
    table = model.update_per_neuron_step["vectorised"]
    others = {name: cost.value for name, cost in table.items() if name != "default"}
    columns, largest = _by_size(runs)
    rows, rest = [], []
    for (m, plan), w, column in zip(runs, works, columns, strict=True):
        vps = plan.n_virtual_processes
        known = vps * sum(n * others[name] for name, n in w.steps_per_vp.items() if name in others)
        steps = vps * sum(n for name, n in w.steps_per_vp.items() if name not in others)
        rows.append([steps * own for own in column])
        rest.append(m.nest_timers["update_cpu"] - known)
    return {"update_per_neuron_step.vectorised.default": float(solve(rows, rest)[largest])}


def _delivery(runs: Sequence[Run], works: Sequence[Work], model: CostModel) -> dict[str, float]:
    """Cost of an event, of the largest network, and of a segment, which is what grows with the number of VPs.

    In one network the kinds of synapses have the same shares at any size: the ratio of their costs is taken as known.
    """
    occurring = {kind for w in works for kind in w.events_per_vp}
    kinds = {kind: cost.value for kind, cost in model.delivery_per_event.items() if kind in occurring}
    columns, largest = _by_size(runs)
    rows = []
    for (_, plan), w, column in zip(runs, works, columns, strict=True):
        vps = plan.n_virtual_processes
        events = vps * sum(n * kinds[kind] for kind, n in w.events_per_vp.items())
        rows.append([*(events * own for own in column), vps * w.segments_per_vp])
    *scales, segment = map(float, solve(rows, [m.nest_timers["deliver_spike_data_cpu"] for m, _ in runs]))
    events_cost = {f"delivery_per_event.{kind}": scales[largest] * cost for kind, cost in kinds.items()}
    return {**events_cost, "delivery_per_segment": segment}


def _sharing_and_slices(runs: Sequence[Run], model: CostModel, cores: int) -> dict[str, float]:
    """How much a busy neighbour slows a core, and what every slice costs besides update and delivery."""
    updates: dict[tuple[int, float, int], list[float]] = {}
    for m, _ in runs:
        updates.setdefault((m.n_neurons, m.t_presim + m.t_sim, m.ranks * m.threads), []).append(
            m.nest_timers["update_cpu"]
        )
    slowed = [
        float(np.mean(updates[size, length, cores]) / np.mean(alone))
        for (size, length, vps), alone in updates.items()
        if vps == 1 and (size, length, cores) in updates
    ]
    found = {"core_sharing": max(slowed)} if slowed else {}
    rows, seconds = [], []
    small = 2 * min(m.n_neurons for m, _ in runs)  # in larger networks threads wait for the slowest for longer
    for m, plan in runs:
        if m.ranks * m.threads <= cores and m.n_neurons <= small:
            w = work(plan, model)
            known = m.nest_timers["update"] + m.nest_timers["deliver_spike_data"]
            rest = (m.seconds["presimulate"] + m.seconds["simulate"] - known) / w.slices
            rows.append([1.0, w.doublings])
            seconds.append(max(rest, 1e-7))
    found.update(zip(["slice_fixed", "slice_per_doubling"], map(float, solve(rows, seconds)), strict=True))
    return found


def _memory(runs: Sequence[Run], model: CostModel) -> dict[str, float]:
    """Bytes per process, thread and cell that has targets, and of a static synapse with its share of everything else.

    Cells, plastic synapses and recorders are taken as known: they grow with the network as static synapses do.
    """
    names = ["memory_per_process", "memory_per_thread", "memory_per_source", "memory_per_source_and_thread"]
    kinds, (static_kind,) = model.memory_per_synapse, {_static(plan) for _, plan in runs}
    nothing = {name: getattr(model, name).model_copy(update={"value": 0.0}) for name in names}
    nothing["memory_per_synapse"] = {**kinds, static_kind: kinds[static_kind].model_copy(update={"value": 0.0})}
    known = model.model_copy(update=nothing)
    rows, rest = [], []
    for m, plan in runs:
        if plan.n_neurons / plan.n_virtual_processes < NARROW_CELLS:
            static = sum(p.n_synapses for p in plan.projections if p.synapse.name == "static")
            rows.append([1.0, m.threads, m.n_neurons, m.n_neurons * m.threads, static / m.ranks])
            rest.append(m.peak - memory_per_rank(plan, known))
    return dict(zip([*names, f"memory_per_synapse.{static_kind}"], map(float, solve(rows, rest)), strict=True))


def _static(plan: Plan) -> str:
    """Entry of the cost model for the static synapses of a plan."""
    return Static().cost_key(plan.target, plan.wiring)
