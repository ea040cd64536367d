"""Activations of graded synapses: how the open probability of a receptor follows the potential of its source.

An activation is a small NESTML file of one state, ``s``, whose equation reads the potential of the source at the
continuous port ``V_pre``. Those of this package are in ``nestml_models/activations``; a user's are found in the folders
of models, or in ``activations`` below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from .. import resources
from ..errors import SpecError, choices
from .nestml import ModelInterface, declared_model, parse_nestml, read_nestml

DEFAULT = "abbott_marder"
VOLTAGE, GATE = "V_pre", "s"
"""Port for the potential of the source, and the open probability."""
BLOCKS = ("state", "parameters", "equations", "input", "update")

_HEADER = re.compile(r"^\s+([A-Za-z]\w*)\b[^:=<]*:\s*$")
_INLINE = re.compile(r"^\s*(?:recordable\s+)?inline\s+(\w+)\s")
_EQUATION = re.compile(r"^\s*([A-Za-z_]\w*)('+)\s*=")


@dataclass(frozen=True)
class Activation:
    """An activation as its file has it.

    Attributes
    ----------
    lines : dict of str to tuple of str
        Declarations and equations of every block, without comments and indentation.
    inlines : tuple of str
        Names of inline expressions.
    start : str
        Expression that ``s`` begins with.
    """

    name: str
    text: str
    interface: ModelInterface
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inlines: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return self.interface.digest

    def renamed(self, label: str, voltage: str) -> dict[str, tuple[str, ...]]:
        """Lines for a cell that has this gate under a label, and calls its own potential ``voltage``."""
        own = (GATE, *self.interface.parameters, *self.inlines)
        names = {**{name: labelled(name, label) for name in own}, VOLTAGE: voltage}
        pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, names)) + r")(?!\w)")
        return {
            block: tuple(pattern.sub(lambda found: names[found.group(1)], line) for line in lines)
            for block, lines in self.lines.items()
        }


def labelled(name: str, label: str) -> str:
    """Name that a gate's state or parameter has in the cell."""
    return f"{name}_{label}"


def find_activation(name: str) -> Activation:
    """Activation by its name.

    Raises
    ------
    SpecError
        If there is none, or its file cannot be used; one sentence, with the names there are.
    """
    files = resources.list_activations()
    if name not in files:
        valid = choices(name, [one for one in files if _reads_potential(files[one])], "activations")
        raise SpecError([f"no activation {name!r}; {valid}"])
    return _read(files[name], resources.stamp(files[name]))


def _reads_potential(path: Path) -> bool:
    try:
        return re.search(rf"^\s+{VOLTAGE}\s[^#]*<-\s*continuous", path.read_text(encoding="utf-8"), re.M) is not None
    except (OSError, UnicodeDecodeError):
        return False


@lru_cache(maxsize=64)
def _read(path: Path, stamp: tuple[int, int]) -> Activation:
    text = read_nestml(path)
    interface = parse_nestml(text, str(path))
    lines: dict[str, list[str]] = {}
    for block, line in _blocks(text):
        lines.setdefault(block, []).append(line)
    equations = lines.get("equations", [])
    inlines = tuple(found.group(1) for line in equations if (found := _INLINE.match(line)))
    activation = Activation(path.stem, text, interface, {key: tuple(value) for key, value in lines.items()}, inlines)
    if problem := next(_problems(activation), None):
        raise SpecError([f"{path}: {problem}"])
    return activation


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Block and line of everything within a block, continued lines joined."""
    block, begun = "", ""
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].rstrip()
        if not line.strip() or (not raw[:1].isspace() and not begun):
            continue
        if not begun and (header := _HEADER.match(line)):
            block = header.group(1)
            continue
        begun += line.strip()
        if begun.endswith("\\"):
            begun = begun[:-1].rstrip() + " "
            continue
        yield block, begun
        begun = ""


def _problems(activation: Activation) -> Iterator[str]:
    model = activation.interface
    declared_model(activation.text, activation.name)
    if other := [block for block in activation.lines if block not in BLOCKS]:
        yield f"an activation has blocks {', '.join(BLOCKS)} only, not {', '.join(other)}"
    if list(model.states) != [GATE]:
        yield f"an activation has one state, {GATE}, not {', '.join(model.states) or 'none'}"
    if list(model.currents) != [VOLTAGE] or model.ports:
        ports = [*model.ports, *model.currents]
        yield f"an activation has one input, '{VOLTAGE} mV <- continuous', not {', '.join(ports) or 'none'}"
    equations = [found.groups() for line in activation.lines.get("equations", ()) if (found := _EQUATION.match(line))]
    if equations != [(GATE, "'")]:
        yield f"an activation has one equation, that of {GATE}'"
