"""How the states of a model are solved: numerically, exactly, or not at all."""

from collections.abc import Iterable

from .analysis import Analysis
from .syntax import assigned_variables, cpp_name, variables_in


def sort_states(analysis: Analysis) -> None:
    """Numerically solved states first, then exactly solved ones, then those no equation governs."""
    aside = {*analysis.model.gates, *analysis.model.conductances}
    analytic = [name for name in analysis.namespace.get("analytic_state_variables", []) if name not in aside]
    solved = list(analysis.numeric_solver["state_variables"]) if analysis.numeric_solver else []
    solved = [name for name in solved if name not in aside]
    numeric = [name for name in solved if name not in analytic]

    # An exactly solved state that a spike resets inside the step has no exact solution over it.
    if numeric and not analysis.program:
        demoted = set(assigned_on_events(analysis)) & set(analytic)
        updates = analysis.namespace.get("update_expressions", {})
        while True:
            more = {
                name
                for name in analytic
                if name not in demoted and demoted & {cpp_name(v) for v in variables_in(updates[name])}
            }
            if not more:
                break
            demoted |= more
        numeric += [name for name in analytic if name in demoted]
        analytic = [name for name in analytic if name not in demoted]

    analysis.model.convolutions = [name for name in analytic if "__X__" in name]
    declared = _declared(analysis)
    order = {name: i for i, name in enumerate(declared)}
    analysis.model.numeric = sorted(numeric, key=lambda name: (order.get(name, len(order)), name))
    analysis.model.analytic = sorted(analytic, key=lambda name: (order.get(name, len(order)), name))
    analysis.model.free = [name for name in declared if name not in numeric and name not in analytic]


def _declared(analysis: Analysis) -> list[str]:
    """States in the order of the text, then those of convolutions by name.

    NESTML adds the latter in the order of a set of objects, another one in every process; sums over them, and with them
    the last digits of a run, would depend on when a model was compiled.
    """
    found = [
        cpp_name(variable)
        for block in analysis.neuron.get_state_blocks()
        for declaration in block.get_declarations()
        for variable in declaration.get_variables()
    ]
    return [n for n in found if "__X__" not in n] + sorted(n for n in found if "__X__" in n)


def assigned_on_events(analysis: Analysis) -> Iterable[str]:
    """Names that the onCondition blocks assign to."""
    for block in analysis.neuron.get_on_condition_blocks():
        yield from assigned_variables(block.get_stmts_body())
