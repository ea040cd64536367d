"""Distributions as they are written, told apart by ``distribution:``; each makes one that is drawn from."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import PrivateAttr, Tag, model_validator
from pydantic_core import PydanticCustomError

from ..quantities import (
    AnyPositive,
    AnyQuantity,
    Fraction,
    Positive,
    Quantity,
    Spec,
)
from .drawn import Beyond, Clamped, Drawn, Listed, LogNormal, TruncatedNormal, Uniform


def refuse(message: str) -> PydanticCustomError:
    """Error that says this."""
    return PydanticCustomError("distribution", "{message}", {"message": message})


def one_of(model: Any, names: tuple[str, ...], required: bool = True) -> None:
    """Refuse several of these fields, or none where one is required."""
    given = [name for name in names if getattr(model, name) is not None]
    if len(given) > 1 or (required and not given):
        raise refuse(f"give exactly one of {', '.join(names)}" if required else f"give one of {', '.join(names)}")


class Limits(Spec):
    """Smallest and largest value."""

    low: AnyQuantity | None = None
    """Smallest value."""
    high: AnyQuantity | None = None
    """Largest value."""

    @model_validator(mode="after")
    def _some(self) -> Limits:
        if self.low is None and self.high is None:
            raise refuse("give 'low', 'high' or both")
        if self.low is not None and self.high is not None and self.low.value >= self.high.value:
            raise refuse(f"low = {self.low.value:g} must be below high = {self.high.value:g}")
        return self


class WrittenDistribution(Spec):
    """Base of all kinds."""

    relative_to: str | None = None
    """Initial values only: all values are relative to this parameter."""

    def quantities(self) -> list[Quantity]:
        """All numbers that have the unit of what is drawn."""
        found: list[Quantity] = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            for entry in (value.low, value.high) if isinstance(value, Limits) else (value,):
                if isinstance(entry, Quantity) and name in ("mean", "sd", "low", "high", "clamp", "truncate"):
                    found.append(entry)
        return found


class WrittenUniform(WrittenDistribution):
    """Uniform between ``low`` and ``high``, or on (1 - spread, 1 + spread) times the mean."""

    distribution: Literal["uniform"]
    low: AnyQuantity | None = None
    """Smallest value; with ``high``."""
    high: AnyQuantity | None = None
    """Largest value."""
    mean: AnyQuantity | None = None
    """Middle; with ``spread``. For heterogeneity it is the value of the parameter."""
    spread: Fraction | None = None
    """Half width relative to the mean."""

    def plain(self, origin: float = 0.0, centre: float | None = None) -> Drawn | float:
        """Plain numbers; ``origin`` is added, ``centre`` is the mean where none is written."""
        if self.low is not None and self.high is not None:
            return Uniform(origin + self.low.value, origin + self.high.value)
        middle = centre if self.mean is None else origin + self.mean.value
        assert middle is not None and self.spread is not None
        reach = abs(middle) * self.spread.value
        return Uniform(middle - reach, middle + reach)

    @model_validator(mode="after")
    def _complete(self) -> WrittenUniform:
        ends, around = [self.low, self.high], [self.mean, self.spread]
        by_ends = None not in ends and around == [None, None]
        if not by_ends and (ends != [None, None] or self.spread is None):
            raise refuse("a uniform distribution needs 'low' and 'high', or 'mean' and 'spread' (relative, 0 to 1)")
        return self


class _Centred(WrittenDistribution):
    mean: AnyQuantity | None = None
    """Of the values. For heterogeneity it is the value of the parameter."""
    sd: AnyPositive | None = None
    """Standard deviation in the unit of the value."""
    sd_relative: Positive | None = None
    """Standard deviation relative to the magnitude of the mean."""
    clamp_sd: Positive | None = None
    """Values further away than this many standard deviations are set to the limit."""
    truncate_sd: Positive | None = None
    """Values further away than this many standard deviations are drawn again."""
    clamp: Limits | None = None
    """Values beyond these limits are set to the limit."""
    truncate: Limits | None = None
    """Values beyond these limits are drawn again."""

    @model_validator(mode="after")
    def _consistent(self) -> _Centred:
        one_of(self, ("sd", "sd_relative"))
        one_of(self, ("clamp_sd", "truncate_sd", "clamp", "truncate"), required=False)
        return self

    def _numbers(self, origin: float, centre: float | None) -> tuple[float, float, float, float]:
        """Mean, standard deviation and limits."""
        middle = centre if self.mean is None else origin + self.mean.value
        assert middle is not None
        relative = 0.0 if self.sd_relative is None else self.sd_relative.value
        sd = self.sd.value if self.sd is not None else abs(middle) * relative
        if (within := self.clamp or self.truncate) is not None:
            low = -math.inf if within.low is None else origin + within.low.value
            return middle, sd, low, math.inf if within.high is None else origin + within.high.value
        if (reach := self.clamp_sd or self.truncate_sd) is not None:
            return middle, sd, middle - reach.value * sd, middle + reach.value * sd
        return middle, sd, -math.inf, math.inf

    @property
    def _beyond(self) -> Beyond:
        return "clamp" if self.clamp is not None or self.clamp_sd is not None else "redraw"


class WrittenNormal(_Centred):
    """Normal distribution with limits."""

    distribution: Literal["normal"]

    def plain(self, origin: float = 0.0, centre: float | None = None) -> Drawn | float:
        """Plain numbers; ``origin`` is added, ``centre`` is the mean where none is written."""
        numbers = self._numbers(origin, centre)
        return Clamped(*numbers) if self._beyond == "clamp" else TruncatedNormal(*numbers)

    @model_validator(mode="after")
    def _limited(self) -> WrittenNormal:
        for name in ("clamp_sd", "truncate_sd"):
            if getattr(self, name) is not None:
                return self
        limits = self.clamp or self.truncate
        if limits is None or limits.low is None or limits.high is None:
            raise refuse(
                "a normal distribution needs limits: clamp_sd, truncate_sd, or low and high of clamp or truncate"
            )
        return self


class WrittenLogNormal(_Centred):
    """Lognormal distribution by the mean and standard deviation of its values; positive, limits are optional."""

    distribution: Literal["lognormal"]

    def plain(self, origin: float = 0.0, centre: float | None = None) -> Drawn | float:
        """Plain numbers; ``origin`` is added, ``centre`` is the mean where none is written."""
        middle, sd, low, high = self._numbers(origin, centre)
        return LogNormal(middle, sd, max(0.0, low), None if high == math.inf else high, self._beyond)

    @model_validator(mode="after")
    def _positive(self) -> WrittenLogNormal:
        if self.relative_to is not None:
            raise refuse("a lognormal distribution is of positive numbers and cannot be 'relative_to' another")
        if self.mean is not None and self.mean.value <= 0.0:
            raise refuse(f"the mean of a lognormal distribution must be greater than 0, not {self.mean.value:g}")
        return self


class WrittenFromFile(WrittenDistribution):
    """What the file of the rule ``from_file`` says of each synapse."""

    distribution: Literal["from_file"]
    low: AnyQuantity | None = None
    """Refuse smaller values; the smallest of the file if not given."""
    high: AnyQuantity | None = None
    """Refuse larger values; the largest of the file if not given."""

    _column: tuple[str, str | None, str] | None = PrivateAttr(default=None)

    def of(self, file: str, population: str | None, column: str) -> None:
        """Say which column of which edges is meant; the projection around it knows."""
        self._column = (file, population, column)

    def plain(self, origin: float = 0.0, centre: float | None = None) -> Drawn | float:
        """Plain numbers; EdgeFileError if the file does not have them."""
        assert self._column is not None
        low, high = (None if end is None else end.value for end in (self.low, self.high))
        return Listed.of(*self._column, low, high)


NAMES = ("uniform", "normal", "lognormal", "from_file")
DISTINCT = {"distribution", "low", "high", "mean", "sd", "sd_relative", "spread", "clamp_sd", "truncate_sd"}
"""Keys of which a quantity has none."""


def tag_of(value: Any) -> str | None:
    """Constant, or the distribution: a quantity has a value, everything else must say its distribution."""
    if isinstance(value, WrittenDistribution):
        return str(getattr(value, "distribution"))  # noqa: B009 (the subclasses have it)
    if not isinstance(value, dict) or "value" in value or not value.keys() & DISTINCT:
        return "constant"
    return value.get("distribution")


Written = (
    Annotated[WrittenUniform, Tag("uniform")]
    | Annotated[WrittenNormal, Tag("normal")]
    | Annotated[WrittenLogNormal, Tag("lognormal")]
    | Annotated[WrittenFromFile, Tag("from_file")]
)
