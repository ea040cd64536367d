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
from .linear import why_not_linear
from .nestml import ModelInterface, declared_model, parse_nestml, read_nestml

DEFAULT = "abbott_marder"
VOLTAGE, GATE = "V_pre", "s"
"""Port for the potential of the source, and the open probability."""
BLOCKS = ("state", "parameters", "equations", "input", "update")

_HEADER = re.compile(r"^\s+([A-Za-z]\w*)\b[^:=<]*:\s*$")
_INLINE = re.compile(r"^\s*(?:recordable\s+)?inline\s+(\w+)\s[^=]*=(.*)")
_EQUATION = re.compile(r"^\s*([A-Za-z_]\w*)('+)\s*=(.*)")
UPDATE = "integrate_odes()"
"""All that the update block of an activation may have: it is advanced by what graded synapses bring along."""


@dataclass(frozen=True)
class Activation:
    """An activation as its file has it.

    Attributes
    ----------
    lines : dict of str to tuple of str
        Declarations and equations of every block, without comments and indentation.
    numbers : dict of str to tuple of int
        Lines of the file that these begin in.
    inlines : dict of str to str
        Inline expressions by their names.
    """

    name: str
    text: str
    interface: ModelInterface
    lines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    inlines: dict[str, str] = field(default_factory=dict)

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
    lines: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, tuple[int, ...]] = {}
    for block, line, number in model_blocks(text):
        lines[block] = (*lines.get(block, ()), line)
        numbers[block] = (*numbers.get(block, ()), number)
    inlines = {found.group(1): found.group(2) for line in lines.get("equations", ()) if (found := _INLINE.match(line))}
    activation = Activation(path.stem, text, interface, lines, numbers, inlines)
    for number, problem in _problems(activation):
        raise SpecError([f"{path}:{number}: {problem}" if number else f"{path}: {problem}"])
    return activation


def model_blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """Block, line and its number of everything within a block of a NESTML model, continued lines joined."""
    block, begun, first = "", "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].rstrip()
        if not line.strip() or (not raw[:1].isspace() and not begun):
            continue
        if not begun and (header := _HEADER.match(line)):
            block = header.group(1)
            continue
        first = first if begun else number
        begun += line.strip()
        if begun.endswith("\\"):
            begun = begun[:-1].rstrip() + " "
            continue
        yield block, begun, first
        begun = ""


def _problems(activation: Activation) -> Iterator[tuple[int, str]]:
    """Line, 0 if it is not that of one, and what is wrong."""
    model, lines, numbers = activation.interface, activation.lines, activation.numbers
    declared_model(activation.text, activation.name)
    if other := [block for block in lines if block not in BLOCKS]:
        message = f"an activation has blocks {', '.join(BLOCKS)} only, not {', '.join(other)}"
        yield numbers[other[0]][0], message
    if list(model.states) != [GATE]:
        yield 0, f"an activation has one state, {GATE}, not {', '.join(model.states) or 'none'}"
    if list(model.currents) != [VOLTAGE] or model.ports:
        ports = [*model.ports, *model.currents]
        yield 0, f"an activation has one input, '{VOLTAGE} mV <- continuous', not {', '.join(ports) or 'none'}"
    for line, number in zip(lines.get("update", ()), numbers.get("update", ()), strict=True):
        if line.replace(" ", "") != UPDATE:
            yield (
                number,
                f"the update block of an activation is '{UPDATE}', not '{line}'; all else belongs in equations",
            )
    equations = [
        (number, found)
        for line, number in zip(lines.get("equations", ()), numbers.get("equations", ()), strict=True)
        if (found := _EQUATION.match(line))
    ]
    if [found.group(1, 2) for _, found in equations] != [(GATE, "'")]:
        yield 0, f"an activation has one equation, that of {GATE}'"
    for number, found in equations:
        if why := why_not_linear(found.group(3), GATE, activation.inlines):
            message = f"the equation of an activation must be linear in {GATE}, and {why}"
            remedy = f"write it as {GATE}' = opening * (1 - {GATE}) - closing * {GATE}, with rates that have no {GATE}"
            yield number, f"{message}; {remedy}"
