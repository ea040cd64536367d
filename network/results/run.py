"""Read a run folder back: plan, record, timers, spikes, reports, and a check against its manifest."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from network.results.errors import RunCorruptError, RunIncompleteError, RunMissingError
from network.results.layout import FORMAT, MANIFEST, RECORD, h5_counts, read_json, run_status, sha256
from network.results.sonata import (
    Report,
    ReportKey,
    Spikes,
    read_report,
    read_spikes,
    report_header,
    sort_spikes,
    spike_populations,
)


class Run:
    """A run on disk. Open with `Run.open`; spikes and reports are read when asked for.

    Attributes
    ----------
    path : Path
    manifest : dict
        Empty when an unfinished run was opened on purpose.
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: str | Path, *, allow_incomplete: bool = False) -> Run:
        """Open a run; checks that its files are present and of the right size (`verify`: their content).

        ``allow_incomplete`` opens whatever is there, above all a run that was stopped because activity exploded:
        its files are whole, and its `window` ends where it was stopped.

        Raises
        ------
        RunMissingError
            If there is no such folder, or it is not a run.
        RunIncompleteError
            If it was never finished, or stopped (unless ``allow_incomplete``).
        RunCorruptError
            If files are missing, truncated or grown.
        """
        path = Path(path)
        status = run_status(path)
        if status in ("missing", "empty", "foreign"):
            problem = (
                "no such folder" if status == "missing" else f"not a run folder (no {RECORD} of format {FORMAT!r})"
            )
            raise RunMissingError(f"{path}: {problem}")
        if status != "complete" and not allow_incomplete:
            why = f"status: {status}"
            if status == "exploded":
                why = f"stopped: {read_json(path / RECORD)['stopped']['reason']}"
            raise RunIncompleteError(f"{path}: the run is not complete ({why}); see record.json and log.txt")
        if status not in ("complete", "exploded"):
            return cls(path, {})
        run = cls(path, read_json(path / MANIFEST))
        run._raise(run._size_problems())
        return run

    def verify(self) -> None:
        """Compare every file with the manifest; `RunCorruptError` lists all differences."""
        if not self.manifest:
            raise RunIncompleteError(f"{self.path}: no manifest to compare with")
        problems = self._size_problems()
        damaged = {problem.split(":")[0] for problem in problems}
        for name, entry in self.manifest["files"].items():
            file = self.path / name
            if name in damaged:
                continue
            if sha256(file) != entry["sha256"]:
                problems.append(f"{name}: content differs from its sha256")
            elif "counts" in entry and h5_counts(file) != entry["counts"]:
                problems.append(f"{name}: counts {h5_counts(file)}, manifest {entry['counts']}")
        self._raise(problems)

    def _size_problems(self) -> list[str]:
        problems = []
        for name, entry in self.manifest.get("files", {}).items():
            file = self.path / name
            if not file.is_file():
                problems.append(f"{name}: missing")
            elif file.stat().st_size != entry["bytes"]:
                problems.append(f"{name}: {file.stat().st_size} bytes, manifest says {entry['bytes']}")
        return problems

    def _raise(self, problems: list[str]) -> None:
        if problems:
            raise RunCorruptError(f"{self.path} does not match its manifest:\n  " + "\n  ".join(problems))

    @cached_property
    def plan(self) -> dict[str, Any]:
        """``plan.json``."""
        return read_json(self.path / "plan.json")

    @cached_property
    def record(self) -> dict[str, Any]:
        """``record.json``: provenance and status."""
        return read_json(self.path / RECORD)

    @cached_property
    def timers(self) -> dict[str, Any]:
        """``timers.json``: seconds per phase."""
        return read_json(self.path / "timers.json")

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return str(self.plan.get("name", self.path.name))

    @property
    def window(self) -> tuple[float, float]:
        """Recording of spikes after the warm-up, ``(t_start, t_stop)`` in ms; of a stopped run what there is.

        If spikes were recorded in the warm-up only, that.
        """
        if (stopped := self.record.get("stopped")) is not None:
            return float(stopped["recorded"][0]), float(stopped["recorded"][1])
        start = float(self.plan["t_presim"])
        stop = start + float(self.plan["t_sim"])
        first, last = float(self.plan.get("spike_start", start)), float(self.plan.get("spike_stop", stop))
        return (max(start, first), min(stop, last)) if last > start else (first, last)

    @property
    def populations(self) -> dict[str, int]:
        """Size of each population, in the order of the plan."""
        return {p["name"]: int(p["n_neurons"]) for p in self.plan["populations"]}

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Members of each group."""
        return {name: tuple(members) for name, members in self.plan.get("groups", {}).items()}

    @property
    def figures_dir(self) -> Path:
        """Where figures of this run go; may not exist yet."""
        return self.path / "figures"

    @cached_property
    def recorded(self) -> tuple[str, ...]:
        """Populations whose spikes were recorded, in the order of the plan."""
        if not (self.path / "spikes.h5").is_file():
            return ()
        present = set(spike_populations(self.path / "spikes.h5"))
        return tuple(name for name in self.populations if name in present)

    def spikes(self, name: str) -> Spikes:
        """Spikes of a population or of a group, everything recorded (`Spikes.between` cuts to a window).

        In a group the ids of its members follow each other in the order of the members.
        """
        sizes = self.populations
        members = (name,) if name in sizes else self.groups.get(name)
        if members is None or any(member not in self.recorded for member in members):
            choices = [*self.recorded, *(g for g, m in self.groups.items() if set(m) <= set(self.recorded))]
            raise RunMissingError(f"{self.path}: no spikes of {name!r}; there are: {', '.join(choices) or 'none'}")
        parts = [read_spikes(self.path / "spikes.h5", member) for member in members]
        if len(parts) == 1:
            return Spikes(*parts[0], sizes[members[0]])
        first = np.cumsum([0, *(sizes[member] for member in members)])
        times = np.concatenate([times for times, _ in parts])
        ids = np.concatenate([ids + np.uint64(shift) for (_, ids), shift in zip(parts, first[:-1], strict=True)])
        return Spikes(*sort_spikes(times, ids), int(first[-1]))

    @cached_property
    def _report_files(self) -> dict[ReportKey, Path]:
        return {report_header(file): file for file in sorted(self.path.glob("report_*.h5"))}

    @property
    def reports(self) -> tuple[tuple[str, str], ...]:
        """Population and variable of what was recorded besides spikes, each pair once; see `traces`."""
        return tuple(dict.fromkeys((key.population, key.variable) for key in self._report_files))

    @property
    def traces(self) -> tuple[ReportKey, ...]:
        """Population, variable and name of the trace of every report: several traces may have a pair in common."""
        return tuple(self._report_files)

    def report(self, population: str, variable: str, trace: str | None = None) -> Report:
        """Read a recorded variable of chosen cells of a population.

        Raises
        ------
        RunMissingError
            If it was not recorded, or by several traces and none of them is named.
        """
        found = [key for key in self._report_files if key[:2] == (population, variable)]
        chosen = [key for key in found if trace in (None, key.trace)]
        if not chosen:
            what = f"{population}.{variable}" + (f" by a trace {trace!r}" if trace is not None else "")
            choices = ", ".join(f"{key.population}.{key.variable}" for key in found or self._report_files) or "none"
            if found:
                choices = ", ".join(key.trace for key in found)
            raise RunMissingError(f"{self.path}: no report of {what}; {'traces' if found else 'reports'}: {choices}")
        if len(chosen) > 1:
            names = ", ".join(key.trace for key in chosen)
            raise RunMissingError(
                f"{self.path}: {population}.{variable} was recorded by several traces; name one of them: {names}"
            )
        return read_report(self._report_files[chosen[0]])
