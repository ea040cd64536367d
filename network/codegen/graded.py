"""Cells that have more than their model for graded synapses (`network.experiment.graded_cells`) as sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import BuildError, SpecError
from ..experiment.cell_code import FAST
from ..experiment.graded_cells import VOLTAGE, GradedCells
from .sources import Source, find_sources
from .targets import Target
from .toolchain import Nest

CLOCK = "bgnest_graded_clock"
"""Node of NEST that brings open probabilities to conductances, see ``runtime/graded_clock.h``."""


def graded_sources(cells: Sequence[GradedCells], target: Target, nest: Nest) -> list[Source]:
    """Variants of models, in an order that does not depend on that of the cells.

    Raises
    ------
    BuildError
        If the target has no graded synapses, or a file cannot be used.
    """
    found = []
    for one in sorted(set(cells), key=lambda one: one.name):
        if target.name != FAST:
            raise BuildError(f"cells of target {target.name!r} have no graded synapses ({one.name})")
        (source,) = find_sources([one.model], target, nest)
        try:
            text = one.text(source.text)
        except SpecError as error:
            raise BuildError(f"{source.path}: {error}") from error
        states = tuple(gate.state for gate in one.gates), tuple(opened.conductance for opened in one.opened)
        found.append(replace(source, text=text, name=one.name, nest_name=one.name, graded=states))
    return found


def options(source: Source) -> dict[str, Any]:
    """Option for the plug-in of the target, which takes it away before NESTML sees it."""
    if source.graded is None:
        return {}
    gates, conductances = source.graded
    return {"bgnest_graded": {"gates": gates, "conductances": conductances, "voltage": VOLTAGE}}
