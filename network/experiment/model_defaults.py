"""Values that a NESTML model declares, for populations that say `defaults: model`.

Every number of a network is written somewhere; with ``defaults: model`` that may be the file of the model. The values
are put into the tree with their place in that file, so that everything else sees them as if they had been written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .nestml import ModelInterface
from .origins import Origin, Tree
from .receptors import given_parameters

AS_DECLARED = "as the model declares it"


def fill_in(tree: Tree, models: Mapping[str, ModelInterface]) -> None:
    """Add to every population that asks for it the parameters of its model that nobody gives."""
    populations = tree.data.get("populations")
    for name, population in populations.items() if isinstance(populations, dict) else ():
        neuron = population.get("neuron", {}) if isinstance(population, dict) else None
        if not isinstance(neuron, dict):
            continue
        of_model = [key for key in neuron if _is_declared(tree, (*_path(name), key))]
        if population.get("defaults") != "model" and not of_model:
            continue
        kept = {key: value for key, value in neuron.items() if key not in of_model}
        for key in of_model:
            del tree.origins[(*_path(name), key)]
        model = models.get(str(population.get("model")))
        added: dict[str, Any] = {}
        if model is not None and population.get("defaults") == "model":
            taken = given_parameters(population, model)
            for key, (value, unit, line) in model.defaults.items():
                is_gain = model.port_parameters.get(key, ("", ""))[1] == "gain"  # what modulators act on
                if key not in kept and key not in taken and not is_gain:
                    added[key] = {"value": value, "unit": unit, "assumed": AS_DECLARED}
                    tree.origins[(*_path(name), key)] = Origin(model.file, line, AS_DECLARED)
        population["neuron"] = {**kept, **added}


def _path(population: str) -> tuple[str, ...]:
    return ("populations", population, "neuron")


def _is_declared(tree: Tree, path: tuple[str, ...]) -> bool:
    origin = tree.origins.get(path)
    return origin is not None and origin.text == AS_DECLARED
