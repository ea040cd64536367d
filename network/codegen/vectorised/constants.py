"""Parameters, internals, initial values, and what the loop over lanes reads of them."""

from typing import Any

from .analysis import Analysis
from .model import Member
from .printer import HALF
from .syntax import cpp_name, declarations, is_integer, is_integer_type, variables_in


def collect_parameters(analysis: Analysis) -> None:
    """Parameters, internals and initial values, each with its type."""
    model = analysis.model
    for block in analysis.neuron.get_parameters_blocks():
        for declaration, variable, symbol in declarations(block):
            name = cpp_name(variable)
            model.parameters.append(
                Member(name, value_of(analysis, symbol, declaration), kind_of(analysis, symbol, name, declaration))
            )
    for invariant in analysis.neuron.get_parameter_invariants():
        model.invariants.append((analysis.cold.print(invariant), str(invariant).replace('"', "'")))
    for block in analysis.neuron.get_internals_blocks():
        for declaration, variable, symbol in declarations(block):
            name = cpp_name(variable)
            kind = kind_of(analysis, symbol, name, declaration)
            expression = symbol.get_declaring_expression()
            if name in analysis.used and expression is not None and states_in(analysis, expression):
                what = f"internals that depend on a state ({name}) and are used in equations or statements"
                analysis.refuse(what, declaration)
            model.internals.append(Member(name, value_of(analysis, symbol, declaration), kind))
    # NESTML adds propagators and states of convolutions in another order in every process, the generated code is to be
    # the same: by name, after what the text declares, which they may need
    added = set(analysis.namespace.get("propagators", {}))
    model.internals.sort(key=lambda member: member.name if member.name in added else "")
    for block in analysis.neuron.get_state_blocks():
        for declaration, variable, symbol in declarations(block):
            model.state_kinds[cpp_name(variable)] = kind_of(analysis, symbol, cpp_name(variable), declaration)
            model.initial.append(Member(cpp_name(variable), value_of(analysis, symbol, declaration)))
    model.initial.sort(key=lambda member: member.name if "__X__" in member.name else "")
    known = {member.name for member in model.initial}
    model.initial += [Member(name, "0.0") for name in model.states if name not in known]


def states_in(analysis: Analysis, expression: Any) -> set[str]:
    """States that an expression reads."""
    return {cpp_name(variable) for variable in variables_in(expression)} & set(analysis.model.states)


def value_of(analysis: Analysis, symbol: Any, declaration: Any) -> str:
    """C++ of the value that a declaration gives."""
    expression = symbol.get_declaring_expression() or declaration.get_expression()
    if expression is None:
        return "0.0"
    text = analysis.cold.print(expression)
    if is_integer_type(symbol.get_type_symbol()) and not is_integer(expression):
        return f"__builtin_trunc( {text} )"
    return text


def kind_of(analysis: Analysis, symbol: Any, name: str, declaration: Any) -> str:
    """Type of a parameter, an internal or a state, as the templates name it."""
    from pynestml.symbols.boolean_type_symbol import BooleanTypeSymbol
    from pynestml.symbols.integer_type_symbol import IntegerTypeSymbol
    from pynestml.symbols.real_type_symbol import RealTypeSymbol
    from pynestml.symbols.unit_type_symbol import UnitTypeSymbol

    kind = symbol.get_type_symbol()
    if isinstance(kind, IntegerTypeSymbol):
        return "exponent" if name in analysis.exponents else "integer"
    if isinstance(kind, BooleanTypeSymbol):
        return "boolean"
    if not isinstance(kind, (RealTypeSymbol, UnitTypeSymbol)):
        analysis.refuse(f"the type of {name} ({kind.print_symbol()})", declaration)
    return "real"


def collect_constants(analysis: Analysis) -> None:
    """Constants of the loop over lanes: those it reads, and reciprocals in place of divisions."""
    model = analysis.model
    for member in model.parameters + model.internals:
        if member.name in analysis.used:
            model.constants.append(Member(member.name, f"c.{member.name}", member.kind))
    for member in model.internals:
        if member.name + HALF in analysis.used:
            model.constants.append(Member(member.name + HALF, f"half.{member.name}", member.kind))
    for denominator, name in analysis.reciprocals.items():
        model.constants.append(Member(name, f"1.0 / ( {denominator} )"))
    for expression, name in analysis.hoisted.items():
        model.constants.append(Member(name, expression))
