"""Expressions of a model as C++: NESTML's own printers, with the names and functions of this target."""

from typing import Any

from .exponentials import Exponentials, linear, steep
from .syntax import cpp_name, divides_integers, is_constant, is_integer, is_time, port_name, symbol_of, variables_in

HALF = "__half"
RECIPROCAL = "reciprocal_"
HOISTED = "constant_"
LOCAL = "local_"  # so that no name of a model means one of the templates

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
    "pow": "lane::pow(double({!s}), double({!s}))",
    "round": "lane::round({!s})",
    "sin": "lane::sin({!s})",
    "cos": "lane::cos({!s})",
    "tan": "lane::tan({!s})",
    # the loop over lanes stays correct with these, but is not vectorised
    "erf": "__builtin_erf({!s})",
    "steps": "double( nest::Time( nest::Time::ms( {!s} ) ).get_steps() )",
    "erfc": "__builtin_erfc({!s})",
}

BIT_OPERATORS = {
    "is_bit_and": "&",
    "is_bit_or": "|",
    "is_bit_xor": "^",
    "is_bit_shift_left": "<<",
    "is_bit_shift_right": ">>",
}

# functions that draw a number: member of lane::Random, and how many arguments it has
RANDOM = {"random_normal": ("normal", 2), "random_uniform": ("uniform", 2), "random_poisson": ("poisson", 1)}


class Printer:
    """Prints expressions as C++.

    Parameters
    ----------
    analysis : Analysis
        What is known of the model.
    hot : bool
        For the loop over lanes: notes which constants are read, and multiplies by precomputed reciprocals
        instead of dividing by something constant (a vector division takes as long as ten products). A compiler does
        that by itself for powers of two alone, because another reciprocal is rounded.
    half : bool
        Propagators over half a step.
    shared_exponentials : bool
        Put marks in the place of exponentials, see :mod:`exponentials`.
    hoist : bool
        Compute functions of something constant once per cell.

    Attributes
    ----------
    one_port : bool
        Print the input that the expression is about as ``weight``, a term of a single port.
    before_input : bool
        Convolutions are those at the start of the step: NESTML advances them when its statements have been executed.
    call : str
        Call of a function of the model that is being printed. The same text means something else in another call.
    """

    def __init__(
        self,
        analysis: Any,
        hot: bool = False,
        half: bool = False,
        shared_exponentials: bool = False,
        hoist: bool = False,
    ) -> None:
        self.analysis = analysis
        self.hot = hot
        self.half = half
        self.shared_exponentials = shared_exponentials
        self.hoist = hoist
        self.one_port = False
        self.before_input = False
        self.call = ""
        self.exponentials = Exponentials()
        self.locals: dict[int, str] = {}
        self._printer = make_printer(self)

    def print(self, node: Any) -> str:
        """C++ of a NESTML expression."""
        return str(self._printer.print(node))

    def cold_text(self, node: Any) -> str:
        """C++ of something constant, to be computed once per cell."""
        return Printer(self.analysis).print(node)

    def local(self, name: str, symbol: Any = None) -> str:
        """C++ name of a variable of a block of statements, or of an argument of a function."""
        return self.locals.get(id(symbol), f"{LOCAL}{name}")

    def declare(self, variable: Any) -> str:
        """C++ name of a variable of straight code, in which there are no blocks; another one than all others have."""
        self.locals[id(symbol_of(variable))] = name = f"{LOCAL}{variable.get_name()}_{len(self.locals)}"
        return name

    def spikes(self, port: str) -> str:
        """C++ name of what has arrived at a port in the present step."""
        if self.one_port:
            return "weight"
        if port not in self.analysis.model.read_ports:
            self.analysis.model.read_ports.append(port)
        return f"in.{port}"

    def constant(self, name: str) -> str:
        """C++ name of a constant of the cell."""
        if self.half and name in self.analysis.step_dependent:
            name += HALF
        if self.hot:
            self.analysis.used.add(name)
        return f"c.{name}"

    def constant_value(self, expression: str) -> str:
        """C++ name of an expression that is computed once per cell."""
        known = self.analysis.hoisted
        return f"c.{known.setdefault(expression, f'{HOISTED}{len(known)}')}"

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
            if name == "t" and is_time(node):
                analysis.model.uses_time = True
                return "in.t"
            symbol = node.get_scope().resolve_to_symbol(node.get_complete_name(), SymbolKind.VARIABLE)
            if symbol is None:
                raise ValueError(f"{analysis.model.name}: unknown variable {node.get_complete_name()}")
            cpp = cpp_name(node)
            if symbol.is_local():
                return owner.local(cpp, symbol)
            if symbol.is_spike_input_port() or symbol.is_continuous_input_port():
                text = owner.spikes(port_name(node)) if symbol.is_spike_input_port() else f"in.{port_name(node)}"
                kind = symbol.get_type_symbol()
                factor = NESTUnitConverter.get_factor(kind.unit.unit) if isinstance(kind, UnitTypeSymbol) else 1
                return text if factor == 1 else f"({factor!s} * {text})"
            if cpp in analysis.model.states:
                return f"before.{cpp}" if owner.before_input and "__X__" in cpp else f"s.{cpp}"
            if symbol.is_inline_expression:
                # printed in place, so that the loop over lanes knows what it reads
                return f"({owner.print(analysis.inline_asts[name])})"
            return owner.constant(cpp)

    class Constants(ConstantPrinter):
        def print_constant(self, node: Any) -> str:
            return repr(node)  # all digits, where NESTML's own printer keeps nine

    class Functions(CppFunctionCallPrinter):
        def print_function_call(self, function_call: Any) -> str:
            name = function_call.get_name()
            if name in analysis.functions:
                return str(analysis.functions[name].call(owner, function_call))
            if name in ("resolution", "timestep"):
                return owner.constant("__h")
            if name in RANDOM:
                return self.print_random(function_call)
            if owner.hoist and all(is_constant(argument) for argument in function_call.get_args()):
                return owner.constant_value(Printer(analysis).print(function_call))
            if name != "exp" or not owner.shared_exponentials:
                return str(super().print_function_call(function_call))
            node = function_call.get_args()[0]
            argument = str(self._expression_printer.print(node))
            return owner.exponentials.mark(owner.call, argument, linear(node, owner), steep(node, owner))

        def print_random(self, function_call: Any) -> str:
            method, count = RANDOM[function_call.get_name()]
            arguments = ", ".join(self._expression_printer.print(one) for one in function_call.get_args()[:count])
            analysis.model.draws += 1
            return f"in.random.{method}< {analysis.model.draws} >( {arguments} )"

        def _print_function_call_format_string(self, function_call: Any) -> str:
            name = function_call.get_name()
            if name not in FUNCTIONS:
                analysis.refuse(f"the function {name}() here", function_call)
            return FUNCTIONS[name]

    class Expressions(CppExpressionPrinter):
        def _print_binary_op_expression(self, node: Any) -> str:
            operator = node.get_binary_operator()
            if getattr(operator, "is_pow_op", False):
                return self.print_power(node)
            if getattr(operator, "is_integer_div_op", False):
                analysis.refuse("division of integers by //", node)
            if getattr(operator, "is_modulo_op", False):
                return self.print_remainder(node)
            if getattr(operator, "is_div_op", False) and divides_integers(node):
                return f"__builtin_trunc( {self.print(node.get_lhs())} / ({self.print(node.get_rhs())}) )"
            if owner.hot and getattr(operator, "is_div_op", False):
                denominator = node.get_rhs()
                if is_constant(denominator, analysis.step_dependent):
                    used = set(analysis.used)
                    text = Printer(analysis).print(denominator)
                    analysis.used = used
                    left = self.print(node.get_lhs())
                    number = plain_number(text)
                    if number is not None:
                        return left if number == 1.0 else f"{left} * (1.0 / {number!r})" if number else f"{left} / 0.0"
                    return f"{left} * {owner.reciprocal(text)}"
            return str(super()._print_binary_op_expression(node))

        def print_remainder(self, node: Any) -> str:
            if not (is_integer(node.get_lhs()) and is_integer(node.get_rhs())):
                analysis.refuse("the remainder of a division of numbers that are not integers", node)
            return f"lane::remainder( {self.print(node.get_lhs())}, {self.print(node.get_rhs())} )"

        def _print_bit_operator_expression(self, node: Any) -> str:
            sign = next(sign for flag, sign in BIT_OPERATORS.items() if getattr(node.get_binary_operator(), flag))
            # integers are held as double, as everything in a lane
            return f"double( long({self.print(node.get_lhs())}) {sign} long({self.print(node.get_rhs())}) )"

        def _print_unary_op_expression(self, node: Any) -> str:
            if node.get_unary_operator().is_unary_tilde:
                return f"double( ~long({self.print(node.get_expression())}) )"
            return str(super()._print_unary_op_expression(node))

        def _print_ternary_operator_expression(self, node: Any) -> str:
            return f"({super()._print_ternary_operator_expression(node)})"

        def print_power(self, node: Any) -> str:
            exponent = node.get_rhs()
            if owner.hoist and is_constant(node):
                return owner.constant_value(Printer(analysis).print(node))
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
                return f"lane::power< {int(number)} >( {self.print(node.get_lhs())} )"
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
