"""Read a run folder back: plan, record, timers, spikes, reports, and a check against its manifest."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RunCorruptError, RunIncompleteError, RunMissingError
from ..sealing import damage
from .layout import FORMAT, MANIFEST, PROGRESS, RECORD, listed_files, read_json, read_manifest, record_of, run_status
from .nodes import NODES, Positions, read_positions
from .sonata import Report, ReportKey, Spikes, read_report, read_spikes, report_header, sort_spikes, spike_populations
from .weights import WEIGHTS, Weights, read_weights

logger = logging.getLogger(__name__)

EAGER = 64 * 2**20
"""Bytes of a file up to which its content is compared when a run is opened; about 0.1 s."""


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
        self._damage: dict[str, str] = {}
        self._unread: set[str] = set()

    @classmethod
    def open(cls, path: str | Path, *, allow_incomplete: bool = False) -> Run:
        """Open a run and compare its files with its manifest: sizes, and the content of all but very large files.

        Those (`EAGER`) are compared when they are read first, which costs as much.

        ``allow_incomplete`` opens whatever is there: above all a run that was stopped because activity exploded, whose
        files are whole and whose `window` ends where it was stopped; and of a damaged run what is not damaged.

        Raises
        ------
        RunMissingError
            If there is no such folder, or it is not a run.
        RunIncompleteError
            If it was never finished, or stopped (unless ``allow_incomplete``).
        RunCorruptError
            If files are missing, truncated or changed (with ``allow_incomplete``: when such a file is to be read).
        """
        path = Path(path)
        status = run_status(path)
        if status in ("missing", "empty", "foreign"):
            raise RunMissingError(f"{path}: {_no_run(path, status)}")
        run = cls(path, {})
        if status in ("complete", "exploded", "damaged"):
            run.manifest = read_manifest(path)
            run._compare(EAGER)
        if run._damage and not allow_incomplete:
            raise run._corrupt()
        if status not in ("complete", "damaged") and not allow_incomplete:
            raise RunIncompleteError(
                f"{path}: the run is not complete ({run._unfinished(status)}); see {RECORD} and log.txt"
            )
        if run._damage:
            logger.warning("%s", run._corrupt())
        return run

    def verify(self) -> None:
        """Compare every file with the manifest, however large; `RunCorruptError` lists all differences."""
        if not self.manifest:
            raise RunIncompleteError(f"{self.path}: no manifest to compare with")
        self._compare(None)
        if self._damage:
            raise self._corrupt()

    def _compare(self, limit: int | None) -> None:
        """Compare sizes of all files, and the content of those up to a number of bytes."""
        self._damage, self._unread = {}, set()
        for name, entry in self.manifest["files"].items():
            large = limit is not None and entry["bytes"] > limit
            problem = damage(self.path / name, size=entry["bytes"], digest=None if large else entry["sha256"])
            if problem is not None:
                self._damage[name] = problem
            elif large:
                self._unread.add(name)
        for file in listed_files(self.path):
            name = file.relative_to(self.path).as_posix()
            if name not in self.manifest["files"] and file.suffix not in (".partial", ".tmp"):
                self._damage[name] = "not in the manifest"

    def checked(self, name: str) -> Path:
        """File of the run that is about to be read; `RunCorruptError` if it is damaged."""
        file = self.path / name
        if name in self._unread:
            entry = self.manifest["files"][name]
            self._unread.remove(name)
            if problem := damage(file, size=entry["bytes"], digest=entry["sha256"]):
                self._damage[name] = problem
        if name in self._damage:
            raise RunCorruptError(f"{file}: {self._damage[name]}; it is not what the run has written")
        return file

    def _corrupt(self) -> RunCorruptError:
        listed = "\n  ".join(f"{name}: {problem}" for name, problem in sorted(self._damage.items()))
        return RunCorruptError(
            f"{self.path} does not match its manifest:\n  {listed}\nCopy it from a backup, or run it again (bgnest run "
            f"with --out {self.path} --overwrite)"
        )

    def _unfinished(self, status: str) -> str:
        """Why the run is no complete one."""
        record = record_of(self.path) or {}
        if status == "exploded":
            return f"stopped: {record.get('stopped', {}).get('reason')}"
        if record.get("status") == "complete" and status == "interrupted":
            return f"record.json says so, but {MANIFEST} is missing"
        if status == "queued":
            return "its job is queued and has not started yet"
        return f"status: {status}"

    @cached_property
    def plan(self) -> dict[str, Any]:
        """``plan.json``."""
        return read_json(self.checked("plan.json"))

    @cached_property
    def record(self) -> dict[str, Any]:
        """``record.json``: provenance and status."""
        return read_json(self.checked(RECORD))

    @cached_property
    def timers(self) -> dict[str, Any]:
        """``timers.json``: seconds per phase."""
        return read_json(self.checked("timers.json"))

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
        file = self.checked("spikes.h5")
        present = set(spike_populations(file)) if file.is_file() else set()
        return tuple(name for name in self.populations if name in present)

    def positions(self, population: str) -> Positions:
        """Coordinates of the cells of a population in um, one row per cell, see `network.runs.nodes`."""
        return read_positions(self.checked(NODES) if (self.path / NODES).exists() else self.path / NODES, population)

    @property
    def recorded_weights(self) -> tuple[str, ...]:
        """Names of the recordings of weights."""
        return tuple(recorded["name"] for recorded in self.plan.get("weights", ()))

    def weights(self, name: str | None = None) -> Weights:
        """Weights of synapses over time, of a recording by name, or the only one."""
        return read_weights(self.checked(WEIGHTS) if (self.path / WEIGHTS).exists() else self.path / WEIGHTS, name)

    def spikes(self, name: str) -> Spikes:
        """Spikes of a population or of a group, everything recorded (`Spikes.between` cuts to a window).

        In a group the ids of its members follow each other in the order of the members.
        """
        sizes = self.populations
        members = (name,) if name in sizes else self.groups.get(name)
        if members is None or any(member not in self.recorded for member in members):
            choices = [*self.recorded, *(g for g, m in self.groups.items() if set(m) <= set(self.recorded))]
            raise RunMissingError(f"{self.path}: no spikes of {name!r}; there are: {', '.join(choices) or 'none'}")
        parts = [read_spikes(self.checked("spikes.h5"), member) for member in members]
        if len(parts) == 1:
            return Spikes(*parts[0], sizes[members[0]])
        first = np.cumsum([0, *(sizes[member] for member in members)])
        times = np.concatenate([times for times, _ in parts])
        ids = np.concatenate([ids + np.uint64(shift) for (_, ids), shift in zip(parts, first[:-1], strict=True)])
        return Spikes(*sort_spikes(times, ids), int(first[-1]))

    @cached_property
    def _report_files(self) -> dict[ReportKey, Path]:
        files = [file for file in sorted(self.path.glob("report_*.h5")) if file.name not in self._damage]
        return {report_header(file): file for file in files}

    @property
    def reports(self) -> tuple[tuple[str, str], ...]:
        """Population and variable of what was recorded besides spikes, each pair once; see `traces`."""
        return tuple(dict.fromkeys((key.population, key.variable) for key in self.traces))

    @property
    def traces(self) -> tuple[ReportKey, ...]:
        """Population, variable and name of the trace of every report: several traces may have a pair in common."""
        return tuple(key for key in self._report_files if key.trace not in self.fields)

    @cached_property
    def fields(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Currents of synapses summed over a population: its name and those of the currents, by name of the field."""
        summed = [recorder for recorder in self.plan.get("recorders", ()) if recorder.get("sums")]
        return {recorder["name"]: (recorder["population"], tuple(recorder["sums"])) for recorder in summed}

    def report_file(self, key: ReportKey) -> Path:
        """File of a report."""
        return self._report_files[key]

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
        return read_report(self.checked(self._report_files[chosen[0]].name))


def _no_run(path: Path, status: str) -> str:
    """Say why a folder holds no run that could be read."""
    if status == "missing":
        return "no such folder"
    unreadable = f"; {RECORD} is there, but cannot be read" if (path / RECORD).is_file() else ""
    return f"not a run folder (no {RECORD} of format {FORMAT!r}{unreadable})"


def progress_of(run: Path) -> str:
    """Phase and share of it that a run has written down; empty if it has not."""
    try:
        state = json.loads((run / PROGRESS).read_text(encoding="utf-8"))
        part = f" {100 * state['done'] / state['total']:.0f} %" if state["total"] else ""
        return f"{state['phase']}{part}"
    except (OSError, ValueError, KeyError):
        return ""
