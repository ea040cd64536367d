"""Functions that a model defines."""

from .analysis import Analysis


def collect_functions(analysis: Analysis) -> None:
    """Refused: lanes have no functions yet."""
    for function in analysis.neuron.get_functions():
        analysis.refuse("functions defined in the model", function)
