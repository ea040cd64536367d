"""Numbers that are drawn: one spelling wherever they occur (weights, delays, parameters of cells, initial values).

Every kind is two small classes: what is written (pydantic, told apart by ``distribution:``) and what is drawn from
(plain numbers in NEST's units, as a plan keeps them).  A new kind is such a pair, and its entry in :data:`Written`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag, model_validator
from pydantic_core import PydanticCustomError

from ..errors import SpecError
from .quantities import (
    AnyPositive,
    AnyQuantity,
    Check,
    Delay,
    Fraction,
    Positive,
    Quantity,
    Spec,
    UserFloat,
    UserInt,
    Weight,
    WeightCheck,
)
from .units import accepted, compatible

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Bounds = tuple[float, float]
Beyond = Literal["clamp", "redraw"]
"""What happens to a draw beyond a limit: it is set to the limit, or drawn again."""


@dataclass(frozen=True)
class Uniform:
    """Uniform distribution on ``[low, high]``."""

    TAG: ClassVar[dict[str, str]] = {"distribution": "uniform"}
    low: float
    high: float

    @property
    def mean(self) -> float:
        """Mean of the distribution."""
        return 0.5 * (self.low + self.high)

    def scaled(self, factor: float) -> Uniform:
        """Distribution of the values times a factor that is not negative."""
        return Uniform(self.low * factor, self.high * factor)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """``n`` values."""
        return rng.uniform(self.low, self.high, n)


@dataclass(frozen=True)
class Clamped:
    """Normal distribution; draws beyond ``low`` or ``high`` are set to the limit, not redrawn."""

    TAG: ClassVar[dict[str, str]] = {"distribution": "normal", "beyond": "clamp"}
    mean: float
    sd: float
    low: float
    high: float

    def scaled(self, factor: float) -> Clamped:
        """Distribution of the values times a factor that is not negative."""
        return Clamped(*(value * factor for value in (self.mean, self.sd, self.low, self.high)))

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """``n`` values; the tails pile up on the limits."""
        import numpy as np

        return np.clip(rng.normal(self.mean, self.sd, n), self.low, self.high)


@dataclass(frozen=True)
class TruncatedNormal:
    """Normal distribution of which only ``[low, high]`` is drawn; ``mean`` and ``sd`` are those of the whole one."""

    TAG: ClassVar[dict[str, str]] = {"distribution": "normal", "beyond": "redraw"}
    mean: float
    sd: float
    low: float
    high: float

    def scaled(self, factor: float) -> TruncatedNormal:
        """Distribution of the values times a factor that is not negative."""
        return TruncatedNormal(*(value * factor for value in (self.mean, self.sd, self.low, self.high)))

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """``n`` values."""
        return _truncated(self.mean, self.sd, self.low, self.high, n, rng)


@dataclass(frozen=True)
class LogNormal:
    """Lognormal distribution with this ``mean`` and ``sd`` of the values (not of their logarithms), within limits."""

    TAG: ClassVar[dict[str, str]] = {"distribution": "lognormal"}
    mean: float
    sd: float
    low: float
    high: float | None
    beyond: Beyond

    @property
    def of_logarithm(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm."""
        variance = math.log1p((self.sd / self.mean) ** 2)
        return math.log(self.mean) - variance / 2.0, math.sqrt(variance)

    def scaled(self, factor: float) -> LogNormal:
        """Distribution of the values times a factor that is not negative."""
        high = None if self.high is None else self.high * factor
        return replace(self, mean=self.mean * factor, sd=self.sd * factor, low=self.low * factor, high=high)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """``n`` values."""
        import numpy as np

        mu, sigma = self.of_logarithm
        high = math.inf if self.high is None else self.high
        if self.beyond == "clamp":
            return np.clip(rng.lognormal(mu, sigma, n), self.low, high)
        lowest = -math.inf if self.low <= 0.0 else math.log(self.low)
        return np.exp(_truncated(mu, sigma, lowest, math.log(high), n, rng))


def _truncated(mean: float, sd: float, low: float, high: float, n: int, rng: np.random.Generator) -> Floats:
    import numpy as np
    from scipy.stats import truncnorm  # half a second that no other kind needs

    values = truncnorm.rvs((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd, size=n, random_state=rng)
    return np.asarray(values, dtype=float)


def _inside(mean: float, sd: float, low: float, high: float) -> float:
    """Share of a normal distribution within limits."""
    below = [0.5 * math.erfc((mean - limit) / (sd * math.sqrt(2.0))) for limit in (low, high)]
    return below[1] - below[0]


LEAST_INSIDE = 0.02
"""Share of a truncated distribution that must be within its limits."""

Drawn = Uniform | Clamped | TruncatedNormal | LogNormal
KINDS: tuple[type[Drawn], ...] = (Uniform, Clamped, TruncatedNormal, LogNormal)


def bounds(value: Drawn | float) -> Bounds:
    """Smallest and largest value that can be drawn."""
    if isinstance(value, int | float):
        return float(value), float(value)
    return value.low, math.inf if value.high is None else value.high


def mean(value: Drawn | float) -> float:
    """Mean of a value; of a distribution with limits that before its tails are cut."""
    return float(value) if isinstance(value, int | float) else value.mean


def scaled(value: Drawn | float, factor: float) -> Drawn | float:
    """Value times a factor; nothing is drawn where all values become 0."""
    if isinstance(value, int | float):
        return value * factor
    return value.scaled(factor) if factor > 0.0 else mirrored(value, -factor) if factor < 0.0 else 0.0


def mirrored(value: Drawn, factor: float) -> Drawn:
    """Distribution of the negative of all values, times a factor; a lognormal one is of positive numbers only."""
    if isinstance(value, Uniform):
        return Uniform(-value.high * factor, -value.low * factor)
    if isinstance(value, LogNormal):
        raise SpecError(["lognormal weights onto a port that the model calls inhibitory; NEST wants them negative"])
    return replace(value.scaled(factor), mean=-value.mean * factor, low=-value.high * factor, high=-value.low * factor)


def drawn_from_dict(data: Any) -> Drawn | float:
    """Inverse of the JSON form; the kinds of plans of before the tags are told by their fields."""
    if not isinstance(data, dict):
        return float(data)
    for kind in KINDS:
        if all(data.get(key) == value for key, value in kind.TAG.items()):
            own = kind.__dataclass_fields__
            return kind(**{key: value for key, value in data.items() if key in own})
    return Clamped(**data) if "sd" in data else Uniform(**data)


# --- what is written -----------------------------------------------------------------------------------------


def _refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("distribution", "{message}", {"message": message})


def _one_of(model: Any, names: tuple[str, ...], required: bool = True) -> None:
    given = [name for name in names if getattr(model, name) is not None]
    if len(given) > 1 or (required and not given):
        raise _refuse(f"give exactly one of {', '.join(names)}" if required else f"give one of {', '.join(names)}")


class Limits(Spec):
    """Smallest and largest value."""

    low: AnyQuantity | None = None
    high: AnyQuantity | None = None

    @model_validator(mode="after")
    def _some(self) -> Limits:
        if self.low is None and self.high is None:
            raise _refuse("give 'low', 'high' or both")
        if self.low is not None and self.high is not None and self.low.value >= self.high.value:
            raise _refuse(f"low = {self.low.value:g} must be below high = {self.high.value:g}")
        return self


class _Written(Spec):
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


class WrittenUniform(_Written):
    """Uniform between ``low`` and ``high``, or on (1 - spread, 1 + spread) times the mean."""

    distribution: Literal["uniform"]
    low: AnyQuantity | None = None
    high: AnyQuantity | None = None
    mean: AnyQuantity | None = None
    spread: Fraction | None = None

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
            raise _refuse("a uniform distribution needs 'low' and 'high', or 'mean' and 'spread' (relative, 0 to 1)")
        return self


class _Centred(_Written):
    mean: AnyQuantity | None = None
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
        _one_of(self, ("sd", "sd_relative"))
        _one_of(self, ("clamp_sd", "truncate_sd", "clamp", "truncate"), required=False)
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
            raise _refuse(
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
            raise _refuse("a lognormal distribution is of positive numbers and cannot be 'relative_to' another")
        if self.mean is not None and self.mean.value <= 0.0:
            raise _refuse(f"the mean of a lognormal distribution must be greater than 0, not {self.mean.value:g}")
        return self


NAMES = ("uniform", "normal", "lognormal")
_DISTINCT = {"distribution", "low", "high", "mean", "sd", "sd_relative", "spread", "clamp_sd", "truncate_sd"}
"""Keys of which a quantity has none."""


def _tag(value: Any) -> str | None:
    """Constant, or the distribution: a quantity has a value, everything else must say its distribution."""
    if isinstance(value, _Written):
        return str(getattr(value, "distribution"))  # noqa: B009 (the subclasses have it)
    if not isinstance(value, dict) or "value" in value or not value.keys() & _DISTINCT:
        return "constant"
    return value.get("distribution")


Written = (
    Annotated[WrittenUniform, Tag("uniform")]
    | Annotated[WrittenNormal, Tag("normal")]
    | Annotated[WrittenLogNormal, Tag("lognormal")]
)


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
    ) -> None:
        self.unit, self.ge, self.gt, self.around, self.relative, self.unsaid = unit, ge, gt, around, relative, unsaid

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
        if isinstance(value, _Written):
            self._mean(value)
            self._units(value)
            if not self.around and value.relative_to is None:
                drawn = value.plain()  # type: ignore[attr-defined]
                self._limits(bounds(drawn))
                self._likely(drawn)
        return value

    def _mean(self, value: Any) -> None:
        if value.relative_to is not None and not self.relative:
            raise _refuse("'relative_to' is for initial values only")
        if self.around and value.mean is not None:
            raise _refuse("the mean is the value of the parameter; leave 'mean' out")
        if self.around and getattr(value, "low", None) is not None:
            raise _refuse("the mean is the value of the parameter; give 'spread' instead of 'low' and 'high'")
        by_ends = getattr(value, "low", None) is not None
        if not self.around and not by_ends and value.mean is None:
            raise _refuse("'mean' is missing")

    def _units(self, value: Any) -> None:
        for quantity in value.quantities():
            if self.unit is not None and not compatible(quantity.unit, self.unit):
                raise _refuse(f"wrong unit {quantity.unit!r}; accepted: {', '.join(accepted(self.unit))}")
        units = {quantity.unit for quantity in value.quantities()}
        if any(not compatible(first, second) for first in units for second in units):
            raise _refuse(f"different units: {', '.join(sorted(units))}")

    def _likely(self, drawn: Drawn | float) -> None:
        """Refuse limits within which next to nothing lies: NEST gives up to draw again after 1,000 times."""
        if isinstance(drawn, TruncatedNormal):
            inside = _inside(drawn.mean, drawn.sd, drawn.low, drawn.high)
        elif isinstance(drawn, LogNormal) and drawn.beyond == "redraw":
            low, high = bounds(drawn)
            inside = _inside(*drawn.of_logarithm, math.log(low) if low > 0.0 else -math.inf, math.log(high))
        else:
            return
        if inside < LEAST_INSIDE:
            raise _refuse(f"{inside:.2g} of the distribution is within its limits; at least {LEAST_INSIDE:g} must be")

    def _limits(self, ends: Bounds) -> None:
        low, high = ends
        if high < low:
            raise _refuse(f"low = {low:g} must not be above high = {high:g}")
        unit = f" {self.unit}" if self.unit not in (None, "1") else ""
        if self.ge is not None and low < self.ge:
            raise _refuse(f"values down to {low:g}{unit} would be drawn; they must be at least {self.ge:g}{unit}")
        if self.gt is not None and low <= self.gt:
            raise _refuse(f"values down to {low:g}{unit} would be drawn; they must be greater than {self.gt:g}{unit}")


class WeightPlace(Place):
    """Weights, in the unit of any kind of receptor: that of the numbers decides, conductances are not negative."""

    def __init__(self) -> None:
        super().__init__("nS")

    def after(self, value: Any) -> Any:
        """Check what depends on the unit."""
        if isinstance(value, _Written):
            for unit, signed in WeightCheck.SIGNED.items():
                if any(compatible(quantity.unit, unit) for quantity in value.quantities()):
                    return Place(unit, ge=None if signed else 0.0).after(value)
        return super().after(value)


def constant_or_drawn(constant: Any, place: Place) -> Any:
    """Type of a field: one value for all, or a distribution."""
    union = Annotated[constant, Tag("constant")] | Written
    return Annotated[union, Discriminator(_tag), AfterValidator(place.after), BeforeValidator(place.before)]


def drawn_around(place: Place) -> Any:
    """Type of a field: a distribution around a value that stands elsewhere."""
    return Annotated[Written, Discriminator(_tag), AfterValidator(place.after), BeforeValidator(place.before)]


Heterogeneity = drawn_around(Place(around=True, unsaid="normal"))
"""Distribution of a parameter around its table value; normal if it does not say which."""
Initial = constant_or_drawn(AnyQuantity, Place(relative=True, unsaid="uniform"))
"""Initial value, relative to a parameter if one is named; uniform if a distribution does not say which."""
DrawnWeight = constant_or_drawn(Weight, WeightPlace())
DrawnDelay = constant_or_drawn(Delay, Place("ms", gt=0.0))


def plain(value: Any, *, origin: float = 0.0) -> Drawn | float:
    """Plain number or distribution of what was written."""
    return float(value.value) if isinstance(value, Quantity) else value.plain(origin)
