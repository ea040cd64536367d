"""Where a curve crosses another one, or a level."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from .base import FeatureKind, Floats


class Crossing(FeatureKind):
    """First place from ``start`` on where a curve crosses a second one, or a ``level``.

    Curves are straight between their points. Where they only touch, they do not cross.
    """

    n_curves: ClassVar[tuple[int, int]] = (1, 2)

    kind: Literal["crossing"]
    level: float | None = None
    """That a single curve crosses."""
    start: float | None = None
    """Points below are not looked at: where hardly a cell fires, curves cross by chance."""

    @model_validator(mode="after")
    def _two(self) -> Crossing:
        if (len(self.of) == 1) != (self.level is not None):
            raise PydanticCustomError("level", "a crossing is of two populations, or of one and a 'level'")
        return self

    def point(self, x: Floats, curves: list[Floats]) -> tuple[float, float]:
        """Place on the axis and value there."""
        kept = x >= (-np.inf if self.start is None else self.start)
        x, first = x[kept], curves[0][kept]
        second = curves[1][kept] if len(curves) > 1 else np.full_like(first, self.level)
        return cross(x, first, second)


def cross(x: Floats, first: Floats, second: Floats) -> tuple[float, float]:
    """Place and value of the first crossing of two curves that are given at the same places.

    >>> cross(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 4.0]))
    (1.5, 2.5)
    """
    above = np.sign(first - second)
    apart = np.flatnonzero(above)  # points at which both are equal belong to neither side
    sides = above[apart]
    changes = np.flatnonzero(sides[1:] != sides[:-1])
    if not len(changes):
        return float("nan"), float("nan")
    begin, end = apart[changes[0]], apart[changes[0] + 1]
    if end > begin + 1:  # they meet on a point of the grid
        return float(x[begin + 1]), float(first[begin + 1])
    before, after = first[begin] - second[begin], first[end] - second[end]
    share = before / (before - after)
    return float(x[begin] + share * (x[end] - x[begin])), float(first[begin] + share * (first[end] - first[begin]))
