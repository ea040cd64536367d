"""Is an equation of NESTML linear in a variable? Found in its text, without NESTML.

An expression is read with the precedences of NESTML, and every part of it is found to be free of the variable, linear
in it, or neither. What cancels out only after expanding (``s * s - s**2``) is taken for what is written. Text that is
no expression is left to NESTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

FREE, LINEAR = 0, 1
"""Parts without the variable, and parts that are linear in it."""

_TOKEN = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|([A-Za-z_]\w*)|(\*\*|<>|[<>!=]=|<<|>>|[-+*/%()<>?:,&|^~]))"
)
_WORDS = ("and", "or", "not")
_BINDING = {
    **dict.fromkeys(("?",), 1),
    **dict.fromkeys(("or", "|"), 2),
    **dict.fromkeys(("and", "&", "^"), 3),
    **dict.fromkeys(("<", ">", "<=", ">=", "==", "!=", "<>"), 5),
    **dict.fromkeys(("<<", ">>"), 6),
    **dict.fromkeys(("+", "-"), 7),
    **dict.fromkeys(("*", "/", "%"), 8),
    "**": 10,
}
_NOT, SIGN = 4, 9

Read = TypeVar("Read")
"""What a reader makes of an expression."""


class NotLinearError(Exception):
    """A part that is neither free of the variable nor linear in it; the message says which."""


class NoExpressionError(Exception):
    """NESTML will say what is wrong with it."""


def why_not_linear(equation: str, variable: str, inlines: Mapping[str, str]) -> str | None:
    """What makes an expression not linear in a variable; None if it is linear, or no expression.

    Parameters
    ----------
    equation : str
        Right-hand side.
    variable : str
    inlines : mapping of str to str
        Expressions that may be named in it.

    Examples
    --------
    >>> why_not_linear("k * (1 - s) - s / (3 ms)", "s", {})
    >>> why_not_linear("opens * (1 - s)", "s", {"opens": "k * s"})
    's is multiplied by itself'
    >>> why_not_linear("k * exp(s)", "s", {})
    's is in exp()'
    """
    try:
        _Degrees(variable, inlines).of(equation)
    except NotLinearError as error:
        return str(error)
    except (NoExpressionError, RecursionError):
        return None
    return None


class _Degrees:
    """Degrees of expressions in a variable, those of inline expressions found once."""

    def __init__(self, variable: str, inlines: Mapping[str, str]) -> None:
        self.variable, self.inlines = variable, inlines
        self.known: dict[str, int] = {}

    def of(self, text: str) -> int:
        return _Reader(tokens_of(text), self.of_name, self.variable).whole()

    def of_name(self, name: str) -> int:
        if name == self.variable:
            return LINEAR
        if name not in self.known:
            self.known[name] = FREE  # one that is made of itself is for NESTML to refuse
            self.known[name] = self.of(self.inlines[name]) if name in self.inlines else FREE
        return self.known[name]


def tokens_of(text: str) -> list[str]:
    """Numbers, names and signs of an expression."""
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NoExpressionError
        found.append(match.group().strip())
        at = match.end()
    return found


class Reader(Generic[Read]):
    """Reads an expression from left to right, with the precedences of NESTML; what it makes of it, its kinds say."""

    def __init__(self, tokens: list[str], of_name: Callable[[str], Read], variable: str) -> None:
        self.tokens, self.at, self.of_name, self.variable = tokens, 0, of_name, variable

    def whole(self) -> Read:
        """All of it.

        Raises
        ------
        NoExpressionError
            If something is left over.
        """
        found = self.expression(0)
        if self.at < len(self.tokens):
            raise NoExpressionError
        return found

    def expression(self, binding: int) -> Read:
        """A part whose signs bind more than that."""
        left = self.operand()
        while (sign := self.next()) in _BINDING and _BINDING[sign] > binding:
            self.at += 1
            if sign == "?":
                left = self.choice(left)
            else:  # powers are read from the right
                left = self.joined(left, sign, self.expression(_BINDING[sign] - (sign == "**")))
        return left

    def operand(self) -> Read:
        """A number, a name, a call, or what stands in brackets or behind a sign."""
        raise NotImplementedError

    def choice(self, condition: Read) -> Read:
        """What follows on a question mark."""
        raise NotImplementedError

    def joined(self, left: Read, sign: str, right: Read) -> Read:
        """Two parts with a sign between them."""
        raise NotImplementedError

    def closed(self, inner: Read) -> Read:
        """What stood in brackets, which end here."""
        if self.taken() != ")":
            raise NoExpressionError
        return inner

    def next(self) -> str:
        """Token that comes, empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def taken(self) -> str:
        """Token that comes, gone past."""
        token = self.next()
        if not token:
            raise NoExpressionError
        self.at += 1
        return token


class _Reader(Reader[int]):
    """Every method returns the degree of what it has read."""

    def operand(self) -> int:
        token = self.taken()
        if token == "(":
            return self.closed(self.expression(0))
        if token == "not":
            return self.free(self.expression(_NOT), "in a condition")
        if token in ("+", "-"):
            return self.expression(SIGN)
        if token == "~":
            return self.free(self.expression(SIGN), "in ~")
        if token[0].isdigit() or token[0] == ".":
            if is_name(self.next()):  # its unit
                self.at += 1
            return FREE
        if not is_name(token):
            raise NoExpressionError
        return self.call(token) if self.next() == "(" else self.of_name(token)

    def call(self, name: str) -> int:
        self.at += 1
        while self.next() != ")":
            self.free(self.expression(0), f"in {name}()")
            if self.next() == ",":
                self.at += 1
            elif self.next() != ")":
                raise NoExpressionError
        self.at += 1
        return FREE

    def choice(self, condition: int) -> int:
        self.free(condition, "in a condition")
        first = self.expression(0)
        if self.taken() != ":":
            raise NoExpressionError
        return max(first, self.expression(0))

    def joined(self, left: int, sign: str, right: int) -> int:
        if sign in ("+", "-"):
            return max(left, right)
        if sign == "*":
            if left and right:
                raise NotLinearError(f"{self.variable} is multiplied by itself")
            return max(left, right)
        if sign == "/":
            self.free(right, "in a divisor")
            return left
        where = "raised to a power" if sign == "**" else "in a condition" if _BINDING[sign] <= 5 else f"beside {sign}"
        return self.free(max(left, right), where)

    def free(self, degree: int, where: str) -> int:
        """Refuse the variable there."""
        if degree != FREE:
            raise NotLinearError(f"{self.variable} is {where}")
        return FREE


def is_name(token: str) -> bool:
    """Whether it is a name, and no word of NESTML."""
    return token[:1].isalpha() or token[:1] == "_" if token not in _WORDS else False
