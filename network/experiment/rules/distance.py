"""The wiring rule that looks at distance: which pairs, how many, and the time that spikes take between them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from ..near_pairs import Probability, independent_pairs
from ..space import KERNELS, Kernel, apart, distances, farthest
from .base import Ends, Rule

if TYPE_CHECKING:
    import numpy as np
    from scipy.spatial import cKDTree

    from ..space import Floats
    from .base import Pairs

PAIRS_AT_A_TIME = 2_000_000
SAMPLED = 256
"""Target cells from which the number of synapses is estimated."""


@dataclass(frozen=True)
class Distance(Rule):
    """Pairs with a probability that depends on distance, or so many sources per target cell chosen by it.

    ``velocity`` (um/ms) adds the distance divided by it to the delay.
    """

    TAG: ClassVar[dict[str, str]] = {"rule": "distance"}
    kernel: Kernel
    probability: float | None
    in_degree: int | None
    max_distance: float | None
    velocity: float | None

    @classmethod
    def from_fields(cls, data: dict[str, Any]) -> Rule:  # noqa: D102
        (kind,) = (k for k in KERNELS if k.TAG["kind"] == data["kernel"]["kind"])
        fields = {key: value for key, value in data["kernel"].items() if key != "kind"}
        fields = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
        return cls(**{**data, "kernel": kind(**fields)})

    @property
    def takes_multapses(self) -> bool:  # noqa: D102
        return self.in_degree is not None

    @property
    def reach(self) -> float:
        """Distance beyond which nothing is connected, um."""
        return self.kernel.reach if self.max_distance is None else min(self.max_distance, self.kernel.reach)

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return float(self.in_degree * ends.n_target) if self.in_degree is not None else _estimated(self, ends)[0]

    def variance(self, ends: Ends) -> float:  # noqa: D102
        return 0.0 if self.in_degree is not None else sum(_estimated(self, ends))

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        if ends.source is None or ends.target is None:
            return "both populations need 'positions'"
        if (differ := apart(ends.source.shape, ends.target.shape)) is not None:
            return differ
        return self._scarce(ends) if self.in_degree is not None else None

    def _scarce(self, ends: Ends) -> str | None:
        """Complain about a target cell with too few sources around it; sets are looked at when they are connected."""
        import numpy as np

        assert ends.source is not None and ends.target is not None and self.in_degree is not None
        around = _tree(ends.source.positions(), ends.source.shape.periods).query_ball_point(
            ends.target.positions(), self.reach, return_length=True
        ) - int(ends.without_self)
        cell = int(np.argmin(around))
        if around[cell] >= (1 if ends.multapses else self.in_degree):
            return None
        return (
            f"target cell {cell} has {around[cell]} source cells within {self.reach:g} um, fewer than {self.in_degree}"
        )

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return (0.0, math.inf) if self.in_degree is None else (self.in_degree, self.in_degree)

    def describe(self) -> str:  # noqa: D102
        number = f"p {self.probability:g}" if self.probability is not None else f"in-degree {self.in_degree}"
        return f"{number}, {self.kernel.describe()}"

    def parts(self, ends: Ends) -> list[tuple[Rule, Ends]]:  # noqa: D102
        return [(self, ends)]

    def lists_pairs(self, ends: Ends) -> bool:  # noqa: D102
        return True

    def lag(self, pairs: Pairs, ends: Ends) -> Floats | None:  # noqa: D102
        if self.velocity is None or ends.source is None or ends.target is None:
            return None
        source, target = ends.source.positions()[pairs[0]], ends.target.positions()[pairs[1]]
        return distances(source, target, ends.source.shape.periods) / self.velocity

    def longest_lag(self, ends: Ends) -> float:  # noqa: D102
        if self.velocity is None or ends.source is None or ends.target is None:
            return 0.0
        return min(self.reach, farthest(ends.source.shape, ends.target.shape)) / self.velocity

    def pairs(self, ends: Ends, rng: np.random.Generator) -> Pairs:  # noqa: D102
        import numpy as np

        if self.in_degree is None:
            return self._independent(ends, rng)
        found = []
        for source, target, weight in self._candidates(ends, np.arange(ends.n_target)):
            chosen = _weighted(target, weight, self.in_degree, repeated=ends.multapses, rng=rng)
            found.append((source[chosen], target[chosen]))
        source, target = (np.concatenate(part) for part in zip(*found, strict=True))
        if len(target) < self.in_degree * ends.n_target:
            raise ValueError(f"some target cells have no source cells within {self.reach:g} um")
        return source, target

    def _independent(self, ends: Ends, rng: np.random.Generator) -> Pairs:
        assert ends.source is not None and ends.target is not None and self.probability is not None
        factor = self.probability
        p = Probability(
            lambda distance: factor * self.kernel.at(distance),
            lambda low, high: factor * self.kernel.most(low, high),
            self.reach,
        )
        periods = ends.source.shape.periods
        source, target = independent_pairs(ends.source.positions(), ends.target.positions(), periods, p, rng)
        kept = (source - target) % ends.n_sets == 0
        if ends.without_self:
            kept &= source != target
        return source[kept], target[kept]

    def _candidates(self, ends: Ends, cells: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, Floats]]:
        """Source, target, and probability of all pairs within reach, some target cells at a time, sorted."""
        import numpy as np

        assert ends.source is not None and ends.target is not None
        periods, here = ends.source.shape.periods, ends.target.positions()
        tree = _tree(ends.source.positions(), periods)
        several = max(1, PAIRS_AT_A_TIME // ends.n_source)
        for first in range(0, len(cells), several):
            chunk = cells[first : first + several]
            near = _tree(here[chunk], periods).sparse_distance_matrix(tree, self.reach, output_type="ndarray")
            near = near[np.lexsort((near["j"], near["i"]))]
            source, target = near["j"].astype(np.int64), chunk[near["i"]]
            kept = (source - target) % ends.n_sets == 0
            if ends.without_self:
                kept &= source != target
            factor = 1.0 if self.probability is None else self.probability
            yield source[kept], target[kept], factor * self.kernel.at(near["v"][kept])


def _tree(positions: Floats, periods: tuple[float, ...] | None) -> cKDTree:
    from scipy.spatial import cKDTree

    return cKDTree(positions, boxsize=periods)


@lru_cache(maxsize=256)
def _estimated(rule: Distance, ends: Ends) -> tuple[float, float]:
    """Mean number of synapses from the surroundings of a sample of target cells (all, if they are few).

    The second number is the variance of that estimate.
    """
    import numpy as np

    if rule.problem(ends) is not None:
        return 0.0, 0.0
    cells = np.unique(np.linspace(0, ends.n_target - 1, SAMPLED).astype(int))
    degrees = np.zeros(ends.n_target)
    for _, target, weight in rule._candidates(ends, cells):
        degrees += np.bincount(target, weight, ends.n_target)
    degrees, left_out = degrees[cells], 1.0 - len(cells) / ends.n_target
    variance = float(np.var(degrees, ddof=1)) * left_out / len(cells) if left_out > 0.0 else 0.0
    return float(degrees.mean()) * ends.n_target, variance * ends.n_target**2


def _weighted(target: np.ndarray, weight: Floats, n: int, *, repeated: bool, rng: np.random.Generator) -> np.ndarray:
    """Indices of ``n`` candidates of every target cell, drawn in proportion to their weight."""
    import numpy as np

    edges = np.flatnonzero(np.diff(target, prepend=-1, append=-1))
    chosen = []
    for start, stop in pairwise(edges):
        share = weight[start:stop]
        if (share > 0.0).sum() < (1 if repeated else n):
            raise ValueError(f"target cell {target[start]} has too few source cells within reach for in-degree {n}")
        chosen.append(start + np.sort(rng.choice(stop - start, n, replace=repeated, p=share / share.sum())))
    return np.concatenate(chosen)
