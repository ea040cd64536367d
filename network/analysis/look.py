"""How the network of a run is shown: what its ``presentation.yaml`` says, completed from its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..experiment.presentation import Presentation, completed, load_presentation
from .wiring import connection_matrices


def presentation_of(plan: Mapping[str, Any]) -> Presentation:
    """Presentation of the network of a plan (its plain form), with a place and a colour for each of its populations."""
    found = load_presentation(plan.get("meta", {}).get("model"))
    names = found.sorted([*(str(p["name"]) for p in plan["populations"]), *plan.get("groups", {})])
    unknown = [name for name in names if name not in found.looks or found.looks[name].colour is None]
    return completed(found, names, signs(plan) if unknown else {})


def signs(plan: Mapping[str, Any]) -> dict[str, int]:
    """+1 for populations and groups whose cells excite, -1 for those that inhibit, 0 for both or without targets."""
    if not plan.get("projections"):
        return {}
    _, inhibitory, excitatory = connection_matrices(plan)
    found = {
        str(name): int(excitatory[name].notna().any()) - int(inhibitory[name].notna().any()) for name in inhibitory
    }
    for group, members in plan.get("groups", {}).items():
        kinds = {found.get(member, 0) for member in members}
        found[str(group)] = kinds.pop() if len(kinds) == 1 else 0
    return found
