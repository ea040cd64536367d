"""Printed expressions as SymPy: what can be differentiated of the C++ that this target writes.

The text, not NESTML's tree, is read, because conversions of units, inlines and functions are already written out in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<exp>e\.template exp< (?P<which>\d+) >)"
    r"|lane::power< (?P<power>-?\d+) >|(?P<name>[A-Za-z_][\w.:]*)|(?P<sign><=|>=|==|!=|[-+*/()<>?:,]))"
)
COMPARISONS = ("<", "<=", ">", ">=")


class NotSymbolicError(Exception):
    """Something that has no derivative here; the message says what."""


@dataclass
class Reader:
    """Turns printed expressions into SymPy.

    Attributes
    ----------
    same : callable
        Gets the arguments of ``lane::min`` and ``lane::max``; returns what they are where the expression is used.
    powers : mapping
        Values of integer exponents that are parameters, by their printed name.
    branch : bool
        Which side of a condition is taken.
    conditions : list
        What has been asked on the way, as printed; every condition once.
    """

    same: Callable[[str, Any, Any], Any]
    powers: dict[str, int] = field(default_factory=dict)
    branch: bool = True
    conditions: list[Any] = field(default_factory=list)

    def read(self, text: str) -> Any:
        """SymPy expression of a printed one; symbols have their printed names."""
        self._tokens = list(tokens(text))
        self._at = 0
        value = self._choice()
        if self._at != len(self._tokens):
            raise NotSymbolicError(f"'{self._tokens[self._at][1]}'")
        return value

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, expected: str = "") -> tuple[str, str]:
        if self._at >= len(self._tokens) or (expected and self._peek() != expected):
            raise NotSymbolicError(f"'{self._peek()}'")
        self._at += 1
        return self._tokens[self._at - 1]

    def _choice(self) -> Any:
        condition = self._comparison()
        if self._peek() != "?":
            return condition
        self._take("?")
        first = self._choice()
        self._take(":")
        second = self._choice()
        if not isinstance(condition, tuple):
            raise NotSymbolicError("a condition that is no comparison")
        if condition not in self.conditions:
            self.conditions.append(condition)
        return first if self.branch else second

    def _comparison(self) -> Any:
        left = self._sum()
        if self._peek() not in COMPARISONS:
            return left
        sign = self._take()[1]
        return (sign, left, self._sum())

    def _sum(self) -> Any:
        value = self._product()
        while self._peek() in ("+", "-"):
            value = value + self._product() if self._take()[1] == "+" else value - self._product()
        return value

    def _product(self) -> Any:
        value = self._factor()
        while self._peek() in ("*", "/"):
            value = value * self._factor() if self._take()[1] == "*" else value / self._factor()
        return value

    def _factor(self) -> Any:
        import sympy

        kind, text = self._take()
        if text in ("-", "+"):
            return -self._factor() if text == "-" else self._factor()
        if text == "(":
            value = self._choice()
            self._take(")")
            return value
        if kind == "number":
            return sympy.Integer(int(float(text))) if float(text) == int(float(text)) else sympy.Float(text, 17)
        if kind == "exp":
            return sympy.exp(*self._arguments(1))
        if kind == "power":
            return self._arguments(1)[0] ** int(text)
        if text in ("lane::exp", "lane::min", "lane::max", "lane::pow"):
            if text == "lane::exp":
                return sympy.exp(*self._arguments(1))
            first, second = self._arguments(2)
            if text == "lane::pow":
                if str(second) not in self.powers:
                    raise NotSymbolicError(f"the power {second}")
                return first ** self.powers[str(second)]
            return self.same(text, first, second)
        if self._peek() == "(" or kind != "name" or "::" in text:
            raise NotSymbolicError(f"{text}")
        return sympy.Symbol(text, real=True)

    def _arguments(self, n: int) -> list[Any]:
        self._take("(")
        found = [self._choice()]
        while self._peek() == ",":
            self._take(",")
            found.append(self._choice())
        self._take(")")
        if len(found) != n:
            raise NotSymbolicError(f"{len(found)} arguments")
        return found


def tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of every token; the number for powers and exponentials."""
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise NotSymbolicError(f"'{text[at : at + 20].strip()}'")
        at = match.end()
        if match["which"] is not None:
            found.append(("exp", match["which"]))
        elif match["power"] is not None:
            found.append(("power", match["power"]))
        else:
            kind = match.lastgroup or ""
            found.append((kind, match[kind]))
    return found
