"""What is known of a model while it is turned into a :class:`model.LaneModel`, shared by the modules that do it."""

from collections.abc import Mapping
from typing import Any

from .model import LaneModel, UnsupportedModelError
from .printer import Printer


class Analysis:
    """A model that NESTML has analysed, the :class:`LaneModel` it becomes, and notes that are taken on the way.

    Attributes
    ----------
    neuron : pynestml.meta_model.ast_model.ASTModel
    namespace : mapping
        What NESTML's own templates would get.
    numeric_solver : mapping or None
        ODE-toolbox's numerical solver, if there is one.
    model : LaneModel
    exponents : set of str
        Integer parameters that are used as exponents.
    reciprocals : dict of str to str
        Denominators, and the name of the reciprocal of each.
    used : set of str
        Constants read by the loop over lanes.
    step_dependent : set of str
        Internals that depend on the length of a step.
    inline_asts : dict
        Expressions of the inlines, by name.
    hoisted : dict of str to str
        Expressions that are computed once per cell, and the name of each.
    deltas : list
        Terms that spikes add at once to variables that calls of integrate_odes() move.
    program : bool
        Whether the update block is a program, see :mod:`update`.
    functions : dict of str to functions.Function
        Functions that the model defines, by name.
    cold, hot, hot_half, rate, steps : Printer
        For code that runs once in a while; for the loop over lanes; for half a step of it; for derivatives; for
        statements of every step.
    """

    def __init__(self, neuron: Any, metadata: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
        self.neuron = neuron
        self.namespace = namespace
        self.numeric_solver = metadata[neuron.name].get("numeric_solver")
        self.model = LaneModel(name=neuron.get_name())
        self.exponents: set[str] = set()
        self.reciprocals: dict[str, str] = {}
        self.used: set[str] = set()
        self.step_dependent = {"__h", *namespace.get("propagators", {})}
        self.inline_asts: dict[str, Any] = {}
        self.functions: dict[str, Any] = {}
        self.hoisted: dict[str, str] = {}
        self.deltas: list[Any] = []
        self.program = False
        self.cold = Printer(self)
        self.hot = Printer(self, hot=True)
        self.hot_half = Printer(self, hot=True, half=True)
        self.steps = Printer(self, hot=True, hoist=True)
        self.rate = Printer(self, hot=True, shared_exponentials=True)

    def refuse(self, what: str, where: Any = None) -> None:
        """Refuse the model, naming what it needs and, if a node of the syntax tree is given, the line of that."""
        line = 0
        if where is not None:
            line = where.get_source_position().get_start_line()
        raise UnsupportedModelError(self.model.name, what, line)
