"""Where cells are, and rules that depend on the distance between them.

Shapes of populations and kernels of distance as plain numbers (um, um/ms), which a plan keeps; how they are written is
in :mod:`network.experiment.positions`.  Positions and pairs are drawn from streams of their own, hence the same for
every number of ranks and threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from .streams import stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Corner = tuple[float, ...]
NEGLIGIBLE = 1e-9
"""Connection probability relative to that at no distance below which a kernel ends."""


@dataclass(frozen=True)
class Box:
    """Line, rectangle or box around ``centre``; with ``periodic`` its opposite sides are neighbours."""

    TAG: ClassVar[dict[str, str]] = {"shape": "box"}
    extent: tuple[float, ...]
    centre: tuple[float, ...]
    periodic: bool
    even: bool

    @property
    def dimensions(self) -> int:
        """Number of coordinates."""
        return len(self.extent)

    @property
    def periods(self) -> tuple[float, ...] | None:
        """Lengths after which space repeats, None if it is open."""
        return self.extent if self.periodic else None

    @property
    def corners(self) -> tuple[Corner, Corner]:
        """Smallest and largest coordinates."""
        sides = list(zip(self.centre, self.extent, strict=True))
        return tuple(at - length / 2.0 for at, length in sides), tuple(at + length / 2.0 for at, length in sides)

    def place(self, n: int, rng: np.random.Generator) -> Floats:
        """Positions of ``n`` cells, one row each: at random, or on a lattice whose last row may be open."""
        import numpy as np

        if not self.even:
            return rng.uniform(*self.corners, (n, self.dimensions))
        extent = np.asarray(self.extent)
        step = (extent.prod() / n) ** (1.0 / self.dimensions)
        counts = np.maximum(1, np.round(extent / step)).astype(int)
        while counts.prod() < n:
            counts[np.argmax(extent / counts)] += 1
        index = np.stack(np.unravel_index(np.arange(n), counts), axis=1)
        return np.asarray(self.corners[0]) + (index + 0.5) * extent / counts


@dataclass(frozen=True)
class Sphere:
    """Ball (or disc, in two dimensions) around ``centre``, filled evenly at random."""

    TAG: ClassVar[dict[str, str]] = {"shape": "sphere"}
    radius: float
    centre: tuple[float, ...]

    @property
    def dimensions(self) -> int:
        """Number of coordinates."""
        return len(self.centre)

    @property
    def periods(self) -> None:
        """Space is open."""
        return None

    @property
    def corners(self) -> tuple[Corner, Corner]:
        """Smallest and largest coordinates."""
        return tuple(at - self.radius for at in self.centre), tuple(at + self.radius for at in self.centre)

    def place(self, n: int, rng: np.random.Generator) -> Floats:
        """Positions of ``n`` cells, one row each."""
        import numpy as np

        direction = rng.normal(size=(n, self.dimensions))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        radius = self.radius * rng.random((n, 1)) ** (1.0 / self.dimensions)
        return np.asarray(self.centre) + radius * direction


@dataclass(frozen=True)
class Ring:
    """Circle; the one coordinate and all distances are lengths along it."""

    TAG: ClassVar[dict[str, str]] = {"shape": "ring"}
    radius: float
    even: bool

    @property
    def dimensions(self) -> int:
        """Number of coordinates."""
        return 1

    @property
    def periods(self) -> tuple[float, ...]:
        """Length after which the ring begins again."""
        return (2.0 * math.pi * self.radius,)

    @property
    def corners(self) -> tuple[Corner, Corner]:
        """Smallest and largest coordinates."""
        return (0.0,), self.periods

    def place(self, n: int, rng: np.random.Generator) -> Floats:
        """Positions of ``n`` cells, one row each."""
        import numpy as np

        along = np.arange(n) / n if self.even else rng.random(n)
        return (along * self.periods[0])[:, np.newaxis]


Shape = Box | Sphere | Ring
SHAPES: tuple[type[Shape], ...] = (Box, Sphere, Ring)


@dataclass(frozen=True)
class Layout:
    """Cells of a population in space."""

    name: str
    shape: Shape
    n: int
    seed: int

    def positions(self) -> Floats:
        """Coordinates in um, one row per cell; where space repeats they are within its first copy."""
        return _positions(self)


@lru_cache(maxsize=16)
def _positions(layout: Layout) -> Floats:
    import numpy as np

    found = layout.shape.place(layout.n, stream(layout.seed, layout.name, "positions"))
    if layout.shape.periods is not None:
        found = np.mod(found, layout.shape.periods)
    found.setflags(write=False)
    return found


def apart(source: Shape, target: Shape) -> str | None:
    """Why there is no distance between two shapes, None if there is."""
    if source.dimensions != target.dimensions:
        return f"positions have {source.dimensions} and {target.dimensions} dimensions"
    if source.periods != target.periods:
        shown = [
            "open" if periods is None else "periodic with " + " x ".join(f"{p:g}" for p in periods) + " um"
            for periods in (source.periods, target.periods)
        ]
        return f"space must be the same for both, not {shown[0]} and {shown[1]}"
    return None


def farthest(source: Shape, target: Shape) -> float:
    """Distance that no two cells exceed, um."""
    if (periods := source.periods) is not None:
        return math.hypot(*(period / 2.0 for period in periods))
    (low, high), (other_low, other_high) = source.corners, target.corners
    ends = zip(low, high, other_low, other_high, strict=True)
    return math.hypot(*(max(last - start, stop - first) for first, last, start, stop in ends))


def distances(first: Floats, second: Floats, periods: tuple[float, ...] | None) -> Floats:
    """Distance between corresponding rows; the shorter way round where space repeats."""
    import numpy as np

    difference = np.abs(first - second)
    if periods is not None:
        difference = np.minimum(difference, np.asarray(periods) - difference)
    return np.asarray(np.sqrt((difference**2).sum(axis=-1)))


# --- kernels -------------------------------------------------------------------------------------------------


class _Falling:
    """A kernel that never rises with distance."""

    def most(self, low: float, high: float) -> float:
        """Largest value between two distances."""
        import numpy as np

        return float(self.at(np.array([low]))[0])

    def at(self, distance: Floats) -> Floats:
        """Value relative to that at no distance."""
        raise NotImplementedError


@dataclass(frozen=True)
class Exponential(_Falling):
    """exp(-d / length)."""

    TAG: ClassVar[dict[str, str]] = {"kind": "exponential"}
    length: float

    @property
    def reach(self) -> float:
        """Distance beyond which nothing is connected."""
        return -math.log(NEGLIGIBLE) * self.length

    def at(self, distance: Floats) -> Floats:
        """Value relative to that at no distance."""
        import numpy as np

        return np.exp(-distance / self.length)

    def describe(self) -> str:
        """A few words."""
        return f"exponential {self.length:g} um"


@dataclass(frozen=True)
class Gaussian(_Falling):
    """exp(-d^2 / (2 sd^2))."""

    TAG: ClassVar[dict[str, str]] = {"kind": "gaussian"}
    sd: float

    @property
    def reach(self) -> float:
        """Distance beyond which nothing is connected."""
        return math.sqrt(-2.0 * math.log(NEGLIGIBLE)) * self.sd

    def at(self, distance: Floats) -> Floats:
        """Value relative to that at no distance."""
        import numpy as np

        return np.exp(-0.5 * (distance / self.sd) ** 2)

    def describe(self) -> str:
        """A few words."""
        return f"Gaussian, sd {self.sd:g} um"


@dataclass(frozen=True)
class GeneralisedGaussian(_Falling):
    """exp(-(d / length)^exponent): exponential with exponent 1, Gaussian with 2, flatter at the top above."""

    TAG: ClassVar[dict[str, str]] = {"kind": "generalised_gaussian"}
    length: float
    exponent: float

    @property
    def reach(self) -> float:
        """Distance beyond which nothing is connected."""
        return self.length * (-math.log(NEGLIGIBLE)) ** (1.0 / self.exponent)

    def at(self, distance: Floats) -> Floats:
        """Value relative to that at no distance."""
        import numpy as np

        return np.exp(-((distance / self.length) ** self.exponent))

    def describe(self) -> str:
        """A few words."""
        return f"exp(-(d / {self.length:g} um)^{self.exponent:g})"


@dataclass(frozen=True)
class Within(_Falling):
    """1 up to a radius, 0 beyond."""

    TAG: ClassVar[dict[str, str]] = {"kind": "box"}
    radius: float

    @property
    def reach(self) -> float:
        """Distance beyond which nothing is connected."""
        return self.radius

    def at(self, distance: Floats) -> Floats:
        """Value relative to that at no distance."""
        return (distance <= self.radius).astype(float)

    def describe(self) -> str:
        """A few words."""
        return f"up to {self.radius:g} um"


@dataclass(frozen=True)
class Table:
    """Straight lines between values at given distances; the first value before, 0 after the last."""

    TAG: ClassVar[dict[str, str]] = {"kind": "table"}
    distances: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def reach(self) -> float:
        """Distance beyond which nothing is connected."""
        return self.distances[-1]

    def at(self, distance: Floats) -> Floats:
        """Value at a distance."""
        import numpy as np

        return np.interp(distance, self.distances, self.values, right=0.0)

    def most(self, low: float, high: float) -> float:
        """Largest value between two distances: at one of them, or at a knot."""
        import numpy as np

        knots = [at for at in self.distances if low < at < high]
        return float(self.at(np.array([low, *knots, high])).max())

    def describe(self) -> str:
        """A few words."""
        return f"table up to {self.reach:g} um"


Kernel = Exponential | Gaussian | GeneralisedGaussian | Within | Table
KERNELS: tuple[type[Kernel], ...] = (Exponential, Gaussian, GeneralisedGaussian, Within, Table)
