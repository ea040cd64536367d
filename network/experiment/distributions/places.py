"""Fields of experiments that take a number or a distribution, and what must hold of it there."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag

from ..quantities import (
    AnyQuantity,
    Check,
    Delay,
    Quantity,
    UserFloat,
    UserInt,
    Weight,
    WeightCheck,
)
from ..units import accepted, compatible
from .drawn import LEAST_INSIDE, Bounds, Drawn, LogNormal, TruncatedNormal, bounds, share_inside
from .written import Written, WrittenDistribution, WrittenFromFile, refuse, tag_of


class Place:
    """Where a value is drawn, and so what may be written of its distribution.

    Parameters
    ----------
    unit : str or None
        NEST's unit; None accepts every unit (the model knows better).
    ge, gt : float or None
        Lower limits of all values that can be drawn.
    around : bool
        The mean is a value that stands elsewhere (heterogeneity of a parameter).
    relative : bool
        ``relative_to`` may be written (initial values).
    unsaid : str or None
        Distribution of a mapping that does not say it, as files of before do.
    listed : bool
        ``from_file`` may be written (of synapses).
    """

    def __init__(
        self,
        unit: str | None = None,
        *,
        ge: float | None = None,
        gt: float | None = None,
        around: bool = False,
        relative: bool = False,
        unsaid: str | None = None,
        listed: bool = False,
    ) -> None:
        self.unit, self.ge, self.gt, self.around, self.relative, self.unsaid = unit, ge, gt, around, relative, unsaid
        self.listed = listed

    def before(self, value: Any) -> Any:
        """Name the distribution where files of before do not."""
        if isinstance(value, dict) and "value" not in value and "distribution" not in value and self.unsaid:
            value = {"distribution": self.unsaid, **value}
        if isinstance(value, dict) and "value" not in value and self.unit is not None:
            return self._with_units(value)
        return value

    def _with_units(self, node: dict[str, Any]) -> dict[str, Any]:
        """Complete a user's bare numbers, which need neither unit nor source."""
        complete = {}
        for key, entry in node.items():
            if key in ("clamp", "truncate") and isinstance(entry, dict):
                complete[key] = self._with_units(entry)
            elif key in ("mean", "sd", "low", "high") and isinstance(entry, UserInt | UserFloat):
                complete[key] = Check(self.unit).before(entry)
            else:
                complete[key] = entry
        return complete

    def after(self, value: Any) -> Any:
        """Check what depends on the place."""
        if isinstance(value, WrittenFromFile):
            if not self.listed:
                raise refuse("'from_file' is for weights and delays of projections only")
            self._units(value)  # what the values are is seen when the file is read
        elif isinstance(value, WrittenDistribution):
            self._mean(value)
            self._units(value)
            if not self.around and value.relative_to is None:
                drawn = value.plain()  # type: ignore[attr-defined]
                self._limits(bounds(drawn))
                self._likely(drawn)
        return value

    def _mean(self, value: Any) -> None:
        if value.relative_to is not None and not self.relative:
            raise refuse("'relative_to' is for initial values only")
        if self.around and value.mean is not None:
            raise refuse("the mean is the value of the parameter; leave 'mean' out")
        if self.around and getattr(value, "low", None) is not None:
            raise refuse("the mean is the value of the parameter; give 'spread' instead of 'low' and 'high'")
        by_ends = getattr(value, "low", None) is not None
        if not self.around and not by_ends and value.mean is None:
            raise refuse("'mean' is missing")

    def _units(self, value: Any) -> None:
        for quantity in value.quantities():
            if self.unit is not None and not compatible(quantity.unit, self.unit):
                raise refuse(f"wrong unit {quantity.unit!r}; accepted: {', '.join(accepted(self.unit))}")
        units = {quantity.unit for quantity in value.quantities()}
        if any(not compatible(first, second) for first in units for second in units):
            raise refuse(f"different units: {', '.join(sorted(units))}")

    def _likely(self, drawn: Drawn | float) -> None:
        """Refuse limits within which next to nothing lies: NEST gives up to draw again after 1,000 times."""
        if isinstance(drawn, TruncatedNormal):
            inside = share_inside(drawn.mean, drawn.sd, drawn.low, drawn.high)
        elif isinstance(drawn, LogNormal) and drawn.beyond == "redraw":
            low, high = bounds(drawn)
            inside = share_inside(*drawn.of_logarithm, math.log(low) if low > 0.0 else -math.inf, math.log(high))
        else:
            return
        if inside < LEAST_INSIDE:
            raise refuse(f"{inside:.2g} of the distribution is within its limits; at least {LEAST_INSIDE:g} must be")

    def _limits(self, ends: Bounds) -> None:
        low, high = ends
        if high < low:
            raise refuse(f"low = {low:g} must not be above high = {high:g}")
        unit = f" {self.unit}" if self.unit not in (None, "1") else ""
        if self.ge is not None and low < self.ge:
            raise refuse(f"values down to {low:g}{unit} would be drawn; they must be at least {self.ge:g}{unit}")
        if self.gt is not None and low <= self.gt:
            raise refuse(f"values down to {low:g}{unit} would be drawn; they must be greater than {self.gt:g}{unit}")


class WeightPlace(Place):
    """Weights, in the unit of any kind of receptor: that of the numbers decides, conductances are not negative."""

    def __init__(self) -> None:
        super().__init__("nS", listed=True)

    def after(self, value: Any) -> Any:
        """Check what depends on the unit."""
        if isinstance(value, WrittenDistribution):
            for unit, signed in WeightCheck.SIGNED.items():
                if any(compatible(quantity.unit, unit) for quantity in value.quantities()):
                    return Place(unit, ge=None if signed else 0.0, listed=True).after(value)
        return super().after(value)


def constant_or_drawn(constant: Any, place: Place) -> Any:
    """Type of a field: one value for all, or a distribution."""
    union = Annotated[constant, Tag("constant")] | Written
    return Annotated[union, Discriminator(tag_of), AfterValidator(place.after), BeforeValidator(place.before)]


def drawn_around(place: Place) -> Any:
    """Type of a field: a distribution around a value that stands elsewhere."""
    return Annotated[Written, Discriminator(tag_of), AfterValidator(place.after), BeforeValidator(place.before)]


Heterogeneity = drawn_around(Place(around=True, unsaid="normal"))
"""Distribution of a parameter around its table value; normal if it does not say which."""
Initial = constant_or_drawn(AnyQuantity, Place(relative=True, unsaid="uniform"))
"""Initial value, relative to a parameter if one is named; uniform if a distribution does not say which."""
DrawnWeight = constant_or_drawn(Weight, WeightPlace())
DrawnDelay = constant_or_drawn(Delay, Place("ms", gt=0.0, listed=True))


def plain(value: Any, *, origin: float = 0.0) -> Drawn | float:
    """Plain number or distribution of what was written."""
    return float(value.value) if isinstance(value, Quantity) else value.plain(origin)
