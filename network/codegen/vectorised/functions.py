"""Functions that a model defines, printed where they are called.

A call becomes a lambda expression that is called at once, with the arguments of the call: the loop over lanes sees
everything that happens in it, and the right-hand sides can share its exponentials.
"""

from typing import Any

from .analysis import Analysis
from .printer import Printer
from .statements import statements
from .syntax import is_integer_type, returned_type


class Function:
    """One function of a model."""

    def __init__(self, analysis: Analysis, definition: Any) -> None:
        self.analysis = analysis
        self.definition = definition
        self.running = False  # it is being printed

    def call(self, printer: Printer, node: Any) -> str:
        """C++ of a call."""
        name = self.definition.get_name()
        if self.running:
            self.analysis.refuse(f"the function {name}(), which calls itself", self.definition)
        arguments = [printer.print(argument) for argument in node.get_args()]
        parameters = []
        for i, parameter in enumerate(self.definition.get_parameters()):
            parameters.append(f"const double {printer.local(parameter.get_name())}")
            if is_integer_type(parameter.get_data_type().get_type_symbol()):
                arguments[i] = f"__builtin_trunc( {arguments[i]} )"
        outer = printer.call
        printer.call = f"{outer}{name}({', '.join(arguments)}): "
        self.running = True
        body = " ".join(
            line.strip() for line in statements(self.analysis, self.definition.get_stmts_body(), 0, printer)
        )
        self.running = False
        printer.call = outer
        head = f"[ & ]( {', '.join(parameters)} ) BGNEST_INLINE_LAMBDA -> double"
        text = f"{head} {{ {body} }}( {', '.join(arguments)} )"
        return f"__builtin_trunc( {text} )" if is_integer_type(returned_type(self.definition)) else text


def collect_functions(analysis: Analysis) -> None:
    """Note the functions of a model, for the printers."""
    for definition in analysis.neuron.get_functions():
        analysis.functions[definition.get_name()] = Function(analysis, definition)
