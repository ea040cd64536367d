"""Vectors of state, parameters and internals of a NESTML model, written out as one variable for each element.

The code generators know scalars. NESTML 9.0.0 itself has vectors, but its code for a model with both vectors and
convolutions does not compile. So they are written out when a file is read, for every target: ``x[3] real = 0`` becomes
``x_0, x_1, x_2 real = 0``; a loop over an index is unrolled; an index that is only known in a run becomes a choice
between the elements.

A text that has something beyond this (a vector without an index, a size that is a parameter) is left as it is; the
vectorised target refuses it with the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LONGEST = 64
"""Elements of a vector that are written out, and passes of a loop that are unrolled; more are a table, not a state."""

_DECLARED = re.compile(r"^(\s+(?:recordable\s+)?)((?:\w+\s*\[[^\]]+\]\s*,\s*)*\w+\s*\[[^\]]+\])(\s+[^\[<]*)$")
_ELEMENT = re.compile(r"(\w+)\s*\[([^\]]+)\]")
_BLOCK = re.compile(r"^ {1,4}(\w+)\b.*:\s*$")
_INTEGER = re.compile(r"^\s+(\w+)\s+integer\s*=\s*(\d+)\s*$")
_LOOP = re.compile(r"^(\s*)for\s+(\w+)\s+in\s+(.+?)\s*\.\.\.\s*(.+?)\s+step\s+(-?\d+)\s*:\s*$")
_ASSIGNED = re.compile(r"^(\s*)(\w+)\s*\[([^\]]+)\]\s*([-+*/]?=)(?!=)\s*(.*)$")
_SUM = re.compile(r"[\d\s+*()-]+")


class _NotUnderstoodError(Exception):
    """The text stays as it is."""


@dataclass
class _Vectors:
    sizes: dict[str, int] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int | None:
        """Value of an index or bound that is known now, or None."""
        known = re.sub(r"\b[A-Za-z_]\w*\b", lambda name: str(self.constants.get(name.group(), name.group())), text)
        if re.search("[A-Za-z]", known):
            return None
        if not _SUM.fullmatch(known) or "**" in known:
            raise _NotUnderstoodError
        try:
            return int(eval(known, {"__builtins__": {}}))  # digits, +, -, * and brackets alone
        except (SyntaxError, TypeError) as error:
            raise _NotUnderstoodError from error

    def elements(self, name: str) -> list[str]:
        return [f"{name}_{i}" for i in range(self.sizes[name])]

    def element(self, name: str, index: str) -> str:
        """An element in an expression."""
        value = self.number(index)
        elements = self.elements(name)
        if value is not None:
            if not 0 <= value < len(elements):
                raise _NotUnderstoodError
            return elements[value]
        choice = elements[-1]
        for i in range(len(elements) - 2, -1, -1):
            choice = f"(({index.strip()}) == {i} ? {elements[i]} : {choice})"
        return choice

    def expression(self, text: str) -> str:
        """Elements in place of vectors with an index."""

        def replaced(found: re.Match[str]) -> str:
            name, index = found.groups()
            return self.element(name, index) if name in self.sizes else found.group()

        done = _ELEMENT.sub(replaced, text)
        if any(re.search(rf"\b{name}\b", done) for name in self.sizes):
            raise _NotUnderstoodError  # a vector as a whole, or an index that is an element of another
        return done

    def statement(self, line: str) -> list[str]:
        """Lines for one line."""
        found = _ASSIGNED.match(line)
        if found is None or found.group(2) not in self.sizes or self.number(found.group(3)) is not None:
            return [self.expression(line)]
        indent, name, index, operator, value = found.groups()
        lines = []
        for i, element in enumerate(self.elements(name)):
            lines.append(f"{indent}{'elif' if i else 'if'} ({index.strip()}) == {i}:")
            lines.append(f"{indent}    {element} {operator} {self.expression(value)}")
        return lines


def written_out(text: str) -> str:
    """The same model without vectors, or the same text.

    Parameters
    ----------
    text : str
        Of a NESTML file. Comments are left out of what is changed.
    """
    if "[" not in text:
        return text
    lines = [line.split("#", 1)[0].rstrip() for line in text.splitlines()]
    vectors = _Vectors()
    try:
        declared = _declarations(lines, vectors)
        if not vectors.sizes:
            return text
        return "\n".join(_statements(declared, vectors)) + "\n"
    except _NotUnderstoodError:
        return text


def _declarations(lines: list[str], vectors: _Vectors) -> list[str]:
    """Lines with the declarations written out; the rest as it is."""
    done, names, block = [], [], ""
    for line in lines:
        if (header := _BLOCK.match(line)) and len(line) - len(line.lstrip()) <= 4:
            block = header.group(1)
        elif block == "internals" and (constant := _INTEGER.match(line)):
            vectors.constants[constant.group(1)] = int(constant.group(2))
    block = ""
    for line in lines:
        if header := _BLOCK.match(line):
            block = header.group(1)
        found = _DECLARED.match(line) if block in ("state", "parameters", "internals") else None
        if found is not None:
            elements = []
            for name, size in _ELEMENT.findall(found.group(2)):
                length = vectors.number(size)
                if length is None or not 0 < length <= LONGEST:
                    raise _NotUnderstoodError
                vectors.sizes[name] = length
                elements += vectors.elements(name)
            line = f"{found.group(1)}{', '.join(elements)}{found.group(3)}"
            names += elements
        done.append(line)
    for name in names:  # a name that is there already
        if sum(len(re.findall(rf"\b{name}\b", line)) for line in lines):
            raise _NotUnderstoodError
    return done


def _statements(lines: list[str], vectors: _Vectors) -> list[str]:
    """Lines with indices and loops written out."""
    done: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        loop = _LOOP.match(line)
        if loop is None:
            done += vectors.statement(line)
            continue
        indent, variable = loop.group(1), loop.group(2)
        end = at
        while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > len(indent)):
            end += 1
        while not lines[end - 1].strip():
            end -= 1
        body = lines[at:end]
        indexed = re.compile(rf"\[[^\]]*\b{variable}\b[^\]]*\]")
        if not any(indexed.search(inside) for inside in body):
            done.append(vectors.expression(line))
            continue
        at = end
        done += _unrolled(loop, body, vectors)
    return done


def _unrolled(loop: re.Match[str], body: list[str], vectors: _Vectors) -> list[str]:
    indent, variable, start, stop, step = loop.groups()
    first, last = vectors.number(start), vectors.number(stop)
    if first is None or last is None or int(step) == 0:
        raise _NotUnderstoodError
    passes = range(first, last, int(step))  # as the C++ of NESTML counts: up to the end, without it
    if len(passes) > LONGEST or any(re.match(rf"^\s*{variable}\s*[-+*/]?=[^=]", line) for line in body):
        raise _NotUnderstoodError
    text = "\n".join(line[len(indent) :] for line in _dedented(body, len(indent)))
    lines: list[str] = []
    for value in passes:
        own = re.sub(rf"\b{variable}\b", str(value), text).split("\n")
        lines += _statements(own, vectors)
    after = passes[-1] + passes.step if passes else first
    return [*(f"{indent}{line}" if line.strip() else "" for line in lines), f"{indent}{variable} = {after}"]


def _dedented(body: list[str], outer: int) -> list[str]:
    """Lines of a loop, one level further out."""
    depth = min(len(line) - len(line.lstrip()) for line in body if line.strip()) - outer
    return [line[depth:] if line.strip() else "" for line in body]
