"""Expressions of a model as C++: NESTML's own printers, with the names and functions of this target."""

from typing import Any

from .syntax import cpp_name, is_constant, variables_in

HALF = "__half"
RECIPROCAL = "reciprocal_"

# C++ names of NESTML functions; those of lane:: become vector instructions
FUNCTIONS = {
    "exp": "lane::exp({!s})",
    "expm1": "lane::expm1({!s})",
    "ln": "lane::log({!s})",
    "log10": "lane::log10({!s})",
    "sinh": "lane::sinh({!s})",
    "cosh": "lane::cosh({!s})",
    "tanh": "lane::tanh({!s})",
    "min": "lane::min({!s}, {!s})",
    "max": "lane::max({!s}, {!s})",
    "abs": "lane::abs({!s})",
    "clip": "lane::min({2!s}, lane::max({1!s}, {0!s}))",
    "Heaviside": "(({0!s} < 0) ? 0.0 : (({0!s} == 0) ? 0.5 : 1.0))",
    "ceil": "__builtin_ceil({!s})",
    "floor": "__builtin_floor({!s})",
    # the loop over lanes stays correct with these, but is not vectorised
    "round": "__builtin_round({!s})",
    "sin": "__builtin_sin({!s})",
    "cos": "__builtin_cos({!s})",
    "tan": "__builtin_tan({!s})",
    "erf": "__builtin_erf({!s})",
    "erfc": "__builtin_erfc({!s})",
    "timestep": "c.__h",
    "resolution": "c.__h",
}


class Printer:
    """Prints expressions as C++.

    Parameters
    ----------
    analysis : Analysis
        What is known of the model.
    hot : bool
        For the loop over lanes: notes which constants are read, and multiplies by precomputed reciprocals
        instead of dividing by something constant (a vector division takes as long as ten products).
    half : bool
        Propagators over half a step.
    shared_exponentials : bool
        Number the exponentials, so that the stages of a step can share them.
    """

    def __init__(self, analysis: Any, hot: bool = False, half: bool = False, shared_exponentials: bool = False) -> None:
        self.analysis = analysis
        self.hot = hot
        self.half = half
        self.shared_exponentials = shared_exponentials
        self._printer = make_printer(self)

    def print(self, node: Any) -> str:
        """C++ of a NESTML expression."""
        return str(self._printer.print(node))

    def constant(self, name: str) -> str:
        """C++ name of a constant of the cell."""
        if self.half and name in self.analysis.step_dependent:
            name += HALF
        if self.hot:
            self.analysis.used.add(name)
        return f"c.{name}"

    def reciprocal(self, denominator: str) -> str:
        """C++ name of 1 / denominator, computed once per cell because division is slow."""
        known = self.analysis.reciprocals
        name = known.setdefault(denominator, f"{RECIPROCAL}{len(known)}")
        return f"c.{name}"


def make_printer(owner: Printer) -> Any:
    """Build the chain of NESTML printers that ends in the names of this target."""
    from pynestml.codegeneration.nest_unit_converter import NESTUnitConverter
    from pynestml.codegeneration.printers.constant_printer import ConstantPrinter
    from pynestml.codegeneration.printers.cpp_expression_printer import CppExpressionPrinter
    from pynestml.codegeneration.printers.cpp_function_call_printer import CppFunctionCallPrinter
    from pynestml.codegeneration.printers.cpp_simple_expression_printer import CppSimpleExpressionPrinter
    from pynestml.codegeneration.printers.cpp_variable_printer import CppVariablePrinter
    from pynestml.symbols.symbol import SymbolKind
    from pynestml.symbols.unit_type_symbol import UnitTypeSymbol

    analysis = owner.analysis

    class Variables(CppVariablePrinter):
        def print_variable(self, node: Any) -> str:
            name = node.get_name()
            if name in ("e", "pi"):
                symbol = node.get_scope().resolve_to_symbol(name, SymbolKind.VARIABLE)
                if symbol is None or symbol.is_predefined:
                    return {"e": "2.718281828459045235", "pi": "3.14159265358979323846"}[name]
            if name == "t":
                analysis.refuse("the time t in expressions")
            symbol = node.get_scope().resolve_to_symbol(node.get_complete_name(), SymbolKind.VARIABLE)
            if symbol is None:
                raise ValueError(f"{analysis.model.name}: unknown variable {node.get_complete_name()}")
            cpp = cpp_name(node)
            if symbol.is_local():
                return cpp
            if symbol.is_spike_input_port() or symbol.is_continuous_input_port():
                text = "weight" if symbol.is_spike_input_port() else f"in.{cpp}"
                kind = symbol.get_type_symbol()
                factor = NESTUnitConverter.get_factor(kind.unit.unit) if isinstance(kind, UnitTypeSymbol) else 1
                return text if factor == 1 else f"({factor!s} * {text})"
            if cpp in analysis.model.states:
                return f"s.{cpp}"
            if symbol.is_inline_expression:
                # printed in place, so that the loop over lanes knows what it reads
                return f"({owner.print(analysis.inline_asts[name])})"
            return owner.constant(cpp)

    class Constants(ConstantPrinter):
        def print_constant(self, node: Any) -> str:
            return repr(node)  # all digits, where NESTML's own printer keeps nine

    class Functions(CppFunctionCallPrinter):
        def print_function_call(self, function_call: Any) -> str:
            if function_call.get_name() != "exp" or not owner.shared_exponentials:
                return str(super().print_function_call(function_call))
            argument = str(self._expression_printer.print(function_call.get_args()[0]))
            known = analysis.model.exponentials
            if argument not in known:
                known.append(argument)
            return f"e.template exp< {known.index(argument)} >( {argument} )"

        def _print_function_call_format_string(self, function_call: Any) -> str:
            name = function_call.get_name()
            if name not in FUNCTIONS:
                analysis.refuse(f"the function {name}() here")
            return FUNCTIONS[name]

    class Expressions(CppExpressionPrinter):
        def _print_binary_op_expression(self, node: Any) -> str:
            operator = node.get_binary_operator()
            if getattr(operator, "is_pow_op", False):
                return self.print_power(node)
            if getattr(operator, "is_modulo_op", False) or getattr(operator, "is_integer_div_op", False):
                analysis.refuse("division of integers")
            if owner.hot and getattr(operator, "is_div_op", False):
                denominator = node.get_rhs()
                if is_constant(denominator, analysis.step_dependent):
                    used = set(analysis.used)
                    text = Printer(analysis).print(denominator)
                    analysis.used = used
                    left = self.print(node.get_lhs())
                    number = plain_number(text)
                    if number is not None:
                        return left if number == 1.0 else f"{left} / {number!r}"
                    return f"{left} * {owner.reciprocal(text)}"
            return str(super()._print_binary_op_expression(node))

        def print_power(self, node: Any) -> str:
            exponent = node.get_rhs()
            variables = variables_in(exponent)
            if len(variables) == 1 and str(exponent).strip("() ") == variables[0].get_name():
                symbol = variables[0].get_scope().resolve_to_symbol(variables[0].get_name(), SymbolKind.VARIABLE)
                if (
                    symbol is not None
                    and symbol.is_parameters()
                    and symbol.get_type_symbol().print_symbol() == "integer"
                ):
                    analysis.exponents.add(variables[0].get_name())
            text = self.print(exponent)
            number = plain_number(text)
            if number is not None and number == int(number) and abs(number) <= 64:
                text = str(int(number))
            return f"lane::pow( {self.print(node.get_lhs())}, {text} )"

    variables = Variables(None)
    functions = Functions(None)
    printer = Expressions(
        CppSimpleExpressionPrinter(
            variable_printer=variables, constant_printer=Constants(), function_call_printer=functions
        )
    )
    variables._expression_printer = printer
    functions._expression_printer = printer
    return printer


def plain_number(text: str) -> float | None:
    """Value of a printed literal, ``None`` for anything else."""
    try:
        return float(text.strip("() "))
    except ValueError:
        return None
