"""What the templates of the vectorised target need to know about a NESTML model, as plain C++ text.

Runs inside the process that runs NESTML (see :func:`install`), after NESTML has parsed the model and
ODE-toolbox has split its equations. The result is a :class:`LaneModel`, whose attributes the templates in
``templates/vectorised`` print without further thought. Constructs that the lane blocks cannot express are
refused with :class:`UnsupportedModelError`, which names the remedy ``--target plain``.

In the printed expressions ``c`` holds constants (parameters, internals and what is computed from them
once), ``s`` the state and ``in`` the continuous inputs.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

DRIVE_PARAMETERS = (
    "drive_rate",
    "drive_seed",
    "drive_delay",
    "drive_times",
    "drive_values",
    "drive_period",
)
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


class UnsupportedModelError(Exception):
    """A model uses something that only the plain target can do."""

    def __init__(self, model: str, what: str) -> None:
        super().__init__(
            f"{model}: the vectorised target does not support {what}. Build this model with `--target plain`."
        )


@dataclass
class Member:
    """One named number of a cell: its C++ name and the expression that gives it."""

    name: str
    expression: str
    kind: str = "real"  # real, integer, exponent, boolean


@dataclass
class LaneModel:
    """Everything the templates print. Expressions are C++ text, names are C++ names."""

    name: str
    parameters: list[Member] = field(default_factory=list)
    internals: list[Member] = field(default_factory=list)
    half_internals: list[Member] = field(default_factory=list)  # internals for half a step
    constants: list[Member] = field(default_factory=list)  # what the loop over lanes reads
    numeric: list[str] = field(default_factory=list)
    analytic: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)
    initial: list[Member] = field(default_factory=list)
    currents: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    rates: dict[str, str] = field(default_factory=dict)
    exponentials: list[str] = field(default_factory=list)  # arguments of exp() in the rates, each once
    propagation: dict[str, str] = field(default_factory=dict)
    half_propagation: dict[str, str] = field(default_factory=dict)
    receive: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # port: (state, increment)
    inlines: list[Member] = field(default_factory=list)
    recordable_inlines: list[str] = field(default_factory=list)
    # (vector condition, scalar condition, body) of spike conditions located inside a step / after it
    events: list[tuple[str, str, str]] = field(default_factory=list)
    late_events: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def states(self) -> list[str]:
        """All state variables in the order of their storage."""
        return self.numeric + self.analytic + self.free

    @property
    def exponents(self) -> list[int]:
        """Rows of the constants that are exponents."""
        return [i for i, constant in enumerate(self.constants) if constant.kind == "exponent"]


def install(options: Mapping[str, Any]) -> None:
    """Make NESTML's code generator for NEST hand a ``LaneModel`` named ``model`` to its templates."""
    from pynestml.codegeneration.nest_code_generator import NESTCodeGenerator

    original = NESTCodeGenerator._get_neuron_model_namespace

    def with_lane_model(self: Any, neuron: Any, metadata: Any) -> dict[str, Any]:
        namespace = original(self, neuron, metadata)
        namespace["model"] = lane_model(neuron, metadata, namespace)
        return namespace

    NESTCodeGenerator._get_neuron_model_namespace = with_lane_model


def describe(model: Any, info: dict[str, Any]) -> None:
    """Add to the description of a model what this target adds to every model."""
    info["recordables"].append("drive_count")
    info["extra"]["drive"] = {
        "weights": {port: f"drive_weight_{port}" for port in info["ports"]},
        "parameters": list(DRIVE_PARAMETERS),
    }


def lane_model(neuron: Any, metadata: Mapping[str, Any], namespace: Mapping[str, Any]) -> LaneModel:
    """Turn a model that NESTML has analysed into C++ text.

    Parameters
    ----------
    neuron : pynestml.meta_model.ast_model.ASTModel
    metadata : mapping
        NESTML's results per model name (ODE-toolbox solvers, kernel buffers, spike updates).
    namespace : mapping
        What NESTML's own templates would get.

    Raises
    ------
    UnsupportedModelError
        If the model needs something that lanes cannot do.
    """
    return _Describer(neuron, metadata, namespace).run()


class _Describer:
    def __init__(self, neuron: Any, metadata: Mapping[str, Any], namespace: Mapping[str, Any]) -> None:
        self.neuron = neuron
        self.namespace = namespace
        self.numeric_solver = metadata[neuron.name].get("numeric_solver")
        self.model = LaneModel(name=neuron.get_name())
        self.exponents: set[str] = set()
        self.reciprocals: dict[str, str] = {}  # denominator -> name of its reciprocal
        self.used: set[str] = set()  # constants read by the loop over lanes
        self.step_dependent = {"__h", *namespace.get("propagators", {})}
        self.inline_asts: dict[str, Any] = {}

    # -- order of work ---------------------------------------------------------------------------------

    def run(self) -> LaneModel:
        self.refuse_unsupported()
        self.sort_states()
        self.cold = Printer(self)
        self.hot = Printer(self, hot=True)
        self.hot_half = Printer(self, hot=True, half=True)
        self.rate = Printer(self, hot=True, shared_exponentials=True)
        self.collect_inputs()
        self.collect_inlines()
        self.collect_equations()
        self.collect_events()
        self.collect_parameters()
        self.collect_constants()
        return self.model

    def refuse(self, what: str) -> None:
        raise UnsupportedModelError(self.model.name, what)

    def refuse_unsupported(self) -> None:
        neuron = self.neuron
        if neuron.get_functions():
            self.refuse("functions defined in the model")
        if neuron.get_on_receive_blocks():
            self.refuse("onReceive blocks (use a kernel and convolve)")
        if self.namespace["has_delay_variables"]:
            self.refuse("delayed variables")
        if neuron.has_state_vectors() or neuron.get_vector_symbols() or neuron.has_vector_port():
            self.refuse("vectors")
        if self.namespace.get("paired_synapses"):
            self.refuse("neurons generated together with a synapse")
        if self.namespace["use_gap_junctions"]:
            self.refuse("gap junctions")
        if self.namespace.get("propagators_are_state_dependent"):
            self.refuse("linear equations whose coefficients depend on the state")
        for block in neuron.get_update_blocks():
            statements = block.get_stmts_body().get_stmts()
            if len(statements) != 1 or not self.is_plain_integration(statements[0]):
                self.refuse("an update block with more than a single integrate_odes()")

    @staticmethod
    def is_plain_integration(statement: Any) -> bool:
        if not statement.is_small_stmt() or not statement.small_stmt.is_function_call():
            return False
        call = statement.small_stmt.get_function_call()
        return call.get_name() == "integrate_odes" and not call.get_args()

    # -- states ----------------------------------------------------------------------------------------

    def sort_states(self) -> None:
        """Numerically solved states first, then exactly solved ones, then those no equation governs."""
        analytic = list(self.namespace.get("analytic_state_variables", []))
        solved = list(self.numeric_solver["state_variables"]) if self.numeric_solver else []
        numeric = [name for name in solved if name not in analytic]

        # An exactly solved state that a spike resets inside the step has no exact solution over it.
        if numeric:
            demoted = set(self.assigned_on_events()) & set(analytic)
            updates = self.namespace.get("update_expressions", {})
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

        declared: list[str] = []
        for block in self.neuron.get_state_blocks():
            for declaration in block.get_declarations():
                for variable in declaration.get_variables():
                    declared.append(cpp_name(variable))
        order = {name: i for i, name in enumerate(declared)}
        self.model.numeric = sorted(numeric, key=lambda name: order.get(name, len(order)))
        self.model.analytic = sorted(analytic, key=lambda name: (order.get(name, len(order)), name))
        self.model.free = [name for name in declared if name not in numeric and name not in analytic]

    def assigned_on_events(self) -> Iterable[str]:
        for block in self.neuron.get_on_condition_blocks():
            yield from assigned_variables(block.get_stmts_body())

    # -- inputs ----------------------------------------------------------------------------------------

    def collect_inputs(self) -> None:
        for port in self.neuron.get_spike_input_ports():
            if port.is_excitatory() != port.is_inhibitory():
                self.refuse(f"the qualifier of port {port.name} (excitatory or inhibitory)")
            self.model.ports.append(port.name)
        self.model.currents = [port.name for port in self.neuron.get_continuous_input_ports()]
        for port in self.model.ports:
            self.model.receive[port] = []
        for updates in self.namespace["spike_updates"].values():
            for update in updates:
                self.add_receive(update)

    def add_receive(self, update: Any) -> None:
        names = {v.get_name() for v in variables_in(update.get_expression())}
        ports = names & set(self.model.ports)
        if len(ports) != 1:
            self.refuse("an input term with more than one port")
        states = {cpp_name(v) for v in variables_in(update.get_expression())} & set(self.model.states)
        if states:
            self.refuse(f"input whose effect depends on the state ({', '.join(sorted(states))})")
        text = self.hot.print(update.get_expression())
        # a weight in other than NEST's units is converted to and fro
        text = re.sub(r"^\(*([0-9.e+-]+) \* weight\)* / \(?\1\)?$", "weight", text)
        self.model.receive[ports.pop()].append((cpp_name(update.get_variable()), text))

    # -- equations -------------------------------------------------------------------------------------

    def collect_inlines(self) -> None:
        for block in self.neuron.get_equations_blocks():
            for inline in block.get_inline_expressions():
                self.inline_asts[inline.get_variable_name()] = inline.get_expression()
        recordable = {symbol.get_symbol_name() for symbol in self.namespace["recordable_inline_expressions"]}
        for name, expression in self.inline_asts.items():
            if "convolve" in str(expression):
                continue  # an alias of a convolution, which has become a state
            self.model.inlines.append(Member(name, self.cold.print(expression)))
            if name in recordable:
                self.model.recordable_inlines.append(name)

    def collect_equations(self) -> None:
        model = self.model
        for name in model.numeric:
            model.rates[name] = self.rate.print(self.namespace["numeric_update_expressions"][name])
        for name in model.analytic:
            update = self.namespace["update_expressions"][name]
            model.propagation[name] = self.hot.print(update)
            if model.numeric:
                model.half_propagation[name] = self.hot_half.print(update)

    # -- conditions ------------------------------------------------------------------------------------

    def collect_events(self) -> None:
        for block in self.neuron.get_on_condition_blocks():
            condition = block.get_cond_expr()
            read = {cpp_name(v) for v in variables_in(condition)}
            assigned = set(assigned_variables(block.get_stmts_body()))
            body = "\n".join(self.statements(block.get_stmts_body(), 4))
            entry = (self.hot.print(condition), self.cold.print(condition), body)
            # a condition on a numerically solved state that its body resets is located inside the step
            if read & assigned & set(self.model.numeric):
                self.model.events.append(entry)
            else:
                self.model.late_events.append(entry)
        moved = {state for updates in self.model.receive.values() for state, _ in updates}
        if moved & set(self.model.numeric):
            # input that acts on the membrane at once can cross the condition after the step
            self.model.late_events = self.model.events + self.model.late_events

    def statements(self, body: Any, indent: int) -> list[str]:
        lines: list[str] = []
        for statement in body.get_stmts():
            if statement.is_small_stmt():
                lines += self.small_statement(statement.small_stmt, " " * indent)
            elif statement.compound_stmt.is_if_stmt():
                lines += self.if_statement(statement.compound_stmt.get_if_stmt(), indent)
            else:
                self.refuse("loops in onCondition blocks")
        return lines

    def small_statement(self, statement: Any, pad: str) -> list[str]:
        if statement.is_assignment():
            assignment = statement.get_assignment()
            for flag, operator in (
                ("is_compound_sum", "+="),
                ("is_compound_minus", "-="),
                ("is_compound_product", "*="),
                ("is_compound_quotient", "/="),
                ("is_direct_assignment", "="),
            ):
                if getattr(assignment, flag):
                    left = self.cold.print(assignment.get_variable())
                    return [f"{pad}{left} {operator} {self.cold.print(assignment.get_expression())};"]
            self.refuse("integer division in an assignment")
        if statement.is_function_call():
            call = statement.get_function_call()
            if call.get_name() == "emit_spike" and not call.get_args():
                return [f"{pad}++spikes;"]
            self.refuse(f"a call of {call.get_name()}() in an onCondition block")
        if statement.is_declaration():
            declaration = statement.get_declaration()
            value = self.cold.print(declaration.get_expression()) if declaration.has_expression() else "0.0"
            return [f"{pad}double {variable.get_name()} = {value};" for variable in declaration.get_variables()]
        self.refuse("this kind of statement in an onCondition block")
        return []

    def if_statement(self, statement: Any, indent: int) -> list[str]:
        pad = " " * indent
        clause = statement.get_if_clause()
        branches = [(f"if ( {self.cold.print(clause.get_condition())} )", clause.get_stmts_body())]
        for clause in statement.get_elif_clauses():
            branches.append((f"else if ( {self.cold.print(clause.get_condition())} )", clause.get_stmts_body()))
        if statement.has_else_clause():
            branches.append(("else", statement.get_else_clause().get_stmts_body()))
        lines: list[str] = []
        for head, body in branches:
            lines += [f"{pad}{head}", f"{pad}{{", *self.statements(body, indent + 2), f"{pad}}}"]
        return lines

    # -- numbers ---------------------------------------------------------------------------------------

    def collect_parameters(self) -> None:
        model = self.model
        for block in self.neuron.get_parameters_blocks():
            for declaration, variable, symbol in declarations(block):
                name = cpp_name(variable)
                model.parameters.append(Member(name, self.value_of(symbol, declaration), self.kind_of(symbol, name)))
        for block in self.neuron.get_internals_blocks():
            for declaration, variable, symbol in declarations(block):
                name = cpp_name(variable)
                kind = self.kind_of(symbol, name)
                model.internals.append(Member(name, self.value_of(symbol, declaration), kind))
        for block in self.neuron.get_state_blocks():
            for declaration, variable, symbol in declarations(block):
                self.kind_of(symbol, cpp_name(variable))
                model.initial.append(Member(cpp_name(variable), self.value_of(symbol, declaration)))
        known = {member.name for member in model.initial}
        model.initial += [Member(name, "0.0") for name in model.states if name not in known]

    def value_of(self, symbol: Any, declaration: Any) -> str:
        expression = symbol.get_declaring_expression() or declaration.get_expression()
        return self.cold.print(expression) if expression is not None else "0.0"

    def kind_of(self, symbol: Any, name: str) -> str:
        from pynestml.symbols.boolean_type_symbol import BooleanTypeSymbol
        from pynestml.symbols.integer_type_symbol import IntegerTypeSymbol
        from pynestml.symbols.real_type_symbol import RealTypeSymbol
        from pynestml.symbols.unit_type_symbol import UnitTypeSymbol

        kind = symbol.get_type_symbol()
        if isinstance(kind, IntegerTypeSymbol):
            return "exponent" if name in self.exponents else "integer"
        if isinstance(kind, BooleanTypeSymbol):
            return "boolean"
        if not isinstance(kind, (RealTypeSymbol, UnitTypeSymbol)):
            self.refuse(f"the type of {name} ({kind.print_symbol()})")
        return "real"

    def collect_constants(self) -> None:
        """Constants of the loop over lanes: those it reads, and reciprocals in place of divisions."""
        model = self.model
        for member in model.parameters + model.internals:
            if member.name in self.used:
                model.constants.append(Member(member.name, f"c.{member.name}", member.kind))
        for member in model.internals:
            if member.name + HALF in self.used:
                model.constants.append(Member(member.name + HALF, f"half.{member.name}", member.kind))
        for denominator, name in self.reciprocals.items():
            model.constants.append(Member(name, f"1.0 / ( {denominator} )"))


def declarations(block: Any) -> Iterable[tuple[Any, Any, Any]]:
    """Declaration, variable and symbol of everything declared in a block, kernels left out."""
    from pynestml.symbols.symbol import SymbolKind

    for declaration in block.get_declarations():
        for variable in declaration.get_variables():
            symbol = variable.get_scope().resolve_to_symbol(variable.get_complete_name(), SymbolKind.VARIABLE)
            if not symbol.is_kernel():
                yield declaration, variable, symbol


def variables_in(node: Any) -> list[Any]:
    """All variables in an expression, those in arguments of functions included, units left out."""
    from pynestml.meta_model.ast_simple_expression import ASTSimpleExpression
    from pynestml.meta_model.ast_variable import ASTVariable
    from pynestml.visitors.ast_higher_order_visitor import ASTHigherOrderVisitor

    found: list[Any] = []
    units: list[Any] = []

    def visit(part: Any) -> None:
        if isinstance(part, ASTSimpleExpression) and part.is_numeric_literal_with_unit():
            units.append(part.get_variable())
        elif isinstance(part, ASTVariable):
            found.append(part)

    node.accept(ASTHigherOrderVisitor(visit))
    return [variable for variable in found if not any(variable is unit for unit in units)]


def cpp_name(variable: Any) -> str:
    """C++ name of a NESTML variable: derivatives ``x'`` become ``x__d``."""
    from pynestml.codegeneration.printers.cpp_variable_printer import CppVariablePrinter

    return str(CppVariablePrinter._print_cpp_name(variable.get_complete_name()))


def assigned_variables(body: Any) -> Iterable[str]:
    """Names that the statements of a block assign to, in all branches."""
    for statement in body.get_stmts():
        if statement.is_small_stmt():
            if statement.small_stmt.is_assignment():
                yield cpp_name(statement.small_stmt.get_assignment().get_variable())
        elif statement.compound_stmt.is_if_stmt():
            branch = statement.compound_stmt.get_if_stmt()
            yield from assigned_variables(branch.get_if_clause().get_stmts_body())
            for clause in branch.get_elif_clauses():
                yield from assigned_variables(clause.get_stmts_body())
            if branch.has_else_clause():
                yield from assigned_variables(branch.get_else_clause().get_stmts_body())


class Printer:
    """Prints expressions as C++.

    Parameters
    ----------
    describer : _Describer
    hot : bool
        For the loop over lanes: notes which constants are read, and multiplies by precomputed reciprocals
        instead of dividing by something constant (a vector division takes as long as ten products).
    half : bool
        Propagators over half a step.
    shared_exponentials : bool
        Number the exponentials, so that the stages of a step can share them.
    """

    def __init__(
        self, describer: Any, hot: bool = False, half: bool = False, shared_exponentials: bool = False
    ) -> None:
        self.describer = describer
        self.hot = hot
        self.half = half
        self.shared_exponentials = shared_exponentials
        self._printer = make_printer(self)

    def print(self, node: Any) -> str:
        """C++ of a NESTML expression."""
        return str(self._printer.print(node))

    def constant(self, name: str) -> str:
        """C++ name of a constant of the cell."""
        if self.half and name in self.describer.step_dependent:
            name += HALF
        if self.hot:
            self.describer.used.add(name)
        return f"c.{name}"

    def reciprocal(self, denominator: str) -> str:
        """C++ name of 1 / denominator, computed once per cell because division is slow."""
        known = self.describer.reciprocals
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

    describer = owner.describer

    class Variables(CppVariablePrinter):
        def print_variable(self, node: Any) -> str:
            name = node.get_name()
            if name in ("e", "pi"):
                symbol = node.get_scope().resolve_to_symbol(name, SymbolKind.VARIABLE)
                if symbol is None or symbol.is_predefined:
                    return {"e": "2.718281828459045235", "pi": "3.14159265358979323846"}[name]
            if name == "t":
                describer.refuse("the time t in expressions")
            symbol = node.get_scope().resolve_to_symbol(node.get_complete_name(), SymbolKind.VARIABLE)
            if symbol is None:
                raise ValueError(f"{describer.model.name}: unknown variable {node.get_complete_name()}")
            cpp = cpp_name(node)
            if symbol.is_local():
                return cpp
            if symbol.is_spike_input_port() or symbol.is_continuous_input_port():
                text = "weight" if symbol.is_spike_input_port() else f"in.{cpp}"
                kind = symbol.get_type_symbol()
                factor = NESTUnitConverter.get_factor(kind.unit.unit) if isinstance(kind, UnitTypeSymbol) else 1
                return text if factor == 1 else f"({factor!s} * {text})"
            if cpp in describer.model.states:
                return f"s.{cpp}"
            if symbol.is_inline_expression:
                # printed in place, so that the loop over lanes knows what it reads
                return f"({owner.print(describer.inline_asts[name])})"
            return owner.constant(cpp)

    class Constants(ConstantPrinter):
        def print_constant(self, node: Any) -> str:
            return repr(node)  # all digits, where NESTML's own printer keeps nine

    class Functions(CppFunctionCallPrinter):
        def print_function_call(self, function_call: Any) -> str:
            if function_call.get_name() != "exp" or not owner.shared_exponentials:
                return str(super().print_function_call(function_call))
            argument = str(self._expression_printer.print(function_call.get_args()[0]))
            known = describer.model.exponentials
            if argument not in known:
                known.append(argument)
            return f"e.template exp< {known.index(argument)} >( {argument} )"

        def _print_function_call_format_string(self, function_call: Any) -> str:
            name = function_call.get_name()
            if name not in FUNCTIONS:
                describer.refuse(f"the function {name}() here")
            return FUNCTIONS[name]

    class Expressions(CppExpressionPrinter):
        def _print_binary_op_expression(self, node: Any) -> str:
            operator = node.get_binary_operator()
            if getattr(operator, "is_pow_op", False):
                return self.print_power(node)
            if getattr(operator, "is_modulo_op", False) or getattr(operator, "is_integer_div_op", False):
                describer.refuse("division of integers")
            if owner.hot and getattr(operator, "is_div_op", False):
                denominator = node.get_rhs()
                if is_constant(denominator):
                    used = set(describer.used)
                    text = Printer(describer).print(denominator)
                    describer.used = used
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
                    describer.exponents.add(variables[0].get_name())
            text = self.print(exponent)
            number = plain_number(text)
            if number is not None and number == int(number) and abs(number) <= 64:
                text = str(int(number))
            return f"lane::pow( {self.print(node.get_lhs())}, {text} )"

    def is_constant(node: Any) -> bool:
        for variable in variables_in(node):
            symbol = variable.get_scope().resolve_to_symbol(variable.get_complete_name(), SymbolKind.VARIABLE)
            if symbol is None or not (symbol.is_parameters() or symbol.is_internals()):
                return False
            if variable.get_name() in describer.step_dependent:
                return False
        return True

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
