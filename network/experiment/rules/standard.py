"""Wiring rules that do not look at positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..kinds import written
from ..quantities import Count, Fraction
from .base import Ends, Rule, spread_of

if TYPE_CHECKING:
    import numpy as np

    from .base import Pairs


def _distinct(degree: int, candidates: int, what: str, multapses: bool) -> str | None:
    if degree == 0 or (candidates > 0 if multapses else degree <= candidates):
        return None
    return f"{degree} of {candidates} {what}" + ("" if multapses else "; set multapses: true to draw cells repeatedly")


@dataclass(frozen=True)
class FixedInDegree(Rule):
    """Every target cell receives ``in_degree`` synapses from random sources."""

    TAG: ClassVar[dict[str, str]] = {"rule": "fixed_in_degree"}
    in_degree: int = written(Count, modulated=True)
    """Synapses onto every target cell."""
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
    out_degree: int = written(Count, modulated=True)
    """Synapses of every source cell."""
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
    number: int = written(Count, modulated=True)
    """Synapses in all."""
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
    probability: float = written(Fraction, modulated=True)
    """Of a connection from one cell to another."""

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
