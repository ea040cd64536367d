"""Whether NEST can take a plan: what of its limits is known only when sizes and processes are."""

from __future__ import annotations

from collections.abc import Iterator

from ..experiment.cell_code import FAST
from ..experiment.nest_limits import (
    MAX_CELLS,
    MAX_DRAWN_PER_STEP,
    MAX_RANKS,
    MAX_SLICE_STEPS,
    MAX_SYNAPSES_PER_VP,
    MAX_THREADS,
    Problem,
)
from .plan import Plan

MAX_ROW_DELAY = 65_535
"""Steps; two bytes (``codegen/runtime/row_drawing.h``)."""


def plan_problems(plan: Plan) -> Iterator[Problem]:
    """Whatever of a plan NEST cannot take, as (key path, message)."""
    for key, value, most in (("threads", plan.threads, MAX_THREADS), ("ranks", plan.ranks, MAX_RANKS)):
        if value > most:
            yield (key,), f"NEST takes at most {most}, not {value}"
    if (steps := round(plan.min_delay / plan.resolution)) > MAX_SLICE_STEPS:
        yield (
            ("simulation", "resolution"),
            f"the shortest delay of the network, {plan.min_delay:g} ms, is {steps:,} steps; NEST exchanges spikes "
            f"after {MAX_SLICE_STEPS:,} steps at the latest; take longer ones, or shorten one delay",
        )
    for population in plan.populations:
        rows = any(plan.kept_by(p) == "compact" for p in plan.projections if population.name in (p.source, p.target))
        if population.n_neurons > (most := MAX_CELLS["compact" if rows else "nest"]):
            yield (
                ("populations", population.name),
                f"{population.n_neurons:,} cells; at most {most:,} can be told apart",
            )
    for projection in plan.projections:
        kept = plan.kept_by(projection)
        most = MAX_SYNAPSES_PER_VP[kept]
        if projection.n_synapses > most * plan.n_virtual_processes:
            how = "NEST" if kept == "nest" else "compact wiring"
            yield (
                ("projections", projection.name),
                f"{projection.n_synapses:,} synapses are too many for {how} on "
                f"{plan.n_virtual_processes} thread(s); take {-(-projection.n_synapses // most)}",
            )
    yield from _graded(plan)
    yield from _long_delays(plan)
    yield from _axons(plan)
    for source in plan.inputs:
        if plan.drive == "device" or source.device:
            continue
        largest = 1.0 if source.waveform is None else max(source.waveform.values)
        mean = source.rate * largest * 1e-3 * plan.resolution
        if mean > MAX_DRAWN_PER_STEP:
            yield (
                ("inputs", source.name, "rate"),
                f"{source.rate * largest:g} spikes/s are {mean:g} spikes in a step of "
                f"{plan.resolution:g} ms, cells draw at most {MAX_DRAWN_PER_STEP:g}; take a shorter "
                "simulation.resolution or simulation.drive=device",
            )


def fullest(plan: Plan) -> tuple[str, float, int] | None:
    """Projection that is nearest to what one virtual process can keep of it.

    Returns
    -------
    name : str
    synapses : float
        Of one virtual process.
    most : int
        Limit of NEST, or of compact wiring.
    """
    found = [
        (p.name, p.n_synapses / plan.n_virtual_processes, MAX_SYNAPSES_PER_VP[plan.kept_by(p)])
        for p in plan.projections
    ]
    return max(found, key=lambda one: one[1] / one[2], default=None)


def _graded(plan: Plan) -> Iterator[Problem]:
    """Graded synapses are rows of the fast cells' module, at both ends."""
    for projection in plan.graded_projections:
        where = ("projections", projection.name)
        for name in dict.fromkeys((projection.source, projection.target)):
            if (target := plan.target_of(name)) != FAST:
                model = plan.population(name).model
                why = f" ({plan.reasons[model]})" if model in plan.reasons else ""
                what = (
                    f"graded synapses need cells of target {FAST!r} at both ends, and {name} ({model}) has {target!r}"
                )
                yield (*where, "synapse"), f"{what}{why}"
                break
        else:
            if plan.wiring != "compact":
                yield (*where, "synapse"), "NEST has no graded synapses; take simulation.wiring: compact"


def _axons(plan: Plan) -> Iterator[Problem]:
    """Spikes that pulses make in axons go along the rows of the fast cells' module."""
    for pulses in plan.pulses:
        if pulses.axons is None:
            continue
        where = ("stimulations", pulses.name, "axons")
        leaving = [p for p in plan.projections if p.source == pulses.target and p.synapse.gate is None]
        if not leaving:
            yield where, f"no projection with spikes leaves {pulses.target}"
        by_nest = [p for p in leaving if plan.kept_by(p) == "nest"]
        for p in by_nest[:1]:
            why = f"cells of target {plan.target_of(p.target)!r}" if plan.wiring == "compact" else "wiring 'nest'"
            why = why if p.synapse.in_rows else f"synapses of kind {p.synapse.name}"
            names = ", ".join(one.name for one in by_nest)
            yield (
                where,
                f"spikes of axons need projections that compact wiring keeps; NEST keeps {names} ({p.name}: {why}); "
                "leave out 'axons', or take simulation.wiring: compact and cells of target 'vectorised'",
            )


def _long_delays(plan: Plan) -> Iterator[Problem]:
    """Delays that differ are kept in one or two bytes, whichever the longest of the network needs."""
    if round(plan.max_delay / plan.resolution) <= MAX_ROW_DELAY:
        return
    for projection in plan.projections:
        differ = (
            not isinstance(projection.delay, int | float) or projection.rule.longest_lag(plan.ends(projection)) > 0.0
        )
        if differ and projection.n_synapses and plan.kept_by(projection) == "compact":
            yield (
                ("projections", projection.name, "delay"),
                f"differs from synapse to synapse, and delays go up to {plan.max_delay:g} ms; in steps of "
                f"{plan.resolution:g} ms compact wiring keeps {MAX_ROW_DELAY:,} steps; take simulation.wiring: nest",
            )
