"""Whether a run repeated from its folder gives the same spikes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..runs import Run as Reader


@dataclass(frozen=True)
class Repeated:
    """A run and its repetition; true if all their spikes are the same.

    Attributes
    ----------
    path : Path
        Folder of the repetition.
    spikes : dict
        Per population the number of spikes before and now.
    different : tuple of str
        Populations whose spikes are not the same, to the last digit of every time.
    notes : tuple of str
        What else is not as it was: code, versions, processor.
    """

    path: Path
    spikes: dict[str, tuple[int, int]]
    different: tuple[str, ...]
    notes: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.different

    def __repr__(self) -> str:
        total = sum(before for before, _ in self.spikes.values())
        lines = [f"note: {note}" for note in self.notes]
        for name in self.different:
            before, now = self.spikes[name]
            lines.append(f"{name}: {before:,} spikes before, {now:,} now; not the same")
        if self.different:
            return "\n".join([*lines, f"DIFFERENT: spikes of {len(self.different)} of {len(self.spikes)} populations"])
        return "\n".join([*lines, f"IDENTICAL: all {total:,} spikes of {len(self.spikes)} populations"])


def compared(before: Reader, now: Reader) -> Repeated:
    """Compare all recorded spikes of two runs."""
    spikes, different = {}, []
    for name in dict.fromkeys((*before.recorded, *now.recorded)):
        both = [run.spikes(name) if name in run.recorded else None for run in (before, now)]
        spikes[name] = tuple(0 if one is None else len(one.times) for one in both)
        first, second = both
        if (
            first is None
            or second is None
            or not (np.array_equal(first.times, second.times) and np.array_equal(first.node_ids, second.node_ids))
        ):
            different.append(name)
    return Repeated(now.path, spikes, tuple(different), tuple(_notes(before, now)))  # type: ignore[arg-type]


def _notes(before: Reader, now: Reader) -> list[str]:
    first, second = before.record, now.record
    notes = []
    if first.get("code") != second.get("code"):
        notes.append("another version of the engine or of the code generator")
    for name, version in first.get("versions", {}).items():
        if (there := second.get("versions", {}).get(name)) != version:
            notes.append(f"{name} {there}, was {version}")
    if (cpu := second.get("machine", {}).get("cpu")) != first.get("machine", {}).get("cpu"):
        notes.append(f"processor {cpu}, was {first.get('machine', {}).get('cpu')}")
    return notes
