"""Statements of NESTML as statements of C++."""

from typing import Any

from .analysis import Analysis
from .printer import Printer
from .syntax import is_integer_type, symbol_of


def statements(analysis: Analysis, body: Any, indent: int, printer: Printer) -> list[str]:
    """Lines of C++ for a block of statements of one lane."""
    lines: list[str] = []
    for statement in body.get_stmts():
        if statement.is_small_stmt():
            lines += small_statement(analysis, statement.small_stmt, " " * indent, printer)
        elif statement.compound_stmt.is_if_stmt():
            lines += if_statement(analysis, statement.compound_stmt.get_if_stmt(), indent, printer)
        else:
            lines += loop_statement(analysis, statement.compound_stmt, indent, printer)
    return lines


def is_integration(statement: Any) -> bool:
    """Whether a small statement is a call of integrate_odes()."""
    return bool(statement.is_function_call()) and statement.get_function_call().get_name() == "integrate_odes"


OPERATORS = {
    "is_compound_sum": "+",
    "is_compound_minus": "-",
    "is_compound_product": "*",
    "is_compound_quotient": "/",
}


def assignment_text(analysis: Analysis, assignment: Any, printer: Printer) -> tuple[str, str]:
    """C++ of the variable and of the new value of an assignment."""
    variable = assignment.get_variable()
    left, right = printer.print(variable), printer.print(assignment.get_expression())
    if not assignment.is_direct_assignment:
        operator = next((sign for flag, sign in OPERATORS.items() if getattr(assignment, flag)), None)
        if operator is None:
            analysis.refuse("integer division in an assignment", assignment)
        right = f"{left} {operator} ({right})"
    if is_integer_type(symbol_of(variable).get_type_symbol()):
        right = f"__builtin_trunc( {right} )"
    return left, right


def small_statement(analysis: Analysis, statement: Any, pad: str, printer: Printer) -> list[str]:
    """Lines of C++ for an assignment, a call or a declaration."""
    if statement.is_assignment():
        left, right = assignment_text(analysis, statement.get_assignment(), printer)
        return [f"{pad}{left} = {right};"]
    if statement.is_function_call():
        call = statement.get_function_call()
        if call.get_name() == "emit_spike" and not call.get_args():
            return [f"{pad}++spikes;"]
        analysis.refuse(f"a call of {call.get_name()}() here", call)
    if statement.is_declaration():
        declaration = statement.get_declaration()
        value = printer.print(declaration.get_expression()) if declaration.has_expression() else "0.0"
        if is_integer_type(declaration.get_data_type().get_type_symbol()):
            value = f"__builtin_trunc( {value} )"
        names = [printer.local(variable.get_name()) for variable in declaration.get_variables()]
        return [f"{pad}double {name} = {value};" for name in names]
    if statement.is_return_stmt():
        return [f"{pad}return {printer.print(statement.get_return_stmt().get_expression())};"]
    analysis.refuse("this kind of statement", statement)
    return []


def loop_statement(analysis: Analysis, statement: Any, indent: int, printer: Printer) -> list[str]:
    """Lines of C++ for a loop. A loop over lanes stays correct with one in it, but is not vectorised."""
    from pynestml.symbols.symbol import SymbolKind

    pad = " " * indent
    if statement.is_while_stmt():
        loop = statement.get_while_stmt()
        head = f"while ( {printer.print(loop.get_condition())} )"
    else:
        loop = statement.get_for_stmt()
        name, step = str(loop.get_variable()), loop.get_step()
        symbol = loop.get_scope().resolve_to_symbol(name, SymbolKind.VARIABLE)
        counter = printer.local(name, symbol) if symbol.is_local() else f"s.{name}"
        sign = ">" if step < 0 else "<" if step > 0 else "!="
        first, last = printer.print(loop.get_start_from()), printer.print(loop.get_end_at())
        head = f"for ( {counter} = {first}; {counter} {sign} {last}; {counter} += {step} )"
    return [f"{pad}{head}", f"{pad}{{", *statements(analysis, loop.get_stmts_body(), indent + 2, printer), f"{pad}}}"]


def if_statement(analysis: Analysis, statement: Any, indent: int, printer: Printer) -> list[str]:
    """Lines of C++ for if, elif and else."""
    pad = " " * indent
    clause = statement.get_if_clause()
    branches = [(f"if ( {printer.print(clause.get_condition())} )", clause.get_stmts_body())]
    for clause in statement.get_elif_clauses():
        branches.append((f"else if ( {printer.print(clause.get_condition())} )", clause.get_stmts_body()))
    if statement.has_else_clause():
        branches.append(("else", statement.get_else_clause().get_stmts_body()))
    lines: list[str] = []
    for head, body in branches:
        lines += [f"{pad}{head}", f"{pad}{{", *statements(analysis, body, indent + 2, printer), f"{pad}}}"]
    return lines
