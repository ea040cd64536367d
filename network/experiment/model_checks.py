"""Does what is written of a population fit its NESTML model: parameters, units, ports, and what a target refuses.

The base of :mod:`network.experiment.checks`, and like it a reader of the merged tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import choices
from .limits import beyond, is_number
from .nestml import ModelInterface
from .origins import Tree, is_quantity
from .quantities import NAME_UNITS
from .units import UNITS, canonical, compatible, convert
from .yamlfile import KeyPath

Problem = tuple[KeyPath, str]

DEFAULT_TARGET = "vectorised"


def mapping_of(node: Any, key: str) -> dict[str, Any]:
    """Return the mapping at a key; an empty one for anything else, which the schema refuses."""
    found = node.get(key) if isinstance(node, dict) else None
    return found if isinstance(found, dict) else {}


def number_of(node: Any) -> float | None:
    """Return the number in NEST's unit where it can be understood."""
    if isinstance(node, dict):
        value, unit = node.get("value"), str(node.get("unit", "1"))
        if not is_number(value) or unit not in UNITS:
            return None
        number = convert(float(value), unit)[0]
    elif is_number(node):
        number = float(node)
    else:
        return None
    return None if beyond(number) else number


def text_of(node: Mapping[str, Any], key: str) -> str | None:
    """Return the text at a key; None for anything else, which the schema refuses."""
    found = node.get(key)
    return found if isinstance(found, str) else None


class ModelChecks:
    """Collects problems of a tree; the methods here look at populations beside their models."""

    def __init__(self, tree: Tree, models: Mapping[str, ModelInterface]) -> None:
        self.tree, self.models = tree, models
        self.problems: list[Problem] = []
        self.explained: set[KeyPath] = set()
        """Paths below which a problem that was found explains all others."""
        self.refused: set[str] = set()
        """Models about which everything has been said."""
        self.populations = mapping_of(tree.data, "populations")

    def _add(self, path: KeyPath, message: str) -> None:
        self.problems.append((path, message))

    def _in_unit(self, path: KeyPath, node: Any, expected: str | None) -> None:
        unit = str(node.get("unit")) if is_quantity(node) else None
        if expected is not None and unit in UNITS and unit is not None and not compatible(unit, expected):
            self._add(path, f"wrong unit {unit!r}; accepted: {canonical(expected)} and its multiples")

    def _model(self, population: Any) -> ModelInterface | None:
        name = population.get("model") if isinstance(population, dict) else None
        model = self.models.get(name) if isinstance(name, str) else None
        return None if model is None or model.problem else model

    def _no_model(self, path: KeyPath, name: str) -> None:
        if name in self.models:
            if name not in self.refused:
                self._add(path, self.models[name].problem)
            self.refused.add(name)
        else:
            usable = [name for name, model in self.models.items() if not model.problem]
            self._add(path, f"no NESTML model {name!r}; {choices(name, usable, 'models')}")

    def _target(self, path: KeyPath, name: str, model: ModelInterface) -> None:
        """What the default target refuses is known from the text of a model, and said once for each model."""
        target = mapping_of(self.tree.data, "simulation").get("target", DEFAULT_TARGET)
        if target == DEFAULT_TARGET and name not in self.refused:
            self.refused.add(name)
            for found in model.unsupported:
                self._add((*path, "model"), found.message(model.file, "choose `--target plain` (simulation.target)"))

    def _lacks_conductances(self, path: KeyPath, model: ModelInterface) -> bool:
        """Complain about ports that are no conductances with the usual names; nothing else is supported yet."""
        owned = set(model.port_parameters.values())
        odd = [port for port in model.ports if not {(port, "tau_syn"), (port, "E_rev")} <= owned]
        if odd:
            self._add(
                (*path, "receptors"),
                f"{model.name}: not supported: ports that are no conductances with the parameters tau_syn_<port> and "
                f"E_rev_<port> (synapses that are currents, other names): {', '.join(odd)}",
            )
            self.explained.add((*path, "receptors"))
            for section in ("projections", "inputs", "spike_inputs"):
                for key, entry in mapping_of(self.tree.data, section).items():
                    if isinstance(entry, dict) and entry.get("target") == path[-1]:
                        self.explained |= {(section, key, "weight"), (section, key, "weights")}
        return bool(odd)

    def _against_model(self, path: KeyPath, population: dict[str, Any], model: ModelInterface) -> None:
        neuron, receptors = mapping_of(population, "neuron"), mapping_of(population, "receptors")
        self._target(path, str(population.get("model")), model)
        of_receptor = model.port_parameters
        own = [parameter for parameter in model.parameters if parameter not in of_receptor]
        for key, node in neuron.items():
            if key not in own:
                self._add(
                    (*path, "neuron", key),
                    f"not a parameter of {model.name}; {choices(key, own, 'parameters')}",
                )
            else:
                self._in_unit((*path, "neuron", key), node, model.unit(key) or self._default_unit(model, key))
        if missing := [key for key in own if key not in neuron]:
            self._add((*path, "neuron"), f"no value for parameters of {model.name}: {', '.join(missing)}")
        for key, entry in mapping_of(population, "initial").items():
            if key not in model.states:
                self._add(
                    (*path, "initial", key),
                    f"not a state of {model.name}; {choices(key, model.states, 'states')}",
                )
            elif is_quantity(entry):
                self._in_unit((*path, "initial", key), entry, model.unit(key))
            else:
                for bound in ("low", "high"):
                    where = (*path, "initial", key, bound)
                    self._in_unit(where, mapping_of({"entry": entry}, "entry").get(bound), model.unit(key))
        if self._lacks_conductances(path, model):
            return
        for port in receptors:
            if port not in model.ports:
                self._add(
                    (*path, "receptors", port),
                    f"not a port of {model.name}; {choices(port, model.ports, 'ports')}",
                )
            else:
                self._receptor((*path, "receptors", port), port, mapping_of(receptors, port), model)
        for port in model.ports:
            if port not in receptors:
                self._add((*path, "receptors"), f"no values for the port {port!r} of {model.name}")

    @staticmethod
    def _default_unit(model: ModelInterface, key: str) -> str | None:
        return NAME_UNITS.get(key) if model.parameters.get(key) not in ("real", "integer") else None

    def _receptor(self, path: KeyPath, port: str, receptor: dict[str, Any], model: ModelInterface) -> None:
        wanted = {name for owner, name in model.port_parameters.values() if owner == port} - {"gain"}
        extra = mapping_of(receptor, "parameters")
        given = {key for key in ("tau_syn", "E_rev", "V_act", "S_act") if key in receptor} | set(extra)
        for key in sorted(given - wanted):
            where = (*path, "parameters", key) if key in extra else (*path, key)
            message = f"{model.name} has no parameter {f'{key}_{port}'!r}; {choices(key, sorted(wanted), 'here')}"
            self._add(where, message)
        for key in sorted(wanted - given - {"tau_syn", "E_rev"}):
            self._add(path, f"no value for {key!r} (parameter {f'{key}_{port}'!r} of {model.name})")
        if (number_of(receptor.get("beta")) or 0.0) != 0.0 and f"gain_{port}" not in model.parameters:
            self._add((*path, "beta"), f"{model.name} has no parameter {f'gain_{port}'!r}, dopamine cannot act here")

    def _port(self, path: KeyPath, target: Any, receptor: Any) -> None:
        model = self._model(self.populations.get(target)) if isinstance(target, str) else None
        if model is not None and isinstance(receptor, str) and receptor not in model.ports:
            self._add(path, f"{receptor!r} is not a port of {model.name}; {choices(receptor, model.ports, 'ports')}")
