"""Make, fill and seal the folder of one run.

Every file appears under its final name only when it is whole. Nothing that is not a run of ours is touched,
and a complete run is replaced only when that is asked for.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import RunBusyError, RunError, RunExistsError
from ..sealing import sealed
from .claim import LOCK, PATIENCE, Claim, Holder, this_process
from .layout import (
    FORMAT,
    FORMAT_VERSION,
    JOB_ID,
    MANIFEST,
    MANIFEST_FORMAT,
    OUR_FIGURES,
    OUR_FILES,
    RECORD,
    SUBMITTED,
    listed_files,
    manifest_entry,
    process_of,
    record_of,
    report_filename,
    run_status,
    to_json,
    write_atomic,
)
from .nodes import NODES, write_positions
from .reader import Run
from .record import now, peak_memory_bytes
from .sonata import ReportWriter, SpikeWriter

logger = logging.getLogger(__name__)


class RunFolder:
    """Folder of a run in the making. Use `create`; leaving the ``with`` block by an error marks it failed.

    Examples
    --------
    >>> with RunFolder.create(tmp / "run") as folder:
    ...     folder.write_plan(plan)
    ...     with folder.spike_writer(["A"]) as spikes:
    ...         spikes.append("A", [1001.5], [3])
    ...     run = folder.finish()
    >>> run.spikes("A").times
    array([1001.5])
    """

    def __init__(self, path: Path, record: dict[str, Any], claim: Claim | None = None) -> None:
        self.path = path
        self._record = record
        self._claim = claim
        self._plan: dict[str, Any] | None = None
        self._finished = False

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        overwrite: bool = False,
        take_over: bool = False,
        record: Mapping[str, Any] | None = None,
    ) -> RunFolder:
        """Make the folder, or take over an old one. It is this process's alone until the run is sealed or has failed.

        A missing or empty folder is used. A failed, exploded or interrupted run of ours is replaced, with
        a warning in the log. A complete run is replaced only with ``overwrite``. Files that are not ours stay where
        they are.

        Parameters
        ----------
        path : path
        overwrite : bool
            Replace a complete run, or a damaged one.
        take_over : bool
            Replace a run of another machine, too, that has given a sign of life lately.
        record : mapping, optional
            First content of ``record.json``, see `network.runs.record.collect_record`.

        Raises
        ------
        RunBusyError
            If a run is going on in the folder.
        RunExistsError
            If the folder holds a complete run (without ``overwrite``), or anything else.
        """
        path = Path(path)
        before = process_of(record_of(path) or {})
        refuse(path, overwrite=overwrite, take_over=take_over)
        path.mkdir(parents=True, exist_ok=True)
        claim = Claim.take(path)
        if claim is None:
            raise RunBusyError(holder(path).explain(path))
        try:
            status = refuse(path, overwrite=overwrite, claimed=True)  # another process may have been quicker
            if status == "interrupted" and process_of(record_of(path) or {}) != before:
                raise RunBusyError(f"{path}: another machine has begun a run in this folder just now")
            if status not in ("missing", "empty", "queued"):
                logger.warning("%s: replacing a run that is %s", path, status)
            if status not in ("missing", "empty"):
                _clear(path, figures=status in ("complete", "exploded", "damaged"))
            folder = cls(path, {"format": FORMAT, "format_version": FORMAT_VERSION, **(record or {})}, claim)
            folder.update_record(status="running", created=now(), process=this_process())
        except BaseException:
            claim.release()
            raise
        return folder

    @property
    def log_path(self) -> Path:
        """Where the log goes; may grow after the run is sealed."""
        return self.path / "log.txt"

    @property
    def figures_dir(self) -> Path:
        """Where figures go; not part of the manifest, they can be made again."""
        return self.path / "figures"

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file of this name, whole or not at all."""
        self._open(name)
        write_atomic(self.path / name, text)
        return self.path / name

    def write_json(self, name: str, value: object) -> Path:
        """Write a value as JSON; NumPy numbers and arrays are converted, NaN and infinity refused."""
        return self.write_text(name, to_json(value))

    def write_params(self, text: str, sources: str = "") -> Path:
        """Write the resolved parameters, ``params.yaml``, and what their sources are, ``sources.yaml``."""
        if sources:
            self.write_text("sources.yaml", sources)
        return self.write_text("params.yaml", text)

    def write_origin(self, origin: Mapping[str, Any]) -> Path:
        """Write where each value came from, ``origin.json``."""
        return self.write_json("origin.json", origin)

    def write_timers(self, timers: Mapping[str, Any]) -> Path:
        """Write the seconds per phase, ``timers.json``."""
        return self.write_json("timers.json", timers)

    def write_plan(self, plan: Mapping[str, Any]) -> Path:
        """Write the plan as plain data, ``plan.json``, and from it ``nodes.json`` (size, first id, model)."""
        self._plan = dict(plan)
        keys = ("model", "n_neurons", "first_id")
        self.write_json("nodes.json", {p["name"]: {key: p[key] for key in keys} for p in plan["populations"]})
        return self.write_json("plan.json", plan)

    def write_positions(self, positions: Mapping[str, NDArray[np.float64]]) -> None:
        """Write where cells are, ``nodes.h5``; nothing if no population has positions."""
        if positions:
            self._open(NODES)
            write_positions(self.path / NODES, positions)

    def update_record(self, **fields: Any) -> None:
        """Add or replace fields of ``record.json``."""
        self._open(RECORD)
        self._record.update(fields)
        write_atomic(self.path / RECORD, to_json(self._record))

    def spike_writer(self, populations: Sequence[str], *, part: str | None = None, **options: Any) -> SpikeWriter:
        """Writer of ``spikes.h5``, or of ``spikes.<part>.h5`` for one of several ranks. Needs the plan."""
        name = "spikes.h5" if part is None else f"spikes.{part}.h5"
        self._open(name)
        sizes = self._sizes()
        unknown = [population for population in populations if population not in sizes]
        if unknown:
            raise ValueError(f"{self.path}: no population {unknown[0]!r} in the plan; populations: {', '.join(sizes)}")
        return SpikeWriter(self.path / name, {population: sizes[population] for population in populations}, **options)

    def report_writer(
        self,
        population: str,
        variable: str,
        node_ids: Sequence[int] | NDArray[np.integer],
        *,
        units: str,
        start: float,
        interval: float,
        trace: str = "",
        file: str | None = None,
        part: str | None = None,
    ) -> ReportWriter:
        """Writer of ``report_<population>_<variable>.h5`` or ``file`` (or the part of one rank), see `ReportWriter`."""
        name = file or report_filename(population, variable)
        name = name if part is None else f"{name[:-3]}.{part}.h5"
        self._open(name)
        return ReportWriter(
            self.path / name, population, variable, node_ids, units=units, start=start, interval=interval, trace=trace
        )

    def fail(self, reason: str) -> None:
        """Mark the run as failed; what was written stays for inspection."""
        self.update_record(status="failed", error=reason, finished=now())
        self._let_go()

    def queue(self) -> None:
        """Mark the run as one whose job waits to be started; the job begins it."""
        self.update_record(status="queued", queued=now())
        self._let_go()

    def finish(self, *, status: str = "complete", **fields: Any) -> Run:
        """Seal the run: final record, then the manifest. Returns the reader.

        The status may also be ``exploded``: whole files of a run that was stopped before its end.

        Raises
        ------
        RunError
            If a writer is still open or parts of ranks have not been merged.
        """
        self._open(MANIFEST)
        left = sorted(
            p.name for pattern in ("*.partial", "spikes.*.h5", "report_*.*.h5") for p in self.path.glob(pattern)
        )
        if left:
            raise RunError(f"{self.path}: unfinished or unmerged files: {', '.join(left)}")
        self.update_record(**{"peak_memory_bytes": peak_memory_bytes(), **fields}, status=status, finished=now())
        files = {str(p.relative_to(self.path).as_posix()): manifest_entry(p) for p in listed_files(self.path)}
        write_atomic(
            self.path / MANIFEST, to_json(sealed({"format": MANIFEST_FORMAT, "format_version": 2, "files": files}))
        )
        self._finished = True
        self._let_go()
        return Run.open(self.path, allow_incomplete=status != "complete")

    def _open(self, name: str) -> None:
        if self._finished:
            raise RunError(f"{self.path / name}: the run is sealed")
        if self._claim is not None and self._claim.lost:
            raise RunError(f"{self.path}: the folder was removed, or taken over by another run, while this one went on")

    def _let_go(self) -> None:
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _sizes(self) -> dict[str, int]:
        if self._plan is None:
            raise RunError(f"{self.path}: write the plan before opening a spike writer")
        return {p["name"]: int(p["n_neurons"]) for p in self._plan["populations"]}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not self._finished:
            interrupted = isinstance(error, KeyboardInterrupt)
            ended = isinstance(error, SystemExit)  # by a signal, see `network.cluster.job.Terminated`
            try:
                self.fail("interrupted" if interrupted else str(error) if ended else f"{type(error).__name__}: {error}")
                if interrupted or ended:
                    error.add_note(f"the run in {self.path} is marked incomplete")
            except (OSError, RunError) as problem:  # a full disk, for instance; the error itself must get through
                logger.warning("%s: cannot be marked as failed: %s", self.path, problem)
        self._let_go()


def holder(path: Path) -> Holder:
    """Process that a run in a folder belongs to, and whether it lives."""
    return Holder.of(path, process_of(record_of(path) or {}))


def _wait_for_the_killed(path: Path) -> None:
    """Wait a moment for a run that goes on: the kernel needs some time to take its lock from a process just killed."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and run_status(path) == "running" and holder(path).certain:
        time.sleep(0.05)


def refuse(path: Path, *, overwrite: bool, take_over: bool = False, claimed: bool = False) -> str:
    """Status of a folder that a new run may have; `RunExistsError` if it may not."""
    if not claimed:
        _wait_for_the_killed(path)
    status = run_status(path, claimed=claimed)
    if status == "foreign":
        raise RunExistsError(
            f"{path}: exists and is not a run folder (no {RECORD} of format {FORMAT!r}); choose another"
        )
    if status in ("complete", "damaged") and not overwrite:
        raise RunExistsError(f"{path}: holds a {status} run; choose another folder, or --overwrite it")
    if status == "running":
        found = holder(path)
        if found.alive and (found.certain or not take_over):
            raise RunBusyError(found.explain(path))
    return status


def _clear(path: Path, *, figures: bool) -> None:
    """Remove the files of an old run and nothing else; ``record.json``, the mark, stays until replaced."""
    patterns = (*OUR_FILES, *(OUR_FIGURES if figures else ()))
    ours = {file for pattern in patterns for file in path.glob(pattern)}
    try:
        listed = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        listed = {}
    ours |= {path / name for name in listed if (path / name).resolve().is_relative_to(path.resolve())}
    (path / MANIFEST).unlink(missing_ok=True)  # first: from here on the folder is not complete
    for file in ours - {path / RECORD}:
        if file.is_file():
            file.unlink()
    expected = {*(path / name for name in (RECORD, LOCK, JOB_ID, *SUBMITTED)), *path.glob("log/slurm-*.out")}
    kept = sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file() and p not in expected)
    if kept:
        logger.warning("%s: left alone, not part of the old run: %s", path, ", ".join(kept))
