"""Courses of currents in files: tables of text, NWB, and whatever Neo reads.

A table has a line per sample and a first line with the names of its columns, for example ``time_ms,current_pA``. NWB
(Rübel et al. 2022, doi 10.7554/eLife.78362) keeps a stimulus in ``/stimulus/presentation``, in A times its conversion,
at a rate or with times of its own. Of other files Neo (Garcia et al. 2014, doi 10.3389/fninf.2014.00010) reads the
analog signals.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import choices
from .foreign import ForeignFileError, foreign, reading, state_of
from .neo_files import NEO, neo_block
from .spike_tables import TIMES, SpikeTableError, named_column, table_columns, unit_of_times

if TYPE_CHECKING:
    import h5py
    import numpy as np
    from numpy.typing import NDArray

PICOAMPERES = {"fa": 1e-3, "pa": 1.0, "na": 1e3, "ua": 1e6, "ma": 1e9, "a": 1e12}
"""Size in pA of the units that currents may have, written in small letters."""
MOST_STEPS = 50_000_000
"""More are times in another unit than was meant."""
CURRENTS = ("current", "i", "i_stim", "amplitude", "stimulus", "command")
"""Names that the column of a table may have, in any case; its unit follows: ``current_pA``, ``I (nA)``."""


class CurrentFileError(ForeignFileError):
    """A file holds no course of a current that can be read; the message does not name the file."""


def read_current(path: str | Path, series: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the course of a current.

    Parameters
    ----------
    path : path
    series : str, optional
        Column of a table, time series of an NWB file, signal of Neo; may be left out where there is one.

    Returns
    -------
    times : ndarray of float64, shape (n_samples,)
        In ms; they grow.
    currents : ndarray of float64, shape (n_samples,)
        In pA.

    Raises
    ------
    CurrentFileError
        If the file cannot be read, is none of currents, or lacks the series.
    """
    try:
        state = state_of(path)
        return _read(str(path), series, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise CurrentFileError(error.strerror or str(error)) from error
    except SpikeTableError as error:
        raise CurrentFileError(str(error)) from error


@lru_cache(maxsize=8)
def _read(path: str, series: str | None, changed: int, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Many experiments of a scan have the same file."""
    import h5py
    import numpy as np

    found: Any = None
    if h5py.is_hdf5(path):
        with foreign("HDF5 file, as NWB files are", CurrentFileError), reading(path), h5py.File(path, "r") as file:
            if "stimulus" in file and "presentation" in file["stimulus"]:
                found = _of_nwb(file["stimulus/presentation"], series)
    elif Path(path).suffix.lower() not in NEO:
        found = _of_table(Path(path), series)
    times, currents = found or _of_neo(path, series)
    if not times.size:
        raise CurrentFileError("it has no samples")
    if times.shape != currents.shape:
        raise CurrentFileError(f"{len(times)} times, but {len(currents)} samples")
    if not (np.isfinite(times).all() and np.isfinite(currents).all()):
        raise CurrentFileError("its times and currents are not all finite")
    if np.any(np.diff(times) <= 0.0):
        raise CurrentFileError("its times do not grow")
    return times, currents


def steps_of(
    times: NDArray[np.float64], currents: NDArray[np.float64], interval: float, shift: float
) -> list[tuple[float, float]]:
    """Steps every ``interval`` ms: the mean of the samples that fall into each, or the last before it.

    Equal steps are joined. Before the first sample there is no current; after the last one its interval ends it, at 0.
    """
    import numpy as np

    shifted = times + shift
    places = np.floor(shifted / interval + 1e-9)
    inside = places >= 0
    if (places[inside] >= 2.0**53).any():
        raise CurrentFileError(f"times up to {shifted[-1]:g} ms cannot be counted in steps of {interval:g} ms")
    bins, values = places[inside].astype(np.int64), currents[inside]
    if not bins.size:
        return []
    first, last = int(bins[0]), int(bins[-1])
    if last - first >= MOST_STEPS:
        raise CurrentFileError(f"{last - first + 1:,} steps of {interval:g} ms; {MOST_STEPS:,} are possible")
    counts = np.bincount(bins - first)
    sums = np.bincount(bins - first, weights=values)
    at = np.maximum.accumulate(np.where(counts > 0, np.arange(len(counts)), 0))
    means = (sums / np.maximum(counts, 1))[at]
    # the last sample holds as long as those before it did
    held = float(times[-1] - times[-2]) if len(times) > 1 else interval
    end = max(last + 1, int(np.ceil((shifted[-1] + held) / interval - 1e-9)))
    steps = [(round((first + k) * interval, 9), float(value)) for k, value in enumerate(means)]
    steps = [step for k, step in enumerate(steps) if k == 0 or step[1] != steps[k - 1][1]]
    return [*steps, *([(round(end * interval, 9), 0.0)] if steps[-1][1] != 0.0 else [])]


def _of_table(path: Path, series: str | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    names, columns = table_columns(path)
    words = [named_column(name) for name in names]
    time = [at for at, (word, _) in enumerate(words) if word in TIMES]
    if len(time) != 1:
        raise CurrentFileError(f"one column with times is needed, such as 'time_ms'; columns: {', '.join(names[:8])}")
    others = {name: at for at, name in enumerate(names) if at != time[0]}
    if len(others) < len(names) - 1:
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise CurrentFileError(f"several columns are called {twice!r}")
    if series is None:
        there = [name for name, at in others.items() if words[at][0] in CURRENTS] or list(others)
        at = others[_the_only(there, "column")]
    elif series in others:
        at = others[series]
    else:
        raise CurrentFileError(f"no column {series!r}; {choices(series, list(others), 'columns')}")
    unit = words[at][1] or "pa"
    if unit not in PICOAMPERES:
        raise CurrentFileError(f"column {names[at]!r} is in {unit!r}; readable: {', '.join(PICOAMPERES)}")
    data = columns((time[0], at))
    factor = unit_of_times(words[time[0]][1])
    return np.asarray(data[:, 0], float) * factor, np.asarray(data[:, 1], float) * PICOAMPERES[unit]


def _of_nwb(group: h5py.Group, series: str | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One series of ``/stimulus/presentation``."""
    import numpy as np

    names = [name for name, item in group.items() if hasattr(item, "keys") and "data" in item]
    found = group[_chosen(names, series, "stimulus")]
    data = found["data"]
    unit = str(data.attrs.get("unit", "")).strip().lower()
    size = 1e12 if unit in ("amperes", "ampere") else PICOAMPERES.get(unit)
    if size is None:
        raise CurrentFileError(f"{found.name} is in {unit or 'no unit'!r}, not a current")
    values = np.asarray(data, float) * float(data.attrs.get("conversion", 1.0)) + float(data.attrs.get("offset", 0.0))
    if "timestamps" in found:
        return np.asarray(found["timestamps"], float) * 1e3, values * size
    if "starting_time" not in found or "rate" not in found["starting_time"].attrs:
        raise CurrentFileError(f"{found.name} says neither timestamps nor a rate")
    start = found["starting_time"]
    return (float(start[()]) + np.arange(len(values)) / float(start.attrs["rate"])) * 1e3, values * size


def _of_neo(path: str, series: str | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Analog signals of the first segment of a file that Neo reads; those that are no currents are not looked at."""
    import numpy as np

    segment = neo_block(path).segments[0]
    found: dict[str, tuple[Any, int]] = {}
    for number, signal in enumerate(segment.analogsignals):
        if _is_current(signal):
            for channel in range(signal.shape[1]):
                name = signal.name or f"signal {number}"
                name = name if signal.shape[1] == 1 else f"{name}[{channel}]"
                found[name] = (signal, channel)
    if not found:
        raise CurrentFileError("Neo finds no signal that is a current in it")
    signal, channel = found[_chosen(list(found), series, "signal")]
    times = np.asarray(signal.times.rescale("ms"), float)
    return times, np.asarray(signal[:, channel].rescale("pA"), float).reshape(-1)


def _is_current(signal: Any) -> bool:
    try:
        signal.units.rescale("pA")
    except ValueError:
        return False
    return True


def _chosen(names: list[str], wanted: str | None, what: str) -> str:
    if wanted is None:
        return _the_only(names, what)
    if wanted not in names:
        raise CurrentFileError(f"no {what} {wanted!r}; {choices(wanted, names, 'of the file')}")
    return wanted


def _the_only(names: list[str], what: str) -> str:
    if len(names) != 1:
        named = re.sub(r"(, [^,]*){12,}$", ", ...", ", ".join(names)) or "none"
        raise CurrentFileError(f"name a {what} (series); there are: {named}")
    return names[0]
