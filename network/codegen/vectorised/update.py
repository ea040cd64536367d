"""The update block of a model."""

from typing import Any

from .analysis import Analysis


def collect_update(analysis: Analysis) -> None:
    """Refused: everything but a single integrate_odes()."""
    for block in analysis.neuron.get_update_blocks():
        statements = block.get_stmts_body().get_stmts()
        if len(statements) != 1 or not is_plain_integration(statements[0]):
            analysis.refuse("an update block with more than a single integrate_odes()", block)


def is_plain_integration(statement: Any) -> bool:
    """Whether a statement is integrate_odes() without arguments."""
    if not statement.is_small_stmt() or not statement.small_stmt.is_function_call():
        return False
    call = statement.small_stmt.get_function_call()
    return call.get_name() == "integrate_odes" and not call.get_args()
