"""Ports of a model, and what arrives there."""

import re
from typing import Any

from .analysis import Analysis
from .branches import Straightener
from .syntax import assigned_variables, cpp_name, is_constant, is_integer_type, port_name, symbol_of, variables_in

ARRIVED = "arrived"  # whether a lane has got spikes at the port of a block of statements

Term = tuple[str, str, str]  # port, state, and what a sum of weights at the port, called weight, adds to the state


def collect_inputs(analysis: Analysis) -> None:
    """Ports for spikes and currents, and what a spike at each port does.

    Terms that a spike adds to a state, whatever the states are, are added in the loop over lanes. What else there is
    becomes statements for the lanes at which something has arrived: in NESTML's order, which is terms of delta kernels,
    onReceive blocks by their priority, terms of other kernels.
    """
    model = analysis.model
    collect_ports(analysis)
    model.receive = {port: [] for port in model.ports}
    updates = [update for updates in analysis.namespace["spike_updates"].values() for update in updates]
    convolved = [update for update in updates if "__X__" in update.get_variable().get_name()]
    deltas = [update for update in updates if "__X__" not in update.get_variable().get_name()]
    if analysis.program:
        analysis.deltas, deltas = deltas, []
    blocks = analysis.neuron.get_on_receive_blocks()
    terms = [block_terms(analysis, block) for block in blocks]
    if None in terms or any(reads_state(analysis, update) for update in deltas):
        for update in deltas:
            add_statement(analysis, update)
        deltas = []
    if None in terms:
        straight = Straightener(analysis, analysis.steps)
        for block in blocks:
            add_block(analysis, straight, block)
        terms = []
    for update in (*convolved, *deltas):
        if reads_state(analysis, update):
            add_statement(analysis, update)
        else:
            term = print_term(analysis, update.get_expression())
            model.receive[port_of(analysis, update)].append((cpp_name(update.get_variable()), term))
    for port, state, text in (term for of_block in terms for term in of_block or ()):
        model.receive[port].append((state, text))
    model.moved = {state for added in model.receive.values() for state, _ in added}
    model.moved |= {cpp_name(update.get_variable()) for update in updates}
    model.moved |= {state for block in blocks for state in assigned_variables(block.get_stmts_body())}


# -- ports ---------------------------------------------------------------------------------------------


def collect_ports(analysis: Analysis) -> None:
    """Names of the ports, and which of them get the spikes of a receptor type.

    A port for excitatory and one for inhibitory spikes share a receptor type: a spike goes to the first if its weight
    is not negative, else, with the sign changed, to the second.
    """
    from pynestml.utils.ast_utils import ASTUtils

    model = analysis.model
    for port in analysis.neuron.get_spike_input_ports():
        model.ports += elements(port)
    model.currents = [name for port in analysis.neuron.get_continuous_input_ports() for name in elements(port)]
    for ports in ASTUtils.get_spike_input_ports_in_pairs(analysis.neuron).values():
        ports = sorted(ports, key=lambda port: not port.is_excitatory())
        for names in zip(*(elements(port) for port in ports), strict=True):
            rows = [model.ports.index(name) for name in names]
            model.receptors.append((rows[0], rows[-1]))
    several = len(analysis.neuron.get_multiple_receptors()) > 1 or analysis.neuron.is_multisynapse_spikes()
    model.first_receptor = int(several)
    if {row for pair in model.receptors for row in pair} != set(range(len(model.ports))):
        analysis.refuse(
            "excitatory and inhibitory as qualifiers of ports that are not in pairs, one behind the other (leave them "
            "out; what a spike does, its port says)"
        )


def elements(port: Any) -> list[str]:
    """Names of a port, or of the elements of a vector of ports."""
    from pynestml.utils.ast_utils import ASTUtils

    name = str(port.get_symbol_name())
    if not port.has_vector_parameter():
        return [name]
    return [f"{name}_{i}" for i in range(int(ASTUtils.get_numeric_vector_size(port)))]


def block_port(block: Any) -> str:
    """Port of an onReceive block."""
    return re.sub(r"\[\s*(\w+)\s*\]", r"_\1", str(block.get_port_name()))


def ports_in(analysis: Analysis, expression: Any) -> set[str]:
    """Ports in an expression."""
    return {port_name(variable) for variable in variables_in(expression)} & set(analysis.model.ports)


def port_of(analysis: Analysis, update: Any) -> str:
    """The port of a term of a kernel."""
    ports = ports_in(analysis, update.get_expression())
    if len(ports) != 1:
        analysis.refuse("an input term with more than one port")
    return ports.pop()


# -- terms and statements ------------------------------------------------------------------------------


def reads_state(analysis: Analysis, update: Any) -> bool:
    """Whether what a spike adds depends on a state."""
    return bool({cpp_name(v) for v in variables_in(update.get_expression())} & set(analysis.model.states))


def print_term(analysis: Analysis, expression: Any) -> str:
    """C++ of what a sum of weights at one port, called weight, adds to a state."""
    analysis.hot.one_port = True
    text = analysis.hot.print(expression)
    analysis.hot.one_port = False
    # a weight in other than NEST's units is converted to and fro
    return re.sub(r"^\(*([0-9.e+-]+) \* weight\)* / \(?\1\)?$", "weight", text)


def add_block(analysis: Analysis, straight: Straightener, block: Any) -> None:
    """Note the statements of an onReceive block."""
    analysis.steps.before_input = True
    code = straight.block(block.get_stmts_body(), ARRIVED)
    analysis.steps.before_input = False
    if code.calls:
        analysis.refuse("integrate_odes() in an onReceive block", block)
    body = "\n".join(f"    {line}" for line in code.lines[0])
    analysis.model.on_receive.append((analysis.model.ports.index(block_port(block)), body))


def add_statement(analysis: Analysis, update: Any) -> None:
    """Note a term of a kernel as a statement for the lanes with spikes at its port."""
    port = analysis.model.ports.index(port_of(analysis, update))
    state, text = cpp_name(update.get_variable()), analysis.hot.print(update.get_expression())
    analysis.model.on_receive.append((port, f"    s.{state} += {ARRIVED} ? {text} : 0.0;"))


def block_terms(analysis: Analysis, block: Any) -> list[Term] | None:
    """Terms of an onReceive block that does nothing but add what is proportional to its input; otherwise none."""
    port = block_port(block)
    terms: list[Term] = []
    for statement in block.get_stmts_body().get_stmts():
        if not statement.is_small_stmt() or not statement.small_stmt.is_assignment():
            return None
        assignment = statement.small_stmt.get_assignment()
        variable, expression = assignment.get_variable(), assignment.get_expression()
        if not (assignment.is_compound_sum or assignment.is_compound_minus) or not is_proportional(expression, port):
            return None
        if is_integer_type(symbol_of(variable).get_type_symbol()):
            return None
        text = print_term(analysis, expression)
        terms.append((port, cpp_name(variable), text if assignment.is_compound_sum else f"-({text})"))
    return terms


def is_proportional(node: Any, port: str) -> bool:
    """Whether an expression is a constant times the input of a port."""
    from pynestml.meta_model.ast_simple_expression import ASTSimpleExpression

    if isinstance(node, ASTSimpleExpression):
        return bool(node.is_variable()) and port_name(node.get_variable()) == port
    if node.is_compound_expression():
        operator, left, right = node.get_binary_operator(), node.get_lhs(), node.get_rhs()
        if getattr(operator, "is_times_op", False):
            return (is_proportional(left, port) and is_constant(right)) or (
                is_constant(left) and is_proportional(right, port)
            )
        return getattr(operator, "is_div_op", False) and is_proportional(left, port) and is_constant(right)
    if node.is_ternary_operator() or node.is_logical_not or node.get_expression() is None:
        return False
    if node.is_unary_operator() and node.get_unary_operator().is_unary_tilde:
        return False
    return is_proportional(node.get_expression(), port)
