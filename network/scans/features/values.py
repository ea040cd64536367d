"""Values of curves at a place, and their differences."""

from __future__ import annotations

from typing import ClassVar, Literal

from .base import FeatureKind, Floats, interpolated


class At(FeatureKind):
    """A curve at one place of the axis."""

    kind: Literal["value"]
    at: float
    """Place on the axis."""

    def point(self, x: Floats, curves: list[Floats]) -> tuple[float, float]:
        """The place and the value."""
        return self.at, interpolated(x, curves[0], self.at)


class Difference(FeatureKind):
    """The first curve minus the second one at one place of the axis."""

    n_curves: ClassVar[tuple[int, int]] = (2, 2)

    kind: Literal["difference"]
    at: float
    """Place on the axis."""

    def point(self, x: Floats, curves: list[Floats]) -> tuple[float, float]:
        """The place and the difference."""
        return self.at, interpolated(x, curves[0] - curves[1], self.at)
