"""Change parameters of populations during a run: dopamine schedules and current steps of a plan.

NEST accepts new parameters only outside a run, so each change costs a ``Cleanup``, one ``set`` per population
(about 30 us per cell) and a ``Prepare``. States, synapses and spikes under way stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import EngineError
from ...plans.parts import Segment
from . import kernel
from .network import Network

N_CELLS = 3
"""Cells per population that are read after each change: a stimulation makes thousands of them."""


def set_parameters(network: Network, segment: Segment) -> None:
    """Set what a segment changes on all cells of the populations it names: one value for all, or one for each.

    Raises
    ------
    EngineError
        If NEST refuses a value, or does not hold it afterwards; the message names population and time.
    """
    nest = kernel.import_nest()
    for name, params in _changed(segment):
        try:
            network.set(name, slice(None), dict(params))
        except (nest.NESTError, EngineError) as error:
            raise EngineError(f"change of {name} at {segment.time:g} ms: NEST refused it: {error}") from error
    if problems := list(change_problems(network, segment)):
        raise EngineError("the simulator does not hold what was planned:\n  " + "\n  ".join(problems))


def _changed(segment: Segment) -> Iterator[tuple[str, dict[str, Any]]]:
    """Populations and their new values: one for all cells, or an array with one for each."""
    yield from ((name, dict(params)) for name, params in segment.params.items())
    for name, of_cells in segment.cells.items():
        yield name, {key: np.array(values) for key, values in of_cells.items()}


def change_problems(network: Network, segment: Segment) -> Iterator[str]:
    """Read what a segment changes back, of the first `N_CELLS` cells of this rank."""
    for name, params in _changed(segment):
        nodes = network.populations[name]
        if (local := kernel.local_nodes(nodes, N_CELLS)) is None:
            continue
        numbers = np.asarray(local.tolist()) - nodes[0].global_id
        held = local.get(list(params))
        for key, value in params.items():
            found = np.atleast_1d(np.asarray(held[key], dtype=float))
            planned = np.broadcast_to(np.asarray(value, dtype=float), len(nodes))[numbers]
            if (wrong := np.flatnonzero(~np.isclose(found, planned, rtol=1e-9, atol=1e-12))).size:
                one, where = wrong[0], f"at {segment.time:g} ms, cell {numbers[wrong[0]]}"
                yield f"{name}.{key}: {found[one]:.10g}, {planned[one]:.10g} planned ({where})"
