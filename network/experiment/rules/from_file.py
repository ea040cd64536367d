"""The wiring rule that is told every synapse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..edge_files import EdgeFileError, Edges, read_edges
from ..kinds import written
from ..quantities import NonNegative
from .base import Ends, Rule

if TYPE_CHECKING:
    import numpy as np

    from .base import Pairs


@dataclass(frozen=True)
class FromFile(Rule):
    """The synapses that a population of edges of a SONATA file lists.

    ``{distribution: from_file}`` as weight or delay of the projection takes those of the file, too. Weights onto one
    cell are together at most ``largest_sum`` (in their unit), of which rows keep 50 binary digits; if it is not given,
    the largest in-degree times the largest weight.
    """

    TAG: ClassVar[dict[str, str]] = {"rule": "from_file"}
    even: ClassVar[bool] = False
    takes_multapses = True

    file: str = written(str, identity=False)
    """SONATA file of edges, beside the YAML file or in the working directory."""
    population: str | None = written(str, default=None)
    """Of edges in the file; may be left out where there is only one."""
    largest_sum: float | None = written(NonNegative, default=None)
    """Most that the weights onto one cell add up to, in their unit."""
    digest: str = ""
    """SHA-256 of the file."""

    @property
    def edges(self) -> Edges:
        """What the file has; EdgeFileError if that cannot be read."""
        return read_edges(self.file, self.population)

    def expected(self, ends: Ends) -> float:  # noqa: D102
        return self.edges.n

    def problem(self, ends: Ends) -> str | None:  # noqa: D102
        try:
            edges = self.edges
        except EdgeFileError as error:
            return str(error)
        degrees = {"source": (edges.out_degrees, ends.n_source), "target": (edges.in_degrees, ends.n_target)}
        for what, (found, n) in degrees.items():
            if len(found) > n:
                return f"{self.file}: there are {what} cells up to number {len(found) - 1}, the population has {n:,}"
        if ends.n_sets > 1:
            return "the file says who is connected; leave within_action out"
        if ends.without_self and edges.to_self:
            return f"{self.file}: cells are their own sources, and autapses are false"
        if edges.repeated and not ends.multapses:
            return f"{self.file}: pairs of cells have several synapses; set multapses: true"
        return None

    def in_degrees(self, ends: Ends) -> tuple[float, float]:  # noqa: D102
        found = self.edges.in_degrees
        if not found.size:
            return 0, 0
        return (int(found.min()) if len(found) == ends.n_target else 0), int(found.max())

    def sum_at_most(self) -> float | None:  # noqa: D102
        return self.largest_sum

    def resolved(self) -> Rule:  # noqa: D102
        return replace(self, digest=self.edges.digest)

    def describe(self) -> str:  # noqa: D102
        return f"from {Path(self.file).name}"

    def parts(self, ends: Ends) -> list[tuple[Rule, Ends]]:  # noqa: D102
        return [(self, ends)]

    def lists_pairs(self, ends: Ends) -> bool:  # noqa: D102
        return True

    def pairs(self, ends: Ends, rng: np.random.Generator) -> Pairs:
        """All pairs, in the order of the file."""
        import numpy as np

        edges = self.edges
        if self.digest not in ("", edges.digest):
            raise EdgeFileError(self.file, "another file than when this was planned")
        source, target = edges.pairs()
        return source.astype(np.int64), target.astype(np.int64)
