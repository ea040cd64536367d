"""A plan from its JSON form, as run folders keep it; `Plan.to_dict` is the way there."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..errors import SpecError
from ..experiment.connect import rule_from_dict
from ..experiment.courses import Waveform
from ..experiment.distributions import drawn_from_dict
from ..experiment.positions import shape_from_dict
from ..experiment.synapses import synapse_from_dict
from .parts import (
    Cells,
    CurrentPlan,
    GuardPlan,
    InputPlan,
    MockPlan,
    PopulationPlan,
    ProjectionPlan,
    PulsesPlan,
    ReceptorPlan,
    RecorderPlan,
    Segment,
    SpikeInputPlan,
    WeightsPlan,
)
from .plan import PLAN_FORMAT, Plan


def _projection(given: dict[str, Any]) -> ProjectionPlan:
    """Projection of a plan; those of before the kinds have an in-degree instead of a rule, and plasticity or none."""
    data = {key: value for key, value in given.items() if key not in ("in_degree", "plasticity")}
    data.setdefault("rule", {"rule": "fixed_in_degree", "in_degree": given.get("in_degree")})
    return ProjectionPlan(
        **{
            **data,
            "rule": rule_from_dict(data["rule"]),
            "weight": drawn_from_dict(data["weight"]),
            "delay": drawn_from_dict(data["delay"]),
            "synapse": synapse_from_dict(given.get("synapse", given.get("plasticity"))),
        }
    )


def plan_from_dict(data: dict[str, Any]) -> Plan:
    """Plan from its JSON form.

    Raises
    ------
    SpecError
        If the dictionary was written in another format version or lacks fields.
    """
    if data.get("format") != PLAN_FORMAT:
        raise SpecError([f"plan: format {data.get('format')!r} is not readable, expected {PLAN_FORMAT}"])
    # plans of earlier versions have dopamine alone, and one target for all models
    data = {"modulators": {}, "targets": {}, "reasons": {}, "currents": [], "pulses": [], "weights": [], **data}
    missing = {f.name for f in fields(Plan)} - data.keys()
    if missing:
        raise SpecError([f"plan: missing {name!r}" for name in sorted(missing)])
    rest = {key: value for key, value in data.items() if key != "format"}
    rest["populations"] = tuple(
        PopulationPlan(
            **{
                **p,
                "heterogeneity": {key: drawn_from_dict(c) for key, c in p["heterogeneity"].items()},
                "initial": {key: drawn_from_dict(v) for key, v in p["initial"].items()},
                "positions": shape_from_dict(p.get("positions")),
                "receptors": {key: ReceptorPlan(**r) for key, r in p.get("receptors", {}).items()},
            }
        )
        for p in data["populations"]
    )
    rest["projections"] = tuple(_projection(p) for p in data["projections"])
    rest["inputs"] = tuple(
        InputPlan(
            **{
                **i,
                "waveform": None if i["waveform"] is None else _waveform(i["waveform"]),
                "cells": _cells(i["cells"]),
            }
        )
        for i in data["inputs"]
    )
    rest["segments"] = tuple(_segment(segment) for segment in data["segments"])
    rest["spike_inputs"] = tuple(SpikeInputPlan(**i) for i in data["spike_inputs"])
    rest["currents"] = tuple(
        CurrentPlan(c["target"], c["port"], tuple(c["times"]), tuple(c["amplitudes"]), _cells(c.get("cells")))
        for c in data["currents"]
    )
    rest["pulses"] = tuple(PulsesPlan(**{**p, "onsets": tuple(p["onsets"])}) for p in data["pulses"])
    rest["recorders"] = tuple(
        RecorderPlan(**{**r, "node_ids": tuple(r["node_ids"]), "variables": tuple(r["variables"])})
        for r in data["recorders"]
    )
    rest["weights"] = tuple(WeightsPlan(**w) for w in data["weights"])
    rest["mock"] = None if data["mock"] is None else MockPlan(**data["mock"])
    rest["guard"] = None if data["guard"] is None else GuardPlan(**data["guard"])
    rest["spike_populations"] = tuple(data["spike_populations"])
    rest["groups"] = {name: tuple(members) for name, members in data["groups"].items()}
    return Plan(**rest)


def _cells(data: dict[str, Any] | None) -> Cells | None:
    return None if data is None else Cells(**data)


def _segment(data: dict[str, Any]) -> Segment:
    of_cells = {
        name: {key: tuple(values) for key, values in params.items()} for name, params in data.get("cells", {}).items()
    }
    return Segment(**{**data, "cells": of_cells})


def _waveform(data: dict[str, Any]) -> Waveform:
    return Waveform(tuple(data["times"]), tuple(data["values"]), data["period"])
