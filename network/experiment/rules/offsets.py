"""The wiring rule of fixed offsets: cells of small networks that are numbered in a circle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..kinds import written
from ..quantities import Count
from ..quantities import Offsets as Listed
from .base import Ends, Rule

if TYPE_CHECKING:
    import numpy as np

    from .base import Pairs


@dataclass(frozen=True)
class Offsets(Rule):
    """Target j gets a synapse from source j + k for each of the ``offsets`` k, counted in a circle.

    Of populations of two sizes the sources stand evenly opposite the targets. With ``targets`` only so many target
    cells, drawn at random, have synapses.
    """

    TAG: ClassVar[dict[str, str]] = {"rule": "offsets"}
    offsets: tuple[int, ...] = written(Listed)
    """Distances between the numbers of source and target."""
    targets: int | None = written(Count, default=None)
    """Number of target cells, drawn at random; all if not given."""
    takes_multapses = True

    @classmethod
    def from_fields(cls, data: dict[str, Any]) -> Rule:  # noqa: D102
        return cls(**{**data, "offsets": tuple(data["offsets"])})

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return sum(len(self.offsets) * self._connected(part) for part in ends.sets())

    def _connected(self, part: Ends) -> int:
        return part.n_target if self.targets is None else self.targets

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        if not self.offsets:
            return "offsets are missing"
        for part in ends.sets():
            if self._connected(part) > part.n_target:
                return f"{self.targets} of {part.n_target} target cells"
            sources = {round(k) % part.n_source for k in self.offsets}
            if len(sources) < len(self.offsets) and not ends.multapses:
                return f"two of the offsets mean the same one of {part.n_source} sources (multapses would allow it)"
            if part.without_self and 0 in sources:
                return "the offset 0 makes autapses, and autapses are false"
        return None

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        number = len(self.offsets)
        return (number if self.targets is None else 0), number

    def describe(self) -> str:  # noqa: D102
        text = "offsets " + ", ".join(f"{round(k):+d}" if round(k) else "0" for k in self.offsets)
        return text if self.targets is None else f"{text} onto {self.targets} cells"

    def lists_pairs(self, ends: Ends) -> bool:  # noqa: D102
        return True

    def pairs(self, ends: Ends, rng: np.random.Generator) -> Pairs:  # noqa: D102
        import numpy as np

        sources, targets = [], []
        for number, part in enumerate(ends.sets()):
            chosen = np.arange(part.n_target)
            if self.targets is not None:
                chosen = np.sort(rng.choice(part.n_target, self.targets, replace=False))
            opposite = chosen * part.n_source // part.n_target
            steps = np.array([round(k) for k in self.offsets])
            sources.append(number + ends.n_sets * ((opposite[:, None] + steps) % part.n_source).ravel())
            targets.append(number + ends.n_sets * np.repeat(chosen, len(steps)))
        source, target = np.concatenate(sources), np.concatenate(targets)
        order = np.lexsort((source, target))
        return source[order], target[order]

    def parts(self, ends: Ends) -> list[tuple[Rule, Ends]]:  # noqa: D102
        return [(self, ends)]
