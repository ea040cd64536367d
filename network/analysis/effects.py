"""Effects of variants of an experiment: rates, oscillation and synchrony of each beside those of a reference.

Runs of one seed share cells and wiring as far as the variants allow, so a variant is compared with the reference
seed by seed; what differs between seeds alone then cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..runs import Run
from .oscillations import BETA, Band, oscillation_table
from .statistics import run_spikes, run_table

RHYTHM = ["oscillation", "peak", "beyond_chance", "synchrony"]


def effects_table(
    runs: Mapping[str, Sequence[Run]], populations: Sequence[str], *, band: Band = BETA, upper: float | None = None
) -> pd.DataFrame:
    """Quantities of every run and population.

    Parameters
    ----------
    runs : mapping of variant to runs with different seeds
    populations : sequence of str
        Populations or groups.
    band, upper
        As in `network.analysis.oscillations.oscillation_table`.

    Returns
    -------
    DataFrame
        Columns ``variant``, ``seed``, ``population``, ``rate`` (spikes/s), ``cv``, ``oscillation`` (share of the
        band in the power of the population rate), ``peak`` (frequency of its largest power, Hz), ``beyond_chance``
        (that power over what chance has, see `oscillation_table`), ``synchrony`` (variance over mean of that rate,
        spikes/s).
    """
    parts = []
    for variant, several in runs.items():
        for run in several:
            rhythm = oscillation_table(run_spikes(run), *run.window, band, upper=upper)
            part = run_table(run)[["rate", "cv"]].join(rhythm[RHYTHM]).reindex(list(populations))
            part.insert(0, "variant", variant)
            part.insert(1, "seed", run.plan["seed"])
            parts.append(part.rename_axis("population").reset_index())
    table = pd.concat(parts, ignore_index=True)
    return table[["variant", "seed", "population", "rate", "cv", *RHYTHM]]


@dataclass(frozen=True)
class Effects:
    """One quantity of all variants; tables have variants as rows and populations as columns.

    Attributes
    ----------
    mean : DataFrame
        Mean over seeds.
    change : DataFrame
        log2 of the ratio to the reference, mean over seeds; minus infinity where a variant is silent.
    clear : DataFrame of bool
        Whether the change is larger than twice its standard error, estimated from the differences between
        seeds of all variants together; all False with a single seed.
    n_seeds : int
    noise : DataFrame of bool, optional
        Where both numbers are of a spectrum without a peak beyond chance: what changes is chance, too.
    """

    mean: pd.DataFrame
    change: pd.DataFrame
    clear: pd.DataFrame
    n_seeds: int
    noise: pd.DataFrame | None = None


def compare_variants(table: pd.DataFrame, quantity: str, reference: str, *, of_rhythm: bool = False) -> Effects:
    """Change of one quantity from the reference to every variant.

    Parameters
    ----------
    table : DataFrame
        From `effects_table`; every variant with the seeds of the reference.
    of_rhythm : bool
        The quantity says something only of populations with a rhythm: tell where there is none, ``noise``.
    """
    variants = list(dict.fromkeys(table["variant"]))
    populations = list(dict.fromkeys(table["population"]))
    if reference not in variants:
        raise ValueError(f"no variant {reference!r} to compare with; variants: {', '.join(variants)}")
    wide = table.pivot(index=["variant", "seed"], columns="population", values=quantity)[populations]
    seeds = sorted(table["seed"].unique())
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = wide.transform(np.log2)  # silence is minus infinity
        ratios = {variant: logs.loc[variant] - logs.loc[reference] for variant in variants}
    change = pd.DataFrame({variant: ratio.mean() for variant, ratio in ratios.items()}).T
    scatter = {v: ratio.replace(-np.inf, np.nan).var(ddof=1) for v, ratio in ratios.items() if v != reference}
    variance = pd.DataFrame(scatter).T.mean()
    error = np.sqrt(variance / len(seeds))
    clear = change.abs().gt(2.0 * error, axis="columns") & error.notna()
    noise = _without_rhythm(table, variants, populations, reference) if of_rhythm else None
    return Effects(wide.groupby("variant").mean().loc[variants], change, clear, len(seeds), noise)


def _without_rhythm(table: pd.DataFrame, variants: list[str], populations: list[str], reference: str) -> pd.DataFrame:
    """Where neither a variant nor the reference has a peak beyond chance in most of the seeds."""
    wide = table.pivot(index=["variant", "seed"], columns="population", values="beyond_chance")[populations]
    rhythm = (wide > 1.0).groupby("variant").mean().loc[variants] > 0.5
    return ~(rhythm | rhythm.loc[reference])
