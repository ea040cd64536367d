"""Interface of a NESTML model, read from its text: ports, parameters, states and what can be recorded.

This is not a NESTML compiler; it reads the declarations only, so that a wrong receptor or parameter name is
found in milliseconds and without the NESTML tools.  Syntax errors are left to the compiler.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

from .. import resources
from ..errors import SpecError
from ..refusals import refused_before
from .limits import NAME_PATTERN
from .nestml_ports import PortUse, port_uses
from .nestml_support import Unsupported, unsupported
from .nestml_vectors import written_out
from .quantities import NAME_UNITS
from .units import UNITS, canonical, compatible

_MODEL = re.compile(r"^(?:model|neuron)\s+(\w+)\s*:")
_BLOCK = re.compile(r"^\s+(state|parameters|internals|equations|input|output|update|function|on\w+)\b.*:\s*$")
_PORT = re.compile(r"^\s+(\w+)(?:\[\s*(\d+)\s*\])?(?:\s+[^<]+)?\s*<-\s*((?:\w+\s+)*)spike\b")
_DECLARATION = re.compile(r"^\s+(?:recordable\s+)?((?:\w+\s*,\s*)*\w+)\s+([^=]+?)\s*=")
_CONTINUOUS = re.compile(r"^\s+(\w+)\s+([^<]+?)\s*<-\s*continuous\b")
_VALUE = re.compile(r"=\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z1][\w/*^ ()-]*)?\s*$")
_KERNEL = re.compile(r"^\s+kernel\b")
_SOLVED = re.compile(r"\b([A-Za-z_]\w*)\$*'+\s*=")
_INLINE = re.compile(r"^\s+recordable\s+inline\s+(\w+)\s+([^=]+?)\s*=")


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
        State variables and recordable inline expressions, but for those that are true or false.
    digest : str
        SHA-256 of the source text.
    inlines : dict of str to str
        Declared type or unit of every recordable inline expression.
    file : str
        Where it was read, for messages.
    problem : str
        Why the file cannot be used; the other attributes are empty then.
    unsupported : tuple of Unsupported
        What the vectorised target refuses.
    uses : dict of str to PortUse
        What the model does with the spikes of a port, as far as its text tells.
    qualifiers : dict of str to str
        ``excitatory`` or ``inhibitory`` of ports that are declared so. NEST tells two such ports apart by the sign of
        the weight.
    """

    name: str
    ports: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    recordables: tuple[str, ...] = ()
    digest: str = ""
    inlines: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    problem: str = ""
    unsupported: tuple[Unsupported, ...] = ()
    defaults: Mapping[str, tuple[float, str, int]] = field(default_factory=dict)
    """Value, unit and line of every parameter that the text gives as a number in a known unit."""
    currents: Mapping[str, str] = field(default_factory=dict)
    """Declared unit of every continuous input port."""
    uses: Mapping[str, PortUse] = field(default_factory=dict)
    qualifiers: Mapping[str, str] = field(default_factory=dict)

    @cached_property  # asked for every receptor of every point of a scan
    def port_parameters(self) -> dict[str, tuple[str, str]]:
        """Port and name at that port of every parameter ``<name>_<port>``; the others are the cell's own.

        The longest port that fits owns a parameter: ``tau_syn_ext_stn`` is the ``tau_syn`` of ``ext_stn``, also where
        there is a port ``stn``.  What everybody calls by one name (``E_L``, ``t_ref``) never belongs to a port.
        """
        owned = {}
        for parameter in self.parameters:
            fitting = [port for port in self.ports if parameter.removesuffix(f"_{port}") not in ("", parameter)]
            if fitting and parameter not in NAME_UNITS:
                port = max(fitting, key=len)
                owned[parameter] = (port, parameter.removesuffix(f"_{port}"))
        return owned

    def recorded_unit(self, variable: str) -> str:
        """Unit in which a recorded variable comes, as the model declares it; 1 where it is a plain number."""
        declared = self.states.get(variable, self.inlines.get(variable, "1"))
        if declared in ("real", "integer", "boolean"):
            return "1"
        spelling = spelled(declared)
        return canonical(spelling) if spelling in UNITS and spelling != "1" else declared  # in NEST's unit

    def unit(self, parameter: str) -> str | None:
        """Look up the unit of a parameter or state; None where it is only ``real`` or ``integer``."""
        spelling = spelled(self.parameters.get(parameter, self.states.get(parameter, "")))
        return spelling if spelling in UNITS and spelling != "1" else None


def spelled(declared: str) -> str:
    """Unit of NESTML as this package spells it."""
    return declared.replace(" ", "").replace("**", "^").strip("()").replace("ms^-1", "1/ms")


def _declared(line: str, unit: str) -> tuple[float, str] | None:
    """Value of a declaration, and its unit; None if it is not a mere number, or in a unit that is not known here."""
    found = _VALUE.search(line.split("[[")[0])
    if found is None:
        return None
    value, written = float(found.group(1)), spelled(found.group(2) or "")
    if unit in ("real", "integer"):
        return (value, "1") if not written else None
    known = spelled(unit)
    return (value, written) if written in UNITS and known in UNITS and compatible(written, known) else None


RESERVED = {
    *keyword.kwlist,
    *("integer", "real", "boolean", "string"),
    *"""alignas alignof asm auto bool case catch char concept const constexpr decltype default delete do double enum
    explicit export extern false float friend goto if inline int long mutable namespace new noexcept nullptr operator
    private protected public register requires short signed sizeof static struct switch template this throw true typedef
    typeid typename union unsigned using virtual void volatile wchar_t xor""".split(),  # noqa: SIM905
}
"""Words that a port cannot be called: NESTML puts them into names that it parses again as Python."""


def model_lines(text: str) -> list[tuple[str, int]]:
    """Name and line of every model that a NESTML text declares."""
    found = [(_MODEL.match(line), number) for number, line in enumerate(text.splitlines(), start=1)]
    return [(match.group(1), number) for match, number in found if match]


def declared_model(text: str, where: str) -> str:
    """Name of the one model in a NESTML text.

    Raises
    ------
    SpecError
        If there is no ``model NAME:`` line, or more than one: which of them an experiment means nobody could tell.
    """
    found = model_lines(text)
    if not found:
        raise SpecError([f"{where}: no line 'model NAME:', this is not a NESTML model"])
    if len(found) > 1:
        listed = ", ".join(f"{name} in line {line}" for name, line in found)
        raise SpecError([f"{where}: {len(found)} models in one file ({listed}); give each a file of its own"])
    return found[0][0]


def parse_nestml(text: str, where: str = "model") -> ModelInterface:
    """Interface of the model in a NESTML text.

    Raises
    ------
    SpecError
        If there is not exactly one ``model NAME:`` line.
    """
    name = declared_model(text, where)
    block = None
    ports: list[str] = []
    parameters: dict[str, str] = {}
    states: dict[str, str] = {}
    inlines: dict[str, str] = {}
    internals: dict[str, str] = {}
    qualifiers: dict[str, str] = {}
    lines: list[tuple[str, str]] = []
    defaults: dict[str, tuple[float, str, int]] = {}
    currents: dict[str, str] = {}
    of_kernels: set[str] = set()
    in_kernel = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].rstrip()
        if not line:
            continue
        if found := _BLOCK.match(line):
            block = found.group(1)
            lines.append((block, line))
            continue
        lines.append((block or "", line))
        if block == "input" and (found := _PORT.match(line)):
            name_of_port, size, qualifier = found.groups()
            if name_of_port in RESERVED:
                what = "a word of C++, Python or NESTML itself, with which NESTML cannot generate code"
                raise SpecError([f"{where}:{number}: the port {name_of_port!r} is {what}; call it otherwise"])
            elements = [name_of_port] if size is None else [f"{name_of_port}_{index}" for index in range(int(size))]
            ports += elements
            if len(only := qualifier.split()) == 1:
                qualifiers |= dict.fromkeys(elements, only[0])
        elif block in ("parameters", "state", "internals") and (found := _DECLARATION.match(line)):
            target = {"parameters": parameters, "state": states, "internals": internals}[block]
            for variable in found.group(1).split(","):
                target[variable.strip()] = found.group(2).strip()
                if block == "parameters" and (value := _declared(line, found.group(2).strip())) is not None:
                    defaults[variable.strip()] = (*value, number)
        elif block == "input" and (found := _CONTINUOUS.match(line)):
            currents[found.group(1)] = found.group(2).strip()
        elif block == "equations" and (found := _INLINE.match(line)):
            inlines[found.group(1)] = found.group(2)
        elif block == "equations" and (in_kernel or _KERNEL.match(line)):
            in_kernel = line.endswith((",", "\\"))
            of_kernels.update(_SOLVED.findall(line))
    digest = hashlib.sha256(text.encode()).hexdigest()
    units = {**internals, **parameters, **states}
    for variable in of_kernels & states.keys():  # a shape with its first values, which a cell has once for every port
        del states[variable]
    return ModelInterface(
        name,
        tuple(ports),
        parameters,
        states,
        tuple(name for name, unit in (states | inlines).items() if unit != "boolean"),  # NEST records numbers
        digest,
        inlines,
        file=where,
        unsupported=tuple(unsupported(text)),
        defaults=defaults,
        currents=currents,
        uses=port_uses(lines, ports, units),
        qualifiers=qualifiers,
    )


def read_nestml(path: Path) -> str:
    """Text of a NESTML file, its vectors written out (:mod:`.nestml_vectors`).

    Raises
    ------
    SpecError
        If it is no file, or cannot be read, or is not text in UTF-8.
    """
    if path.exists() and not path.is_file():
        raise SpecError([f"{path}: is not a file"])
    try:
        return written_out(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError([f"{path}:{line}: is not a text file in UTF-8 ({error.reason}); save it as UTF-8"]) from error
    except OSError as error:
        raise SpecError([f"{path}: cannot be read ({error.strerror})"]) from error


@lru_cache(maxsize=256)
def _read(path: Path, stamp: tuple[int, int]) -> ModelInterface:
    try:
        if not re.fullmatch(NAME_PATTERN, path.stem):
            named = f"a model has the name of its file, and {path.stem!r} is not a name"
            raise SpecError([f"{path}: {named} (letters, digits and underscores)"])
        return parse_nestml(read_nestml(path), str(path))
    except SpecError as error:
        return ModelInterface(path.stem, file=str(path), problem=str(error))


def model_interfaces() -> dict[str, ModelInterface]:
    """Interfaces of all NESTML models that can be found, by file name; an unusable file has a ``problem``."""
    return {name: _with_notes(_read(path, resources.stamp(path))) for name, path in resources.list_models().items()}


def _with_notes(model: ModelInterface) -> ModelInterface:
    """Add what the text does not tell, but the code generator has found before."""
    if model.problem or model.unsupported or (known := refused_before(model.digest)) is None:
        return model
    return replace(model, unsupported=(Unsupported(*known),))
