"""Populations that should fire and did not: mostly a sign of an input that is missing or of a wrong unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...runs import Run
from .verdict import Bands

if TYPE_CHECKING:
    import pandas as pd

EXPECTED = 5.0
"""Spikes that a population must be expected to fire before its silence means something: a Poisson process with that
mean stays silent in 0.7 % of all recordings."""
DRIVEN = 0.5
"""Rate (spikes/s) that is expected of cells that get input and have no window; assumed: below that of most cells."""


def silent(run: Run, table: pd.DataFrame, bands: Bands) -> Iterator[str]:
    """Say of populations that have a window of their rate, or input, that they did not fire once.

    Parameters
    ----------
    run : Run
    table : DataFrame
        Index populations and groups; columns ``n_neurons`` and ``rate`` (spikes/s).
    bands : mapping of population to (low, high)
        Windows of rates.
    """
    start, stop = run.window
    driven = _driven(run)
    for name, row in table[table["rate"] == 0.0].iterrows():
        low = bands[str(name)][0] if str(name) in bands else 0.0
        if name not in run.populations or max(low, DRIVEN if name in driven else 0.0) <= 0.0:
            continue
        expected = max(low, DRIVEN if name in driven else 0.0) * row["n_neurons"] * (stop - start) / 1000.0
        if expected >= EXPECTED:
            why = f"its rate should be {low:g} spikes/s or more" if low > 0.0 else "it has input"
            yield f"warning: {name} did not fire once in {stop - start:g} ms ({row['n_neurons']:,.0f} cells; {why})"


def _driven(run: Run) -> set[str]:
    """Populations that get spikes or current from outside of the network."""
    plan = run.plan
    kinds = ("inputs", "spike_inputs", "currents", "pulses")
    return {str(source["target"]) for kind in kinds for source in plan.get(kind) or ()}
