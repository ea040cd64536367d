"""The wiring rule of random permutations: certain numbers of synapses at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..kinds import written
from ..quantities import Count
from .base import Ends, Rule

if TYPE_CHECKING:
    import numpy as np

    from .base import Pairs


@dataclass(frozen=True)
class Permutations(Rule):
    """Every target cell gets ``number`` synapses and every source cell makes as many, between populations of one size.

    Each of ``number`` random permutations gives every target one source, so that a cell may have itself, or one source
    several times: autapses must not be false, multapses must be true.
    """

    TAG: ClassVar[dict[str, str]] = {"rule": "permutations"}
    number: int = written(Count)
    """Synapses onto every cell, and of every cell."""
    takes_multapses = True

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return self.number * ends.n_target

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        if ends.n_source != ends.n_target:
            return f"source and target must be of one size, not {ends.n_source:,} and {ends.n_target:,} cells"
        if ends.n_sets > 1:
            return "permutations are of all cells; leave out 'within_action'"
        if ends.without_self:
            return "a permutation may connect a cell with itself, and autapses are false"
        return None if ends.multapses else "two permutations may have a pair in common; write 'multapses: true'"

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return self.number, self.number

    def out_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return self.number, self.number

    def describe(self) -> str:  # noqa: D102
        return f"{self.number} permutations"

    def lists_pairs(self, ends: Ends) -> bool:  # noqa: D102
        return True

    def pairs(self, ends: Ends, rng: np.random.Generator) -> Pairs:  # noqa: D102
        import numpy as np

        source = np.stack([rng.permutation(ends.n_source) for _ in range(self.number)], axis=1)
        return np.sort(source, axis=1).ravel(), np.repeat(np.arange(ends.n_target), self.number)
