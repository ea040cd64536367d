"""Layers of key-value trees: how overlays and overrides change a tree, and where every value came from."""

from __future__ import annotations

import copy
import fnmatch
import math
import re
from dataclasses import dataclass, field
from typing import Any

from .activations import DEFAULT
from .limits import beyond, is_number
from .quantities import NAME_UNITS, UserFloat, UserInt, user_number
from .units import UNITS, compatible, convert
from .yamlfile import KeyPath, copied

COMMAND_LINE = "command line"
_OPERATIONS = ("scale", "add")
_NAMES = ("neuron", "dopamine", "effects", "receptors", "heterogeneity", "initial", "parameters")
_KINDS = ("kind", "rule", "distribution", "shape")
"""Keys that say of which kind a mapping is: the other keys of one kind mean nothing to another."""
_EQUATION = "activation"
"""Key that chooses an equation; the rest of its mapping, but for ``kind`` and ``label``, are parameters of it."""
_SPELLINGS = {
    "connect": ("in_degree", "in_degree_beta", "in_degree_rounding"),
    "in_degree": ("connect",),
    "synapse": ("plasticity",),
    "plasticity": ("synapse",),
}
"""Two ways to write the wiring or the synapses of a projection: one on top of the other takes its place."""


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a file (with the line), or the command line."""

    where: str
    line: int | None = None
    text: str | None = None
    """For overrides, what was written."""

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.line is not None else self.where
        return f"{place} ({self.text})" if self.text else place


@dataclass
class Layer:
    """One file or one override before it is merged."""

    data: dict[str, Any]
    where: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    user: bool = False
    """Whether bare numbers without unit and source are accepted."""
    text: str | None = None

    def origin(self, path: KeyPath) -> Origin:
        """Return where a key path of this layer was written."""
        return Origin(self.where, self.lines.get(path), self.text)


def is_quantity(node: Any) -> bool:
    """Whether a node is a number with unit and source, or an operation on one.

    Not so a mapping of names, one of which may be ``scale``.
    """
    return isinstance(node, dict) and any(not isinstance(node.get(key, {}), dict) for key in ("value", *_OPERATIONS))


def _has_names(path: KeyPath) -> bool:
    """Whether the keys below a path are names that a model gives: one of them may be ``value`` or ``scale``."""
    return path[:1] == ("populations",) and (len(path) == 3 or path[-1:] == ("parameters",)) and path[-1] in _NAMES


def _of_a_kind(node: Any) -> bool:
    return isinstance(node, dict) and any(key in node for key in (*_KINDS, "low", "high", "mean", "sd"))


def _of_another_kind(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether a layer changes the kind; to say what was left to the model (``kind`` of a receptor) does not."""
    said = [key for key in _KINDS if key in old or key == "distribution"]
    return any(new.get(key, old.get(key)) != old.get(key) for key in said)


def _replaced(key: str, value: Any) -> tuple[str, ...]:
    """Keys of a projection that mean the same in another spelling."""
    if key in ("weight", "delay"):
        return (f"{key}_spread",) if isinstance(value, dict) and "distribution" in value else ()
    return _SPELLINGS.get(key, ())


def is_glob(key: str) -> bool:
    """Whether a key stands for several names."""
    return any(sign in key for sign in "*?")


class Tree:
    """Merged content of all layers, the origin of every value, and the problems met while merging."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[KeyPath, Origin] = {}
        self.order: list[str] = []
        """Where layers were written, lowest first."""
        self.problems: list[str] = []
        self.unresolved: set[str] = set()
        """Populations whose cell is not known, which is one of the problems: what else they miss says nothing."""

    def copy(self) -> Tree:
        """Copy of the content that can be changed on its own."""
        tree = Tree()
        tree.data, tree.origins, tree.problems = copied(self.data), dict(self.origins), list(self.problems)
        tree.unresolved = set(self.unresolved)
        tree.order = list(self.order)
        return tree

    def apply(self, layer: Layer) -> None:
        """Merge a layer on top.

        Mappings are merged key by key; quantities and lists are replaced as a whole; ``{}`` empties a section;
        ``null`` removes a key; a mapping whose ``kind``, ``rule``, ``distribution`` or ``shape`` changes is replaced;
        with another ``activation`` the parameters that files gave to the last one go.
        Keys with ``*`` or ``?`` stand for all
        existing keys that match.  ``{scale: f}`` and ``{add: x, unit: u}`` change the value that is there.
        """
        self.order.append(layer.where)
        self._merge(self.data, layer.data, (), (), layer)

    def is_over(self, path: KeyPath, other: KeyPath) -> bool:
        """Whether the value at a path was written in a later layer than the one at another."""
        first, second = (origin and origin.where for origin in (self.origin(path), self.origin(other)))
        if first not in self.order or second not in self.order:
            return False
        latest = self.order[::-1]
        return latest.index(first) < latest.index(second)

    def origin(self, path: KeyPath) -> Origin | None:
        """Origin of a path or of the closest section around it."""
        while path:
            if path in self.origins:
                return self.origins[path]
            path = path[:-1]
        return None

    def remove(self, path: KeyPath) -> None:
        """Take out what is at a path, and forget where it was from."""
        node: Any = self.data
        for key in path[:-1]:
            node = node.get(key) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node.pop(path[-1], None)
        self._forget(path)

    def _problem(self, layer: Layer, written: KeyPath, path: KeyPath, message: str) -> None:
        origin = layer.origin(written)
        self.problems.append(f"{origin}: {'.'.join(path)}: {message}")

    def _merge(
        self, node: dict[str, Any], patch: dict[str, Any], path: KeyPath, written: KeyPath, layer: Layer
    ) -> None:
        for key, value in patch.items():
            source = (*written, key)
            if path[:1] == ("projections",) and len(path) == 2:
                for other in _replaced(key, value):
                    if other not in patch and node.pop(other, None) is not None:
                        self._forget((*path, other))
            if not is_glob(key):
                self._set(node, key, value, (*path, key), source, layer)
                continue
            matches = fnmatch.filter(node, key)
            if not matches:
                known = ", ".join(list(node)[:24]) or "none"
                self._problem(layer, source, (*path, key), f"matches nothing; names here: {known}")
            for match in matches:
                self._set(node, match, value, (*path, match), source, layer)

    def _set(self, node: dict[str, Any], key: str, value: Any, path: KeyPath, written: KeyPath, layer: Layer) -> None:
        old = node.get(key)
        if layer.user and not isinstance(old, str) and path[0] != "meta":
            value = _with_unit(value)
        if value is None:
            node.pop(key, None)
            self._forget(path)
        elif value == {}:
            node[key] = {}
            self._forget(path)
        elif not _has_names(path) and (
            is_quantity(value) or (is_quantity(old) and not isinstance(value, list) and not _of_a_kind(value))
        ):
            node[key] = self._quantity(old, value, path, written, layer)
            self._forget(path)
        elif isinstance(value, dict):
            if not isinstance(old, dict) or is_quantity(old) or _of_another_kind(old, value):
                node[key] = {}
                self._forget(path)
            self._forget_parameters(node[key], value, path)
            self._merge(node[key], value, path, written, layer)
            if path in self.origins:
                return
        else:
            bare = isinstance(value, int | float) and not isinstance(value, bool)
            node[key] = self._bare(path, value, layer) if layer.user and bare else _listed(value, layer)
            self._forget(path)
        self.origins[path] = layer.origin(written)

    def _forget_parameters(self, old: dict[str, Any], new: dict[str, Any], path: KeyPath) -> None:
        """Parameters of an equation go with it."""
        if _EQUATION in new and (new[_EQUATION] or DEFAULT) != old.get(_EQUATION, DEFAULT):
            self._forget_files(old, path, but=("kind", "label"))

    def _forget_files(self, node: dict[str, Any], path: KeyPath, but: tuple[str, ...] = ()) -> None:
        """Take out what files say; what the command line says stays, whatever the order of its options."""
        for key in [key for key in node if key not in but]:
            below = (*path, key)
            if isinstance(node[key], dict) and not is_quantity(node[key]):
                self._forget_files(node[key], below)
                if node[key]:
                    continue
            elif (origin := self.origin(below)) is not None and origin.text is not None:
                continue
            del node[key]
            self._forget(below)

    def _forget(self, path: KeyPath) -> None:
        if path not in self.origins:
            return
        n = len(path)
        for known in [p for p in self.origins if p[:n] == path]:
            del self.origins[known]

    @staticmethod
    def _bare(path: KeyPath, value: float, layer: Layer) -> Any:
        if (unit := _unit_of_name(path)) is not None:
            return {"value": value, "unit": unit, "set_by": layer.where}
        return user_number(value, layer.where)

    def _quantity(self, old: Any, new: Any, path: KeyPath, written: KeyPath, layer: Layer) -> Any:
        if isinstance(old, UserInt | UserFloat):
            old = {"value": old, "set_by": old.set_by}
        old_unit = old.get("unit") if isinstance(old, dict) else None
        if not isinstance(new, dict):
            new = _with_unit(new) if layer.user else new
            if not isinstance(new, dict):
                if not layer.user or isinstance(new, str | bool):
                    return copy.deepcopy(new)
                new = {"value": new}
        new = copy.deepcopy(new)
        if not layer.user:
            new.pop("set_by", None)  # published values need a source
        elif not any(new.get(key) for key in ("source", "assumed", "set_by")):
            new["set_by"] = layer.where
        if any(operation in new for operation in _OPERATIONS):
            return self._operate(old, new, path, written, layer)
        if "value" not in new:
            return {**(old if isinstance(old, dict) else {}), **new}
        if layer.user and "unit" not in new:
            unit = old_unit if old_unit is not None else _unit_of_name(path)
            if unit is None:
                bare = isinstance(new["value"], int | float) and not isinstance(new["value"], bool)
                return user_number(new["value"], layer.where) if bare else new
            new["unit"] = unit
        return new

    def _operate(self, old: Any, new: dict[str, Any], path: KeyPath, written: KeyPath, layer: Layer) -> Any:
        keys = [key for key in ("value", *_OPERATIONS) if key in new]
        if len(keys) > 1:
            self._problem(layer, written, path, f"give only one of {', '.join(keys)}")
            return old
        operation = keys[0]
        operand = new.pop(operation)
        value = old.get("value") if isinstance(old, dict) else None
        if not isinstance(old, dict) or not isinstance(value, int | float) or isinstance(value, bool):
            self._problem(layer, written, path, f"nothing to {operation}: there is no value below this overlay")
            return old
        if not isinstance(operand, int | float) or isinstance(operand, bool):
            self._problem(layer, written, path, f"{operation} must be a number, not {operand!r}{number_hint(operand)}")
            return old
        unit = new.pop("unit", None)
        if operation == "scale":
            if unit not in (None, 1, "1"):
                self._problem(layer, written, path, f"scale is a factor and has no unit, not {unit!r}")
            result = value * operand
        else:
            if unit is None and not layer.user:
                self._problem(layer, written, path, "add needs a unit")
                return old
            old_unit = old.get("unit")
            step = _in_unit(operand, old_unit if unit is None else unit, old_unit)
            if step is None:
                self._problem(layer, written, path, f"wrong unit {unit!r}; the value is in {old_unit}")
                return old
            result = value + step
        if is_number(result) and (wrong := beyond(result)):
            self._problem(layer, written, path, f"{operation} gives a value that cannot be: {wrong}")
            return old
        sign = f"{operand:g} x {value:g}" if operation == "scale" else f"{value:g} + {operand:g}"
        before = next((f"{key}: {old[key]}" for key in ("source", "assumed") if old.get(key)), old.get("note"))
        sign += f" ({before})" if before else ""
        new.setdefault("note", sign)
        return {"value": result, "unit": old.get("unit"), **new}


def _listed(value: Any, layer: Layer) -> Any:
    """Copy of a list or text; numbers that a user wrote in mappings within a list need no source."""
    if not layer.user or not isinstance(value, list):
        return copy.deepcopy(value)

    def marked(item: Any) -> Any:
        if is_quantity(item):
            known = any(item.get(key) for key in ("source", "assumed", "set_by"))
            return dict(item) if known else {**item, "set_by": layer.where}
        if isinstance(item, dict):
            return {key: marked(child) for key, child in item.items()}
        bare = isinstance(item, int | float) and not isinstance(item, bool)
        return user_number(item, layer.where) if bare else copy.deepcopy(item)

    return [marked(item) if isinstance(item, dict) else copy.deepcopy(item) for item in value]


def _unit_of_name(path: KeyPath) -> str | None:
    """Unit that a number without one has by its name; a factor of dopamine on ``g_L`` is no conductance."""
    return None if path[-2:-1] == ("dopamine",) else NAME_UNITS.get(path[-1])


def _in_unit(value: float, unit: Any, wanted: Any) -> float | None:
    unit, wanted = str(unit), str(wanted)
    if unit == wanted:
        return value
    if unit not in UNITS or wanted not in UNITS or not compatible(unit, wanted):
        return None
    return convert(value, unit)[0] / convert(1.0, wanted)[0]


def _with_unit(value: Any) -> Any:
    """``'1.1 nS'`` as a quantity."""
    if isinstance(value, str):
        number, _, unit = value.strip().partition(" ")
        try:
            return {"value": float(number), "unit": unit.strip()} if unit.strip() in UNITS else value
        except ValueError:
            return value
    return value


def number_hint(value: Any) -> str:
    """How to write a number that YAML takes for text."""
    if not isinstance(value, str):
        return ""
    plain = value.translate(_MINUS).strip()
    comma = re.fullmatch(r"[-+]?[0-9]+,[0-9]+", plain) is not None
    try:
        number = float(plain.replace(",", ".") if comma else plain)
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    why = f"YAML reads {value} as text"
    if plain != value.strip():
        why = "its minus is not that of the keyboard"
    elif comma:
        why = "with a point in place of the comma"
    elif _PLAIN_NUMBER.fullmatch(value):
        why = "in quotes it is text"
    return f" ({why}; write {yaml_number(number)})"


_MINUS = str.maketrans(dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "-"))
"""Minus signs, hyphens and dashes of texts, as they come out of publications."""
_PLAIN_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")


def yaml_number(number: float) -> str:
    """Spelling of a number that YAML reads as a number: 1e-3 needs a point and a sign."""
    text = repr(number)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{exponent if exponent[0] in '+-' else '+' + exponent}"
