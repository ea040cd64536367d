"""Turn a model that NESTML has analysed into a :class:`LaneModel`.

Constructs that the lane blocks cannot express are refused with :class:`UnsupportedModelError`, which names
the remedy ``--target plain``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .model import LaneModel, Member, UnsupportedModelError
from .printer import HALF, Printer
from .syntax import assigned_variables, cpp_name, declarations, is_constant, variables_in


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
        inside: list[Any] = []
        for block in self.neuron.get_on_condition_blocks():
            condition = block.get_cond_expr()
            read = {cpp_name(v) for v in variables_in(condition)}
            assigned = set(assigned_variables(block.get_stmts_body()))
            body = "\n".join(self.statements(block.get_stmts_body(), 4))
            entry = (self.hot.print(condition), self.cold.print(condition), body)
            # a condition on a numerically solved state that its body resets is located inside the step
            if read & assigned & set(self.model.numeric):
                self.model.events.append(entry)
                inside.append(condition)
            else:
                self.model.late_events.append(entry)
        moved = {state for updates in self.model.receive.values() for state, _ in updates}
        if moved & set(self.model.numeric):
            # input that acts on the membrane at once can cross the condition after the step
            self.model.late_events = self.model.events + self.model.late_events
        if len(inside) == 1:
            self.find_runner(inside[0])

    def find_runner(self, condition: Any) -> None:
        """Note the variable and the constant of a condition "variable >= constant", or ">"."""
        from pynestml.meta_model.ast_comparison_operator import ASTComparisonOperator
        from pynestml.meta_model.ast_expression import ASTExpression

        operator = condition.get_binary_operator() if isinstance(condition, ASTExpression) else None
        if not isinstance(operator, ASTComparisonOperator) or not (operator.is_ge or operator.is_gt):
            return
        if is_constant(condition.get_rhs()):
            left = self.hot.print(condition.get_lhs())  # the mere variable, not in another unit
            self.model.runner = next((name for name in self.model.numeric if left == f"s.{name}"), "")
            self.model.threshold = self.hot.print(condition.get_rhs())

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
