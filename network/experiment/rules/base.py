"""What a wiring rule says: how many synapses it makes, what must fit, and what an audit can rely on.

A rule either names one of NEST's own (`nest_rule`), which
is the fastest, or lists its pairs of cells itself (`pairs`), from random numbers that are the same for every number of
ranks and threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ..space import Layout

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
    """Numbers of source cells and of target cells, counted from 0 within their populations."""


@dataclass(frozen=True)
class Ends:
    """The two populations of a projection and its modifiers, as a rule sees them.

    With ``n_sets`` above 1 source i and target j may be connected only if i and j are equal modulo ``n_sets``.
    """

    n_source: int
    n_target: int
    same: bool = False
    """Source and target are one population."""
    autapses: bool = True
    multapses: bool = False
    n_sets: int = 1
    source: Layout | None = None
    target: Layout | None = None
    """Where the cells are, if that is given."""

    @property
    def without_self(self) -> bool:
        """Whether a cell is to be left out of its own sources."""
        return self.same and not self.autapses

    def sets(self) -> Iterator[Ends]:
        """The parts that are connected on their own."""
        for first in range(self.n_sets):
            n_source, n_target = (len(range(first, n, self.n_sets)) for n in (self.n_source, self.n_target))
            yield replace(self, n_source=n_source, n_target=n_target, n_sets=1)

    @property
    def n_pairs(self) -> int:
        """Pairs of cells that a projection may connect."""
        return sum(
            part.n_target * part.n_source - (min(part.n_source, part.n_target) if part.without_self else 0)
            for part in self.sets()
        )


def spread_of(variance: float) -> float:
    """How far from its mean a random number of synapses is believed: six standard deviations.

    A little more where few are expected, whose distribution has a long tail (Bernstein's bound); 0 if it is certain.
    """
    return 6.0 * math.sqrt(variance) + 12.0 if variance > 0.0 else 0.0


@dataclass(frozen=True)
class Rule:
    """Base of all rules."""

    TAG: ClassVar[dict[str, str]] = {}
    even: ClassVar[bool] = True
    """Whether all target cells have as many sources on average."""

    @property
    def takes_multapses(self) -> bool:
        """Whether a pair of cells can have several synapses."""
        return False

    @classmethod
    def from_fields(cls, data: dict[str, Any]) -> Rule:
        """Inverse of the JSON form of the fields."""
        return cls(**data)

    @property
    def name(self) -> str:
        """Name of the rule as it is written."""
        return self.TAG["rule"]

    def expected(self, ends: Ends) -> float:
        """Synapses of the projection on average, exactly where the number is certain."""
        raise NotImplementedError

    def variance(self, ends: Ends) -> float:
        """Variance of the number of synapses; 0 where it is certain."""
        return 0.0

    def problem(self, ends: Ends) -> str | None:
        """Why the rule cannot connect these populations, None if it can."""
        return None

    def in_degrees(self, ends: Ends) -> tuple[float, float]:
        """Smallest and largest number of sources of a target cell; of random numbers within six standard deviations."""
        return 0.0, math.inf

    def out_degrees(self, ends: Ends) -> tuple[float, float]:
        """Smallest and largest number of targets of a source cell."""
        return 0.0, math.inf

    def sum_at_most(self) -> float | None:
        """What the weights onto one cell are together at most, where the rule knows them, too."""
        return None

    def resolved(self) -> Rule:
        """As a plan has it, with what is read from files."""
        return self

    def describe(self) -> str:
        """A few words for a table."""
        raise NotImplementedError

    def parts(self, ends: Ends) -> list[tuple[Rule, Ends]]:
        """The rule for each of the sets that are connected on their own."""
        return [(self, part) for part in ends.sets()]

    def lists_pairs(self, ends: Ends) -> bool:
        """Whether pairs are listed here, not by NEST."""
        return False

    def nest_rule(self, ends: Ends) -> dict[str, Any]:
        """What NEST's ``Connect`` is told."""
        raise NotImplementedError

    def pairs(self, ends: Ends, rng: np.random.Generator) -> Pairs:
        """All pairs of cells that are connected, sorted by target; ValueError if there are not enough."""
        raise NotImplementedError

    def lag(self, pairs: Pairs, ends: Ends) -> NDArray[np.float64] | None:
        """What listed pairs have on top of the delay, ms."""
        return None

    def longest_lag(self, ends: Ends) -> float:
        """The most that any pair can have on top of the delay, ms."""
        return 0.0
