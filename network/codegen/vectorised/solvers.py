"""A fault of NESTML 9.0.0, mended: states that must be solved numerically because of currents or the time.

ODE-toolbox takes what arrives at a port, and the time, for a parameter. An equation like ``x' = -x * I_stim / tau``
gets an exact solution with a propagator that contains the current, and NESTML computes propagators once, before the
simulation. Such states, those whose equation contains the time ``t``, and those whose solution contains such a state,
are handed to the numerical solver.
"""

import re
from collections.abc import Mapping
from typing import Any

TIME = "t"


def mend() -> None:
    """Make NESTML's call of ODE-toolbox look through what it returns."""
    from pynestml.transformers.ode_toolbox_transformer import ODEToolboxTransformer

    original = ODEToolboxTransformer.ode_toolbox_analysis

    def analysis(self: Any, model: Any, kernel_buffers: Any, metadata: dict[str, Any]) -> None:
        original(self, model, kernel_buffers, metadata)
        found = metadata[model.name]
        ports = {port.get_symbol_name() for port in model.get_continuous_input_ports() + model.get_spike_input_ports()}
        wrong = misjudged(found["analytic_solver"], ports) if found["analytic_solver"] else set()
        if not wrong:
            return
        exact, solver = found["analytic_solver"], self.get_option("solver")
        self.set_options({"solver": "numeric"})
        original(self, model, kernel_buffers, metadata)
        self.set_options({"solver": solver})
        metadata[model.name]["analytic_solver"] = without(exact, wrong)

    ODEToolboxTransformer.ode_toolbox_analysis = analysis


def misjudged(solver: Mapping[str, Any], ports: set[str]) -> set[str]:
    """States of an exact solver that have a propagator with a port or t in it, or whose solution has such a state."""
    tainted = {name for name, text in solver["propagators"].items() if words(text) & (ports | {TIME})} | {TIME}
    wrong: set[str] = set()
    while True:
        more = {
            name for name in solver["state_variables"] if words(solver["update_expressions"][name]) & (tainted | wrong)
        }
        if more == wrong:
            return wrong
        wrong |= more


def without(solver: Mapping[str, Any], wrong: set[str]) -> dict[str, Any] | None:
    """An exact solver without some of its states; none if no state is left."""
    kept = [name for name in solver["state_variables"] if name not in wrong]
    if not kept:
        return None
    updates = {name: solver["update_expressions"][name] for name in kept}
    used = set().union(*(words(text) for text in updates.values()))
    return {
        **solver,
        "state_variables": kept,
        "update_expressions": updates,
        "initial_values": {name: solver["initial_values"][name] for name in kept},
        "propagators": {name: text for name, text in solver["propagators"].items() if name in used},
    }


def words(text: Any) -> set[str]:
    """Names in an expression."""
    return set(re.findall(r"[A-Za-z_]\w*", str(text)))
