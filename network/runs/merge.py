"""Merge the part files of several ranks into one SONATA file.

The result depends only on what was recorded, not on how many parts there were or in which order they are
given: spikes are sorted by time and then by neuron, report columns by neuron, and the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import RunError
from .h5 import PartialFile, open_h5
from .sonata import SORTING, NodeIds, ReportWriter, Times, create_spike_group, read_spikes, sort_spikes

_BLOCK = 4_000_000  # spikes read at a time from each part


def merge_spikes(
    parts: Sequence[str | Path],
    path: str | Path,
    *,
    expected: Mapping[str, int] | None = None,
    remove_parts: bool = False,
    block: int = _BLOCK,
) -> dict[str, int]:
    """Merge spike files of ranks; returns the number of spikes per population.

    Parameters
    ----------
    parts : sequence of path
        Part files; a population may be missing in some of them.
    path : path
        File to make; must not exist.
    expected : mapping, optional
        Spikes per population that the simulator counted; any difference is an error.
    remove_parts : bool
        Remove the parts once the merged file is complete and its counts agree.
    block : int
        Spikes held in memory per part; parts that are not sorted by time are read whole.

    Raises
    ------
    RunError
        If counts differ from ``expected`` or between what was read and written. Nothing is removed then.
    """
    if not parts:
        raise ValueError("merge_spikes needs at least one part")
    files = [open_h5(part) for part in parts]
    out = PartialFile(path)
    try:
        out.opened().create_group("spikes")
        counts: dict[str, int] = {}
        for name in sorted({name for file in files for name in file.get("spikes", {})}):
            groups = [file[f"spikes/{name}"] for file in files if name in file["spikes"]]
            counts[name] = sum(len(group["timestamps"]) for group in groups)
            sizes = {int(group.attrs["n_neurons"]) for group in groups if "n_neurons" in group.attrs}
            if len(sizes) > 1:
                raise RunError(f"{path}: parts disagree on the size of {name}: {sorted(sizes)}")
            target = create_spike_group(out.opened(), name, sizes.pop() if sizes else None, counts[name])
            written = 0
            for times, ids in _in_order(groups, block):
                with out.writing():
                    target["timestamps"][written : written + len(times)] = times
                    target["node_ids"][written : written + len(times)] = ids
                written += len(times)
            if written != counts[name]:
                raise RunError(f"{path}: {counts[name]} spikes of {name} read but {written} written")
            target.attrs.modify("sorting", np.array(SORTING["by_time"], dtype="u1"))
        if expected is not None and dict(expected) != counts:
            wrong = [
                f"{name}: {expected.get(name, 0)} expected, {counts.get(name, 0)} in the parts"
                for name in sorted({*expected, *counts})
                if expected.get(name, 0) != counts.get(name, 0)
            ]
            if wrong:
                raise RunError(f"{path}: spike counts disagree; " + "; ".join(wrong))
        out.finish()
    finally:
        out.abandon()
        for file in files:
            file.close()
    _remove(parts if remove_parts else ())
    return counts


def _in_order(groups: list[h5py.Group], block: int) -> Iterator[tuple[Times, NodeIds]]:
    """Spikes of all groups in slabs of time, sorted by time and neuron over slab borders too."""
    sources = [_source(group) for group in groups]
    position = [0] * len(sources)
    while True:
        heads = [times[start : start + block] for (times, _), start in zip(sources, position, strict=True)]
        if not any(len(head) for head in heads):
            return
        # a part with more to come may continue at its last time read, so that time has to wait
        open_ends = [
            head[-1]
            for head, (times, _), start in zip(heads, sources, position, strict=True)
            if start + len(head) < len(times)
        ]
        limit = min(open_ends, default=np.inf)
        taken = [int(np.searchsorted(head, limit, side="left")) for head in heads]
        if not any(taken):
            block *= 2  # everything read is simultaneous
            continue
        ids = [ids[start : start + n] for (_, ids), start, n in zip(sources, position, taken, strict=True)]
        yield sort_spikes(np.concatenate([h[:n] for h, n in zip(heads, taken, strict=True)]), np.concatenate(ids))
        position = [start + n for start, n in zip(position, taken, strict=True)]


def _source(group: h5py.Group) -> tuple[Any, Any]:
    """Return times and ids in order of time: on disk, or in memory where they had to be sorted."""
    if int(group.attrs.get("sorting", 0)) == SORTING["by_time"]:
        return group["timestamps"], group["node_ids"]
    return read_spikes(group.file.filename, group.name.rsplit("/", 1)[1])


def merge_reports(parts: Sequence[str | Path], path: str | Path, *, remove_parts: bool = False) -> tuple[int, int]:
    """Merge reports of the same population, variable and times but different neurons.

    Returns
    -------
    n_frames, n_elements : int

    Raises
    ------
    RunError
        If the parts disagree about population, variable, unit or times, or share a neuron.
    """
    if not parts:
        raise ValueError("merge_reports needs at least one part")
    files = [open_h5(part) for part in parts]
    try:
        heads = [_report_head(file) for file in files]
        for part, head in zip(parts, heads, strict=True):
            if head != heads[0]:
                raise RunError(f"{part}: {head} differs from {heads[0]} in {parts[0]}")
        (population, variable, trace), units, n_frames, (start, _, interval) = heads[0]
        groups = [file[f"report/{population}"] for file in files]
        ids = np.concatenate([group["mapping/node_ids"][()] for group in groups])
        if len(np.unique(ids)) != len(ids):
            raise RunError(f"{path}: the parts of {population}.{variable} share neurons")
        rows = max(1, _BLOCK // len(ids))
        with ReportWriter(
            path, population, variable, ids, units=units, start=start, interval=interval, trace=trace
        ) as writer:
            for first in range(0, n_frames, rows):
                writer.append(np.concatenate([group["data"][first : first + rows] for group in groups], axis=1))
    finally:
        for file in files:
            file.close()
    _remove(parts if remove_parts else ())
    return n_frames, len(ids)


def _report_head(file: h5py.File) -> tuple[tuple[str, str, str], str, int, tuple[float, ...]]:
    """Return population, variable and trace, then unit, number of frames and time axis."""
    (population,) = file["report"]
    data = file[f"report/{population}/data"]
    time = tuple(float(value) for value in file[f"report/{population}/mapping/time"][()])
    what = (population, str(data.attrs["variable"]), str(data.attrs.get("trace", "")))
    return what, str(data.attrs["units"]), len(data), time


def _remove(parts: Sequence[str | Path]) -> None:
    for part in parts:
        Path(part).unlink()
