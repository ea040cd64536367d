"""Inline expressions, derivatives and exact solutions."""

from .analysis import Analysis
from .model import Member
from .syntax import cpp_name, declarations


def note_inlines(analysis: Analysis) -> None:
    """Note the inline expressions for the printers."""
    for block in analysis.neuron.get_equations_blocks():
        for inline in block.get_inline_expressions():
            analysis.inline_asts[inline.get_variable_name()] = inline.get_expression()


def collect_inlines(analysis: Analysis) -> None:
    """Inline expressions; those that can be recorded become functions of their own."""
    recordable = {symbol.get_symbol_name() for symbol in analysis.namespace["recordable_inline_expressions"]}
    for name, expression in analysis.inline_asts.items():
        if "convolve" in str(expression):
            continue  # an alias of a convolution, which has become a state
        analysis.model.inlines.append(Member(name, analysis.cold.print(expression)))
        if name in recordable:
            analysis.model.recordable_inlines.append(name)


def collect_equations(analysis: Analysis) -> None:
    """Derivatives of the numerically solved states, steps of the exactly solved ones."""
    model = analysis.model
    for name in model.numeric:
        model.scales[name] = scale_of(analysis, name)
        model.rates[name] = analysis.rate.print(analysis.namespace["numeric_update_expressions"][name])
    model.exponentials, model.rate_lines, texts = analysis.rate.exponentials.resolve(analysis.rate)
    for name, rate in model.rates.items():
        for mark, text in reversed(texts.items()):  # the argument of a later one may contain an earlier one
            rate = rate.replace(mark, text)
        model.rates[name] = rate
    for name in model.analytic:
        update = analysis.namespace["update_expressions"][name]
        model.propagation[name] = analysis.hot.print(update)
        if model.numeric:
            model.half_propagation[name] = analysis.hot_half.print(update)


def scale_of(analysis: Analysis, name: str) -> float:
    """What is a small number for a state: that of a millivolt, or, for gating variables and concentrations, less."""
    for block in analysis.neuron.get_state_blocks():
        for _, variable, symbol in declarations(block):
            if cpp_name(variable) == name and symbol.get_type_symbol().print_symbol() in ("mV", "pA", "nS", "ms"):
                return 1.0
    return 0.01
