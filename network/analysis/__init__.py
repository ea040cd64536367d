"""Analysis of spikes on plain arrays: rates, irregularity, synchrony, verdict.

`network.analysis.spectra` and `network.analysis.plots` load slower libraries and are imported on demand.
"""

from .statistics import (
    cv_isi,
    fano_factor,
    interspike_intervals,
    mean_rates,
    population_rate,
    population_table,
    run_table,
    synchrony_index,
)
from .targets.verdict import judge, passed, render

__all__ = [
    "cv_isi",
    "fano_factor",
    "interspike_intervals",
    "judge",
    "mean_rates",
    "passed",
    "population_rate",
    "population_table",
    "render",
    "run_table",
    "synchrony_index",
]
