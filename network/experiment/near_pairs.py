"""Independent pairs of cells by their distance, in a time that grows with the pairs that are made.

Looking at every pair within reach costs minutes where a cell has ten thousand others around it and is connected with
a few hundred.  Space is cut into boxes instead.  For each displacement between two boxes the kernel has an upper bound;
that share of all pairs is drawn, and each of those is kept with the ratio of its own probability to the bound.  What
comes out is a Bernoulli trial of every pair with its own probability, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from .space import distances

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .space import Floats

    Indices = NDArray[np.int64]
    Pairs = tuple[Indices, Indices]

BOXES_PER_REACH = {1: 64, 2: 16, 3: 8}
"""Most boxes along the longest distance, by the number of dimensions: a finer grid has tighter bounds."""
PAIRS_PER_DISPLACEMENT = 5000
"""With fewer the time goes into the displacements, and the grid is made coarser."""


@dataclass(frozen=True)
class Probability:
    """Probability of a pair by its distance, and its largest value between two distances; 0 beyond ``reach`` (um)."""

    at: Callable[[Floats], Floats]
    most: Callable[[float, float], float]
    reach: float


@dataclass(frozen=True)
class _Cells:
    """Cells sorted into the boxes of a grid."""

    where: Floats
    order: Indices
    """Numbers of the cells, box by box."""
    number: NDArray[np.int64]
    """How many are in each box, one axis per dimension."""
    first: NDArray[np.int64]
    """Place of the first of each box in ``order``."""

    @classmethod
    def sorted_into(cls, where: Floats, low: Floats, edge: Floats, counts: Indices) -> _Cells:
        """Cells at these places, in a grid that begins at ``low``."""
        import numpy as np

        index = np.clip(((where - low) / edge).astype(np.int64), 0, counts - 1)
        box = np.ravel_multi_index(tuple(index.T), tuple(counts))
        number = np.bincount(box, minlength=int(counts.prod()))
        first = np.concatenate([[0], np.cumsum(number)[:-1]])
        return cls(where, np.argsort(box, kind="stable"), number.reshape(counts), first.reshape(counts))


def independent_pairs(
    source: Floats, target: Floats, periods: tuple[float, ...] | None, p: Probability, rng: np.random.Generator
) -> Pairs:
    """Every pair of a source and a target cell with its probability, sorted by target, then by source.

    Parameters
    ----------
    source, target : array, shape (cells, dimensions)
        Coordinates in um.
    periods : tuple of float or None
        Lengths after which space repeats.
    p : Probability
    rng : numpy.random.Generator

    Returns
    -------
    source, target : array of int
        Numbers of the cells of each pair.
    """
    import numpy as np

    low, edge, counts = _grid(source, target, periods, p.reach)
    sources, targets = (_Cells.sorted_into(where, low, edge, counts) for where in (source, target))
    keys = []
    for shift in _displacements(counts, edge, p.reach, periodic=periods is not None):
        apart = np.abs(shift)
        if periods is not None:
            apart = np.minimum(apart, counts - apart)
        # boxes along an axis that is one box long are neighbours of themselves on both sides
        nearest = float(np.linalg.norm(np.maximum(apart - 1, 0) * edge))
        bound = p.most(nearest, float(np.linalg.norm((apart + 1) * edge))) if nearest <= p.reach else 0.0
        if bound <= 0.0:
            continue
        i, j = _drawn(sources, targets, shift, bound, rng, periodic=periods is not None)
        distance = distances(source[i], target[j], periods)
        kept = rng.random(len(i)) * bound < np.where(distance <= p.reach, p.at(distance), 0.0)
        keys.append(j[kept] * len(source) + i[kept])
    key = np.sort(np.concatenate(keys)) if keys else np.zeros(0, np.int64)
    j, i = np.divmod(key, max(1, len(source)))
    return i, j


def _grid(
    source: Floats, target: Floats, periods: tuple[float, ...] | None, reach: float
) -> tuple[Floats, Floats, Indices]:
    """Corner, edges and numbers of boxes of a grid over all cells."""
    import numpy as np

    if periods is not None:
        low, extent = np.zeros(len(periods)), np.asarray(periods, float)
    else:
        both = np.concatenate([source, target])
        low, extent = both.min(axis=0), np.ptp(both, axis=0)
    n_pairs, dimensions = len(source) * len(target), len(extent)
    worthwhile = (n_pairs / PAIRS_PER_DISPLACEMENT) ** (1.0 / dimensions) / 2.0  # displacements go both ways
    wanted = reach / min(BOXES_PER_REACH[dimensions], max(1.0, worthwhile))
    counts = np.maximum(1, np.floor(extent / wanted)).astype(np.int64)
    return low, np.maximum(extent / counts, np.finfo(float).tiny), counts


def _displacements(counts: Indices, edge: Floats, reach: float, *, periodic: bool) -> Iterator[Indices]:
    """From the box of a target to that of a source, each once."""
    import numpy as np

    axes = []
    for n, length in zip(counts.tolist(), edge.tolist(), strict=True):
        if periodic:
            axes.append(range(-(n // 2), n - n // 2))
        else:
            furthest = min(n - 1, int(min(reach / length, n)) + 1)
            axes.append(range(-furthest, furthest + 1))
    for shift in product(*axes):
        yield np.array(shift, np.int64)


def _drawn(
    sources: _Cells, targets: _Cells, shift: Indices, bound: float, rng: np.random.Generator, *, periodic: bool
) -> Pairs:
    """A share ``bound`` of the pairs between boxes that lie this far apart, every pair with that probability."""
    import numpy as np

    if periodic:
        axes = tuple(range(len(shift)))
        n_source, first = (np.roll(a, tuple(-shift), axes) for a in (sources.number, sources.first))
        n_target, first_target = targets.number, targets.first
    else:
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, targets.number.shape, strict=True))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, targets.number.shape, strict=True))
        n_source, first = sources.number[there], sources.first[there]
        n_target, first_target = targets.number[here], targets.first[here]
    n_source, first, n_target, first_target = (a.ravel() for a in (n_source, first, n_target, first_target))
    ends = np.cumsum(n_source * n_target)
    n_pairs = int(ends[-1])
    if bound >= 1.0:
        pair = np.arange(n_pairs)
    else:
        pair = rng.choice(n_pairs, rng.binomial(n_pairs, bound), replace=False, shuffle=False) if n_pairs else ends[:0]
    box = np.searchsorted(ends, pair, side="right")
    within = pair - (ends[box] - n_source[box] * n_target[box])
    j, i = np.divmod(within, np.maximum(1, n_source[box]))
    return sources.order[first[box] + i], targets.order[first_target[box] + j]
