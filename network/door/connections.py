"""Synapses of a projection as a table that knows its units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.nest.connectivity import Synapses
from ..plans.parts import ProjectionPlan
from ..plans.plan import Plan

if TYPE_CHECKING:
    import pandas as pd


def about(plan: Plan, projection: ProjectionPlan) -> dict[str, Any]:
    """What the numbers of a projection are about."""
    source, target = plan.population(projection.source), plan.population(projection.target)
    return {
        "projection": projection.name,
        "source": source.name,
        "target": target.name,
        "n_source": source.n_neurons,
        "n_target": target.n_neurons,
        "receptor": projection.receptor,
        "synapse": projection.synapse.name,
        "units": {"weight": target.unit(projection.receptor), "delay": "ms"},
    }


def connections_table(plan: Plan, projection: ProjectionPlan, found: Synapses) -> pd.DataFrame:
    """A row per synapse, see `network.door.runs.Run.connections`."""
    import pandas as pd

    columns = {name: getattr(found, name) for name in ("source", "target", "weight", "delay")}
    frame = pd.DataFrame(columns, copy=False)
    frame.attrs.update(about(plan, projection))
    return frame
