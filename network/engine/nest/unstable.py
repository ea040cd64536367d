"""Which cell could not be updated, and what it was like."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ...errors import EngineError
from ..stops import NotFinite, NotFiniteStopError
from .guarded import Failure, Guard
from .network import Network

_SAYS_SO = re.compile(r"numerical instability|GSL solver returned")
_NODE = re.compile(r"\bnode (\d+)")
_STEP = re.compile(r"in the step after ([\d.]+) ms")


@dataclass(frozen=True)
class _Told:
    """What a rank tells the others about a cell of its own."""

    stop: NotFinite
    problem: str | None
    """What the cell says if it is not that its state is not finite."""


def raise_failure(network: Network, guard: Guard) -> None:
    """Raise an error if a cell of any rank could not be updated while NEST ran; all ranks raise the same.

    Raises
    ------
    NotFiniteStopError
        If its state is no longer finite; of several the first one.
    EngineError
        If it is something else.
    """
    own = [asdict(_told(network, failure)) for failure in guard.failures()]
    everybody = guard.shared("".join(f"{json.dumps(told)}\n" for told in own))
    found = [_Told(NotFinite(**told["stop"]), told["problem"]) for told in map(json.loads, everybody)]
    if not found:
        return
    first = min(found, key=lambda told: (told.stop.until, told.stop.time, told.stop.population, told.stop.cell or 0))
    if first.problem is None:
        raise NotFiniteStopError(first.stop)
    raise EngineError(
        f"NEST stopped at {first.stop.until:g} ms: cell {first.stop.cell} of {first.stop.population}: {first.problem}"
    )


def _told(network: Network, failure: Failure) -> _Told:
    """Cell by its name, with its parameters and states."""
    said, named = _STEP.search(failure.text), _NODE.search(failure.text)  # one fast cell speaks for all of its block
    population, number = _place(network, failure.node if named is None else int(named[1]))
    step = None if said is None else float(said[1])
    stop = NotFinite(
        population,
        number,
        failure.until if step is None else step,
        failure.until,
        *_content(network, population, number),
        exact=step is not None,
    )
    return _Told(stop, None if _SAYS_SO.search(failure.text) else failure.text)


def _place(network: Network, node: int) -> tuple[str, int]:
    for group in (network.populations, network.parrots, network.generators):
        for name, cells in group.items():
            ids: Sequence[int] = cells.tolist()
            if ids[0] <= node <= ids[-1] and node in ids:
                return name, ids.index(node)
    return "NEST", node


def _content(network: Network, population: str, number: int) -> tuple[dict[str, float], dict[str, float]]:
    """Parameters and states of a cell."""
    if population not in network.populations:
        return {}, {}
    status, info = network.populations[population][number].get(), network.model(population)
    parameters = {name: float(status[name]) for name in info.parameters if _is_number(status.get(name))}
    names = [name for name in (*info.states, *info.recordables) if name not in info.parameters]
    states = {name: float(status[name]) for name in dict.fromkeys(names) if _is_number(status.get(name))}
    return parameters, states


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
