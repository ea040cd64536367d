"""The parameters that a search has found, as an overlay for any run of the experiment."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..experiment import Experiment
from ..experiment.dumping import to_yaml

_WHY = ("source", "assumed", "set_by")
"""What a quantity says of where it is from."""


def best_overlays(experiments: Mapping[str, Experiment], paths: Sequence[str], what: str) -> dict[str, str]:
    """Text of an overlay per experiment, or a single one if all are equal.

    Parameters
    ----------
    experiments : mapping of str to Experiment
        With the parameters in place, by the name of the aim.
    paths : sequence of str
        Key paths of what was searched, globs included. What they lead to is written with its final value, whether it
        was set, scaled or added to.
    what : str
        Why each value is what it is.
    """
    texts = {name: f"# {what}\n\n{to_yaml(_overlay(e, paths, what))}" for name, e in experiments.items()}
    first = next(iter(texts))
    return {first: texts[first]} if len(set(texts.values())) == 1 else texts


def quantity_at(experiment: Experiment, paths: Sequence[str]) -> tuple[float, str] | None:
    """Value in NEST's unit that key paths lead to; None if they lead to different ones, or to no number with a unit."""
    content = experiment.to_dict()
    found = [value for pattern in paths for _, value in _found(content, pattern.split("."), ())]
    numbers = {
        (float(value["value"]), str(value["unit"]))
        if isinstance(value, Mapping) and value.get("unit") and isinstance(value.get("value"), int | float)
        else None
        for value in found
    }
    return numbers.pop() if len(numbers) == 1 else None


def _overlay(experiment: Experiment, paths: Sequence[str], what: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    content = experiment.to_dict()
    for pattern in paths:
        for keys, value in _found(content, pattern.split("."), ()):
            node = made
            for key in keys[:-1]:
                node = node.setdefault(key, {})
            node[keys[-1]] = _marked(value, what)
    return made


def _found(node: Any, pattern: list[str], keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Everything below a node that a pattern leads to."""
    if not pattern:
        yield keys, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if fnmatch.fnmatchcase(str(key), pattern[0]):
                yield from _found(value, pattern[1:], (*keys, str(key)))


def _marked(value: Any, what: str) -> Any:
    """Quantities with the reason in place of their source."""
    if not isinstance(value, Mapping):
        return value
    if "value" in value:
        return {key: item for key, item in value.items() if key not in _WHY} | {"assumed": what}
    return {key: _marked(item, what) for key, item in value.items()}
