"""Turn a model that NESTML has analysed into a :class:`LaneModel`: the order in which its parts are read.

Constructs that the lane blocks cannot express are refused with :class:`UnsupportedModelError`, which names
the remedy ``--target plain``.
"""

from collections.abc import Mapping
from typing import Any

from .analysis import Analysis
from .constants import collect_constants, collect_parameters
from .equations import collect_equations, collect_inlines, note_inlines
from .events import collect_events
from .expansion import expand
from .functions import collect_functions
from .graded import collect_gates, note_graded
from .inputs import collect_inputs
from .model import LaneModel
from .states import sort_states
from .update import collect_program, is_program


def lane_model(
    neuron: Any, metadata: Mapping[str, Any], namespace: Mapping[str, Any], graded: Mapping[str, Any] | None = None
) -> LaneModel:
    """Turn a model that NESTML has analysed into C++ text.

    Parameters
    ----------
    neuron : pynestml.meta_model.ast_model.ASTModel
    metadata : mapping
        NESTML's results per model name (ODE-toolbox solvers, kernel buffers, spike updates).
    namespace : mapping
        What NESTML's own templates would get.
    graded : mapping, optional
        States that graded synapses have added, see :mod:`graded`.

    Raises
    ------
    UnsupportedModelError
        If the model needs something that lanes cannot do.
    """
    analysis = Analysis(neuron, metadata, namespace)
    refuse_unsupported(analysis)
    analysis.program = analysis.model.is_program = is_program(analysis)
    note_graded(analysis, graded or {})
    sort_states(analysis)
    if not analysis.model.states:
        analysis.refuse("a model without a state")
    collect_functions(analysis)
    note_inlines(analysis)
    collect_inputs(analysis)
    collect_inlines(analysis)
    collect_equations(analysis)
    collect_gates(analysis)
    (collect_program if analysis.program else collect_events)(analysis)
    collect_parameters(analysis)
    collect_constants(analysis)
    analysis.model.expansion, analysis.model.why = expand(analysis.model)
    return analysis.model


def refuse_unsupported(analysis: Analysis) -> None:
    """Refuse what no module has a place for."""
    neuron, namespace = analysis.neuron, analysis.namespace
    if namespace["has_delay_variables"]:
        analysis.refuse("delayed variables")
    if neuron.has_state_vectors() or neuron.get_vector_symbols():
        analysis.refuse("vectors")
    if namespace.get("paired_synapses"):
        analysis.refuse("neurons generated together with a synapse")
    if namespace["use_gap_junctions"]:
        analysis.refuse("gap junctions")
    if namespace.get("propagators_are_state_dependent"):
        (equations, *_) = neuron.get_equations_blocks()
        analysis.refuse("linear equations whose coefficients depend on the state", equations)
