"""Which cell NEST speaks of when it stops because a state is not finite."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..stops import NotFinite
from . import kernel
from .build import POPULATION_MODEL
from .network import Network

_SAYS_SO = re.compile(r"numerical instability|GSL solver returned")
_MODEL = re.compile(rf"{re.escape(POPULATION_MODEL)}(\w+)")
_NODE = re.compile(r"\bnode (\d+)")
_STEP = re.compile(r"in the step after ([\d.]+) ms")
MOST = 20_000
"""Cells of a population whose states are read where NEST does not say which cell it was: about a second."""


def not_finite(network: Network, message: str) -> NotFinite | None:
    """Cell that an error of NEST is about; None if it is about something else.

    The fast cells name node and step, ours of the target ``plain`` the node, NEST's own code the model alone: there
    the cells are looked through for states that are not finite.
    """
    named = _MODEL.search(message)
    if not _SAYS_SO.search(message) or named is None or named[1] not in network.populations:
        return None
    population, until = named[1], float(kernel.import_nest().biological_time)
    cells, step, node = network.populations[population], _STEP.search(message), _NODE.search(message)
    first = int(cells[0].global_id)
    number = int(node[1]) - first if node is not None else _found(network, population)
    time = float(step[1]) if step is not None else until
    if number is None or not 0 <= number < len(cells):
        return NotFinite(population, None, time, until, exact=step is not None)
    status, info = cells[number].get(), network.model(population)
    parameters = {name: float(status[name]) for name in info.parameters if _is_number(status.get(name))}
    names = [name for name in (*info.states, *info.recordables) if name not in info.parameters]
    states = {name: float(status[name]) for name in dict.fromkeys(names) if _is_number(status.get(name))}
    return NotFinite(population, number, time, until, parameters, states, exact=step is not None)


def _found(network: Network, population: str) -> int | None:
    """First cell of this rank with a state that is not finite; None if there is none among the first `MOST`."""
    cells = network.populations[population]
    if (local := kernel.local_nodes(cells, MOST)) is None:
        return None
    names = [name for name in network.model(population).states if _is_number(local[0].get().get(name))]
    if not names:
        return None
    held: dict[str, Any] = local.get(names)
    bad = ~np.isfinite(np.array([np.atleast_1d(held[name]) for name in names], dtype=float)).all(axis=0)
    return int(local.tolist()[int(np.argmax(bad))] - cells[0].global_id) if bad.any() else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
