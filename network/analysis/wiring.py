"""What connects to what in a plan: matrices of in-degrees and mean weights, without building the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def connection_matrices(plan: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """In-degree and mean weight of inhibition and of excitation between populations.

    Parameters
    ----------
    plan : mapping
        Plain form of a plan. Receptors that begin with ``gaba`` are inhibitory.

    Returns
    -------
    in_degree, inhibitory, excitatory : DataFrame
        Rows targets, columns sources, NaN where there is nothing. In-degrees of parallel projections add
        up; weights (nS) are means over their synapses, and of a plastic synapse the step when fully
        recovered, U times its weight.
    """
    names = [p["name"] for p in plan["populations"]]
    in_degree = pd.DataFrame(0.0, index=names, columns=names)
    weights = {kind: pd.DataFrame(0.0, index=names, columns=names) for kind in ("gaba", "other")}
    synapses = {kind: pd.DataFrame(0.0, index=names, columns=names) for kind in ("gaba", "other")}
    for projection in plan["projections"]:
        place = projection["target"], projection["source"]
        kind = "gaba" if str(projection["receptor"]).startswith("gaba") else "other"
        weight, plasticity = projection["weight"], projection.get("plasticity")
        mean = (weight["low"] + weight["high"]) / 2 if isinstance(weight, Mapping) else float(weight)
        in_degree.loc[place] += projection["in_degree"]
        weights[kind].loc[place] += projection["in_degree"] * mean * (plasticity["U"] if plasticity else 1.0)
        synapses[kind].loc[place] += projection["in_degree"]
    mean_weights = [(weights[kind] / synapses[kind]).where(synapses[kind] > 0) for kind in ("gaba", "other")]
    return in_degree.where(in_degree > 0), mean_weights[0], mean_weights[1]
