"""Questions to NESTML's syntax trees."""

from collections.abc import Iterable
from typing import Any


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
    """Whether an expression has no variables but parameters and internals; those ``apart_from`` do not count."""
    from pynestml.symbols.symbol import SymbolKind

    for variable in variables_in(node):
        symbol = variable.get_scope().resolve_to_symbol(variable.get_complete_name(), SymbolKind.VARIABLE)
        if symbol is None or not (symbol.is_parameters() or symbol.is_internals()):
            return False
        if variable.get_name() in apart_from:
            return False
    return True


def cpp_name(variable: Any) -> str:
    """C++ name of a NESTML variable: derivatives ``x'`` become ``x__d``."""
    from pynestml.codegeneration.printers.cpp_variable_printer import CppVariablePrinter

    return str(CppVariablePrinter._print_cpp_name(variable.get_complete_name()))


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
