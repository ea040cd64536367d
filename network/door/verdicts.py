"""Verdict over a run: which measured quantities lie inside the published windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import html

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.targets.judge import Judgement


class Verdict:
    """Which measured quantities lie inside the published windows; true if all do.

    Attributes
    ----------
    table : DataFrame
        A row per quantity that has a window: value, low, high, verdict.
    passed : bool
        Whether there are windows and everything that has one is inside.
    outcome : str
        ``PASS``, ``FAIL``, ``not judged at this size`` (something is outside of windows that are meant for a larger
        network), ``not judged: the recording is too short`` or ``nothing to judge``.
    judgement : Judgement
        All tables.
    """

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.passed: bool = judgement.passed
        self.outcome: str = judgement.outcome()
        self.table: pd.DataFrame = judgement.judged[["quantity", "value", "low", "high", "verdict"]]

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return self.judgement.text()

    def _repr_html_(self) -> str:
        good, count = self.judgement.n_good, len(self.table)
        if not count:
            return html("no targets", self.judgement.notes)
        rows = [[name, *row] for name, row in zip(self.table.index, self.table.itertuples(index=False), strict=True)]
        formed = [[f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row] for row in rows]
        return html(
            f"{good} of {count} inside: {self.outcome}",
            self.judgement.notes,
            ["", *map(str, self.table.columns)],
            formed,
        )
