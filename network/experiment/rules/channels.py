"""The wiring rule of channels: parallel loops that keep to themselves, more or less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..kinds import written
from ..quantities import Count, Factors
from .base import Ends, Rule

if TYPE_CHECKING:
    import numpy as np

    from .base import Pairs

PAIRS_AT_A_TIME = 2_000_000


@dataclass(frozen=True)
class Channels(Rule):
    """Every target cell receives ``in_degree`` synapses, most of them from its own channel.

    Both populations are split into ``channels`` interleaved sets: cell i belongs to channel i modulo their number, as
    in ``network.actions``. ``ratios`` are those of the number of synapses from the own channel, its neighbours,
    channels two apart and so on, those that are left out are 0; channels do not form a ring. Shares of a cell are
    normalised and made whole numbers by the largest remainder, so that its in-degree is exact.
    """

    TAG: ClassVar[dict[str, str]] = {"rule": "channels"}
    in_degree: int = written(Count, modulated=True)
    """Synapses onto every target cell."""
    channels: int = written(Count)
    """Number of channels."""
    ratios: tuple[float, ...] = written(Factors)
    """Of synapses from the own channel, from its neighbours, from those two apart and so on."""
    takes_multapses = True

    @classmethod
    def from_fields(cls, data: dict[str, Any]) -> Rule:  # noqa: D102
        return cls(**{**data, "ratios": tuple(data["ratios"])})

    def shares(self, channel: int) -> list[int]:
        """Number of sources of a cell of a channel, by their channel.

        >>> Channels(16, 3, (1.0, 0.3, 0.1)).shares(0), Channels(16, 3, (1.0, 0.3, 0.1)).shares(1)
        ([12, 3, 1], [3, 10, 3])
        """
        apart = [abs(channel - other) for other in range(self.channels)]
        ratios = [self.ratios[k] if k < len(self.ratios) else 0.0 for k in apart]
        exact = [self.in_degree * ratio / sum(ratios) for ratio in ratios]
        found = [int(value) for value in exact]
        # ties go to the closer channel, then to the first one
        order = sorted(range(self.channels), key=lambda k: (round(found[k] - exact[k], 9), apart[k], k))
        for k in order[: self.in_degree - sum(found)]:
            found[k] += 1
        return found

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return self.in_degree * ends.n_target

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        if self.channels < 1 or self.channels > min(ends.n_source, ends.n_target):
            return f"{self.channels} channels of {min(ends.n_source, ends.n_target)} cells"
        if not self.ratios or self.ratios[0] <= 0.0 or min(self.ratios) < 0.0:
            return "ratios must begin with that of the own channel, greater than 0, and none may be negative"
        for channel in range(self.channels):
            for other, number in enumerate(self.shares(channel)):
                there = len(range(other, ends.n_source, self.channels)) - (ends.without_self and channel == other)
                if number > 0 and there < (1 if ends.multapses else number):
                    return f"{number} of {there} source cells of a channel"
        return None

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return self.in_degree, self.in_degree

    def describe(self) -> str:  # noqa: D102
        ratios = ", ".join(f"{ratio:g}" for ratio in self.ratios)
        return f"in-degree {self.in_degree}, {self.channels} channels ({ratios})"

    def parts(self, ends: Ends) -> list[tuple[Rule, Ends]]:  # noqa: D102
        return [(self, ends)]

    def lists_pairs(self, ends: Ends) -> bool:  # noqa: D102
        return True

    def pairs(self, ends: Ends, rng: np.random.Generator) -> Pairs:  # noqa: D102
        import numpy as np

        found = [
            (np.broadcast_to(targets[:, None], chosen.shape).ravel(), chosen.ravel())
            for channel in range(self.channels)
            for targets, chosen in self._chosen(ends, channel, rng)
        ]
        target, source = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.lexsort((source, target))
        return source[order], target[order]

    def _chosen(self, ends: Ends, channel: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Some target cells of a channel, and the sources of each from one channel after the other."""
        import numpy as np

        targets = np.arange(channel, ends.n_target, self.channels)
        for other, number in enumerate(self.shares(channel)):
            sources = np.arange(other, ends.n_source, self.channels)
            several = max(1, PAIRS_AT_A_TIME // len(sources))
            for first in range(0, len(targets) if number else 0, several):
                chunk = targets[first : first + several]
                own = chunk[:, None] if ends.without_self else None
                yield chunk, _draw(sources, len(chunk), number, own, repeated=ends.multapses, rng=rng)


def _draw(
    sources: np.ndarray, n: int, number: int, own: np.ndarray | None, *, repeated: bool, rng: np.random.Generator
) -> np.ndarray:
    """``number`` sources for each of ``n`` cells, in a row each, without ``own`` (the cells themselves)."""
    import numpy as np

    if repeated:
        chosen = sources[rng.integers(0, len(sources), (n, number))]
        while own is not None and (hit := chosen == own).any():
            chosen[hit] = sources[rng.integers(0, len(sources), int(hit.sum()))]
        return chosen
    keys = rng.random((n, len(sources)))
    if own is not None:
        keys[sources[None, :] == own] = np.inf
    return sources[np.argpartition(keys, number - 1, axis=1)[:, :number]]
