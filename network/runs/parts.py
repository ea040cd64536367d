"""What every rank writes by itself, and how rank 0 makes one result of it.

A rank records the cells it holds and writes them to files of its own beside the final ones
(``spikes.rank-000001.h5``). What it measured of itself goes to a small JSON file, not through MPI: nothing is
gathered in memory. One rank alone takes the same way, so that the files of a run do not depend on how its
threads are split over processes.
"""

from __future__ import annotations

import json
import logging
import resource
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ..cluster.ranks import rank_name
from ..codegen import BuiltModule, Compiled, ModelInfo, Modules
from ..errors import EngineError
from .layout import RECORD, to_json, write_atomic
from .merge import merge_reports, merge_spikes
from .record import now
from .weights import WEIGHTS, merge_weights, weights_part

logger = logging.getLogger(__name__)

Number = TypeVar("Number", int, float)

START = ".start.tmp"  # the pattern of temporary files: cleared with a failed run

VISIBLE_WITHIN = 60.0
"""Seconds until a file of another node is seen at the latest; network file systems take their time."""
_MERGE_SPIKES = 8_000_000  # held in memory while merging, over all parts and before sorting


@dataclass
class Facts:
    """What a rank measured of itself: the one record of it, from the loop of a run to ``timers.json``."""

    rank: int = 0
    host: str = field(default_factory=socket.gethostname)
    timers: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    memory_over_time: list[tuple[float, int]] = field(default_factory=list)
    native_timers: dict[str, float] = field(default_factory=dict)
    n_spikes: dict[str, int] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)

    def of_rank(self) -> Facts:
        """Only what the rank measured, without what a subclass adds."""
        return Facts(**{one.name: getattr(self, one.name) for one in fields(Facts)})

    def to_dict(self) -> dict[str, Any]:
        """JSON form in ``timers.json``."""
        return {
            "rank": self.rank,
            "host": self.host,
            "seconds": self.timers,
            "memory_bytes": self.memory,
            "memory_over_time": self.memory_over_time,
            "nest_timers": self.native_timers,
        }


def spikes_part(folder: Path, rank: int) -> Path:
    """File for the spikes of one rank."""
    return folder / f"spikes.{rank_name(rank)}.h5"


def report_part(folder: Path, name: str, rank: int) -> Path:
    """File for the samples of one rank, of a report with this final name."""
    return folder / f"{name.removesuffix('.h5')}.{rank_name(rank)}.h5"


def _facts_file(folder: Path, rank: int) -> Path:
    return folder / f".{rank_name(rank)}.tmp"  # the pattern of temporary files: cleared with a failed run


def write_start(folder: Path, module: Compiled, simulation_hash: str) -> None:
    """Tell the other ranks which compiled modules to load."""
    modules = [asdict(part) | {"path": str(part.path), "log": str(part.log)} for part in module.parts]
    content = {"simulation_hash": simulation_hash, "modules": modules}
    write_atomic(folder / START, json.dumps(content, indent=1))


def read_start(folder: Path, simulation_hash: str) -> Compiled:
    """Read which modules rank 0 has compiled for this job.

    Raises
    ------
    EngineError
        If rank 0's file does not appear, or is about another simulation: a file of an earlier run, seen late.
    """
    deadline = time.monotonic() + VISIBLE_WITHIN
    while True:
        content = _read_json(folder / START, "rank 0")
        if content["simulation_hash"] == simulation_hash:
            break
        if time.monotonic() > deadline:
            raise EngineError(
                f"{folder / START}: rank 0 runs another simulation than this rank; do all ranks have the "
                "same command line and the same files?"
            )
        time.sleep(0.2)
    parts = tuple(_module(part) for part in content["modules"])
    return parts[0] if len(parts) == 1 else Modules(parts)


def _module(module: dict[str, Any]) -> BuiltModule:
    models = {name: ModelInfo.from_json(data) for name, data in module["models"].items()}
    return BuiltModule(
        **module
        | {
            "models": models,
            "path": Path(module["path"]),
            "log": Path(module["log"]),
            "compiled": tuple(module["compiled"]),
        }
    )


def claim_failure(folder: Path, reason: str) -> bool:
    """Mark the run as failed; returns False if another rank has done so."""
    try:
        (folder / ".failed.tmp").touch(exist_ok=False)
    except OSError:
        return False
    # a temporary name of its own: rank 0 may be failing, too, and writing its own record
    temporary = folder / ".failed-record.tmp"
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        temporary.write_text(to_json(record | {"status": "failed", "error": reason, "finished": now()}))
        temporary.replace(folder / RECORD)
    except OSError as problem:  # the disk may be what failed; the reason itself must get through
        logger.warning("%s: cannot be marked as failed: %s", folder, problem)
    return True


def write_facts(folder: Path, facts: Facts) -> None:
    """Leave the facts of this rank for rank 0."""
    write_atomic(_facts_file(folder, facts.rank), json.dumps(asdict(facts)))


def read_facts(folder: Path, n_ranks: int) -> list[Facts]:
    """Facts of all ranks, after all have written theirs.

    Raises
    ------
    EngineError
        If those of a rank do not appear.
    """
    return [Facts(**_read_json(_facts_file(folder, rank), f"rank {rank}")) for rank in range(n_ranks)]


def _audit_file(folder: Path, rank: int) -> Path:
    return folder / f".{rank_name(rank)}-audit.tmp"


def write_audit(folder: Path, rank: int, found: Mapping[str, Any]) -> None:
    """Leave what this rank has read back for rank 0."""
    write_atomic(_audit_file(folder, rank), json.dumps(found))


def merge_audits(folder: Path, own: Mapping[str, Any], n_ranks: int) -> dict[str, Any]:
    """What all ranks have read back together, after all have left theirs; differences say whose they are.

    Parameters
    ----------
    folder : Path
    own : mapping
        Of rank 0: numbers are added up, lists joined.
    n_ranks : int

    Raises
    ------
    EngineError
        If the findings of a rank do not appear.
    """
    if n_ranks == 1:
        return dict(own)
    every = [_read_json(_audit_file(folder, rank), f"rank {rank}") for rank in range(n_ranks)]
    merged = dict(own) | {"ranks": n_ranks}
    for key in ("cells_read", "synapses_read"):
        merged[key] = sum(found.get(key, 0) for found in every)
    counted = [name for found in every for name in found.get("projections_only_counted", [])]
    merged["projections_only_counted"] = list(dict.fromkeys(counted))
    merged["differences"] = [f"rank {k}: {one}" for k, found in enumerate(every) for one in found["differences"]]
    for rank in range(n_ranks):
        _audit_file(folder, rank).unlink()
    return merged


def _read_json(path: Path, whose: str) -> dict[str, Any]:
    deadline = time.monotonic() + VISIBLE_WITHIN
    while True:
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return content
        except (FileNotFoundError, ValueError) as error:
            if time.monotonic() > deadline:
                raise EngineError(
                    f"{path}: written by {whose}, but not to be seen here. Is the run folder on a file "
                    "system that all nodes share?"
                ) from error
            time.sleep(0.2)


def combine(ranks: Sequence[dict[str, Number]], how: Callable[[Iterable[Number]], Number]) -> dict[str, Number]:
    """Combine what the ranks measured, name by name.

    >>> combine([{"connect": 2.0}, {"connect": 3.0}], max)
    {'connect': 3.0}
    """
    names = dict.fromkeys(name for measured in ranks for name in measured)
    return {name: how([measured[name] for measured in ranks if name in measured]) for name in names}


def merge(folder: Path, reports: Sequence[str], n_ranks: int, weights: Mapping[str, int] | None = None) -> list[Facts]:
    """Make one file of the parts of all ranks, check the counts, remove the parts.

    Parameters
    ----------
    folder : Path
        Run folder.
    reports : sequence of str
        Final names of the files of what the plan records besides spikes.
    n_ranks : int
    weights : mapping of str to int, optional
        Number of synapses of every recording of weights.

    Returns
    -------
    list of Facts
        By rank.

    Raises
    ------
    RunError
        If the parts hold other numbers of spikes than their ranks counted.
    EngineError
        If a part does not appear.
    """
    ranks = read_facts(folder, n_ranks)
    _allow_open_files(n_ranks + 64)
    expected: dict[str, int] = {}
    for facts in ranks:
        for name, count in facts.n_spikes.items():
            expected[name] = expected.get(name, 0) + count
    merge_spikes(
        [_visible(spikes_part(folder, facts.rank)) for facts in ranks],
        folder / "spikes.h5",
        expected=expected,
        remove_parts=True,
        block=max(4096, _MERGE_SPIKES // n_ranks),
    )
    for name in reports:
        # a rank that holds none of the recorded cells has no part
        holders = [facts.rank for facts in ranks if name in facts.reports]
        merge_reports(
            [_visible(report_part(folder, name, rank)) for rank in holders],
            folder / name,
            remove_parts=True,
        )
    if weights:
        parts = [_visible(weights_part(folder, facts.rank)) for facts in ranks]
        merge_weights(parts, folder / WEIGHTS, weights)
    for facts in ranks:
        _facts_file(folder, facts.rank).unlink()
    (folder / START).unlink(missing_ok=True)  # all ranks have read it
    return ranks


def _visible(path: Path) -> Path:
    """Wait until a file of another node is seen."""
    deadline = time.monotonic() + VISIBLE_WITHIN
    while not path.is_file():
        if time.monotonic() > deadline:
            raise EngineError(f"{path}: written by its rank, but not to be seen here")
        time.sleep(0.2)
    return path


def _allow_open_files(n: int) -> None:
    """Raise the limit of open files as far as this user may: merging opens the parts of all ranks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n if hard == resource.RLIM_INFINITY else min(n, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
