"""A run that ends before its time because the state of a cell is not finite: which cell, when, and what it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import NotFiniteError


@dataclass(frozen=True)
class NotFinite:
    """Cell whose state cannot be advanced: a number became too large, or is none.

    Attributes
    ----------
    population : str
    cell : int or None
        Number in the population; None if the simulator does not say which.
    time : float
        Begin of the step (ms since the start, warm-up included) in which it happened, or of the slice, see `exact`.
    until : float
        Time in ms up to which all cells were advanced: what is recorded later is not whole.
    parameters, states : dict of str to float
        Of the cell, in NEST's units; states at the begin of the slice where the cell keeps them.
    exact : bool
        Whether the simulator says the step.
    """

    population: str
    cell: int | None
    time: float
    until: float
    parameters: Mapping[str, float] = field(default_factory=dict)
    states: Mapping[str, float] = field(default_factory=dict)
    exact: bool = True

    def __str__(self) -> str:
        which = f"cell {self.cell} of {self.population}" if self.cell is not None else f"a cell of {self.population}"
        when = "in the step" if self.exact else "within the slice"
        lines = [f"the state of {which} is no longer finite {when} after {self.time:g} ms"]
        for name, values in (("states", self.states), ("parameters", self.parameters)):
            if values:
                lines.append(f"its {name}: " + ", ".join(f"{key}={value:.10g}" for key, value in values.items()))
        return "; ".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Content for ``record.json``, which has no numbers that are not finite."""
        return {
            "kind": NOT_FINITE,
            "population": self.population,
            "cell": self.cell,
            "time": self.time,
            "parameters": _written(self.parameters),
            "states": _written(self.states),
            "reason": str(self),
        }


NOT_FINITE = "not finite"
"""Kind of a stop in ``record.json``; those of the guard have none."""


class NotFiniteStopError(NotFiniteError):
    """The simulator has stopped; ``stop`` says where."""

    def __init__(self, stop: NotFinite) -> None:
        self.stop = stop
        super().__init__(str(stop))


def _written(values: Mapping[str, float]) -> dict[str, float | str]:
    return {name: value if math.isfinite(value) else str(value) for name, value in values.items()}
