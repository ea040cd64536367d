"""What a NESTML model has that the vectorised target refuses, found in its text.

The target itself refuses the same (:mod:`network.codegen.vectorised.describer`), but sees it only after NESTML has
analysed the model, which takes up to two minutes. Nearly everything it refuses can be told from single lines. A line
that is not recognised here is found there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FUNCTIONS = ("info", "print", "println", "warning")
"""Functions of NESTML that the vectorised target does not have."""

_BLOCK = re.compile(
    r"^\s+(state|parameters|internals|equations|input|output|update|function|onReceive|onCondition)\b(.*):\s*$"
)
_CALL = re.compile(r"(\w+)\s*\(")
_DELAYED = re.compile(r"\b\w+\s*\(\s*t\s*-")
_VECTOR = re.compile(r"\b(\w+)\s*\[\s*\w")
_PORT = re.compile(r"^\s*\w+\s*(?:\[(.+)\])?\s*<-\s*((?:excitatory\s+|inhibitory\s+)*)spike\b")
_LOOP = re.compile(r"^(\s*)(?:for|while)\b.*:\s*$")
_FUNCTION = re.compile(r"\s*(\w+)\s*\(")
NO_INTEGRATION = {"onReceive": "an onReceive block", "onCondition": "an onCondition block", "function": "a function"}
"""Blocks in which integrate_odes() is refused."""
_STRING = re.compile(r"^\s*(?:\w+\s*,\s*)*(\w+)\s+string\b")


@dataclass(frozen=True)
class Unsupported:
    """A construct, the line it is in, and how to write the model without it (may be empty)."""

    line: int
    what: str
    instead: str = ""

    def place(self, file: str) -> str:
        """File, line and construct; a line that is not known is left out."""
        where = f"{file}:{self.line}" if self.line else file
        return f"{where}: the vectorised target does not support {self.what}"

    def message(self, file: str, plain: str) -> str:
        """One sentence; ``plain`` is how to choose a target that takes everything."""
        return f"{self.place(file)}: {f'{self.instead}; or {plain}' if self.instead else plain}"


def unsupported(text: str) -> list[Unsupported]:
    """Everything in a model that the vectorised target refuses, the first line of each kind."""
    first: dict[str, Unsupported] = {}
    for found in sorted(_all(text), key=lambda one: one.line):
        first.setdefault(found.what, found)
    return list(first.values())


def time_in_equations(text: str) -> int:
    """Line in which the time ``t`` stands in an equation outside a kernel, or 0.

    NESTML 9.0.0 generates code of it that does not compile; the vectorised target's own code has no such fault.
    """
    block, kernel = "", False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].rstrip()
        if header := _BLOCK.match(line):
            block = header.group(1)
        elif block == "equations" and line:
            begins = bool(re.match(r"\s*kernel\b", line))
            if not (kernel or begins) and re.search(r"\bt\b(?!\s*-)", line.split("=", 1)[-1]):
                return number
            kernel = (kernel or begins) and line.endswith((",", "\\"))
    return 0


def _all(text: str) -> Iterator[Unsupported]:
    block = function = ""
    loop = None  # how far the head of a loop is indented
    ports: list[tuple[int, str, list[str]]] = []  # line, size, qualifiers
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].rstrip()
        if not line.strip():
            continue
        if header := _BLOCK.match(line):
            block, loop = header.group(1), None
            named = _FUNCTION.match(header.group(2)) if block == "function" else None
            function = named.group(1) if named else ""
            if block == "onCondition":
                yield from _expressions(number, header.group(2), block)
            continue
        indent = len(line) - len(line.lstrip())
        if loop is None or indent <= loop:
            loop = indent if _LOOP.match(line) else None
        where = NO_INTEGRATION.get(block, "" if loop is None else "a loop")
        if where and "integrate_odes" in _CALL.findall(line):
            yield Unsupported(number, f"integrate_odes() in {where}", "call it in the update block")
        if function and function in _CALL.findall(line):
            yield Unsupported(number, f"the function {function}(), which calls itself")
        if block == "input" and (port := _PORT.match(line)):
            ports.append((number, port.group(1) or "", port.group(2).split()))
        elif block and block != "output":
            yield from _line(number, line, block)
    yield from _unpaired(ports)


def _unpaired(ports: list[tuple[int, str, list[str]]]) -> Iterator[Unsupported]:
    """Qualified ports without a port of the other qualifier and the same size next to them.

    NESTML gives such a port the receptor type of the port behind it, too; at the end there is none.
    """
    i = 0
    while i < len(ports):
        number, size, qualifiers = ports[i]
        if len(set(qualifiers)) == 1:
            after = ports[i + 1] if i + 1 < len(ports) else None
            if after is not None and (after[1] != size or len(set(after[2])) != 1 or after[2] == qualifiers):
                what = "excitatory and inhibitory as qualifiers of ports that are not in pairs"
                yield Unsupported(number, what, "leave them out; what a spike does, its port says")
            i += 1
        i += 1


def _line(number: int, line: str, block: str) -> Iterator[Unsupported]:
    if block in ("state", "parameters", "internals") and (vector := _VECTOR.search(line)):
        yield Unsupported(number, f"vectors ({vector.group(1)})", "write one variable for each element")
    if block != "input" and (text := _STRING.match(line)):
        yield Unsupported(number, f"the type of {text.group(1)} (string)")
    if block in ("update", "onCondition"):
        call = _CALL.match(line.strip())
        # functions that are refused wherever they stand are not told twice
        known = ("emit_spike", "integrate_odes", "if", "elif", "while", *FUNCTIONS)
        if call and call.group(1) not in known:
            yield Unsupported(number, f"a call of {call.group(1)}() as a statement")
    if not (block == "equations" and re.match(r"\s*kernel\b", line)):
        yield from _expressions(number, line, block)


def _expressions(number: int, line: str, block: str) -> Iterator[Unsupported]:
    if block == "input":
        return
    for name in sorted(set(_CALL.findall(line)) & set(FUNCTIONS)):
        yield Unsupported(number, f"the function {name}()", "write x**y" if name == "pow" else "")
    if _DELAYED.search(line):
        yield Unsupported(number, "delayed variables")
    if "//" in line:
        yield Unsupported(number, "division of integers by //")
