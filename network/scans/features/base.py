"""What a feature of a scan says: which curves it looks at, what it makes of them, and which values are expected."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Floats = NDArray[np.float64]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
Value = bool | int | float | str


class Window(BaseModel):
    """Accepted range, limits included."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    low: float
    """Smallest accepted value."""
    high: float
    """Largest accepted value."""

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if not self.low <= self.high:
            raise PydanticCustomError("order", f"low must not be above high, not {self.low:g} and {self.high:g}")
        return self


class FeatureKind(BaseModel):
    """Base of all kinds. A class gives ``kind`` its name and makes a point of curves in `point`.

    A curve is a quantity of a population over one axis, for one seed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    n_curves: ClassVar[tuple[int, int]] = (1, 1)
    """Fewest and most populations."""

    of: Names
    """Populations or groups."""
    quantity: str = "rate"
    """Column of the table of the scan."""
    axis: str | None = None
    """Along which curves are drawn; by default the first one that is not ``seed``."""
    where: dict[str, Value] = Field(default_factory=dict)
    """Values of other axes; every combination of those that are left out has a row of its own."""
    x: Window | None = None
    """Where on the axis."""
    y: Window | None = None
    """Value of the quantity there."""
    absent: bool = False
    """The scan must not have it."""
    source: str | None = None
    """Key of the bibliography that the windows come from."""
    assumed: str | None = None
    """Reason for the windows, where there is no source."""
    published: str | None = None
    """What a publication says, in words."""

    @classmethod
    def name(cls) -> str:
        """As it is written."""
        return str(cls.model_fields["kind"].annotation.__args__[0])  # type: ignore[union-attr]

    @model_validator(mode="after")
    def _complete(self) -> FeatureKind:
        least, most = self.n_curves
        if not least <= len(self.of) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise PydanticCustomError("of", f"'of' must name {wanted} populations, not {len(self.of)}")
        judged = self.x is not None or self.y is not None
        if judged and self.absent:
            raise PydanticCustomError("absent", "what must be absent has no windows x and y")
        if (judged or self.absent) and (self.source is None) == (self.assumed is None):
            raise PydanticCustomError("source", "windows need one of source: KEY and assumed: REASON")
        return self

    def point(self, x: Floats, curves: list[Floats]) -> tuple[float, float]:
        """Place on the axis and value there; NaN both if the curves do not have the feature.

        Parameters
        ----------
        x : ndarray
            Values of the axis, growing.
        curves : list of ndarray
            One per population of ``of``, no NaN among them.
        """
        raise NotImplementedError


def interpolated(x: Floats, y: Floats, at: float) -> float:
    """Value of a curve between its points, on a straight line; NaN outside of them."""
    return float(np.interp(at, x, y)) if len(x) and x[0] <= at <= x[-1] else float("nan")
