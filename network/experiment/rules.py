"""Wiring rules as plain numbers: how many synapses each makes, what must fit, and what an audit can rely on.

A plan holds one of these per projection.  Here is what a rule *is*; how it is written in YAML is in
:mod:`network.experiment.wiring`, which makes one of these.  A rule either names one of NEST's own (`nest_rule`), which
is the fastest, or lists its pairs of cells itself (`pairs`), from random numbers that are the same for every number of
ranks and threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from .space import Layout

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


def _distinct(degree: int, candidates: int, what: str, multapses: bool) -> str | None:
    if degree == 0 or (candidates > 0 if multapses else degree <= candidates):
        return None
    return f"{degree} of {candidates} {what}" + ("" if multapses else "; set multapses: true to draw cells repeatedly")


@dataclass(frozen=True)
class FixedInDegree(Rule):
    """Every target cell receives ``in_degree`` synapses from random sources."""

    TAG: ClassVar[dict[str, str]] = {"rule": "fixed_in_degree"}
    in_degree: int
    takes_multapses = True

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return self.in_degree * ends.n_target

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        least = min(part.n_source for part in ends.sets()) - ends.without_self
        return _distinct(self.in_degree, least, "source cells", ends.multapses)

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return self.in_degree, self.in_degree

    def describe(self) -> str:  # noqa: D102
        return f"in-degree {self.in_degree}"

    def nest_rule(self, ends: Ends) -> dict[str, Any]:  # noqa: D102
        return {"rule": "fixed_indegree", "indegree": self.in_degree}


@dataclass(frozen=True)
class FixedOutDegree(Rule):
    """Every source cell makes ``out_degree`` synapses onto random targets."""

    TAG: ClassVar[dict[str, str]] = {"rule": "fixed_out_degree"}
    out_degree: int
    takes_multapses = True

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return self.out_degree * ends.n_source

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        least = min(part.n_target for part in ends.sets()) - ends.without_self
        return _distinct(self.out_degree, least, "target cells", ends.multapses)

    def out_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return self.out_degree, self.out_degree

    def describe(self) -> str:  # noqa: D102
        return f"out-degree {self.out_degree}"

    def nest_rule(self, ends: Ends) -> dict[str, Any]:  # noqa: D102
        return {"rule": "fixed_outdegree", "outdegree": self.out_degree}


@dataclass(frozen=True)
class FixedTotalNumber(Rule):
    """So many synapses in all between random pairs of cells.

    NEST's own rule draws pairs repeatedly; where that is not wanted the pairs are drawn here.
    """

    TAG: ClassVar[dict[str, str]] = {"rule": "fixed_total_number"}
    number: int
    takes_multapses = True

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return self.number

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        return _distinct(self.number, ends.n_pairs, "pairs of cells", ends.multapses)

    def describe(self) -> str:  # noqa: D102
        return f"{self.number:,} in all"

    def lists_pairs(self, ends: Ends) -> bool:  # noqa: D102
        return not ends.multapses

    def parts(self, ends: Ends) -> list[tuple[Rule, Ends]]:
        """Shares in proportion to the pairs of each set; the sum is kept."""
        found: list[tuple[Rule, Ends]] = []
        before = given = 0
        for part in ends.sets():
            before += part.n_pairs
            share = self.number * before // ends.n_pairs - given
            given += share
            found.append((FixedTotalNumber(share), part))
        return found

    def nest_rule(self, ends: Ends) -> dict[str, Any]:  # noqa: D102
        return {"rule": "fixed_total_number", "N": self.number}

    def pairs(self, ends: Ends, rng: np.random.Generator) -> Pairs:  # noqa: D102
        import numpy as np

        chosen = np.sort(rng.choice(ends.n_pairs, self.number, replace=False, shuffle=False))
        per_target = ends.n_source - ends.without_self
        target, source = np.divmod(chosen, per_target)
        if ends.without_self:
            source += source >= target  # the cell itself is not among its candidates
        return source, target


@dataclass(frozen=True)
class PairwiseBernoulli(Rule):
    """Every pair of cells is connected with this probability."""

    TAG: ClassVar[dict[str, str]] = {"rule": "pairwise_bernoulli"}
    probability: float

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return self.probability * ends.n_pairs

    def variance(self, ends: Ends) -> float:  # noqa: D102
        return self.expected(ends) * (1.0 - self.probability)

    def _degree(self, ends: Ends, n: int) -> tuple[float, float]:
        least, most = n // ends.n_sets - ends.without_self, -(-n // ends.n_sets) - ends.without_self
        low, high = (self.probability * count for count in (least, most))
        reach = spread_of(high * (1.0 - self.probability))
        return max(0.0, math.floor(low - reach)), min(float(most), math.ceil(high + reach))

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return self._degree(ends, ends.n_source)

    def out_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return self._degree(ends, ends.n_target)

    def describe(self) -> str:  # noqa: D102
        return f"probability {self.probability:g}"

    def nest_rule(self, ends: Ends) -> dict[str, Any]:  # noqa: D102
        return {"rule": "pairwise_bernoulli", "p": self.probability}


@dataclass(frozen=True)
class OneToOne(Rule):
    """Source i to target i."""

    TAG: ClassVar[dict[str, str]] = {"rule": "one_to_one"}

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return ends.n_target

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        if ends.n_source != ends.n_target:
            return f"source and target must be of one size, not {ends.n_source:,} and {ends.n_target:,} cells"
        return "within a population this makes autapses only, and autapses are false" if ends.without_self else None

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return 1, 1

    def out_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        return 1, 1

    def describe(self) -> str:  # noqa: D102
        return "one to one"

    def nest_rule(self, ends: Ends) -> dict[str, Any]:  # noqa: D102
        return {"rule": "one_to_one"}


@dataclass(frozen=True)
class AllToAll(Rule):
    """Every source to every target."""

    TAG: ClassVar[dict[str, str]] = {"rule": "all_to_all"}

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return ends.n_pairs

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        sizes = [part.n_source - part.without_self for part in ends.sets()]
        return min(sizes), max(sizes)

    def out_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        sizes = [part.n_target - part.without_self for part in ends.sets()]
        return min(sizes), max(sizes)

    def describe(self) -> str:  # noqa: D102
        return "all to all"

    def nest_rule(self, ends: Ends) -> dict[str, Any]:  # noqa: D102
        return {"rule": "all_to_all"}
