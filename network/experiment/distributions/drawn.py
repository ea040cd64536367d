"""Distributions in plain numbers: what a plan keeps and values are drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ...errors import SpecError
from ..edge_files import EdgeFileError, limits, read_edges

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


@dataclass(frozen=True)
class Listed:
    """What a SONATA file says of each edge, times a factor; nothing is drawn."""

    TAG: ClassVar[dict[str, str]] = {"distribution": "from_file"}
    file: str = field(metadata={"identity": False})
    population: str
    column: str
    low: float
    high: float
    mean: float
    digest: str
    """SHA-256 of the file."""
    factor: float = 1.0

    @classmethod
    def of(cls, file: str, population: str | None, column: str, low: float | None, high: float | None) -> Listed:
        """Column of a file, whose values are to lie within limits.

        Raises
        ------
        EdgeFileError
            If it cannot be read, has no such column, or values beyond the limits.
        """
        edges = read_edges(file, population)
        if column not in edges.columns:
            there = ", ".join(edges.columns) or "nothing"
            raise EdgeFileError(file, f"the edges of {edges.population} have no {column}; they have: {there}")
        least, most, middle = limits(edges.path, edges.population, column, edges.digest)
        below, above = least if low is None else low, most if high is None else high
        tiny = 1e-9 * max(abs(least), abs(most))  # files may have 24 binary digits of a number
        if edges.n and (least < below - 100.0 * tiny or most > above + 100.0 * tiny):
            message = f"{column} of {edges.population} is {least:g} to {most:g}, beyond {below:g} to {above:g}"
            raise EdgeFileError(file, message)
        return cls(file, edges.population, column, below, above, middle, edges.digest)

    @property
    def n(self) -> int:
        """Number of edges."""
        return read_edges(self.file, self.population).n

    def scaled(self, factor: float) -> Listed:
        """Values times a factor that is not negative."""
        low, high, mean, own = (value * factor for value in (self.low, self.high, self.mean, self.factor))
        return replace(self, low=low, high=high, mean=mean, factor=own)

    def values(self, n: int) -> Floats:
        """All values, in the order of the edges.

        Raises
        ------
        EdgeFileError
            If there are not ``n`` of them, or the file has changed.
        """
        edges = read_edges(self.file, self.population)
        if edges.digest != self.digest or edges.n != n:
            raise EdgeFileError(self.file, "another file than when this was planned")
        found = edges.values(self.column)
        return found if self.factor == 1.0 else found * self.factor

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """All values, of which there are ``n``."""
        return self.values(n)


def _truncated(mean: float, sd: float, low: float, high: float, n: int, rng: np.random.Generator) -> Floats:
    import numpy as np
    from scipy.stats import truncnorm  # half a second that no other kind needs

    values = truncnorm.rvs((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd, size=n, random_state=rng)
    return np.asarray(values, dtype=float)


def share_inside(mean: float, sd: float, low: float, high: float) -> float:
    """Share of a normal distribution within limits."""
    below = [0.5 * math.erfc((mean - limit) / (sd * math.sqrt(2.0))) for limit in (low, high)]
    return below[1] - below[0]


LEAST_INSIDE = 0.02
"""Share of a truncated distribution that must be within its limits."""

Drawn = Uniform | Clamped | TruncatedNormal | LogNormal | Listed
KINDS: tuple[type[Drawn], ...] = (Uniform, Clamped, TruncatedNormal, LogNormal, Listed)


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
    if isinstance(value, Listed):
        low, high, mean, own = (-end * factor for end in (value.high, value.low, value.mean, value.factor))
        return replace(value, low=low, high=high, mean=mean, factor=own)
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
