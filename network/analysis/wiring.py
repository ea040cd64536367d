"""What connects to what in a plan: matrices of in-degrees and mean weights, without building the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..experiment.distributions import drawn_from_dict
from ..experiment.distributions import mean as mean_of


def connection_matrices(plan: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """In-degree and mean weight of inhibition and of excitation between populations.

    Parameters
    ----------
    plan : mapping
        Plain form of a plan. Receptors that begin with ``gaba`` are inhibitory.

    Returns
    -------
    in_degree, inhibitory, excitatory : DataFrame
        Rows targets, columns sources, NaN where there is nothing. Mean in-degrees of parallel projections add
        up; weights (nS) are means over their synapses, and of a plastic synapse the step when fully
        recovered, U times its weight.
    """
    names = [p["name"] for p in plan["populations"]]
    sizes = {p["name"]: p.get("n_neurons", 0) for p in plan["populations"]}
    in_degree = pd.DataFrame(0.0, index=names, columns=names)
    weights = {kind: pd.DataFrame(0.0, index=names, columns=names) for kind in ("gaba", "other")}
    synapses = {kind: pd.DataFrame(0.0, index=names, columns=names) for kind in ("gaba", "other")}
    for projection in plan["projections"]:
        place = projection["target"], projection["source"]
        kind = "gaba" if str(projection["receptor"]).startswith("gaba") else "other"
        weight, plasticity = projection["weight"], projection.get("plasticity")
        mean = mean_of(drawn_from_dict(weight))
        # plans of before the wiring rules have in-degrees only
        degree = projection.get("in_degree") or projection["n_synapses"] / sizes[projection["target"]]
        in_degree.loc[place] += degree
        weights[kind].loc[place] += degree * mean * (plasticity["U"] if plasticity else 1.0)
        synapses[kind].loc[place] += degree
    mean_weights = [(weights[kind] / synapses[kind]).where(synapses[kind] > 0) for kind in ("gaba", "other")]
    return in_degree.where(in_degree > 0), mean_weights[0], mean_weights[1]
