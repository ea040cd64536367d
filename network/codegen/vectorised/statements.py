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
            analysis.refuse("loops in onCondition blocks")
    return lines


def small_statement(analysis: Analysis, statement: Any, pad: str, printer: Printer) -> list[str]:
    """Lines of C++ for an assignment, a call or a declaration."""
    if statement.is_assignment():
        assignment = statement.get_assignment()
        for flag, operator in (
            ("is_compound_sum", "+="),
            ("is_compound_minus", "-="),
            ("is_compound_product", "*="),
            ("is_compound_quotient", "/="),
            ("is_direct_assignment", "="),
        ):
            if getattr(assignment, flag):
                variable = assignment.get_variable()
                left, right = printer.print(variable), printer.print(assignment.get_expression())
                if is_integer_type(symbol_of(variable).get_type_symbol()):
                    whole = right if operator == "=" else f"{left} {operator[0]} ({right})"
                    return [f"{pad}{left} = __builtin_trunc( {whole} );"]
                return [f"{pad}{left} {operator} {right};"]
        analysis.refuse("integer division in an assignment")
    if statement.is_function_call():
        call = statement.get_function_call()
        if call.get_name() == "emit_spike" and not call.get_args():
            return [f"{pad}++spikes;"]
        analysis.refuse(f"a call of {call.get_name()}() in an onCondition block")
    if statement.is_declaration():
        declaration = statement.get_declaration()
        value = printer.print(declaration.get_expression()) if declaration.has_expression() else "0.0"
        if is_integer_type(declaration.get_data_type().get_type_symbol()):
            value = f"__builtin_trunc( {value} )"
        names = [printer.local(variable.get_name()) for variable in declaration.get_variables()]
        return [f"{pad}double {name} = {value};" for name in names]
    if statement.is_return_stmt():
        return [f"{pad}return {printer.print(statement.get_return_stmt().get_expression())};"]
    analysis.refuse("this kind of statement in an onCondition block")
    return []


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
