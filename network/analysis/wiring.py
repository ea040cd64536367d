"""What connects to what in a plan: matrices of in-degrees and mean weights, without building the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..experiment.distributions import drawn_from_dict
from ..experiment.distributions import mean as mean_of
from ..experiment.receptors import conductance_effect
from ..experiment.synapses import synapse_from_dict

if TYPE_CHECKING:
    import pandas as pd

SIGNS = (-1, 1)
"""Inhibition, excitation."""


def sign(plan: Mapping[str, Any], projection: Mapping[str, Any]) -> int:
    """1 for a projection that excites, -1 for one that inhibits.

    A conductance does what its receptor does (its reversal potential beside the cell's threshold), a current what the
    sign of its weight says. Plans made before receptors were kept in them have only the parameters.
    """
    (target,) = (p for p in plan["populations"] if p["name"] == projection["target"])
    name = str(projection["receptor"])
    receptor = target.get("receptors", {}).get(name)
    if receptor is None:
        return conductance_effect(name, target["params"])
    if receptor["unit"] == "nS":
        return int(receptor["effect"])
    return int(receptor["effect"]) * (-1 if mean_of(drawn_from_dict(projection["weight"])) < 0.0 else 1)


def weight_units(plan: Mapping[str, Any]) -> list[str]:
    """Units of the weights of a plan, each once."""
    receptors = {p["name"]: p.get("receptors", {}) for p in plan["populations"]}
    found = [receptors[p["target"]].get(p["receptor"], {}).get("unit", "nS") for p in plan["projections"]]
    return list(dict.fromkeys(found))


def connection_matrices(plan: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """In-degree and mean weight of inhibition and of excitation between populations.

    Parameters
    ----------
    plan : mapping
        Plain form of a plan; see `sign` for what is inhibitory.

    Returns
    -------
    in_degree, inhibitory, excitatory : DataFrame
        Rows targets, columns sources, NaN where there is nothing. Mean in-degrees of parallel projections add
        up; weights (nS or pA, see `weight_units`) are means of magnitudes over their synapses, and of a plastic
        synapse the step when fully recovered, U times its weight.
    """
    import pandas as pd

    names = [p["name"] for p in plan["populations"]]
    place = {name: k for k, name in enumerate(names)}
    sizes = {p["name"]: p.get("n_neurons", 0) for p in plan["populations"]}
    shape = (len(names), len(names))
    in_degree = np.zeros(shape)
    weights = {kind: np.zeros(shape) for kind in SIGNS}
    synapses = {kind: np.zeros(shape) for kind in SIGNS}
    for projection in plan["projections"]:
        at = place[projection["target"]], place[projection["source"]]
        # plans of before the kinds have plasticity or none
        synapse = synapse_from_dict(projection.get("synapse", projection.get("plasticity")))
        mean = abs(mean_of(drawn_from_dict(projection["weight"])))
        kind = sign(plan, projection)
        # plans of before the wiring rules have in-degrees only
        degree = projection.get("in_degree") or projection["n_synapses"] / sizes[projection["target"]]
        in_degree[at] += degree
        weights[kind][at] += degree * mean * synapse.rested
        synapses[kind][at] += degree

    def over(total: NDArray[np.float64], number: NDArray[np.float64]) -> pd.DataFrame:
        found = np.divide(total, number, out=np.full(shape, np.nan), where=number > 0)
        return pd.DataFrame(found, index=names, columns=names)

    inhibition, excitation = SIGNS
    return (
        over(in_degree, (in_degree > 0).astype(float)),
        over(weights[inhibition], synapses[inhibition]),
        over(weights[excitation], synapses[excitation]),
    )
