"""The update block of a model, and its conditions where they belong to one.

A model whose update block is integrate_odes() and nothing else, and whose spike condition resets what the equations
move, is a system with events: they are located inside the step (:mod:`events`). Any other model is a *program*: its
update block is executed in every step as NESTML's own code executes it, and then the onCondition blocks are tested
once, in their order. Programs are solved to higher order, as the course of their spikes matters (Hodgkin-Huxley cells).
"""

from typing import Any

from .analysis import Analysis
from .branches import ALWAYS, Straight, Straightener
from .events import find_runner
from .statements import is_integration
from .states import assigned_on_events
from .syntax import assigned_variables, cpp_name


def is_program(analysis: Analysis) -> bool:
    """Whether the update block is more than integrate_odes(), or no condition changes what that moves numerically."""
    statements = [s for block in analysis.neuron.get_update_blocks() for s in block.get_stmts_body().get_stmts()]
    if len(statements) != 1 or not statements[0].is_small_stmt():
        return True
    small = statements[0].small_stmt
    if not is_integration(small) or small.get_function_call().get_args():
        return True
    solved = set(analysis.numeric_solver["state_variables"]) if analysis.numeric_solver else set()
    return bool(solved) and not solved & set(assigned_on_events(analysis))


def collect_program(analysis: Analysis) -> None:
    """Lines of the update block and of the conditions, and in which calls of integrate_odes() which variable moves."""
    straight = Straightener(analysis, analysis.steps)
    code = Straight()
    for block in analysis.neuron.get_update_blocks():
        code.join([straight.block(block.get_stmts_body())], [ALWAYS], True, ALWAYS)
    lines = list(code.lines[0])
    for masks, after in zip(code.calls, code.lines[1:], strict=True):
        lines += integration(analysis, masks) + after
    analysis.model.program = lines
    analysis.model.n_calls = len(code.calls)
    for block in analysis.neuron.get_on_condition_blocks():
        note_runner(analysis, block)
        analysis.model.conditions += straight.condition(block.get_cond_expr(), block.get_stmts_body())


def integration(analysis: Analysis, masks: dict[str, str]) -> list[str]:
    """Lines of one call: the equations move, then what spikes add to their variables at once."""
    model = analysis.model
    if not masks:
        return []
    model.held |= {name for name in moved_by_equations(analysis) if masks.get(name) != ALWAYS}
    lines = ["{", "  Active active;"]
    lines += [f"  active.{name} = {masks.get(name, 'false')};" for name in moved_by_equations(analysis)]
    lines.append("  solver.integrate( s, active );")
    for update in analysis.deltas:
        name = cpp_name(update.get_variable())
        if name in masks:
            term = analysis.steps.print(update.get_expression())
            lines.append(f"  s.{name} += active.{name} ? {term} : 0.0;")
    return [*lines, "}"]


def moved_by_equations(analysis: Analysis) -> list[str]:
    """Variables that calls of integrate_odes() may move: all but convolutions, which always move."""
    model = analysis.model
    return [name for name in model.numeric + model.analytic if name not in model.convolutions]


def note_runner(analysis: Analysis, block: Any) -> None:
    """Note the variable of "variable >= constant" in a condition that resets it.

    Its upstroke may be explosive; then the solver takes it in the place of time, see lane_solver.h.
    """
    model = analysis.model
    assigned = set(assigned_variables(block.get_stmts_body()))
    for part in conjunction(block.get_cond_expr()):
        if not model.runner:
            find_runner(analysis, part)
            if model.runner not in assigned:
                model.runner = ""


def conjunction(condition: Any) -> list[Any]:
    """Parts of a condition that all have to hold."""
    if getattr(condition, "is_encapsulated", False):
        return conjunction(condition.get_expression())
    operator = condition.get_binary_operator() if hasattr(condition, "get_binary_operator") else None
    if getattr(operator, "is_logical_and", False):
        return conjunction(condition.get_lhs()) + conjunction(condition.get_rhs())
    return [condition]
