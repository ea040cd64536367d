"""Whether a slice of a model may be integrated by its frozen expansion, and the C++ of that expansion.

See ``runtime/lane_expansion.h`` for the scheme. What qualifies follows from the equations alone: a quadratic potential
with one condition ``V >= constant``, exactly solved conductances or currents that decay by themselves, and at most one
more variable that follows the potential linearly. Sigmoids of the potential may multiply the conductances.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .model import LaneModel, Member
from .symbolic import NotSymbolicError, Reader

DERIVED = "expansion_"
"""Names of constants that only the expansion reads begin so."""
LARGEST = 5
"""Steps of an expansion, ``largest_expansion`` of the runtime."""


class _NoExpansionError(Exception):
    """Why a model has none."""


@dataclass
class Expansion:
    """C++ of an expansion.

    Attributes
    ----------
    lines : list of str
        Statements that compute it; they read constants ``c_...`` and states ``V``, ``w``.
    constants : dict of str to str
        Names in ``lines``, and the constants that are meant.
    slow : str
        The second variable, empty if there is none.
    sources : list of str
        Exactly solved states, in the order of their sensitivities.
    curved : list of bool
        Whether the effect of a source depends on the potential by more than a factor, as by a block by magnesium.
    increments : dict of str to list
        By port: index of the source, and what a weight adds to it.
    condition : str
        What decides between two branches of the equations, empty if there is no choice.
    cubic : bool
        Whether the third derivative has to be looked at.
    """

    lines: list[str] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)
    slow: str = ""
    sources: list[str] = field(default_factory=list)
    curved: list[bool] = field(default_factory=list)
    increments: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    condition: str = ""
    condition_constants: dict[str, str] = field(default_factory=dict)
    cubic: bool = False

    def first_decay(self, model: LaneModel) -> int:
        """Row of the constants from which on the decays after 0, 1, 2 ... steps are."""
        return model.row(f"{DERIVED}decay_0_{self.sources[0]}") if self.sources else 0


def expand(model: LaneModel) -> tuple[Expansion | None, str]:
    """Expansion of a model, or None and why it has none; adds the constants that it needs to the model."""
    try:
        return _expansion(model), ""
    except (_NoExpansionError, NotSymbolicError) as error:
        return None, str(error)


def _expansion(model: LaneModel) -> Expansion:
    _check(model)
    runner = model.runner
    others = [name for name in model.numeric if name != runner]
    potential, slow = _state(runner), _state(others[0]) if others else None
    sources = [_state(name) for name in model.analytic]
    found = Expansion(slow=others[0] if others else "", sources=list(model.analytic))

    sides = []
    for branch in (True, False):
        reader = Reader(
            lambda name, a, b: _below_threshold(name, a, b, potential, model.threshold),
            {f"c.{member.name}": 1 for member in model.constants if member.kind == "exponent"},
            branch,
        )
        rates = {name: reader.read(text) for name, text in model.rates.items()}
        if len(reader.conditions) > 1:
            raise _NoExpansionError("several conditions in its equations")
        sides.append(_Side(rates[runner], rates[others[0]] if others else None, potential, slow, sources))
    if reader.conditions:
        sign, left, right = reader.conditions[0]
        if (left - right).free_symbols & {*sources, slow}:
            raise _NoExpansionError("a condition on other states than the potential")
        found.condition = f"{_text(left)} {sign} {_text(right)}"

    found.cubic = any(side.cubic != 0 for side in sides)
    found.curved = [any(side.slopes[r][2] != 0 for side in sides) for r in range(len(found.sources))]
    _print(model, found, sides)
    _derived(model, found)
    _increments(model, found)
    return found


def _check(model: LaneModel) -> None:
    """Refuse what the scheme has no place for."""
    for wrong, why in (
        (model.is_program, "its update block has more than integrate_odes(), or no spike resets its membrane"),
        (not model.runner, "no condition of the form V >= constant alone"),
        (bool(model.late_events), "a condition that is tested after a step"),
        (bool(model.on_receive), "statements for spikes"),
        (bool(model.gates or model.conductances), "graded synapses"),
        (bool(model.inputs), "continuous or random input"),
        (len(model.numeric) > 2, "more than two numerically solved variables"),
        (bool(model.free), "states without an equation"),
        (not re.fullmatch(r"c\.\w+", model.threshold), "a threshold that is computed"),
    ):
        if wrong:
            raise _NoExpansionError(why)
    for name in model.analytic:
        if model.propagation[name] != f"s.{name} * {_propagator(name)}":
            raise _NoExpansionError(f"{name} does not decay by itself")


class _Side:
    """Derivatives of the equations on one side of their condition."""

    def __init__(self, rate: Any, slow_rate: Any, potential: Any, slow: Any, sources: list[Any]) -> None:
        import sympy

        self._potential = potential
        self.functions: dict[Any, Any] = {}  # symbol of an exponential or a quotient: what it stands for
        plain = rate.subs(dict.fromkeys(sources, 0))
        slopes = [sympy.diff(rate, source) for source in sources]
        if any(sympy.simplify(slope).free_symbols & {*sources, slow} for slope in slopes):
            raise _NoExpansionError("currents that are no product of one conductance and the potential")
        self.coupling = sympy.diff(plain, slow) if slow is not None else sympy.Integer(0)
        if self.coupling.free_symbols & {potential, slow}:
            raise _NoExpansionError("a second variable whose effect depends on the potential")
        self.rate = self._series(plain)
        if sympy.expand(self.rate[3]) != 0:
            raise _NoExpansionError("a potential that is not quadratic")
        if sympy.expand(self.rate[2]) == 0:
            raise _NoExpansionError("a potential without an upstroke")
        self.slopes = [self._series(slope) for slope in slopes]
        self.cubic = sum((series[3] * source for series, source in zip(self.slopes, sources, strict=True)), 0)
        self.speed, self.target = sympy.Integer(0), [sympy.Integer(0)] * 2
        if slow is not None:
            self.speed = -sympy.diff(slow_rate, slow)
            if self.speed.free_symbols & {potential, slow, *sources} or slow_rate.free_symbols & set(sources):
                raise _NoExpansionError("a second variable that does not follow the potential alone")
            towards = self._series(sympy.expand((slow_rate + self.speed * slow) / self.speed))
            if sympy.simplify(towards[2]) != 0:
                raise _NoExpansionError("a second variable that follows the potential by a curve")
            self.target = towards[:2]

    def _series(self, expression: Any) -> list[Any]:
        """Value and the coefficients of the first, second, third power of a change of the potential."""
        import sympy

        terms = [self._replaced(expression)]
        for order in (1, 2, 3):
            terms.append(self._derivative(terms[-1]) / sympy.Integer(order))
        return terms

    def _replaced(self, expression: Any) -> Any:
        """Expression in which a symbol stands for every exponential and every quotient by the potential."""
        import sympy

        if not expression.has(self._potential):
            return expression
        if isinstance(expression, sympy.exp):
            return self._symbol(sympy.exp(self._replaced(expression.args[0])))
        if isinstance(expression, sympy.Pow) and expression.args[1].is_negative:
            base = self._symbol(1 / self._replaced(expression.args[0]))
            return base ** (-expression.args[1])
        if expression.args:
            return expression.func(*[self._replaced(part) for part in expression.args])
        return expression

    def _symbol(self, meant: Any) -> Any:
        import sympy

        for symbol, known in self.functions.items():
            if known == meant:
                return symbol
        symbol = sympy.Symbol(f"f{len(self.functions)}", real=True)
        self.functions[symbol] = meant
        return symbol

    def _derivative(self, expression: Any) -> Any:
        """Derivative by the potential, those of the functions included."""
        import sympy

        total = sympy.diff(expression, self._potential)
        for symbol, meant in self.functions.items():
            inner = sympy.diff(expression, symbol)
            if inner == 0:
                continue
            if isinstance(meant, sympy.exp):
                total += inner * symbol * self._derivative(meant.args[0])
            else:
                total -= inner * symbol**2 * self._derivative(1 / meant)
        return total


def _below_threshold(name: str, first: Any, second: Any, potential: Any, threshold: str) -> Any:
    """``min(V, threshold)``, which is V wherever the expansion is used."""
    pair = {str(first), str(second)}
    if name == "lane::min" and pair == {str(potential), threshold}:
        return potential
    raise NotSymbolicError(f"{name.removeprefix('lane::')}()")


def _print(model: LaneModel, found: Expansion, sides: list[_Side]) -> None:
    """Statements that give the coefficients of both sides, each common part once."""
    import sympy

    outputs: list[tuple[str, list[Any]]] = []
    for i in range(3):
        outputs.append((f"x.rate[ {i} ]", [side.rate[i] for side in sides]))
        for r in range(len(found.sources)):
            outputs.append((f"x.slope[ {r} ][ {i} ]", [side.slopes[r][i] for side in sides]))
    outputs.append(("x.coupling", [side.coupling for side in sides]))
    outputs.append(("x.speed", [side.speed for side in sides]))
    outputs += [(f"x.target[ {i} ]", [side.target[i] for side in sides]) for i in range(2)]
    if found.cubic:
        outputs.append(("x.cubic", [side.cubic for side in sides]))

    functions = [(symbol, meant) for side in sides for symbol, meant in side.functions.items()]
    distinct = {str(symbol): (symbol, meant) for symbol, meant in functions}
    if any(distinct[str(symbol)][1] != meant for symbol, meant in functions):
        raise _NoExpansionError("branches with different exponentials")
    for symbol, meant in distinct.values():
        found.lines.append(f"const float {symbol} = {_text(meant)};")
    flat = [expression for _, pair in outputs for expression in pair]
    common, reduced = sympy.cse(flat, symbols=sympy.numbered_symbols("x"), optimizations="basic")
    found.lines += [f"const float {symbol} = {_text(meant)};" for symbol, meant in common]
    if found.condition:
        found.lines.append(f"const bool first = {found.condition};")
        found.lines.append("x.differs = false;")
    for k, (name, pair) in enumerate(outputs):
        first, second = reduced[2 * k : 2 * k + 2]
        if pair[0] == pair[1]:
            found.lines.append(f"{name} = {_text(first)};")
        else:
            found.lines.append(f"{name} = first ? {_text(first)} : {_text(second)};")
            found.lines.append(f"x.differs |= {_text(first)} != {_text(second)};")
    used = {str(symbol) for e in flat + [m for _, m in distinct.values()] for symbol in e.free_symbols}
    asked = set(re.findall(r"c\.\w+", found.condition))
    found.constants = {_local(name): name[2:] for name in sorted(used | asked) if name.startswith("c.")}
    found.condition_constants = {_local(name): name[2:] for name in sorted(asked)}
    found.lines = [_renamed(line, model, found) for line in found.lines]
    found.condition = _renamed(found.condition, model, found)


def _local(name: str) -> str:
    return name.replace("c.", "c_")


def _renamed(line: str, model: LaneModel, found: Expansion) -> str:
    """Statement with the names of variables that the template declares."""
    names = {model.runner: "V", found.slow: "w"}
    index = {name: f"g( std::integral_constant< int, {i} >() )" for i, name in enumerate(found.sources)}
    text = re.sub(r"\bs\.(\w+)", lambda match: names.get(match[1]) or index[match[1]], line)
    return re.sub(r"\bc\.", "c_", text)


def _derived(model: LaneModel, found: Expansion) -> None:
    """Constants of the decays: what a step takes away, means over it, and how curved it is."""
    for power in range(LARGEST + 1):
        for name in found.sources:
            left = " * ".join([_propagator(name)] * power) or "1.0"
            model.constants.append(Member(f"{DERIVED}decay_{power}_{name}", left))
    for name in found.sources:
        decay = _propagator(name)
        model.constants += [
            Member(f"{DERIVED}loss_{name}", f"{decay} - 1.0"),
            Member(f"{DERIVED}mean_{name}", f"{decay} < 1.0 ? ( {decay} - 1.0 ) / lane::log( {decay} ) : 1.0"),
            Member(f"{DERIVED}curve_{name}", f"-lane::log( {decay} ) / 12.0"),
        ]


def _increments(model: LaneModel, found: Expansion) -> None:
    for port in model.ports:
        changes = model.receive[port]
        if any(state not in found.sources for state, _ in changes):
            raise _NoExpansionError("input that changes the potential at once")
        found.increments[port] = [(found.sources.index(state), text) for state, text in changes]


def _propagator(name: str) -> str:
    return f"c.__P__{name}__{name}"


def _state(name: str) -> Any:
    import sympy

    return sympy.Symbol(f"s.{name}", real=True)


def _text(expression: Any) -> str:
    """C++ in single precision."""
    from sympy.printing.c import C99CodePrinter

    class Single(C99CodePrinter):
        def _print_Float(self, number: Any) -> str:  # noqa: N802
            return f"{float(number)!r}F" if float(number) >= 0 else f"({float(number)!r}F)"

        def _print_Integer(self, number: Any) -> str:  # noqa: N802
            return f"{int(number)}.0F" if int(number) >= 0 else f"({int(number)}.0F)"

        def _print_Rational(self, number: Any) -> str:  # noqa: N802
            return f"({float(number)!r}F)"

        def _print_exp(self, one: Any) -> str:
            return f"lane::exp_single( {self._print(one.args[0])} )"

        def _print_Pow(self, one: Any) -> str:  # noqa: N802
            base, exponent = one.args
            if exponent == -1:
                return f"(1.0F / {self.parenthesize(base, 1000)})"
            if exponent.is_Integer and 0 < exponent <= 8:
                return "(" + " * ".join([self.parenthesize(base, 1000)] * int(exponent)) + ")"
            if exponent.is_Integer and -8 <= exponent < 0:
                return "(1.0F / (" + " * ".join([self.parenthesize(base, 1000)] * -int(exponent)) + "))"
            raise NotSymbolicError(f"the power {exponent}")

        def _print_Symbol(self, symbol: Any) -> str:  # noqa: N802
            return str(symbol)

    return str(Single().doprint(expression))
