"""The verdict on a run: rates, CVs and, if there are targets for them, unit pairs and the response to a transient."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...runs import Run
from ..oscillations import BETA, SLOW, analyse_pairs, pair_table
from ..response import response_of, zone_table
from ..statistics import run_spikes, run_table
from .verdict import NONE, PASS, aligned, judge, number, render
from .windows import Targets, load_targets

PAIR_QUANTITIES = {"coherence": "coherence", "phase": "phase_size", "resultant": "resultant"}
"""Quantities of pair targets and their columns in `pair_table`; phases are judged by their magnitude."""
CYCLES = 3
"""Shortest recording in cycles of the cortical rhythm in which pairs are judged."""
TRIALS = 20
"""Fewest transients from which a response is judged: with fewer its edges are those of the noise."""
UNITS = {
    **{"cv": "CV", "phase": "phase (deg)", "resultant": "R of phases"},
    **{"latency": "latency (ms)", "duration": "duration (ms)", "area": "area (1/s x ms)"},
}
"""How quantities are written for people."""


@dataclass(frozen=True)
class Judgement:
    """Verdicts of a run, one table per quantity as `network.analysis.targets.verdict.judge` makes them."""

    table: pd.DataFrame
    """`run_table` of all populations and groups."""
    rates: pd.DataFrame
    cvs: pd.DataFrame
    pairs: pd.DataFrame
    response: pd.DataFrame
    note: str = ""
    """What could not be judged, and why."""

    @property
    def judged(self) -> pd.DataFrame:
        """All rows that have a band."""
        every = pd.concat([self.rates, self.cvs, self.pairs, self.response])
        return every[every["verdict"] != NONE]

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
            for name, row in pd.concat([self.cvs, self.pairs, self.response]).iterrows()
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
    response, note = _response(run, targets)
    if targets and targets.pair_bands and pairs:
        band = SLOW if targets.state.startswith("slow_wave") else BETA
        start, stop = run.window
        if stop - start < (needed := CYCLES * 1000.0 / band.drive):
            pairs = False
            note = (
                f"unit pairs are not judged: that needs {needed:g} ms, {CYCLES} cycles; recorded: {stop - start:g} ms"
            )
    if targets and targets.pair_bands and pairs:
        wanted = sorted({pair for bands in targets.pair_bands.values() for pair in bands})
        split = [(first, second) for first, _, second in (pair.partition("/") for pair in wanted)]
        measured = pair_table(analyse_pairs(run_spikes(run), *run.window, band, split), band)
        for quantity, bands in targets.pair_bands.items():
            values = measured[PAIR_QUANTITIES[quantity]].rename(quantity).to_frame()
            judged.append(judge(values.loc[values.index.isin(list(bands))], bands, quantity=quantity))
    return Judgement(table, rates, cvs, pd.concat(judged) if judged else rates.iloc[:0], response, note)


def _response(run: Run, targets: Targets | None) -> tuple[pd.DataFrame, str]:
    """Verdict on the zones of the response to a transient, and why there is none."""
    nothing = judge({}, {})
    if targets is None or not targets.response_bands:
        return nothing, ""
    about = f"the response of {targets.response_population} is not judged"
    try:
        response = response_of(run, targets.response_population)
    except ValueError as error:
        return nothing, f"{about}: {error}"
    if (n := len(response.rates)) < TRIALS:
        return nothing, f"{about}: that needs {TRIALS} transients; recorded: {n}"
    measured = zone_table(response).rename(index=lambda zone: f"{targets.response_population} {zone}")
    judged = [
        judge(
            measured[[quantity]],
            {f"{targets.response_population} {zone}": band for zone, band in bands.items()},
            quantity=quantity,
        )
        for quantity, bands in targets.response_bands.items()
    ]
    return pd.concat(judged), ""
