"""Groups of runs side by side, and whether they differ by more than the scatter between seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..runs import Run as Reader
from .runs import Run
from .tables import html

if TYPE_CHECKING:
    import pandas as pd

Given = Run | str | Path


class Comparison:
    """Two groups of runs, one value per run; made by `compare`.

    Attributes
    ----------
    table : DataFrame
        A row per quantity and population: means and standard deviations over seeds, the difference with its 95 %
        interval, ``p`` and ``differs`` (see `network.analysis.replicates.compare_groups`).
    """

    def __init__(self, first: Sequence[Reader], second: Sequence[Reader], *, paired: bool = False) -> None:
        from ..analysis.replicates import Group, compare_groups, render_groups

        groups = Group.of(first, "A"), Group.of(second, "B")
        self.table: pd.DataFrame = compare_groups(*groups, paired=paired)
        self._text = render_groups(*groups, paired=paired)

    @property
    def differing(self) -> list[tuple[str, str]]:
        """Quantity and population of all that differs by more than the scatter between seeds."""
        rows = self.table[self.table["differs"] == "yes"]
        return [(str(q), str(p)) for q, p in zip(rows["quantity"], rows["population"], strict=True)]

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        rows = [[f"{v:.3g}" if isinstance(v, float) else v for v in row] for row in self.table.itertuples(index=False)]
        return html("comparison", self._text.rpartition("\n\n")[2].splitlines(), list(self.table.columns), rows)


def compare(first: Given | Sequence[Given], second: Given | Sequence[Given], *, paired: bool = False) -> Comparison:
    """Compare two groups of runs, for example of several seeds each.

    Parameters
    ----------
    first, second : run, folder, or several
    paired : bool
        Compare runs of equal seeds one by one.

    Raises
    ------
    RunError
        If a folder holds no complete run, two runs of a group are the same, or pairs lack a seed.
    """
    return Comparison(_readers(first), _readers(second), paired=paired)


def _readers(given: Given | Sequence[Given]) -> list[Reader]:
    several = [given] if isinstance(given, Run | str | Path) else list(given)
    return [one.reader if isinstance(one, Run) else Reader.open(one) for one in several]
