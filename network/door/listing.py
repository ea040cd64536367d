"""Which experiments there are, for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..cluster.job import submission_ended
from ..errors import RunMissingError
from ..experiment import list_experiments as experiments
from ..experiment import list_variants
from ..plans.summary import table
from ..runs.layout import record_of, run_status
from ..runs.reader import progress_of
from .tables import html


class Listing(dict[str, str]):
    """Names of experiments and what they are; shown as a table."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {comment}" for name, comment in self.items())

    def _repr_html_(self) -> str:
        return html(f"{len(self)} experiments", [], ["name", "what it is"], list(self.items()))


def list_experiments(of: str | None = None) -> Listing:
    """Experiments that are built in or lie below ``BGNEST_PARAMS``: name and first line of each file.

    Parameters
    ----------
    of : str, optional
        A network: its experiments only. An experiment: its variants instead, each by the name with which it is
        loaded.
    """
    if of is None:
        return Listing(experiments())
    if own := {name: text for name, text in experiments().items() if name.startswith(f"{of}/")}:
        return Listing(own)
    return Listing({f"{of}@{name}": title for name, title in list_variants(of).items()})


@dataclass(frozen=True)
class RunEntry:
    """A run folder: where, its status (see `network.runs.layout.run_status`), since when, and why or how far."""

    path: Path
    status: str
    since: str
    note: str


class RunListing(list[RunEntry]):
    """Runs of a folder; shown as a table."""

    HEADER = ("run", "status", "since", "note")

    @property
    def _rows(self) -> list[list[str]]:
        return [[entry.path.name, entry.status, entry.since, entry.note] for entry in self]

    def __repr__(self) -> str:
        return table(list(self.HEADER), self._rows, "llll") if self else "no runs"

    def _repr_html_(self) -> str:
        return html(f"{len(self)} runs", [], list(self.HEADER), self._rows)


def list_runs(folder: str | Path = "runs") -> RunListing:
    """Run folders in a folder (or the folder itself, if it is one), by name.

    Raises
    ------
    RunMissingError
        If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunMissingError(f"{folder}: no such folder")
    found = [_entry(path) for path in (folder, *sorted(p for p in folder.iterdir() if p.is_dir()))]
    return RunListing(entry for entry in found if entry is not None)


def _entry(path: Path) -> RunEntry | None:
    status = run_status(path)
    if status in ("missing", "empty", "foreign"):
        return None
    record = record_of(path) or {}
    since = next((record[key] for key in ("finished", "queued", "created") if record.get(key)), "")
    reason = str(record.get("error") or record.get("stopped", {}).get("reason", "")).partition("\n")[0]
    note = progress_of(path) if status in ("running", "interrupted") else reason if status != "queued" else ""
    if status == "queued" and (job := submission_ended(path)):
        status, note = "interrupted", f"job {job} has ended before the run began; see {path / 'log'}"
    return RunEntry(path, status, str(since)[:19].replace("T", " "), note)
