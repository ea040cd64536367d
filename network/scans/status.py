"""How far every point of a scan is, from what its run folder says; works while the scan runs and without NEST."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..plans.identity import short
from ..plans.summary import table
from ..runs.code import code_digest
from ..runs.layout import RECORD, read_json, run_status
from ..runs.reader import progress_of
from .planning import PlannedPoint

DONE, RUNNING, FAILED, EXPLODED = "done", "running", "failed", "exploded"
INTERRUPTED, STALE, MISSING, QUEUED = "interrupted", "stale", "missing", "queued"
STATES = (DONE, RUNNING, QUEUED, FAILED, EXPLODED, INTERRUPTED, STALE, MISSING)


@dataclass(frozen=True)
class PointStatus:
    """State of one point.

    Attributes
    ----------
    state : str
        ``done``; ``running``; ``queued`` (its job has not started); ``failed``;
        ``exploded`` (stopped because activity ran away); ``interrupted`` (ended
        from outside, or by Ctrl-C); ``stale`` (complete, but of other code or parameters); ``missing``.
    reason : str
        First line of why it is not done, or how far a running one is.
    seconds : float or None
        Wall time of a complete run.
    """

    point: PlannedPoint
    state: str
    reason: str
    run: Path
    log: Path
    seconds: float | None = None

    @property
    def label(self) -> str:
        """Name of the point's folders."""
        return self.point.label


@dataclass(frozen=True)
class Code:
    """What made a run, as far as it decides the result: digest of the package, version of NEST."""

    digest: str
    nest: str | None

    @classmethod
    def here(cls) -> Code:
        """Code of this installation; NEST may be elsewhere, on a cluster."""
        try:
            return cls(code_digest(), metadata.version("nest-simulator"))
        except metadata.PackageNotFoundError:
            return cls(code_digest(), None)

    @classmethod
    def of(cls, record: dict[str, Any]) -> Code:
        """Code that a run was made by."""
        return cls(record.get("code") or "unknown", record.get("versions", {}).get("nest"))

    def equals(self, other: Code) -> bool:
        """Whether results may stand in one table."""
        return self.digest == other.digest and (None in (self.nest, other.nest) or self.nest == other.nest)

    def __str__(self) -> str:
        return f"code {short(self.digest)}" + (f", NEST {self.nest}" if self.nest else "")


def scan_status(folder: Path, points: Sequence[PlannedPoint], *, code: Code | None = None) -> list[PointStatus]:
    """State of every point.

    Parameters
    ----------
    folder : Path
        Folder of the scan.
    points : sequence of PlannedPoint
    code : Code, optional
        Complete runs of other code are stale. By default this installation's; if no run is of this code, that of
        the newest run: results that belong together can be read after an update.
    """
    records = {point.label: _record(folder / "runs" / point.label) for point in points}
    reference = code or _common_code([r for s, r in records.values() if s == "complete" and r is not None])
    return [_point_status(folder, point, *records[point.label], reference) for point in points]


def _common_code(records: list[dict[str, Any]]) -> Code:
    here = Code.here()
    found = [Code.of(record) for record in sorted(records, key=lambda r: str(r.get("finished")))]
    return here if not found or any(code.equals(here) for code in found) else found[-1]


def _record(run: Path) -> tuple[str, dict[str, Any] | None]:
    status = run_status(run)
    if status in ("missing", "empty", "foreign", "damaged"):
        return status, None
    try:
        return status, read_json(run / RECORD)
    except RunError:
        return "foreign", None


def _point_status(
    folder: Path, point: PlannedPoint, status: str, record: dict[str, Any] | None, code: Code
) -> PointStatus:
    run, log = folder / "runs" / point.label, folder / "log" / f"{point.label}.log"
    log = log if log.is_file() else run / "log.txt"  # points that share a build have no log of their own

    def found(state: str, reason: str = "", seconds: float | None = None) -> PointStatus:
        return PointStatus(point, state, reason, run, log, seconds)

    if status in ("missing", "empty"):
        # a run that was refused before it made its folder leaves its reason in the log only
        reason = last_line(log)
        refused = reason.startswith("bgnest:") and not reason.startswith("bgnest: interrupted")
        return found(FAILED, reason) if refused else found(MISSING)
    if status == "damaged":
        return found(FAILED, f"damaged: {RECORD} is missing or cannot be read")
    if record is None:
        return found(FAILED, f"{run} is not a run folder; move it away")
    if status == "complete":
        return _complete(found, point, record, code)
    if status == "running":
        return found(RUNNING, progress_of(run))
    if status == "queued":
        return found(QUEUED)
    if status == "exploded":
        return found(EXPLODED, str(record.get("stopped", {}).get("reason", "")))
    error = str(record.get("error") or "").partition("\n")[0]
    if status == "interrupted":
        return found(INTERRUPTED, f"ended without a word (killed, out of memory?) {progress_of(run)}".strip())
    if error == "interrupted":
        return found(INTERRUPTED, "Ctrl-C")
    return found(FAILED, error or "no reason given")


def _complete(found: Any, point: PlannedPoint, record: dict[str, Any], code: Code) -> PointStatus:
    if record.get("simulation_hash") != point.simulation_hash:
        other = short(str(record.get("simulation_hash")))
        return found(STALE, f"holds another simulation ({other}, not {short(point.simulation_hash)})")
    made_by = Code.of(record)
    if not made_by.equals(code):
        return found(STALE, f"made by {made_by}; not {code}")
    return found(DONE, seconds=_duration(record))


def _duration(record: dict[str, Any]) -> float | None:
    try:
        begin, end = (datetime.fromisoformat(record[key]) for key in ("started", "finished"))
    except (KeyError, ValueError):
        return None
    return (end - begin).total_seconds()


def code_remark(statuses: Sequence[PointStatus]) -> str:
    """Say if the complete points are of other code than what is installed; empty if they are not."""
    done = next((status for status in statuses if status.state == DONE), None)
    made_by = Code.here() if done is None else Code.of(read_json(done.run / RECORD))
    if made_by.equals(Code.here()):
        return ""
    return f"complete points were made by {made_by}; installed is {Code.here()}, to which they are stale"


def last_line(log: Path) -> str:
    """Last line of a log that has text, empty if there is none."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def counts(statuses: Sequence[PointStatus]) -> str:
    """One line: ``12 done, 2 running, 1 failed, 15 missing``."""
    number = Counter(status.state for status in statuses)
    return ", ".join(f"{number[state]} {state}" for state in STATES if number[state])


def seconds_left(statuses: Sequence[PointStatus], n_jobs: int) -> float | None:
    """Expected wall time until nothing is missing, from the plan and from how long finished points really took."""
    finished = [s for s in statuses if s.state == DONE and s.seconds]
    left = sum(s.point.seconds for s in statuses if s.state in (RUNNING, QUEUED, MISSING, INTERRUPTED))
    if not left:
        return None
    planned = sum(s.point.seconds for s in finished)
    return left / n_jobs * (sum(s.seconds or 0.0 for s in finished) / planned if planned else 1.0)


def problems_table(statuses: Sequence[PointStatus]) -> str:
    """Table of what is neither done nor simply missing, with reason and log."""
    rows = [
        [s.label, s.state, s.reason[:100], str(s.log) if s.log.is_file() else ""]
        for s in statuses
        if s.state not in (DONE, MISSING)
    ]
    return table(["point", "state", "reason", "log"], rows, "llll") if rows else ""
