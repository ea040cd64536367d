"""Statements of NESTML as straight code for one lane: values are chosen, nothing is jumped over.

A loop over lanes becomes vector instructions only if every lane does the same. So a branch becomes a predicate, and an
assignment in it a choice between the new value and the old one. Calls of integrate_odes() in branches of which at most
one is taken become a single call that tells, per variable, whether it moves:

    if refr_t > 0 ms:                               const bool when_0 = s.refr_t > 0;
        integrate_odes(refr_t)                      const bool else_0 = not when_0;
    else:                                 ->        active.refr_t = when_0;
        integrate_odes(V_m)                         active.V_m = else_0;
                                                    solver.integrate( s, active );
"""

from dataclasses import dataclass, field
from typing import Any

from .analysis import Analysis
from .printer import Printer
from .statements import assignment_text, is_integration, loop_statement
from .syntax import is_integer_type

ALWAYS = "true"


@dataclass
class Straight:
    """Straight code: lines, and the calls of integrate_odes() between them.

    Attributes
    ----------
    lines : list of list of str
        Lines before, between and after the calls; one more list than there are calls.
    calls : list of dict of str to str
        Per call, the predicate of every variable that may move.
    """

    lines: list[list[str]] = field(default_factory=lambda: [[]])
    calls: list[dict[str, str]] = field(default_factory=list)

    def add(self, *lines: str) -> None:
        """Lines behind everything so far."""
        self.lines[-1] += lines

    def integrate(self, masks: dict[str, str]) -> None:
        """A call behind everything so far."""
        self.calls.append(masks)
        self.lines.append([])

    def join(self, branches: list["Straight"], predicates: list[str], complete: bool, outer: str) -> None:
        """Branches of which at most one is taken; exactly one, if they are complete and ``outer`` holds."""
        for i in range(max(len(branch.lines) for branch in branches)):
            if i > 0:
                present = [branch.calls[i - 1] if i <= len(branch.calls) else {} for branch in branches]
                self.integrate(merge(present, predicates, complete, outer))
            for branch in branches:
                if i < len(branch.lines):
                    self.add(*branch.lines[i])


def merge(calls: list[dict[str, str]], predicates: list[str], complete: bool, outer: str) -> dict[str, str]:
    """Predicates of the variables of one call that stands for a call in each of several branches."""
    merged: dict[str, str] = {}
    for name in dict.fromkeys(name for call in calls for name in call):
        terms = [call[name] for call in calls if name in call]
        everywhere = complete and terms == predicates
        merged[name] = outer if everywhere else " or ".join(dict.fromkeys(terms))
    return merged


class Straightener:
    """Turns blocks of statements into straight code."""

    def __init__(self, analysis: Analysis, printer: Printer) -> None:
        self.analysis = analysis
        self.printer = printer
        self.n_branches = 0

    def block(self, body: Any, predicate: str = ALWAYS) -> Straight:
        """A block of statements that is executed where a predicate holds."""
        code = Straight()
        for statement in body.get_stmts():
            if statement.is_small_stmt():
                self.small(code, statement.small_stmt, predicate)
            elif statement.compound_stmt.is_if_stmt():
                self.branches(code, statement.compound_stmt.get_if_stmt(), predicate)
            else:
                self.loop(code, statement, predicate)
        return code

    def condition(self, condition: Any, body: Any) -> list[str]:
        """Lines of an onCondition block."""
        name = f"when_{self.n_branches}"
        self.n_branches += 1
        head = f"const bool {name} = {self.printer.print(condition)};"
        code = self.block(body, name)
        if code.calls:
            self.analysis.refuse("integrate_odes() in an onCondition block", body)
        return [head, *code.lines[0]]

    def small(self, code: Straight, statement: Any, predicate: str) -> None:
        """An assignment, a call or a declaration."""
        if is_integration(statement):
            code.integrate(dict.fromkeys(self.moving(statement.get_function_call()), predicate))
        elif statement.is_function_call() and statement.get_function_call().get_name() == "emit_spike":
            code.add("++spikes;" if predicate == ALWAYS else f"spikes += {predicate} ? 1 : 0;")
        elif statement.is_assignment():
            left, right = assignment_text(self.analysis, statement.get_assignment(), self.printer)
            code.add(f"{left} = {right};" if predicate == ALWAYS else f"{left} = {predicate} ? {right} : {left};")
        elif statement.is_declaration():
            declaration = statement.get_declaration()
            value = self.printer.print(declaration.get_expression()) if declaration.has_expression() else "0.0"
            if is_integer_type(declaration.get_data_type().get_type_symbol()):
                value = f"__builtin_trunc( {value} )"
            for variable in declaration.get_variables():
                code.add(f"[[maybe_unused]] double {self.printer.declare(variable)} = {value};")
        else:
            call = statement.get_function_call() if statement.is_function_call() else None
            self.analysis.refuse(f"a call of {call.get_name()}() here" if call else "this kind of statement", statement)

    def branches(self, code: Straight, statement: Any, outer: str) -> None:
        """An if, with elif and else."""
        clauses = [statement.get_if_clause(), *statement.get_elif_clauses()]
        bodies = [clause.get_stmts_body() for clause in clauses]
        number = self.n_branches
        self.n_branches += 1
        prefix = "" if outer == ALWAYS else f"{outer} and "
        none = ""  # none of the conditions so far
        predicates = []
        for i, clause in enumerate(clauses):
            name = f"when_{number}" if i == 0 else f"elif_{number}_{i}"
            code.add(f"const bool {name} = {prefix}{none}( {self.printer.print(clause.get_condition())} );")
            predicates.append(name)
            none += f"not {name} and "
        complete = statement.has_else_clause()
        if complete:
            bodies.append(statement.get_else_clause().get_stmts_body())
            predicates.append(f"else_{number}")
            code.add(f"const bool else_{number} = {prefix}{none.removesuffix(' and ')};")
        branches = [self.block(body, predicate) for body, predicate in zip(bodies, predicates, strict=True)]
        code.join(branches, predicates, complete, outer)

    def loop(self, code: Straight, statement: Any, predicate: str) -> None:
        """A loop, which has to remain one: its number of rounds differs between lanes."""
        lines = loop_statement(self.analysis, statement.compound_stmt, 0, self.printer)
        if predicate != ALWAYS:
            lines = [f"if ( {predicate} )", "{", *("  " + line for line in lines), "}"]
        code.add(*lines)

    def moving(self, call: Any) -> list[str]:
        """The variables that a call of integrate_odes() moves; convolutions, which always move, left out."""
        from pynestml.utils.ast_utils import ASTUtils

        model = self.analysis.model
        solved = [name for name in model.numeric + model.analytic if name not in model.convolutions]
        return list(ASTUtils.filter_variables_list(solved, call.get_args())) if call.get_args() else solved
