"""Random pairs of cells of two populations, or of one, and their binned spike trains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..runs import Spikes
from .statistics import Floats, Ints, bin_index, cut

CHUNK = 500
"""Pairs handled at a time, to bound memory."""


class UnitPairs:
    """Random pairs of active neurons and their binned trains, a chunk of pairs at a time."""

    def __init__(
        self,
        first: Spikes,
        second: Spikes | None,
        t_start: float,
        t_stop: float,
        n_pairs: int,
        bin_width: float,
        min_spikes: int,
        seed: int,
    ) -> None:
        self._data: list[tuple[Ints, Ints]] = []  # bins and owners of the spikes
        active = []
        for spikes in (first,) if second is None else (first, second):
            times, ids = cut(spikes.times, spikes.node_ids, spikes.n_neurons, t_start, t_stop)
            index, self.n_bins = bin_index(times, t_start, t_stop, bin_width)
            whole = index < self.n_bins
            self._data.append((index[whole], ids[whole]))
            active.append(np.flatnonzero(np.bincount(ids[whole], minlength=spikes.n_neurons) >= min_spikes))
        if second is None:
            self._data *= 2
            self._pairs = _pairs_within(active[0], n_pairs, seed)
        else:
            self._pairs = _pairs_between(active[0], active[1], n_pairs, seed)
        if not len(self._pairs):
            sizes = " and ".join(str(len(ids)) for ids in active)
            raise ValueError(f"no pairs: {sizes} neurons with {min_spikes} or more spikes in [{t_start}, {t_stop}) ms")

    def __len__(self) -> int:
        return len(self._pairs)

    def trains(self) -> Iterator[tuple[Floats, Floats]]:
        """Binned trains of both neurons of each pair, shape (pairs in the chunk, n_bins)."""
        for start in range(0, len(self._pairs), CHUNK):
            chunk = self._pairs[start : start + CHUNK]
            yield self._binned(0, chunk[:, 0]), self._binned(1, chunk[:, 1])

    def chance(self, values: NDArray[np.complex128]) -> float:
        """Root mean square of the mean of ``values`` (one per pair) if each cell of one side turned them at random.

        Pairs that share a cell turn together, so they are added up before they are squared.
        """
        sums = []
        for side in (0, 1):
            _, cell = np.unique(self._pairs[:, side], return_inverse=True)
            real, imaginary = (np.bincount(cell, part) for part in (values.real, values.imag))
            sums.append(float(np.sqrt(np.sum(real**2 + imaginary**2))))
        return max(sums) / len(self)

    def _binned(self, side: int, neurons: Ints) -> Floats:
        bins, owners = self._data[side]
        unique, place = np.unique(neurons, return_inverse=True)
        row = np.searchsorted(unique, owners)
        chosen = unique[np.minimum(row, len(unique) - 1)] == owners
        flat = row[chosen] * self.n_bins + bins[chosen]
        counts = np.bincount(flat, minlength=len(unique) * self.n_bins).reshape(len(unique), self.n_bins)
        return counts[place].astype(np.float64)


def _pairs_within(ids: Ints, n_pairs: int, seed: int) -> Ints:
    """Different unordered pairs of different neurons."""
    n = len(ids)
    possible = n * (n - 1) // 2
    chosen = _choose(possible, n_pairs, seed)
    # pair number k counts the pairs (i, j), i < j, row of j after row of j: k = j (j - 1) / 2 + i
    j = ((1 + np.sqrt(1 + 8.0 * chosen)) / 2).astype(np.int64)
    j -= j * (j - 1) // 2 > chosen
    return np.stack([ids[chosen - j * (j - 1) // 2], ids[j]], axis=1) if possible else np.empty((0, 2), np.int64)


def _pairs_between(first: Ints, second: Ints, n_pairs: int, seed: int) -> Ints:
    """Different pairs of one neuron of each population."""
    chosen = _choose(len(first) * len(second), n_pairs, seed)
    return np.stack([first[chosen // max(1, len(second))], second[chosen % max(1, len(second))]], axis=1)


def _choose(possible: int, wanted: int, seed: int) -> Ints:
    if possible <= wanted:
        return np.arange(possible)
    return np.random.default_rng(seed).choice(possible, size=wanted, replace=False, shuffle=False).astype(np.int64)
