"""Spikes that the cells' own module writes down, read out chunk by chunk, population by population."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .network import Network
from .runtime import Runtime

TICS_PER_MS = 1000.0
"""NEST's default, which the engine keeps."""

Spikes = tuple[NDArray[np.float64], NDArray[np.uint64]]


def in_order(times: NDArray[np.float64], ids: NDArray[np.uint64], window: tuple[float, float] | None) -> Spikes:
    """Spikes sorted by time and id; only those in the window (ms, right-open) if there is one."""
    if window is not None:
        start, stop = window
        kept = (times > start - 1e-6) & (times < stop - 1e-6)
        times, ids = times[kept], ids[kept]
    order = np.lexsort((ids, times))
    return times[order], ids[order]


class SpikeLog:
    """What the module has written down on this rank, sorted into populations as it is taken."""

    def __init__(self, runtime: Runtime, resolution: float) -> None:
        self._runtime = runtime
        self._tics = round(resolution * TICS_PER_MS)
        self._sources: list[LoggedSpikes] = []
        self._runtime.take_spikes()
        self._runtime.log_spikes(True)

    def source(self, population: str, ids: range, window: tuple[float, float]) -> LoggedSpikes:
        """Spikes of the cells with these ids in NEST."""
        made = LoggedSpikes(self, population, ids, window)
        self._sources.append(made)
        return made

    def take(self) -> None:
        """Give every population what is new."""
        steps, cells = self._runtime.take_spikes()
        if not steps.size:
            return
        # as NEST computes times from its tics, so that both ways of recording agree to the last digit
        times = (steps * self._tics).astype(np.float64) * (1.0 / TICS_PER_MS)
        for source in self._sources:
            own = (cells >= source.ids.start) & (cells < source.ids.stop)
            if own.any():
                source.chunks.append((times[own], (cells[own] - source.ids.start).astype(np.uint64)))


@dataclass
class LoggedSpikes:
    """Spikes of one population; see `network.engine.base.SpikeSource`.

    Attributes
    ----------
    window : (float, float)
        Times in ms, right-open, of the spikes that are kept.
    """

    log: SpikeLog
    population: str
    ids: range
    window: tuple[float, float]
    chunks: list[Spikes] = field(default_factory=list)
    n_collected: int = 0

    @property
    def count(self) -> int:
        """Spikes since the start, those outside of the window included."""
        self.log.take()
        return self.n_collected + sum(len(times) for times, _ in self.chunks)

    def collect(self, *, whole: bool = False) -> Spikes:
        """Spikes since the last call, sorted by time and id; with ``whole`` also those outside of the window."""
        self.log.take()
        chunks, self.chunks = self.chunks, []
        if not chunks:
            return np.empty(0), np.empty(0, dtype=np.uint64)
        times, ids = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
        self.n_collected += len(times)
        return in_order(times, ids, None if whole else self.window)


def ids_of(network: Network, population: str) -> range:
    """Ids in NEST of the cells of a population."""
    cells = network.populations[population]
    first = int(cells[0].global_id)
    return range(first, first + len(cells))
