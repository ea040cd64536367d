"""The onCondition blocks of a model: conditions inside a step, and at its end."""

from typing import Any

from .analysis import Analysis
from .statements import statements
from .syntax import assigned_variables, cpp_name, is_constant, variables_in


def collect_events(analysis: Analysis) -> None:
    """Sort the conditions into those that are located inside a step and those that are tested at its end."""
    inside: list[Any] = []
    for block in analysis.neuron.get_on_condition_blocks():
        condition = block.get_cond_expr()
        read = {cpp_name(v) for v in variables_in(condition)}
        assigned = set(assigned_variables(block.get_stmts_body()))
        body = "\n".join(statements(analysis, block.get_stmts_body(), 4, analysis.cold))
        entry = (analysis.hot.print(condition), analysis.cold.print(condition), body)
        # a condition on a numerically solved state that its body resets is located inside the step
        if read & assigned & set(analysis.model.numeric):
            analysis.model.events.append(entry)
            inside.append(condition)
        else:
            analysis.model.late_events.append(entry)
    if analysis.model.moved & set(analysis.model.numeric):
        # input that acts on the membrane at once can cross the condition after the step
        analysis.model.late_events = analysis.model.events + analysis.model.late_events
    if len(inside) == 1:
        find_runner(analysis, inside[0])


def find_runner(analysis: Analysis, condition: Any) -> None:
    """Note the variable and the constant of a condition "variable >= constant", or ">"."""
    from pynestml.meta_model.ast_comparison_operator import ASTComparisonOperator
    from pynestml.meta_model.ast_expression import ASTExpression

    operator = condition.get_binary_operator() if isinstance(condition, ASTExpression) else None
    if not isinstance(operator, ASTComparisonOperator) or not (operator.is_ge or operator.is_gt):
        return
    if is_constant(condition.get_rhs()):
        left = analysis.hot.print(condition.get_lhs())  # the mere variable, not in another unit
        analysis.model.runner = next((name for name in analysis.model.numeric if left == f"s.{name}"), "")
        analysis.model.threshold = analysis.hot.print(condition.get_rhs())
