"""Recorded traces that a fit is to come close to: files with a column of times and one per trace, and the distance.

A column goes with a state variable of a cell, which is written ``POPULATION.VARIABLE[CELL]``, such as ``A.V_m[0]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SpecError, choices
from ..plans.plan import Plan
from ..runs.reader import Run

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

_SIGNAL = re.compile(r"(?P<population>[^\s\[\]]+)\.(?P<variable>[^\s.\[\]]+)(\[(?P<cell>[0-9]{1,9})\])?")
TIME_UNITS = {"ms": 1.0, "s": 1000.0}
MAX_ROWS = 5_000_000


class Signal(NamedTuple):
    """A state variable of a cell.

    >>> str(Signal.read("A.V_m"))
    'A.V_m[0]'
    """

    population: str
    variable: str
    cell: int

    @classmethod
    def read(cls, text: str) -> Signal | None:
        """Signal that a text stands for, None if it is none."""
        found = _SIGNAL.fullmatch(text.strip())
        return None if found is None else cls(found["population"], found["variable"], int(found["cell"] or 0))

    def __str__(self) -> str:
        return f"{self.population}.{self.variable}[{self.cell}]"


@dataclass(frozen=True, eq=False)
class Recorded:
    """Traces to come close to.

    Attributes
    ----------
    name : str
        Of the target.
    times : ndarray of float64, shape (n_times,)
        In ms since the start of the simulation, ascending.
    signals : tuple of Signal
    values : ndarray of float64, shape (n_times, n_signals)
        NaN where nothing was recorded.
    clip : tuple of float, optional
        Both traces are cut off at these values before they are compared, so that not every spike that comes half a
        millisecond late counts with its whole height.
    interval : float
        Of the recording in the run, in ms.
    """

    name: str
    times: Floats
    signals: tuple[Signal, ...]
    values: Floats
    interval: float
    clip: tuple[float, float] | None = None

    @property
    def groups(self) -> dict[tuple[str, str], list[int]]:
        """Cells by population and variable."""
        found: dict[tuple[str, str], list[int]] = {}
        for signal in self.signals:
            found.setdefault((signal.population, signal.variable), []).append(signal.cell)
        return found

    def trace_name(self, population: str, variable: str) -> str:
        """Name of the recording of a variable."""
        return f"fit_{self.name}_{population}_{variable}"

    def recordings(self) -> dict[str, Any]:
        """What a run must record, by key path of the experiment."""
        stop = self.times[-1] + self.interval
        return {
            f"recording.traces.{self.trace_name(population, variable)}": {
                "population": population,
                "cells": sorted(set(cells)),
                "variables": [variable],
                "interval": _quantity(self.interval),
                "start": _quantity(max(0.0, self.times[0] - self.interval)),
                "stop": _quantity(stop),
            }
            for (population, variable), cells in self.groups.items()
        }

    def simulated(self, run: Run) -> Floats:
        """The same signals as a run has them, at the same times, linear in between."""
        columns = []
        for signal in self.signals:
            name = self.trace_name(signal.population, signal.variable)
            report = run.report(signal.population, signal.variable, name)
            where = int(np.flatnonzero(report.node_ids == signal.cell)[0])
            columns.append(np.interp(self.times, report.times, report.values[:, where].astype(float)))
        return np.stack(columns, axis=1)

    def units(self, run: Run) -> list[str]:
        """Unit of each signal, as the run has recorded it."""
        return [
            run.report(signal.population, signal.variable, self.trace_name(signal.population, signal.variable)).units
            for signal in self.signals
        ]

    def rms(self, run: Run) -> Floats:
        """Root mean square over time of the difference, one number per signal, in its unit."""
        return self.difference(self.simulated(run))

    def difference(self, simulated: Floats) -> Floats:
        """`rms` of traces that are at hand.

        >>> two = Recorded("t", np.array([1.0, 2.0]), (Signal("A", "V_m", 0),), np.array([[-60.0], [-58.0]]), 0.1)
        >>> two.difference(np.array([[-63.0], [-62.0]]))
        array([3.53553391])
        """
        wanted, found = self.values, simulated
        if self.clip is not None:
            wanted, found = np.clip(wanted, *self.clip), np.clip(found, *self.clip)
        square = np.where(np.isnan(wanted), 0.0, (found - wanted) ** 2)
        mean: Floats = np.sqrt(square.sum(axis=0) / (~np.isnan(wanted)).sum(axis=0))
        return mean


def _quantity(value: float) -> dict[str, Any]:
    return {"value": round(float(value), 9), "unit": "ms", "assumed": "samples of the traces of a fit"}


def read_table(path: Path, where: str) -> pd.DataFrame:
    """Table of a CSV or Parquet file; SpecError if it cannot be read, ``where`` being the key that names it."""
    import pandas as pd

    if not path.is_file():
        raise SpecError([f"{where}: no file {path}"])
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, comment="#", skipinitialspace=True)
    except (ValueError, OSError, ImportError, UnicodeError) as error:
        raise SpecError([f"{where}: {path} cannot be read: {str(error).strip().splitlines()[0]}"]) from error
    if len(table.columns) < 2 or len(table) < 2:
        raise SpecError(
            [
                f"{where}: {path} must have a column of times and at least one more, and two rows; it has "
                f"{len(table.columns)} columns (separated by commas) and {len(table)} rows"
            ]
        )
    if len(table) > MAX_ROWS:
        raise SpecError([f"{where}: {path} has {len(table):,} rows, more than {MAX_ROWS:,}"])
    return table.rename(columns=lambda name: str(name).strip())


class TraceFile(NamedTuple):
    """How a file is to be read; the keys of a target."""

    path: Path
    columns: Mapping[str, str]
    time: str | None
    time_unit: str
    offset: float
    start: float | None
    stop: float | None
    clip: tuple[float, float] | None
    interval: float | None


def read_traces(name: str, file: TraceFile, plan: Plan, where: str) -> Recorded:
    """Read a file and check it against the network that is to be fitted.

    Parameters
    ----------
    name : str
        Of the target.
    file : TraceFile
    plan : Plan
        Of the experiment: populations, sizes, times, resolution.
    where : str
        File and key of the target in messages.

    Raises
    ------
    SpecError
        With what the file, or the network, has.
    """
    table = read_table(file.path, f"{where}.traces")
    place = f"{where}: {file.path.name}"
    time = file.time or str(table.columns[0])
    if time not in table.columns:
        raise SpecError([f"{where}.time: {file.path.name} has no {time!r}; {choices(time, table.columns, 'columns')}"])
    signals = _signals(table, time, file.columns, plan, where, file.path.name)
    times, values = (
        _numbers(table, [time], place)[:, 0] * TIME_UNITS[file.time_unit] + file.offset,
        _numbers(table, list(signals), place),
    )
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise SpecError([f"{place}: the times in {time!r} must ascend"])
    interval = file.interval or _interval(times, plan.resolution)
    end = plan.t_presim + plan.t_sim
    stop = end if file.stop is None else file.stop
    kept = times > max(0.0 if file.start is None else file.start, plan.resolution) - 1e-6
    kept &= times < (times[-1] + 1.0 if file.stop is None else file.stop + 1e-6)
    if not kept.any() or times[kept][-1] > end + 1e-6:
        last = f"{times[0]:g} to {times[-1]:g} ms"
        raise SpecError(
            [
                f"{place}: its times are {last}, those of the run 0 to {end:g} ms (t_presim + t_sim)"
                + (f", of which {file.start or 0:g} to {stop:g} ms count" if file.start or file.stop else "")
                + "; set offset, start, stop or time_unit of the target, or simulation.t_sim"
            ]
        )
    values = values[kept]
    empty = [column for column, n in zip(signals, (~np.isnan(values)).sum(axis=0), strict=True) if n == 0]
    if empty:
        raise SpecError([f"{place}: column {empty[0]!r} has no number between {times[kept][0]:g} and {stop:g} ms"])
    return Recorded(name, times[kept], tuple(signals.values()), values, interval, file.clip)


def _numbers(table: pd.DataFrame, columns: list[str], place: str) -> Floats:
    try:
        found: Floats = table[columns].to_numpy(dtype=float)
    except (ValueError, TypeError) as error:
        raise SpecError([f"{place}: {', '.join(columns)}: {error}"]) from error
    if np.isinf(found).any():  # what is not a number is a gap
        raise SpecError([f"{place}: {', '.join(columns)}: not all numbers are finite"])
    return found


def _interval(times: Floats, resolution: float) -> float:
    """Sampling of the run that hits the times of the file if they lie on its grid."""
    least = float(np.diff(times).min())
    return round(max(1, int(least / resolution + 1e-6)) * resolution, 9)


def _signals(
    table: pd.DataFrame, time: str, columns: Mapping[str, str], plan: Plan, where: str, file: str
) -> dict[str, Signal]:
    """Signal of each column that counts: those that are named, or all but the time."""
    there = [str(column) for column in table.columns if column != time]
    problems = [
        f"{where}.columns.{column}: {file} has no such column; {choices(column, there, 'columns')}"
        for column in columns
        if column not in there
    ]
    chosen = {column: text for column, text in columns.items() if column in there} or {name: name for name in there}
    sizes = {population.name: population.n_neurons for population in plan.populations}
    found: dict[str, Signal] = {}
    for column, text in chosen.items():
        key = f"{where}.columns.{column}"
        signal = Signal.read(text)
        if signal is None:
            what = "is no" if column in columns else "goes with no cell: give its"
            problems.append(f"{key}: {text!r} {what} POPULATION.VARIABLE[CELL], such as {next(iter(sizes))}.V_m[0]")
        elif signal.population not in sizes:
            problems.append(
                f"{key}: no population {signal.population!r}; {choices(signal.population, sizes, 'populations')}"
            )
        elif signal.cell >= sizes[signal.population]:
            n = sizes[signal.population]
            problems.append(f"{key}: {signal.population} has {n:,} cells, the last is [{n - 1}], not [{signal.cell}]")
        else:
            found[column] = signal
    if problems:
        raise SpecError(problems)
    return found
