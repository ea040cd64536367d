"""What the file of a NESTML model says of itself: its first line, its equations, what happens at a spike."""

from __future__ import annotations

import re

from .. import resources
from ..experiment.nestml import read_nestml

_HEAD = re.compile(r"^#\s*(\S+)\s+-+\s+(.+?)\s*$")
_BLOCK = re.compile(r"^    (\w+)\b")
_SHOWN = ("equations", "update", "function", "onCondition", "onReceive")


def text_of(model: str) -> str:
    """Text of the file of a model; empty if it is gone."""
    try:
        return read_nestml(resources.find_model(model))
    except FileNotFoundError:
        return ""


def synapse_text(model: str) -> str:
    """Text of the file of a synapse; empty if it is gone."""
    try:
        return read_nestml(resources.find_synapse(model))
    except FileNotFoundError:
        return ""


def activation_text(name: str) -> str:
    """Text of the file of an activation of graded synapses; empty if it is gone."""
    path = resources.list_activations().get(name)
    return "" if path is None else read_nestml(path)


def title_of(text: str) -> str:
    """What the model is, by the first line of its comments.

    >>> title_of("# lif_cond_exp - leaky integrate-and-fire neuron")
    'leaky integrate-and-fire neuron'
    """
    for line in text.splitlines():
        if found := _HEAD.match(line):
            return found[2]
        if line and not line.startswith("#"):
            break
    return ""


def equations(text: str) -> tuple[str, ...]:
    """Blocks that say how the state changes: equations, and what is done in a step, at a condition, at a spike.

    Lines as in the file, without what is comment only.
    """
    lines: list[str] = []
    shown = False
    for line in text.splitlines():
        plain = line.split("#", 1)[0].rstrip()
        if not plain:
            continue
        if not line.startswith(" "):
            shown = False
        elif found := _BLOCK.match(line):
            shown = found[1] in _SHOWN
        if shown:
            lines.append(plain.removeprefix("    "))
    return tuple(lines)
