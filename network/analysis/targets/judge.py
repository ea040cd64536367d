"""The verdict on a run: every measure for which its state has target windows, held against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...runs import Run
from .lockstep import in_lockstep
from .measures import NotMeasuredError, RunData, known
from .measures.pairs import PairMeasure
from .silence import silent
from .verdict import HIGH, NONE, PASS, SHORT, aligned, judge, number, render
from .windows import Targets, load_targets, states_with_targets

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("rate", "cv")
"""Measures that are listed for all populations, with and without a window."""
ALL_GOOD, NOT_GOOD, TOO_SMALL, NOTHING = "PASS", "FAIL", "not judged at this size", "nothing to judge"
LEAST_SPIKES = 5.0
"""Spikes per cell that fires below which its CV is not judged. A short window leaves out the long intervals: at five
spikes per cell a Poisson process, whose CV is 1, comes out at 0.71; Nawrot et al. (2008), doi
10.1016/j.jneumeth.2007.10.013."""
TOO_SHORT = "not judged: the recording is too short"


@dataclass(frozen=True)
class Judgement:
    """Verdicts of a run.

    Attributes
    ----------
    table : DataFrame
        `run_table` of all populations and groups.
    rows : DataFrame
        As `network.analysis.targets.verdict.judge` makes them, of all measures with windows; ``chance`` is what
        independent cells would have, NaN where a measure does not say.
    notes : tuple of str
        Populations that are silent, what could not be judged, and why.
    n_neurons : int
        Of the network.
    too_small : bool
        Whether it is smaller than the bands hold for.
    """

    table: pd.DataFrame
    rows: pd.DataFrame
    notes: tuple[str, ...] = ()
    n_neurons: int = 0
    too_small: bool = False

    def of(self, measure: str) -> pd.DataFrame:
        """Rows of one measure."""
        return self.rows[self.rows["quantity"] == measure]

    @property
    def rates(self) -> pd.DataFrame:
        """Rows of the rates: all populations."""
        return self.of("rate")

    @property
    def judged(self) -> pd.DataFrame:
        """All rows that have a band."""
        return self.rows[self.rows["verdict"] != NONE]

    @property
    def n_short(self) -> int:
        """Number of quantities that so short a recording does not fix."""
        return int((self.judged["verdict"] == SHORT).sum())

    @property
    def n_good(self) -> int:
        """Number of quantities inside their bands."""
        return int((self.judged["verdict"] == PASS).sum())

    @property
    def passed(self) -> bool:
        """Whether there is a band and everything that has one is inside."""
        return 0 < len(self.judged) == self.n_good

    def outcome(self, *, any_size: bool = False) -> str:
        """``PASS``, ``FAIL``, ``nothing to judge``, or that it is not judged: at this size, in so short a recording.

        What is outside of bands for a larger network is no failure, unless ``any_size`` asks for it; nor is what a
        longer recording may bring inside.
        """
        if not len(self.judged):
            return NOTHING
        if self.passed:
            return ALL_GOOD
        if self.n_good + self.n_short == len(self.judged):
            return TOO_SHORT
        return TOO_SMALL if self.too_small and not any_size else NOT_GOOD

    def text(self, *, any_size: bool = False) -> str:
        """Tables for the terminal, with a last line that sums up."""
        parts = [render(self.rates, total=False)]
        others = self.judged[self.judged["quantity"] != "rate"]
        rows = [
            [
                known()[row["quantity"]].short,
                str(name),
                number(row["value"]),
                number(row["chance"]),
                f"{row['low']:g} - {row['high']:g}",
                row["verdict"],
            ]
            for name, row in others.iterrows()
        ]
        if rows:
            header = ["quantity", "population(s)", "value", "by chance", "band", "verdict"]
            parts.append("\n".join(aligned(header, rows, left={"quantity", "population(s)", "verdict"})))
        parts += self.notes
        if len(self.judged):
            parts.append(f"{self.n_good} of {len(self.judged)} inside their bands: {self.outcome(any_size=any_size)}")
        return "\n\n".join(parts)


def run_targets(run: Run, state: str | None = None) -> Targets | None:
    """Published targets of a state, by default the run's own, if there are any.

    Raises
    ------
    SpecError
        If a state is asked for that has none, or the file is malformed.
    """
    meta = run.plan.get("meta", {})
    model, own = meta.get("model"), meta.get("state")
    if not model or not (state or own):
        return None
    if state is None and own not in states_with_targets(model):
        return None  # a network or a state of the user's own
    return load_targets(model, state or own)


def judge_run(run: Run, targets: Targets | None, *, pairs: bool = True) -> Judgement:
    """Compare a run with the targets of its state.

    Parameters
    ----------
    run : Run
    targets : Targets or None
        Without targets nothing is judged, and nothing passes.
    pairs : bool
        Also coherence and phases, which take a few seconds, if there are targets for them.
    """
    import pandas as pd

    data = RunData(run, targets.state if targets else None)
    windows = targets.windows if targets else {}
    parts, notes = [], [*silent(run, data.table, windows.get("rate", {})), *in_lockstep(run)]
    for name, measure in known().items():
        bands = windows.get(name, {})
        if name in SHOWN:
            rows = judge(data.table, bands, quantity=name).assign(chance=np.nan)
            parts.append(long_enough(rows, data.table) if name == "cv" else rows)
            continue
        if not bands or (isinstance(measure, PairMeasure) and not pairs):
            continue
        try:
            found = judge(measure.values(data, sorted(bands)), bands, quantity=name)
            parts.append(above_chance(found.assign(chance=[measure.chance(data, str(of)) for of in found.index])))
        except NotMeasuredError as reason:
            notes.append(str(reason))
    n_neurons = sum(run.populations.values())
    too_small = targets is not None and not targets.holds_for(n_neurons)
    return Judgement(data.table, pd.concat(parts), tuple(dict.fromkeys(notes)), n_neurons, too_small)


def long_enough(found: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Verdicts on CVs, ``too short`` where cells that fire have less than `LEAST_SPIKES` spikes on average."""
    spikes = (table["n_spikes"] / (table["active"] * table["n_neurons"])).reindex(found.index)
    few = (found["verdict"] != NONE) & (spikes < LEAST_SPIKES)
    return found.assign(verdict=found["verdict"].mask(few, SHORT))


def above_chance(found: pd.DataFrame) -> pd.DataFrame:
    """Verdicts, without a "high" where chance alone is above the band: the recording is too short to tell."""
    unknown = (found["verdict"] == HIGH) & (found["chance"] >= found["high"])
    return found.assign(verdict=found["verdict"].mask(unknown, SHORT))
