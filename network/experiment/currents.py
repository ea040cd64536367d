"""The current that a receptor brings to a cell, as a formula: read off the equation of the potential of a NESTML model.

Of ``V_m' = (... + gain_exc * g_exc * (E_rev_exc - V_m) + ...) / C_m`` the part with ``g_exc``, times ``C_m``, is the
current of ``exc``, in pA; positive depolarises. Inline expressions are followed, constants come in NEST's units. What
is left are names that can be recorded, and parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from .. import resources
from ..errors import SpecError
from .activations import model_blocks
from .linear import SIGN, NoExpressionError, NotLinearError, Reader, is_name, tokens_of
from .nestml import ModelInterface, read_nestml
from .units import UNITS, convert

POTENTIAL, CAPACITANCE = "V_m", "C_m"
FUNCTIONS = {
    **{"exp": "exp", "ln": "log", "log10": "log10", "sqrt": "sqrt", "abs": "abs", "min": "minimum", "max": "maximum"},
    **{"sinh": "sinh", "cosh": "cosh", "tanh": "tanh"},
}
"""Functions of NESTML and their names in formulas, which are NumPy's."""

_NAMED = re.compile(r"^(?:recordable\s+)?(?:inline\s+)?(\w+)\s+[^=]*?=(?!=)(.*)")
_EQUATION = re.compile(r"^([A-Za-z_]\w*)'\s*=(.*)")
_WORD = re.compile(r"[A-Za-z_]\w*")


def receptor_current(model: ModelInterface, port: str) -> str:
    """Formula of the current of a port in pA, over names that can be recorded and parameters of the model.

    Raises
    ------
    SpecError
        If the text of the model does not tell; one sentence.

    Examples
    --------
    ``C_m * (((gain_exc * g_exc) * (E_rev_exc - V_m)) / C_m)`` of the port ``exc`` of ``lif_cond_alpha``.
    """
    path = resources.list_models().get(model.name)
    if path is None:
        raise SpecError([f"no file of the model {model.name!r}"])
    try:
        carriers = tuple((name, use.carriers) for name, use in model.uses.items())
        found = _formula(read_nestml(path), port, carriers)
    except (NotLinearError, NoExpressionError, RecursionError) as error:
        why = f": {error}" if str(error) else ""
        raise SpecError([f"the text of {model.name} does not tell the current of {port}{why}"]) from None
    known = {*model.recordables, *model.parameters, *FUNCTIONS.values(), "where", "logical_and", "logical_or"}
    if unknown := [name for name in dict.fromkeys(_WORD.findall(found)) if name not in known]:
        message = f"the current of {port} of {model.name} needs {', '.join(unknown)}, which cannot be recorded"
        raise SpecError([f"{message}; write 'recordable' before its 'inline'"])
    return found


def names_in(formula: str) -> list[str]:
    """Names of variables and parameters in a formula."""
    functions = {*FUNCTIONS.values(), "where", "logical_and", "logical_or"}
    return [name for name in dict.fromkeys(_WORD.findall(formula)) if name not in functions]


@dataclass(frozen=True)
class _Part:
    """An expression, and the part of it that is proportional to what a port brings; empty if there is none."""

    whole: str
    part: str = ""


@lru_cache(maxsize=256)
def _formula(text: str, port: str, carriers: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    by_port = {name: frozenset(names) - {POTENTIAL} for name, names in carriers}
    own = by_port.get(port, frozenset())
    if not own:
        raise NotLinearError(f"what {port} receives has no name of its own")
    others = frozenset(name for other, names in by_port.items() if other != port for name in names)
    if shared := own & others:
        raise NotLinearError(f"{min(shared)} is of several ports")
    return current_of_names(text, own, others)


def current_of_names(text: str, own: frozenset[str], others: frozenset[str] = frozenset()) -> str:
    """Formula of the current that some names make together in the equation of the potential of a model.

    Parameters
    ----------
    text : str
        Of the NESTML model.
    own : frozenset of str
        States or inline expressions that the current is proportional to.
    others : frozenset of str
        Names that are left as they are, though the text says what they are made of.

    Raises
    ------
    NotLinearError, NoExpressionError
        If there is no such current.
    """
    equations: dict[str, str] = {}
    named: dict[str, str] = {}
    for block, line, _ in model_blocks(text):
        if block == "equations" and (found := _EQUATION.match(line)):
            equations.setdefault(found.group(1), found.group(2))
        elif block in ("equations", "internals") and (found := _NAMED.match(line)) and not line.startswith("kernel"):
            named[found.group(1)] = found.group(2).split("[[")[0]
    if POTENTIAL not in equations:
        raise NotLinearError(f"{POTENTIAL} has no equation")
    part = _Splitter(named, own, others).of(equations[POTENTIAL]).part
    if not part:
        raise NotLinearError(f"{', '.join(sorted(own))} is not in the equation of {POTENTIAL}")
    return f"{CAPACITANCE} * {part}"


class _Splitter:
    """Parts of expressions that are proportional to some names; inline expressions are read once."""

    def __init__(self, named: Mapping[str, str], own: frozenset[str], others: frozenset[str]) -> None:
        self.named, self.own, self.others = named, own, others
        self.known: dict[str, _Part] = {}

    def of(self, text: str) -> _Part:
        return _Reader(tokens_of(text), self.of_name, "it").whole()

    def of_name(self, name: str) -> _Part:
        if name in self.own:
            return _Part(name, name)
        if name in self.others or name not in self.named:
            return _Part(name)
        if name not in self.known:
            self.known[name] = _Part(name)  # one that is made of itself is for NESTML to refuse
            self.known[name] = self.of(self.named[name])
        return self.known[name]


class _Reader(Reader[_Part]):
    """Reads expressions as parts."""

    def operand(self) -> _Part:
        token = self.taken()
        if token == "(":
            return self.closed(self.expression(0))
        if token in ("+", "-"):
            found = self.expression(SIGN)
            return _Part(f"({token}{found.whole})", f"({token}{found.part})" if found.part else "")
        if token[0].isdigit() or token[0] == ".":
            return _Part(self._number(token))
        if not is_name(token):
            raise NoExpressionError
        return self._call(token) if self.next() == "(" else self.of_name(token)

    def _number(self, token: str) -> str:
        """In NEST's unit; the unit of a constant may stand behind it."""
        unit = self.next()
        if not is_name(unit):
            return token
        self.at += 1
        if unit not in UNITS:
            raise NotLinearError(f"the unit {unit} is not known")
        return repr(convert(float(token), unit)[0])

    def _call(self, name: str) -> _Part:
        if name not in FUNCTIONS:
            raise NotLinearError(f"{name}() is no function of a formula")
        self.at += 1
        given = []
        while self.next() != ")":
            given.append(self.free(self.expression(0), f"in {name}()").whole)
            if self.next() == ",":
                self.at += 1
            elif self.next() != ")":
                raise NoExpressionError
        self.at += 1
        return _Part(f"{FUNCTIONS[name]}({', '.join(given)})")

    def choice(self, condition: _Part) -> _Part:
        where = self.free(condition, "in a condition").whole
        first = self.expression(0)
        if self.taken() != ":":
            raise NoExpressionError
        second = self.expression(0)
        whole = f"where({where}, {first.whole}, {second.whole})"
        if first.part and second.part:
            return _Part(whole, f"where({where}, {first.part}, {second.part})")
        return _Part(whole, first.part or second.part)  # channels are open, too, while a potential is held

    def joined(self, left: _Part, sign: str, right: _Part) -> _Part:
        if sign in ("+", "-"):
            whole = f"({left.whole} {sign} {right.whole})"
            if left.part and right.part:
                return _Part(whole, f"({left.part} {sign} {right.part})")
            return _Part(whole, left.part or (right.part and (right.part if sign == "+" else f"(-{right.part})")))
        if sign == "*":
            if left.part and right.part:
                raise NotLinearError("it is multiplied by itself")
            part = f"({left.part or left.whole} * {right.part or right.whole})" if left.part or right.part else ""
            return _Part(f"({left.whole} * {right.whole})", part)
        if sign == "/":
            self.free(right, "in a divisor")
            return _Part(f"({left.whole} / {right.whole})", left.part and f"({left.part} / {right.whole})")
        self.free(left, f"beside {sign}")
        self.free(right, f"beside {sign}")
        if sign in ("and", "or"):
            return _Part(f"logical_{sign}({left.whole}, {right.whole})")
        if sign not in ("**", "<", ">", "<=", ">=", "==", "!="):
            raise NoExpressionError
        return _Part(f"({left.whole} {sign} {right.whole})")

    def free(self, given: _Part, where: str) -> _Part:
        if given.part:
            raise NotLinearError(f"{given.part} is {where}")
        return given
