"""The response of a population to a transient of its input: trials, and zones of excitation and inhibition.

A response is cut into early excitation (EE), early inhibition (EI), late excitation (LE) and late inhibition (LI) by
the rules of Chakravarty et al. (2022), doi 10.1523/ENEURO.0376-21.2022: the rate in every bin of 1 ms is compared over
the trials with the basal rate (two-sided z test, level 0.05), and a zone is a stretch of bins of one sign that begins
with two significant ones. All arrays start ``BASAL`` ms before the onset of the transient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from ..experiment.courses import Waveform
from ..runs import Run

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ZONES = ("EE", "EI", "LE", "LI")
BIN = 1.0
"""Width of a bin in ms."""
BASAL = 100
"""Bins before the onset from which the basal rate is taken."""
FIRST, LAST = 3, 110
"""Bins after the onset between which zones are looked for; a signal needs the first few to arrive."""
LEVEL = 0.05
"""Level of significance."""
EARLY, LATE = 3.0, 1.0
"""z of the first two bins of early and of late excitation."""


@dataclass(frozen=True)
class Zone:
    """A stretch of a response, bins ``first`` to ``last`` after the onset (both included).

    ``area`` is the sum over its bins of the rate averaged over trials, spikes/s x ms.
    """

    first: int
    last: int
    area: float

    @property
    def latency(self) -> float:
        """Start after the onset in ms."""
        return self.first * BIN

    @property
    def duration(self) -> float:
        """Length in ms."""
        return (self.last - self.first + 1) * BIN


@dataclass(frozen=True)
class Response:
    """Rates of a population around the onsets of a transient.

    Attributes
    ----------
    rates : ndarray, shape (n_trials, n_bins)
        Spikes/s, from ``BASAL`` bins before the onset on.
    z : ndarray, shape (n_bins,)
        Deviation of the mean over trials from the basal rate in its standard errors.
    zones : dict of str to Zone
        Those of ``ZONES`` that the response has.
    """

    rates: Floats
    z: Floats
    zones: dict[str, Zone]

    @property
    def times(self) -> Floats:
        """Start of each bin after the onset in ms."""
        return BIN * np.arange(-BASAL, self.rates.shape[1] - BASAL, dtype=np.float64)

    @property
    def basal(self) -> float:
        """Rate before the onset in spikes/s."""
        return float(self.rates[:, :BASAL].mean())


def run_onsets(run: Run) -> Floats:
    """Onsets in ms of the transients of a run: where the rate of an input leaves its first value.

    Raises
    ------
    ValueError
        If no input changes, or inputs change at different times.
    """
    found: dict[tuple[float, float | None], str] = {}
    for made in run.plan["inputs"]:
        if made["waveform"] is not None:
            given = made["waveform"]
            wave = Waveform(tuple(given["times"]), tuple(given["values"]), given["period"])
            if (onset := wave.onset) is not None:
                found.setdefault((onset, wave.period), made["name"])
    if len(found) != 1:
        names = ", ".join(found.values())
        raise ValueError(f"inputs change at different times: {names}" if found else "no input changes during the run")
    ((onset, period),) = found
    stop = float(run.plan["t_presim"]) + float(run.plan["t_sim"])
    steps = 1 if period is None else int(np.ceil((stop - onset) / period))
    return np.asarray([onset + k * (period or 0.0) for k in range(steps)], dtype=np.float64)


def trial_rates(times: ArrayLike, n_neurons: int, onsets: ArrayLike, n_bins: int) -> Floats:
    """Population rate around each onset.

    Parameters
    ----------
    times : array, shape (n_spikes,)
        Spikes of all neurons in ms.
    n_neurons : int
    onsets : array, shape (n_trials,)
        In ms. A spike that NEST stamps with the end of its step belongs to the bin before that time.
    n_bins : int
        Bins after the onset.

    Returns
    -------
    ndarray, shape (n_trials, BASAL + n_bins)
        Spikes/s.
    """
    sorted_times = np.sort(np.asarray(times, dtype=np.float64))
    edges = np.arange(-BASAL, n_bins + 1) * BIN
    before = np.searchsorted(sorted_times, np.asarray(onsets)[:, None] + edges + 1e-6)
    counts: Floats = np.diff(before, axis=1).astype(np.float64)
    return counts * (1000.0 / (BIN * n_neurons))


def analyse(rates: Floats) -> Response:
    """Find the zones of a response.

    Parameters
    ----------
    rates : ndarray, shape (n_trials, BASAL + n_bins)
        See `trial_rates`; at least ``LAST`` bins after the onset.
    """
    if rates.ndim != 2 or rates.shape[1] < BASAL + LAST:
        raise ValueError(f"rates {rates.shape}: expected trials x at least {BASAL + LAST} bins")
    mean, basal = rates.mean(axis=0), rates[:, :BASAL]
    spread = basal.std(ddof=1)
    if spread == 0.0:
        raise ValueError("the basal rate has no variance; nothing can be compared with it")
    z = (mean - basal.mean()) / (spread / np.sqrt(len(rates)))
    zones = {
        name: Zone(first, last, float(mean[BASAL + first : BASAL + last + 1].sum()))
        for name, first, last in _zones(z[BASAL : BASAL + LAST])
    }
    return Response(rates, z, zones)


def _zones(z: Floats) -> Iterator[tuple[str, int, int]]:
    """Name, first and last bin of every zone; ``z`` starts at the onset."""
    significant = np.abs(z) > scipy.stats.norm.ppf(1.0 - LEVEL / 2)
    early = _excitation(z, significant, FIRST, EARLY)
    after_early = FIRST if early is None else early[1] + 1
    low = _inhibition(z, significant & (z < 0), after_early)
    late = _excitation(z, significant, after_early, LATE)
    lowest = None if low is None or late is None else _inhibition(z, significant & (z < 0), max(low[1], late[1]) + 1)

    # bins between two zones belong to the neighbour whose sign they have
    if early and low and early[1] + 1 < low[0] and significant[low[0] - 1]:
        early = (early[0], early[1] + 1)
    if low and late:
        low = (low[0], _grown(z < 0, low[1], late[0]))
    if late and lowest:
        late = (late[0], _grown(z > 0, late[1], lowest[0]))
        lowest = (late[1] + 1, lowest[1])
    for name, found in zip(ZONES, (early, low, late, lowest), strict=True):
        if found is not None:
            yield name, *found


def _pairs(flags: Flags, start: int) -> Iterator[int]:
    """Bins from ``start`` on that are set together with the next one."""
    return (i for i in range(start, len(flags) - 1) if flags[i] and flags[i + 1])


def _excitation(z: Floats, significant: Flags, start: int, threshold: float) -> tuple[int, int] | None:
    """From two significant bins above the threshold to where two are negative, or two are not significant."""
    first = next(_pairs(significant & (z > threshold), start), None)
    if first is None:
        return None
    over = [(z[i] < 0 and z[i + 1] < 0) or not (significant[i] or significant[i + 1]) for i in range(len(z) - 1)]
    return first, next((i - 1 for i in range(first + 1, len(over)) if over[i]), len(z) - 1)


def _inhibition(z: Floats, flags: Flags, start: int) -> tuple[int, int] | None:
    """From the first two flagged bins on as long as this and the next bin are negative."""
    first = next(_pairs(flags, start), None)
    if first is None:
        return None
    ends = (i for i in range(first + 1, len(z) - 1) if z[i] >= 0 or z[i + 1] >= 0)
    last = next(ends, len(z) - 1)
    return first, last if z[last] < 0 else last - 1


def _grown(flags: Flags, last: int, stop: int) -> int:
    """Last of the flagged bins that follow without a gap, before ``stop``."""
    while last + 1 < stop and flags[last + 1]:
        last += 1
    return last


def response_of(run: Run, population: str, *, after: float = 250.0) -> Response:
    """Response of a population of a run; trials that are not recorded from beginning to end are left out.

    Raises
    ------
    ValueError
        If the run has no transient, or no whole trial.
    """
    spikes = run.spikes(population)
    start, stop = run.window
    onsets = run_onsets(run)
    n_bins = round(after / BIN)
    whole = (onsets - BASAL * BIN >= start - 1e-6) & (onsets + n_bins * BIN <= stop + 1e-6)
    if not whole.any():
        raise ValueError(f"no trial is recorded from {BASAL * BIN:g} ms before to {after:g} ms after its onset")
    return analyse(trial_rates(spikes.times, spikes.n_neurons, onsets[whole], n_bins))


def zone_table(response: Response) -> pd.DataFrame:
    """Zones as a table: index ``zone``; columns ``latency``, ``duration`` (ms), ``area`` (spikes/s x ms)."""
    import pandas as pd

    rows = {name: (zone.latency, zone.duration, zone.area) for name, zone in response.zones.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["latency", "duration", "area"]).rename_axis("zone")
