"""Local field potential of a population of point neurons: proxies from the currents of its synapses.

A point neuron has no field. What comes closest is made of the currents that synapses bring to it, summed over the
population: their plain sum, that of their sizes, or the weighted sum of Mazzoni et al. (2015), doi
10.1371/journal.pcbi.1004584, which was fitted to the field of layers of pyramidal cells; nobody has fitted one to a
nucleus without layers. Times are in ms, currents in pA (positive depolarises), frequencies in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..errors import RunMissingError, choices
from ..experiment.fields import TOTAL
from ..runs import Run
from .spectra import signal_spectrum
from .statistics import Floats

KINDS = ("sum", "absolute", "weighted")
"""Proxies; see `Field.proxy`."""
LATE, RATIO = 6.0, 1.65
"""Delay of excitation (ms) and weight of inhibition of the weighted sum, as Mazzoni et al. found them."""
SEGMENT = 1000.0
"""Length of a window of the spectrum in ms."""


@dataclass(frozen=True)
class Field:
    """Currents of the synapses of a population, summed over its cells.

    Attributes
    ----------
    times : ndarray, shape (n_times,)
    currents : dict of str to ndarray
        By ``I_RECEPTOR``; what is inhibitory is negative.
    total : ndarray
        Their sum.
    """

    name: str
    population: str
    times: Floats
    currents: dict[str, Floats]
    total: Floats

    @property
    def interval(self) -> float:
        """Time between two samples in ms."""
        return float(np.diff(self.times[:2])[0]) if len(self.times) > 1 else float("nan")

    def parts(self) -> tuple[Floats, Floats]:
        """Excitation and inhibition: currents whose means are positive, and those whose are not."""
        zero = np.zeros(len(self.times))
        up = [current for current in self.currents.values() if current.mean() > 0.0]
        down = [current for current in self.currents.values() if not current.mean() > 0.0]
        return reduce(np.add, up, zero), reduce(np.add, down, zero)

    def proxy(self, kind: str = "sum") -> Floats:
        """A stand-in for the local field potential, in pA.

        Parameters
        ----------
        kind : str
            ``sum``: excitation and inhibition as they are, so that they cancel. ``absolute``: the sum of the sizes of
            the currents of all receptors. ``weighted``: excitation 6 ms ago and 1.65 times inhibition, both as sizes;
            the first samples have no such past, and repeat the first excitation.

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        if kind == "sum":
            return self.total
        if kind == "absolute":
            return reduce(np.add, [np.abs(current) for current in self.currents.values()])
        if kind == "weighted":
            up, down = self.parts()
            shift = round(LATE / self.interval)
            late = np.concatenate([np.full(min(shift, len(up)), up[0]), up[: max(0, len(up) - shift)]])
            weighted: Floats = late - RATIO * down
            return weighted
        raise ValueError(f"no proxy {kind!r}; {choices(kind, KINDS, 'proxies')}")

    def spectrum(self, kind: str = "sum", *, segment: float = SEGMENT) -> tuple[Floats, Floats]:
        """Frequencies, and power spectral density of a proxy in pA^2/Hz (Welch, Hann window, half overlap)."""
        signal = self.proxy(kind)
        per_segment = min(len(signal), max(2, round(segment / self.interval)))
        return signal_spectrum(signal, 1000.0 / self.interval, per_segment)


def read_field(run: Run, name: str | None = None) -> Field:
    """A recorded field of a run (``recording.fields``).

    Parameters
    ----------
    name : str, optional
        Which, if there are several.

    Raises
    ------
    RunMissingError
        If there is none, or several and none is named.
    """
    known = run.fields
    if not known:
        raise RunMissingError(f"{run.path}: no field was recorded; an experiment asks for it in recording.fields")
    if name is None and len(known) > 1:
        raise RunMissingError(f"{run.path}: several fields were recorded; name one of them: {', '.join(known)}")
    name = next(iter(known)) if name is None else name
    if name not in known:
        raise RunMissingError(f"{run.path}: no field {name!r}; {choices(name, known, 'fields')}")
    population, variables = known[name]
    reports = {variable: run.report(population, variable, name) for variable in variables}
    values = {variable: report.values[:, 0].astype(np.float64) for variable, report in reports.items()}
    total = values.pop(TOTAL)
    return Field(name, population, np.asarray(reports[TOTAL].times, dtype=np.float64), values, total)
