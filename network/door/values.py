"""Values of an experiment by key path: numbers in NEST's units that know their unit and where they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import SpecError, choices
from ..experiment import Experiment
from ..experiment.origins import is_glob
from ..experiment.quantities import Quantity, QuantityList, Spec


class Value(float):
    """A number of an experiment. Arithmetic with it gives plain numbers.

    Attributes
    ----------
    unit : str
        NEST's unit; ``1`` for a number without one.
    origin : str
        File and line where it was written, or what changed it.
    source : str
        Key of the bibliography, or the reason of an assumption; may be empty.
    """

    unit: str
    origin: str
    source: str

    def __new__(cls, value: float, unit: str, origin: str = "", source: str = "") -> Value:
        """Make a number with its unit."""
        made = super().__new__(cls, value)
        made.unit, made.origin, made.source = unit, origin, source
        return made

    def __getnewargs__(self) -> Any:
        return float(self), self.unit, self.origin, self.source

    def __str__(self) -> str:
        return f"{float(self):.10g}" if self.unit == "1" else f"{float(self):.10g} {self.unit}"

    def __repr__(self) -> str:
        return f"{self}  [{self.origin}]" if self.origin else str(self)


class Values(tuple[float, ...]):
    """Several numbers of an experiment with one unit, such as the times of a schedule; see `Value`."""

    unit: str
    origin: str

    def __new__(cls, values: tuple[float, ...], unit: str, origin: str = "") -> Values:
        """Make numbers with their unit."""
        made = super().__new__(cls, values)
        made.unit, made.origin = unit, origin
        return made


def get(spec: Experiment, key: str) -> Any:
    """Value at a key path; a section as a dictionary.

    Raises
    ------
    SpecError
        If there is nothing of that name: with the names there are.
    """
    node: Any = spec
    path: list[str] = []
    for part in (word.strip() for word in str(key).split(".")):
        names = _names(node)
        if is_glob(part):
            given = choices(part, names, "names here")
            raise SpecError([f"{key}: {part!r} stands for several names; `find` returns all of them. {given}"])
        if part not in names:
            where = ".".join(path) or "the experiment"
            raise SpecError([f"{key}: no {part!r} in {where}; {choices(part, names, 'names')}"])
        node = node[part] if isinstance(node, Mapping) else getattr(node, part)
        path.append(part)
    return _shown(spec, node, tuple(path))


def leaves(spec: Experiment) -> Iterator[tuple[str, Any]]:
    """Key path and value of everything that is not a section, in the order of the schema."""
    yield from _leaves(spec, spec, ())


def raw(spec: Experiment, key: str) -> Any:
    """Part of the validated experiment at a key path; None where there is nothing."""
    node: Any = spec
    for part in key.split("."):
        if part not in _names(node):
            return None
        node = node[part] if isinstance(node, Mapping) else getattr(node, part)
    return node


def plain(value: Any) -> Any:
    """What a user assigned as types of YAML, an array as a list; a `Value` keeps its unit."""
    if isinstance(value, Value):
        return {"value": float(value), "unit": value.unit}
    if isinstance(value, Values):
        return {"value": list(value), "unit": value.unit}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return plain(value.tolist())
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def in_unit_of(value: Any, present: Any) -> Any:
    """Bare number for a quantity in NEST's unit, as it is read; whatever unit the files use."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(present, Quantity) and number:
        return {"value": value, "unit": present.unit}
    if isinstance(present, QuantityList) and isinstance(value, list):
        return {"value": value, "unit": present.unit}
    return value


def _names(node: Any) -> list[str]:
    if isinstance(node, Quantity | QuantityList):
        return []
    if isinstance(node, Spec):
        return list(type(node).model_fields)
    return [str(key) for key in node] if isinstance(node, Mapping) else []


def _origin(spec: Experiment, path: tuple[str, ...]) -> str:
    try:
        return str(spec.origin(".".join(path)))
    except KeyError:
        return ""


def _shown(spec: Experiment, node: Any, path: tuple[str, ...]) -> Any:
    if isinstance(node, Quantity):
        return Value(node.value, node.unit, _origin(spec, path), node.source or node.assumed or "")
    if isinstance(node, QuantityList):
        return Values(node.value, node.unit, _origin(spec, path))
    if isinstance(node, Spec | Mapping):
        items = ((name, node[name] if isinstance(node, Mapping) else getattr(node, name)) for name in _names(node))
        return {name: _shown(spec, item, (*path, name)) for name, item in items if item is not None}
    return node


def _leaves(spec: Experiment, node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Spec | Mapping) and not isinstance(node, Quantity | QuantityList):
        for name in _names(node):
            item = node[name] if isinstance(node, Mapping) else getattr(node, name)
            yield from _leaves(spec, item, (*path, name))
    elif node is not None:
        yield ".".join(path), _shown(spec, node, path)
