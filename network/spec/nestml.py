"""Interface of a NESTML model, read from its text: ports, parameters, states and what can be recorded.

This is not a NESTML compiler; it reads the declarations only, so that a wrong receptor or parameter name is
found in milliseconds and without the NESTML tools.  Syntax errors are left to the compiler.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from network import resources
from network.spec.errors import SpecError
from network.spec.units import UNITS

_MODEL = re.compile(r"^(?:model|neuron)\s+(\w+)\s*:")
_BLOCK = re.compile(r"^\s+(state|parameters|internals|equations|input|output|update|function|on\w+)\b.*:\s*$")
_PORT = re.compile(r"^\s+(\w+)(?:\s+[^<]+)?\s*<-\s*(?:\w+\s+)*spike\b")
_DECLARATION = re.compile(r"^\s+(?:recordable\s+)?((?:\w+\s*,\s*)*\w+)\s+([^=]+?)\s*=")
_INLINE = re.compile(r"^\s+recordable\s+inline\s+(\w+)\b")


@dataclass(frozen=True)
class ModelInterface:
    """What the specification must know of a NESTML model.

    Attributes
    ----------
    ports : tuple of str
        Spike input ports in the order of declaration; these are the receptors.
    parameters : dict of str to str
        Declared type or unit of every parameter, for instance ``mV``, ``real``, ``integer``.
    states : dict of str to str
        The same for the state variables.
    recordables : tuple of str
        State variables and recordable inline expressions.
    digest : str
        SHA-256 of the source text.
    """

    name: str
    ports: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    recordables: tuple[str, ...] = ()
    digest: str = ""

    def unit(self, parameter: str) -> str | None:
        """Look up the unit of a parameter or state; None where it is only ``real`` or ``integer``."""
        declared = self.parameters.get(parameter, self.states.get(parameter, ""))
        spelling = declared.replace(" ", "").replace("**", "^").strip("()").replace("ms^-1", "1/ms")
        return spelling if spelling in UNITS and spelling != "1" else None


def parse_nestml(text: str, where: str = "model") -> ModelInterface:
    """Interface of the (first) model in a NESTML text.

    Raises
    ------
    SpecError
        If there is no ``model NAME:`` line.
    """
    name = None
    block = None
    ports: list[str] = []
    parameters: dict[str, str] = {}
    states: dict[str, str] = {}
    inlines: list[str] = []
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].rstrip()
        if not line:
            continue
        if found := _MODEL.match(line):
            if name is not None:
                break
            name = found.group(1)
            continue
        if found := _BLOCK.match(line):
            block = found.group(1)
            continue
        if block == "input" and (found := _PORT.match(line)):
            ports.append(found.group(1))
        elif block in ("parameters", "state") and (found := _DECLARATION.match(line)):
            target = parameters if block == "parameters" else states
            for variable in found.group(1).split(","):
                target[variable.strip()] = found.group(2).strip()
        elif block == "equations" and (found := _INLINE.match(line)):
            inlines.append(found.group(1))
    if name is None:
        raise SpecError([f"{where}: no line 'model NAME:', this is not a NESTML model"])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return ModelInterface(name, tuple(ports), parameters, states, (*states, *inlines), digest)


@lru_cache(maxsize=64)
def _read(path: Path, stamp: int) -> ModelInterface:
    return parse_nestml(path.read_text(encoding="utf-8"), str(path))


def model_interfaces() -> dict[str, ModelInterface]:
    """Interfaces of all NESTML models that can be found, by file name."""
    return {name: _read(path, path.stat().st_mtime_ns) for name, path in resources.list_models().items()}
