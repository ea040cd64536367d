"""Oscillations of a run: coherence and phases of unit pairs, oscillation and synchrony indices of populations.

Methods are those of Lindahl & Hellgren Kotaleski 2016 (doi 10.1523/ENEURO.0156-16.2016), see
`network.analysis.spectra` and `units`; pairs and frequency bands are those of the network
(`network.experiment.presentation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..experiment.presentation import BETA, Band, Pair
from ..runs import Spikes
from .certainty import freedom, peak_limit, poisson_level
from .spectra import modulation_depth, oscillation_index, rate_spectrum
from .statistics import RATE_BIN, Floats, synchrony_index
from .units import Coherence, PhaseDifferences, pair_coherence, phase_differences

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BETA", "Band", "Pair", "PairResult", "analyse_pairs", "oscillation_table", "pair_table"]


@dataclass(frozen=True)
class PairResult:
    """Coherence (None where the recording is shorter than a window) and phases of one pair of populations."""

    coherence: Coherence | None
    phases: PhaseDifferences


def analyse_pairs(
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    band: Band,
    pairs: Iterable[Pair],
    *,
    n_coherence: int = 2000,
    n_phase: int = 900,
    seed: int = 0,
) -> dict[Pair, PairResult]:
    """Coherence and phase differences of unit pairs; population pairs without active cells are left out."""
    results = {}
    for first, second in pairs:
        if first not in spikes or second not in spikes:
            continue
        others = None if first == second else spikes[second]
        try:
            phases = phase_differences(spikes[first], others, t_start, t_stop, band.limits, n_pairs=n_phase, seed=seed)
        except ValueError:  # no pair of cells with enough spikes, or shorter than a cycle
            continue
        coherence = None
        if (t_stop - t_start) / RATE_BIN >= 2 * band.n_window:
            coherence = pair_coherence(
                spikes[first], others, t_start, t_stop, n_pairs=n_coherence, n_window=band.n_window, seed=seed
            )
        results[first, second] = PairResult(coherence, phases)
    return results


def pair_table(results: Mapping[Pair, PairResult], band: Band = BETA) -> pd.DataFrame:
    """Summary of `analyse_pairs`.

    Returns
    -------
    DataFrame
        Index ``A/B``; columns ``coherence`` (peak in the band of the mean over pairs), ``chance`` (mean that
        independent units have, one over the number of windows), ``phase`` (degrees, positive: A leads; within
        one population its magnitude), ``phase_size`` (its magnitude), ``resultant`` (R, the concentration of
        phase differences over pairs and times) and ``resultant_chance`` (what R is for random phases).
    """
    import pandas as pd

    rows = {}
    for (first, second), result in results.items():
        phase = np.degrees(result.phases.mean_phase)
        rows[f"{first}/{second}"] = {
            "coherence": np.nan if result.coherence is None else result.coherence.peak(band.limits),
            "chance": np.nan if result.coherence is None else 1.0 / result.coherence.n_windows,
            "phase": abs(phase) if first == second else phase,
            "phase_size": abs(phase),
            "resultant": result.phases.overall_resultant,
            "resultant_chance": result.phases.chance,
        }
    columns = ["coherence", "chance", "phase", "phase_size", "resultant", "resultant_chance"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("pair")


def oscillation_table(
    spikes: Mapping[str, Spikes],
    t_start: float,
    t_stop: float,
    band: Band = BETA,
    *,
    upper: float | None = None,
) -> pd.DataFrame:
    """Oscillation of each population rate.

    Returns
    -------
    DataFrame
        Index ``population``; columns ``modulation`` (2 |FT| / mean at the frequency of the drive),
        ``oscillation`` (share of the band in the power up to ``upper`` Hz; by default 1.6 times ``peak``),
        ``peak`` (frequency of the largest power in Hz), ``beyond_chance`` (that power over what the largest power of
        independent Poisson cells exceeds in one of a hundred recordings) and ``synchrony`` (variance over mean of the
        population rate, spikes/s).
    """
    import pandas as pd

    rows = {}
    for name, train in spikes.items():
        # whole periods of the drive, so that the mean rate does not leak into its frequency
        period = 1000.0 / band.drive
        whole = t_start + np.floor((t_stop - t_start) / period + 1e-9) * period
        frequencies, power = rate_spectrum(train.times, train.n_neurons, t_start, t_stop)
        rows[name] = {
            "modulation": modulation_depth(train.times, t_start, max(whole, t_start + RATE_BIN), band.drive),
            "oscillation": oscillation_index(frequencies, power, band.limits, upper),
            "peak": frequencies[1:][np.argmax(power[1:])] if train.times.size else np.nan,
            "beyond_chance": _beyond_chance(train, frequencies, power, t_start, t_stop),
            "synchrony": synchrony_index(train.times, train.n_neurons, t_start, t_stop),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("population")


def _beyond_chance(train: Spikes, frequencies: Floats, power: Floats, t_start: float, t_stop: float) -> float:
    inside = np.count_nonzero((train.times >= t_start) & (train.times < t_stop))
    level = poisson_level(int(inside), train.n_neurons, t_start, t_stop)
    degrees = freedom(int((t_stop - t_start) / RATE_BIN + 1e-9), 2 * (len(frequencies) - 1))
    return float(power[1:].max() / (level * peak_limit(degrees, len(frequencies) - 1))) if level else float("nan")
