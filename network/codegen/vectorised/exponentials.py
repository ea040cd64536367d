"""Exponentials of the derivatives that are powers of one another.

Equations of gating variables are full of them: of the six exponentials of Hodgkin and Huxley, five are powers of
exp(-V/80). ODE-toolbox writes their arguments as sums of terms, so that

    exp(-V_m / 10 - 4)  ->  exp(-V_m / 80)^8 exp(-4),

two or three products in the place of a polynomial. Arguments must be linear in the states, with numbers as
coefficients; constant parts, which may contain parameters, become constants of the cell. What has no relative is left
as it is.

In the later stages of a step an exponential follows from the one of the first, as long as its argument does not go far.
One that is so steep that a step between spikes is too far for it is computed anew in each stage.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .syntax import cpp_name, is_constant

LARGEST_POWER = 16
LARGEST_NUMBER = 300  # whose exponential can be multiplied by others
STEEPEST = 2  # 1/mV: up to there, no power of a potential comes near the end of the range of numbers
ANEW = 1  # 1/mV: an exponential steeper than that is computed in each stage
MARK = "@exponential {}@"


@dataclass
class Linear:
    """A number, constants of the cell with factors, and states with factors."""

    number: Fraction = Fraction(0)
    constants: dict[str, Fraction] = field(default_factory=dict)  # by their C++
    states: dict[str, Fraction] = field(default_factory=dict)

    def plus(self, other: "Linear", factor: Fraction = Fraction(1)) -> "Linear":
        """The sum of this and a multiple of another."""
        result = Linear(self.number + factor * other.number, dict(self.constants), dict(self.states))
        for own, others in ((result.constants, other.constants), (result.states, other.states)):
            for name, value in others.items():
                own[name] = own.get(name, Fraction(0)) + factor * value
        result.states = {name: value for name, value in result.states.items() if value}
        return result

    def is_number(self) -> bool:
        """Whether there is nothing but the number."""
        return not self.constants and not self.states

    def over(self, other: "Linear") -> Fraction | None:
        """By what the states of this are those of another; none if they are not proportional."""
        if self.states.keys() != other.states.keys():
            return None
        ratios = {value / other.states[name] for name, value in self.states.items()}
        return ratios.pop() if len(ratios) == 1 else None

    def terms(self) -> str:
        """C++ of the states with their factors."""
        return " + ".join(f"s.{name} * ({f.numerator}.0 / {f.denominator}.0)" for name, f in self.states.items())

    def constant(self) -> str:
        """C++ of what the states are added to; empty if that is nothing."""
        parts = [f"{float(factor)!r} * ({text})" for text, factor in self.constants.items() if factor]
        return " + ".join([*parts, repr(float(self.number))]) if parts else ""


def linear(node: Any, owner: Any) -> Linear | None:
    """The linear form of an expression, none if it has no such form."""
    from pynestml.meta_model.ast_simple_expression import ASTSimpleExpression

    if (node.get_implicit_conversion_factor() or 1) != 1:
        return None
    if isinstance(node, ASTSimpleExpression):
        return simple(node, owner)
    if node.is_ternary_operator() or node.is_logical_not:
        return None
    if not node.is_compound_expression():
        inner = linear(node.get_expression(), owner) if node.get_expression() is not None else None
        if inner is None or not node.is_unary_operator():
            return inner
        operator = node.get_unary_operator()
        return None if operator.is_unary_tilde else Linear().plus(inner, Fraction(-1 if operator.is_unary_minus else 1))
    left, right = linear(node.get_lhs(), owner), linear(node.get_rhs(), owner)
    operator = node.get_binary_operator()
    if left is None or right is None:
        return None
    if getattr(operator, "is_plus_op", False):
        return left.plus(right)
    if getattr(operator, "is_minus_op", False):
        return left.plus(right, Fraction(-1))
    if getattr(operator, "is_times_op", False) and (left.is_number() or right.is_number()):
        return Linear().plus(right, left.number) if left.is_number() else Linear().plus(left, right.number)
    if getattr(operator, "is_div_op", False) and right.is_number() and right.number:
        return Linear().plus(left, 1 / right.number)
    return None


def simple(node: Any, owner: Any) -> Linear | None:
    """The linear form of a literal, a state or a constant."""
    if node.is_numeric_literal():
        return None if node.is_numeric_literal_with_unit() else Linear(Fraction(repr(node.get_numeric_literal())))
    if not node.is_variable():
        return None
    if is_constant(node, owner.analysis.step_dependent):
        return Linear(constants={owner.cold_text(node): Fraction(1)})
    name = cpp_name(node.get_variable())
    printed = owner.print(node)
    return Linear(states={name: Fraction(1)}) if printed == f"s.{name}" else None


def steep(node: Any, owner: Any) -> bool:
    """Whether an expression, within limits or not, changes by more than `ANEW` with a state."""
    call = node.get_function_call() if hasattr(node, "get_function_call") else None
    if call is not None and call.get_name() in ("max", "min"):
        return any(steep(argument, owner) for argument in call.get_args())
    form = linear(node, owner)
    return form is not None and any(abs(value) > ANEW for value in form.states.values())


class Exponentials:
    """Exponentials of the derivatives while these are printed, and what they become.

    A derivative is first printed with a mark for each, because only when all are known it can be told which are powers
    of others.
    """

    def __init__(self) -> None:
        self.arguments: list[tuple[str, str, Linear | None]] = []  # what tells it from others, its C++, its linear form
        self.steep: set[str] = set()  # C++ of arguments

    def mark(self, call: str, argument: str, form: Linear | None, is_steep: bool = False) -> str:
        """The mark of an exponential in the call of a function."""
        if is_steep:
            self.steep.add(argument)
        key = call + argument
        known = [one for one, _, _ in self.arguments]
        if key not in known:
            self.arguments.append((key, argument, form))
            known.append(key)
        return MARK.format(known.index(key))

    def resolve(self, owner: Any) -> tuple[list[str], list[str], dict[str, str]]:
        """Arguments of the exponentials that are computed, lines before the derivatives, text of every mark."""
        computed: list[str] = []
        lines: list[str] = []
        texts: dict[str, str] = {}
        marks = [MARK.format(number) for number in range(len(self.arguments))]
        for base, members in families([form for _, _, form in self.arguments]):
            argument = self.arguments[base][2].terms()  # type: ignore[union-attr]
            name = f"exponential_{len(computed)}"
            lines.append(f"const double {name} = e.template exp< {len(computed)} >( {argument} );")
            computed.append(argument)
            for member, power in members:
                factor = constant_factor(self.arguments[member][2], owner)  # type: ignore[arg-type]
                value = name if power == 1 else f"lane::power< {power} >( {name} )"
                texts[marks[member]] = f"({value} * {factor})" if factor else value
        for mark, (_, argument, _) in zip(marks, self.arguments, strict=True):
            if mark not in texts and argument in self.steep:
                texts[mark] = f"lane::exp( {argument} )"
            elif mark not in texts:
                texts[mark] = f"e.template exp< {len(computed)} >( {argument} )"
                computed.append(argument)
        return computed, lines, dict(sorted(texts.items(), key=lambda item: marks.index(item[0])))


def families(forms: list[Linear | None]) -> Iterable[tuple[int, list[tuple[int, int]]]]:
    """The flattest exponential of each family of two or more, and its members with their powers."""
    left = [i for i, form in enumerate(forms) if form and form.states and abs(form.number) < LARGEST_NUMBER]
    left.sort(key=lambda i: (max(abs(value) for value in forms[i].states.values()), i))  # type: ignore[union-attr]
    while left:
        base = left[0]
        members = []
        for i in left:
            ratio = forms[i].over(forms[base])  # type: ignore[union-attr, arg-type]
            steep = max(abs(value) for value in forms[i].states.values()) > STEEPEST  # type: ignore[union-attr]
            if ratio is not None and ratio.denominator == 1 and 1 <= ratio <= LARGEST_POWER and not steep:
                members.append((i, int(ratio)))
        if len(members) > 1:
            yield base, members
        gone = {i for i, _ in members} | {base}
        left = [i for i in left if i not in gone]


def constant_factor(form: Linear, owner: Any) -> str:
    """C++ of the exponential of what is constant in an argument; empty if it is 1."""
    text = form.constant()
    if text:
        return str(owner.constant_value(f"lane::exp( {text} )"))
    return repr(math.exp(form.number)) if form.number else ""
