"""States that graded synapses have added to a model (`network.experiment.graded_cells`): gates and conductances.

Both are moved by the runtime, not by the solver of the cell (``runtime/lane_graded.h``): gates by exponential Euler,
conductances by what the gates of other cells say.
"""

import importlib
import re
from collections.abc import Mapping
from typing import Any

from .analysis import Analysis


def note_graded(analysis: Analysis, graded: Mapping[str, Any]) -> None:
    """Note their names, before states are sorted by how they are solved."""
    model = analysis.model
    model.gates = list(graded.get("gates", ()))
    model.conductances = list(graded.get("conductances", ()))
    model.voltage = str(graded.get("voltage", ""))


def collect_gates(analysis: Analysis) -> None:
    """Derivatives of the gates, which must be linear in the gates."""
    model, known = analysis.model, analysis.namespace.get("numeric_update_expressions", {})
    for name in model.gates:
        if name not in known:
            analysis.refuse(f"a gate ({name}) that does not follow the potential")
        text = str(analysis.numeric_solver["update_expressions"][name]) if analysis.numeric_solver else ""
        if not is_linear(text, name):
            analysis.refuse(f"a gate ({name}) whose equation is not linear in it")
        model.gate_rates[name] = analysis.steps.print(known[name])


def is_linear(text: str, name: str) -> bool:
    """Whether an expression, as ODE-toolbox writes it, is linear in a variable."""
    sympy = importlib.import_module("sympy")  # comes with NESTML, without types

    functions = set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", text))
    symbols = {word: sympy.Symbol(word) for word in re.findall(r"\b[A-Za-z_]\w*", text) if word not in functions}
    expression = sympy.parse_expr(text, local_dict=symbols)
    return bool(sympy.simplify(sympy.diff(expression, sympy.Symbol(name), 2)) == 0)
