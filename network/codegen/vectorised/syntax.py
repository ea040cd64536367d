"""Questions to NESTML's syntax trees."""

from collections.abc import Iterable
from typing import Any

# predefined functions whose value follows from their arguments
CONSTANT = frozenset(
    ["abs", "ceil", "clip", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "ln", "log10", "max", "min", "pow"]
) | {"resolution", "round", "sin", "sinh", "steps", "tan", "tanh", "timestep"}


def declarations(block: Any) -> Iterable[tuple[Any, Any, Any]]:
    """Declaration, variable and symbol of everything declared in a block, kernels left out."""
    from pynestml.symbols.symbol import SymbolKind

    for declaration in block.get_declarations():
        for variable in declaration.get_variables():
            symbol = variable.get_scope().resolve_to_symbol(variable.get_complete_name(), SymbolKind.VARIABLE)
            if not symbol.is_kernel():
                yield declaration, variable, symbol


def variables_in(node: Any) -> list[Any]:
    """All variables in an expression, those in arguments of functions included, units left out."""
    from pynestml.meta_model.ast_simple_expression import ASTSimpleExpression
    from pynestml.meta_model.ast_variable import ASTVariable
    from pynestml.visitors.ast_higher_order_visitor import ASTHigherOrderVisitor

    found: list[Any] = []
    units: list[Any] = []

    def visit(part: Any) -> None:
        if isinstance(part, ASTSimpleExpression) and part.is_numeric_literal_with_unit():
            units.append(part.get_variable())
        elif isinstance(part, ASTVariable):
            found.append(part)

    node.accept(ASTHigherOrderVisitor(visit))
    return [variable for variable in found if not any(variable is unit for unit in units)]


def is_constant(node: Any, apart_from: Iterable[str] = ()) -> bool:
    """Whether an expression has no variables but parameters and internals; those ``apart_from`` do not count.

    What a function of the model returns, or one that draws numbers, does not count either.
    """
    if any(call.get_name() not in CONSTANT for call in calls_in(node)):
        return False
    for variable in variables_in(node):
        symbol = symbol_of(variable)
        if symbol is None or not (symbol.is_parameters() or symbol.is_internals()):
            return False
        if variable.get_name() in apart_from:
            return False
    return True


def is_time(variable: Any) -> bool:
    """Whether a variable is the predefined time ``t``."""
    from pynestml.symbols.symbol import SymbolKind

    if variable.get_complete_name() != "t":
        return False
    symbol = variable.get_scope().resolve_to_symbol("t", SymbolKind.VARIABLE)
    return symbol is None or symbol.is_predefined


def symbol_of(variable: Any) -> Any:
    """What a name stands for where it is written."""
    from pynestml.symbols.symbol import SymbolKind

    return variable.get_scope().resolve_to_symbol(variable.get_complete_name(), SymbolKind.VARIABLE)


def is_integer_type(symbol: Any) -> bool:
    """Whether a type is that of whole numbers."""
    from pynestml.symbols.integer_type_symbol import IntegerTypeSymbol

    return isinstance(symbol, IntegerTypeSymbol)


def returned_type(called: Any) -> Any:
    """Type of what a function, or a call of one, returns; none for an unknown one."""
    from pynestml.symbols.symbol import SymbolKind

    symbol = called.get_scope().resolve_to_symbol(called.get_name(), SymbolKind.FUNCTION)
    return symbol.get_return_type() if symbol is not None else None


def calls_in(node: Any) -> list[Any]:
    """All calls of functions in an expression."""
    from pynestml.meta_model.ast_function_call import ASTFunctionCall
    from pynestml.visitors.ast_higher_order_visitor import ASTHigherOrderVisitor

    found: list[Any] = []
    node.accept(ASTHigherOrderVisitor(lambda part: found.append(part) if isinstance(part, ASTFunctionCall) else None))
    return found


def is_integer(node: Any) -> bool:
    """Whether NESTML's C++ of an expression is of an integer type."""
    from pynestml.meta_model.ast_simple_expression import ASTSimpleExpression

    factor = node.get_implicit_conversion_factor()
    if factor and factor != 1:
        return False
    if isinstance(node, ASTSimpleExpression):
        if node.is_numeric_literal():
            return isinstance(node.get_numeric_literal(), int) and not node.is_numeric_literal_with_unit()
        if node.is_variable():
            symbol = symbol_of(node.get_variable())
            return symbol is not None and is_integer_type(symbol.get_type_symbol())
        if node.is_function_call():
            call = node.get_function_call()
            if call.get_name() in ("abs", "clip", "max", "min"):
                return all(is_integer(argument) for argument in call.get_args())
            return is_integer_type(returned_type(call))
        return False
    if node.is_ternary_operator():
        return is_integer(node.get_if_true()) and is_integer(node.get_if_not())
    if node.is_compound_expression():
        operator = node.get_binary_operator()
        if any(getattr(operator, flag, False) for flag in ("is_plus_op", "is_minus_op", "is_times_op")):
            return is_integer(node.get_lhs()) and is_integer(node.get_rhs())
        if getattr(operator, "is_div_op", False):
            return divides_integers(node)
        if getattr(operator, "is_pow_op", False):
            return is_integer(node.get_lhs()) and str(node.get_rhs()) in ("1", "2", "3", "4")
        return getattr(operator, "is_modulo_op", False) or hasattr(operator, "is_bit_and")
    return not node.is_logical_not and node.get_expression() is not None and is_integer(node.get_expression())


def divides_integers(node: Any) -> bool:
    """Whether NESTML's C++ of a quotient drops its remainder; it divides by a literal as by a real number."""
    from pynestml.meta_model.ast_simple_expression import ASTSimpleExpression

    denominator = node.get_rhs()
    if isinstance(denominator, ASTSimpleExpression) and denominator.is_numeric_literal():
        return False
    return is_integer(node.get_lhs()) and is_integer(denominator)


def cpp_name(variable: Any) -> str:
    """C++ name of a NESTML variable: derivatives ``x'`` become ``x__d``."""
    from pynestml.codegeneration.printers.cpp_variable_printer import CppVariablePrinter

    return str(CppVariablePrinter._print_cpp_name(variable.get_complete_name()))


def port_name(variable: Any) -> str:
    """Name of a port as NEST tells it: elements of a vector of ports have their number behind it."""
    name = cpp_name(variable)
    if variable.has_vector_parameter():
        return f"{name}_{variable.get_vector_parameter()}"
    return name


def assigned_variables(body: Any) -> Iterable[str]:
    """Names that the statements of a block assign to, in all branches."""
    for statement in body.get_stmts():
        if statement.is_small_stmt():
            if statement.small_stmt.is_assignment():
                yield cpp_name(statement.small_stmt.get_assignment().get_variable())
        elif statement.compound_stmt.is_if_stmt():
            branch = statement.compound_stmt.get_if_stmt()
            yield from assigned_variables(branch.get_if_clause().get_stmts_body())
            for clause in branch.get_elif_clauses():
                yield from assigned_variables(clause.get_stmts_body())
            if branch.has_else_clause():
                yield from assigned_variables(branch.get_else_clause().get_stmts_body())
