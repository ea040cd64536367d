"""Why the spikes of a plan depend on the number of virtual processes (`Plan.depends_on_split`), for people."""

from __future__ import annotations

from collections.abc import Iterable

from ..experiment.cell_code import FAST
from .parts import ProjectionPlan
from .plan import Plan

SHOWN = 4
"""Names that are listed; of more their number is said."""


def split_reasons(plan: Plan) -> list[str]:
    """What of a plan NEST draws or adds up by virtual process; empty if the spikes are the same for any number."""
    reasons = []
    generators = [i.name for i in plan.inputs if i.device or plan.drive != "internal"]
    if generators and plan.drive != "internal":
        reasons.append(f"NEST's generators make the Poisson input of {_listed(generators)} (drive device)")
    elif generators:
        reasons.append(f"NEST's generators make the Poisson input of {_listed(generators)}, which cells cannot draw")
    if plan.spike_inputs:
        names = _listed(given.name for given in plan.spike_inputs)
        reasons.append(f"NEST's generators play the spikes from files of {names}")
    kept: dict[str, list[str]] = {}
    for projection in plan.projections:
        if plan.kept_by(projection) == "nest":
            kept.setdefault(_why_nest(plan, projection), []).append(projection.name)
    reasons += [f"NEST wires {_listed(names)} ({why})" for why, names in kept.items()]
    if plan.depends_on_split and not reasons:
        reasons.append(f"cells of the target {plan.target} do not draw their input themselves")
    return reasons


def _why_nest(plan: Plan, projection: ProjectionPlan) -> str:
    if (target := plan.target_of(projection.target)) != FAST:
        return f"onto cells of the target {target}"
    if not projection.synapse.in_rows:
        return f"synapses of kind {projection.synapse.name}"
    return "simulation.wiring: nest"


def _listed(names: Iterable[str]) -> str:
    several = list(names)
    shown = ", ".join(several[:SHOWN])
    return shown if len(several) <= SHOWN else f"{shown} and {len(several) - SHOWN} more"
