"""The verdict on a run: rates, CVs and, where there are targets for them, coherence and phases of unit pairs."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from network.analysis.oscillations import BETA, SLOW, analyse_pairs, pair_table
from network.analysis.statistics import run_spikes, run_table
from network.analysis.verdict import NONE, PASS, aligned, judge, number, render
from network.results import Run
from network.spec.targets import Targets, load_targets

PAIR_QUANTITIES = {"coherence": "coherence", "phase": "phase_size", "resultant": "resultant"}
"""Quantities of pair targets and their columns in `pair_table`; phases are judged by their magnitude."""
CYCLES = 3
"""Shortest recording in cycles of the cortical rhythm in which pairs are judged."""
UNITS = {"cv": "CV", "phase": "phase (deg)", "resultant": "R of phases"}
"""How quantities are written for people."""


@dataclass(frozen=True)
class Judgement:
    """Verdicts of a run, one table per quantity as `network.analysis.verdict.judge` makes them."""

    table: pd.DataFrame
    """`run_table` of all populations and groups."""
    rates: pd.DataFrame
    cvs: pd.DataFrame
    pairs: pd.DataFrame
    note: str = ""
    """What could not be judged, and why."""

    @property
    def judged(self) -> pd.DataFrame:
        """All rows that have a band."""
        both = pd.concat([self.rates, self.cvs, self.pairs])
        return both[both["verdict"] != NONE]

    @property
    def n_good(self) -> int:
        """Number of quantities inside their bands."""
        return int((self.judged["verdict"] == PASS).sum())

    @property
    def passed(self) -> bool:
        """Whether there is a band and everything that has one is inside."""
        return 0 < len(self.judged) == self.n_good

    def text(self) -> str:
        """Tables for the terminal, with a last line that sums up."""
        parts = [render(self.rates).rsplit("\n", 1)[0] if self._any(self.rates) else render(self.rates)]
        rows = [
            [
                UNITS.get(row["quantity"], str(row["quantity"])),
                str(name),
                number(row["value"]),
                f"{row['low']:g} - {row['high']:g}",
                row["verdict"],
            ]
            for name, row in pd.concat([self.cvs, self.pairs]).iterrows()
            if row["verdict"] != NONE
        ]
        if rows:
            header = ["quantity", "population(s)", "value", "band", "verdict"]
            parts.append("\n".join(aligned(header, rows, left={"quantity", "population(s)", "verdict"})))
        if self.note:
            parts.append(self.note)
        if len(self.judged):
            outcome = "PASS" if self.passed else "FAIL"
            parts.append(f"{self.n_good} of {len(self.judged)} inside their bands: {outcome}")
        return "\n\n".join(parts)

    @staticmethod
    def _any(table: pd.DataFrame) -> bool:
        return bool((table["verdict"] != NONE).any())


def run_targets(run: Run, state: str | None = None) -> Targets | None:
    """Published targets of a state, by default the run's own, if there are any."""
    meta = run.plan.get("meta", {})
    state = state or meta.get("state")
    return load_targets(meta["model"], state) if meta.get("model") and state else None


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
    table = run_table(run)
    order = [name for name in (targets.report_order if targets else ()) if name in table.index]
    shown = table.loc[order] if order else table
    rates = judge(shown, targets.bands if targets else {})
    cvs = judge(shown, targets.cv_bands if targets else {}, quantity="cv")
    judged = []
    note = ""
    if targets and targets.pair_bands and pairs:
        band = SLOW if targets.state.startswith("slow_wave") else BETA
        start, stop = run.window
        if stop - start < (needed := CYCLES * 1000.0 / band.drive):
            note = (
                f"unit pairs are not judged: that needs {needed:g} ms, {CYCLES} cycles; recorded: {stop - start:g} ms"
            )
    if targets and targets.pair_bands and pairs and not note:
        wanted = sorted({pair for bands in targets.pair_bands.values() for pair in bands})
        split = [(first, second) for first, _, second in (pair.partition("/") for pair in wanted)]
        measured = pair_table(analyse_pairs(run_spikes(run), *run.window, band, split), band)
        for quantity, bands in targets.pair_bands.items():
            values = measured[PAIR_QUANTITIES[quantity]].rename(quantity).to_frame()
            judged.append(judge(values.loc[values.index.isin(list(bands))], bands, quantity=quantity))
    return Judgement(table, rates, cvs, pd.concat(judged) if judged else rates.iloc[:0], note)
