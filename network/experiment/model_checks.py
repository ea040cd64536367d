"""Does what is written of a population fit its NESTML model: parameters, units, ports, and what a target refuses.

The base of :mod:`network.experiment.checks`, and like it a reader of the merged tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import resources
from ..errors import choices
from .activations import DEFAULT
from .cell_code import DEFAULT_TARGET, FAST
from .limits import beyond, is_number
from .nestml import ModelInterface
from .origins import Tree, is_quantity
from .quantities import NAME_UNITS, WeightCheck
from .receptors import KINDS, SHORT, USABLE, current_way, kind_of, parameter_name, port_of
from .units import UNITS, canonical, compatible, convert
from .yamlfile import KeyPath

Problem = tuple[KeyPath, str]
GRADED = "graded"
"""Name of the kind of receptors and synapses without spikes."""


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
            missing = resources.missing_folders("BGNEST_MODELS")
            self._add(path, f"no NESTML model {name!r}; {choices(name, usable, 'models')}{missing}")

    def _target(self, path: KeyPath, name: str, model: ModelInterface) -> None:
        """What the fast target refuses is an error where it was asked for, said once for each model."""
        target = mapping_of(self.tree.data, "simulation").get("target", DEFAULT_TARGET)
        if target == FAST and name not in self.refused:
            self.refused.add(name)
            for found in model.unsupported:
                self._add((*path, "model"), found.message(model.file, "choose `--target auto` (simulation.target)"))

    def _against_model(self, path: KeyPath, population: dict[str, Any], model: ModelInterface) -> None:
        neuron = mapping_of(population, "neuron")
        self._target(path, str(population.get("model")), model)
        of_receptor = model.port_parameters
        own = [parameter for parameter in model.parameters if parameter not in of_receptor]
        gains = [parameter for parameter, (_, name) in of_receptor.items() if name == "gain"]
        for key, node in neuron.items():
            if key not in model.parameters or key in gains:
                self._add(
                    (*path, "neuron", key),
                    f"not a parameter of {model.name}; {choices(key, own, 'parameters')}",
                )
            else:
                self._in_unit((*path, "neuron", key), node, model.unit(key) or self._default_unit(model, key))
        given = self._receptors(path, population, model)
        missing = [key for key in own if key not in neuron and key not in given]
        if missing and population.get("defaults") != "model":
            ways = "give them, or write `defaults: model` for the values of its file"
            self._add((*path, "neuron"), f"no value for parameters of {model.name}: {', '.join(missing)}; {ways}")
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

    @staticmethod
    def _default_unit(model: ModelInterface, key: str) -> str | None:
        return NAME_UNITS.get(key) if model.parameters.get(key) not in ("real", "integer") else None

    def _receptors(self, path: KeyPath, population: dict[str, Any], model: ModelInterface) -> set[str]:
        """Check all receptors; returns the parameters of the model that they give."""
        receptors, neuron = mapping_of(population, "receptors"), mapping_of(population, "neuron")
        given: dict[str, str] = {}
        for name in receptors:
            receptor = mapping_of(receptors, name)
            port = port_of(name, receptor)
            where = (*path, "receptors", name)
            if receptor.get("kind") == GRADED:
                self._graded(where, receptor, model)
                continue
            if port not in model.ports:
                at = (*where, "port") if "port" in receptor else where
                self._add(at, f"not a port of {model.name}; {choices(port, model.ports, 'ports')}")
                continue
            for parameter, place in self._receptor(where, name, receptor, model).items():
                other = f"receptors.{given[parameter]}" if parameter in given else "neuron"
                if parameter in given or parameter in neuron:
                    self._add(place, f"{parameter} of {model.name} has a value in {other}, too")
                given[parameter] = name
        named = {port_of(name, mapping_of(receptors, name)) for name in receptors}
        of_ports = {} if population.get("defaults") == "model" else model.port_parameters
        wanted = {p: port for p, (port, key) in of_ports.items() if key != "gain" and p not in neuron}
        for port in model.ports:
            if port not in named and port in wanted.values():
                self._add((*path, "receptors"), f"no values for the port {port!r} of {model.name}")
        for parameter, port in wanted.items():
            if port in named and parameter not in given:
                name = next(n for n in receptors if port_of(n, mapping_of(receptors, n)) == port)
                key = model.port_parameters[parameter][1]
                message = f"no value for {key!r} (parameter {parameter!r} of {model.name})"
                self._add((*path, "receptors", name), message)
        return set(given)

    def _receptor(
        self, path: KeyPath, name: str, receptor: dict[str, Any], model: ModelInterface
    ) -> dict[str, KeyPath]:
        """Check one receptor; returns where it gives which parameter of the model."""
        port = port_of(name, receptor)
        wanted = {key for owner, key in model.port_parameters.values() if owner == port} - {"gain"}
        extra = mapping_of(receptor, "parameters")
        given = {key: (*path, key) for key in SHORT if key in receptor}
        given |= {key: (*path, "parameters", key) for key in extra}
        found: dict[str, KeyPath] = {}
        for key, where in sorted(given.items()):
            parameter = parameter_name(key, name, port, model.parameters)
            if parameter is None or model.port_parameters.get(parameter, ("", ""))[1] == "gain":
                valid = choices(key, sorted(wanted) or list(model.parameters), "here")
                self._add(where, f"{model.name} has no parameter {f'{key}_{port}'!r}; {valid}")
                self.explained.add(where)
                continue
            found[parameter] = where
            node = extra[key] if key in extra else receptor[key]
            self._in_unit(where, node, model.unit(parameter) or self._default_unit(model, parameter))
        if kind_of(name, receptor, model) is None:
            self._add(path, f"{model.name} does not tell what a spike does at {port!r}: write kind: one of {USABLE}")
        if (number_of(receptor.get("beta")) or 0.0) != 0.0 and f"gain_{port}" not in model.parameters:
            self._add((*path, "beta"), f"{model.name} has no parameter {f'gain_{port}'!r}, dopamine cannot act here")
        return found

    def _graded(self, path: KeyPath, receptor: dict[str, Any], model: ModelInterface) -> None:
        """Check where the current of a graded receptor goes."""
        written = text_of(receptor, "current")
        current = written or next((way for way in current_way(None, None, model) if way is not None), None)
        units = {**{name: model.unit(name) or "" for name in model.parameters}, **model.currents}
        into = [name for name, unit in units.items() if unit in ("pA", "nA")]
        if current not in units:
            where = (*path, "current") if written else path
            what = f"{model.name} has no {current}" if current else f"{model.name} takes several currents"
            ways = f"write current: {', '.join(into)}" if into else "it takes no currents"
            self._add(where, f"{what} that the current of this receptor could be added to; {ways}")
        elif current not in into and units[current] not in ("", "real"):
            self._add((*path, "current"), f"{current} of {model.name} is in {units[current]}, not a current")

    def _spikes(self, path: KeyPath, target: Any, receptor: Any, synapse: Any) -> None:
        """Check that graded receptors, and they alone, have graded synapses."""
        population = self.populations.get(target) if isinstance(target, str) else None
        graded = mapping_of(mapping_of(population, "receptors"), str(receptor)).get("kind") == GRADED
        kind = synapse.get("kind") if isinstance(synapse, dict) else None
        if graded and kind != GRADED:
            how = "take another receptor" if path[0] != "projections" else "write `synapse: {kind: graded}`"
            self._add(path, f"{receptor!r} of {target} is a graded receptor, which no spikes reach; {how}")
        elif kind == GRADED and not graded and self._model(population) is not None:
            there = mapping_of(population, "receptors")
            known = [name for name in there if mapping_of(there, name).get("kind") == GRADED]
            have = f"its graded receptors: {', '.join(known)}" if known else "it has none of kind: graded"
            self._add(path, f"{receptor!r} of {target} is not a graded receptor, which graded synapses need; {have}")

    def _graded_recordables(self, population: str) -> list[str]:
        """What cells have to record for the graded synapses that begin and end at them."""
        receptors = mapping_of(self.populations.get(population), "receptors")
        opened = [name for name in receptors if mapping_of(receptors, name).get("kind") == GRADED]
        found = [f"{letter}_{name}" for name in opened for letter in "gI"]
        for entry in mapping_of(self.tree.data, "projections").values():
            synapse = mapping_of(entry, "synapse")
            if (
                synapse.get("kind") == GRADED
                and entry.get("source") == population
                and entry.get("enabled") is not False
            ):
                found.append(f"s_{synapse.get('label') or synapse.get('activation') or DEFAULT}")
        return list(dict.fromkeys(found))

    def _receptor_names(self, population: Any, model: ModelInterface) -> list[str]:
        """Names that connections can use: those of receptors, and of ports that no receptor names."""
        receptors = mapping_of(population, "receptors")
        named = {port_of(name, mapping_of(receptors, name)): name for name in receptors}
        return [*receptors, *(port for port in model.ports if port not in named and port not in receptors)]

    def _port(self, path: KeyPath, target: Any, receptor: Any) -> None:
        population = self.populations.get(target) if isinstance(target, str) else None
        if (model := self._model(population)) is None or not isinstance(receptor, str):
            return
        names = self._receptor_names(population, model)
        if receptor not in names and set(names) == set(model.ports):
            self._add(path, f"{receptor!r} is not a port of {model.name}; {choices(receptor, model.ports, 'ports')}")
        elif receptor not in names:
            self._add(path, f"{target} has no receptor {receptor!r}; {choices(receptor, names, 'receptors')}")

    def _weight(self, path: KeyPath, target: Any, receptor: Any, node: Any) -> None:
        """Check that a weight is in the unit of its receptor, with a sign that can be told to NEST."""
        population = self.populations.get(target) if isinstance(target, str) else None
        model = self._model(population)
        if model is None or not isinstance(receptor, str) or not isinstance(node, dict):
            return
        if not is_quantity(node):  # a distribution
            for key, part in node.items():
                self._weight((*path, key), target, receptor, part)
            return
        written = mapping_of(mapping_of(population, "receptors"), receptor)
        kind = KINDS.get(str(kind_of(receptor, written, model)))
        unit = str(node.get("unit"))
        weights = [known for known in WeightCheck.SIGNED if unit in UNITS and compatible(unit, known)]
        if kind is None or not weights:
            return
        if weights[0] != kind.unit:
            message = f"wrong unit {unit!r}; accepted: {kind.unit} and its multiples"
            self._add(path, f"{message} (a spike at the receptor {receptor!r} of {target} is {kind.what})")
            self.explained.add(path)
            return
        port, number = port_of(receptor, written), number_of(node) or 0.0
        qualifier = model.qualifiers.get(port)
        if kind.signed and number * {"excitatory": 1, "inhibitory": -1}.get(str(qualifier), 0) < 0.0:
            sign = "positive" if number > 0.0 else "negative"
            never = f"a {sign} weight never reaches the port {port!r} of {model.name}, which is {qualifier}"
            self._add(path, f"{never}; write {-number:g} {kind.unit}")
