"""What a run folder looks like: file names, the mark that makes it ours, its status, its manifest.

``record.json`` is written first and marks the folder as a run, with its status; ``manifest.json`` is
written last, with size, sha256 and counts of every file, so its presence means that all files are whole.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RunCorruptError, RunMissingError
from ..sealing import seal_holds, sha256
from .claim import LOCK, Holder, is_locked
from .h5 import open_h5

FORMAT = "bgnest-run"
FORMAT_VERSION = 1
RECORD, MANIFEST, PROGRESS = "record.json", "manifest.json", "progress.json"
MANIFEST_FORMAT = "bgnest-manifest"
SNAP = ("circuit_config.json", "simulation_config.json", "node_sets.json", "sonata_nodes.h5")
"""What `network.runs.snap` adds for programs that read SONATA."""
# what can be made again from the rest, or still grows when the run is sealed: not in the manifest
DERIVED = (LOCK, "log.txt", "log", "progress.json", "rates.csv", "verdict.csv", "figures", "report.html", *SNAP)
OUR_FILES = (
    *("params.yaml", "sources.yaml", "origin.json", "plan.json", "effective.json", "timers.json", "nodes.json"),
    *("audit.json", "progress.json", "log.txt", "log/rank-*.log", "rates.csv", "verdict.csv"),
    *SNAP,
    *("nodes.h5", "weights.h5", "spikes.h5", "spikes.*.h5", "report_*.h5", "*.partial", ".*.tmp"),
)
SUBMITTED = ("experiment.yaml", "sources.yaml", "job.sh")
JOB_ID = "job.id"
"""Number of the Slurm job that is to make the run (`network.cluster.job.note_submission`)."""
OUR_FIGURES = ("figures/*.png", "figures/*.pdf", "figures/*.svg")


def report_filename(population: str, variable: str) -> str:
    """Name of the report file of one population and variable."""
    return f"report_{population}_{variable}.h5"


def report_filenames(traces: Sequence[tuple[str, str, Sequence[str]]]) -> list[dict[str, str]]:
    """Names of the report files of some traces.

    A file is named after population and variable; where that would be the name of several, the name of the trace
    follows behind a hyphen, which no name of ours has.

    Parameters
    ----------
    traces : sequence of (trace, population, variables)

    Returns
    -------
    list of dict
        For each trace its variables, and the file of each.

    Examples
    --------
    >>> report_filenames([("a", "P", ["V_m"]), ("b", "P", ["V_m", "w"])])
    [{'V_m': 'report_P_V_m-a.h5'}, {'V_m': 'report_P_V_m-b.h5', 'w': 'report_P_w.h5'}]
    """
    plain = [{name: report_filename(population, name) for name in names} for _, population, names in traces]
    times = Counter(file for files in plain for file in files.values())
    return [
        {name: file if times[file] == 1 else f"{file.removesuffix('.h5')}-{trace}.h5" for name, file in files.items()}
        for (trace, _, _), files in zip(traces, plain, strict=True)
    ]


def run_status(path: str | Path, *, claimed: bool = False) -> str:
    """Status of a run.

    One of ``missing``, ``empty``, ``foreign``, ``damaged``, ``queued``, ``running``, ``failed``, ``interrupted``,
    ``exploded``, ``complete``.

    ``foreign`` is a folder or file that is no run of ours, ``damaged`` a run of ours whose ``record.json`` is missing
    or cannot be read, ``queued`` one whose job has not started yet,
    ``interrupted`` a run whose process is gone, ``exploded`` one that was stopped because of
    runaway activity, with all files whole. A run on another machine is ``running`` as long as it gives signs of life
    (`network.runs.claim`); with ``claimed`` the caller has the lock, and whose run it was is gone.
    """
    path = Path(path)
    if not path.exists():
        return "missing"
    if not path.is_dir():
        return "foreign"
    names = {entry.name for entry in path.iterdir()}
    if not names - {LOCK, f".{RECORD}.tmp"}:  # a run is about to begin, or was killed when it was
        return "running" if not claimed and is_locked(path) else "empty"
    record = record_of(path)
    if record is None:
        return "damaged" if MANIFEST in names and _is_manifest(path / MANIFEST) else "foreign"
    if MANIFEST in names:
        return "exploded" if record.get("status") == "exploded" else "complete"
    if record.get("status") in ("failed", "queued"):
        return str(record["status"])
    if record.get("status") in ("complete", "exploded"):  # the manifest is written at once, and was removed
        return "running" if not claimed and is_locked(path) else "interrupted"
    return "running" if not claimed and Holder.of(path, process_of(record)).alive else "interrupted"


def record_of(path: Path) -> dict[str, Any] | None:
    """Record of a run; None if it is missing, damaged, or the record of something else."""
    try:
        record = json.loads((path / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("format") == FORMAT else None


def process_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Process that a record names; empty if it names none."""
    process = record.get("process")
    return process if isinstance(process, Mapping) else {}


def _is_manifest(path: Path) -> bool:
    try:
        return f'"{MANIFEST_FORMAT}"' in path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write to a temporary name in the same folder, then rename; an OSError names the file."""
    temporary = path.with_name(f".{path.name}.tmp")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:  # of a full disk Python does not say the file
        raise OSError(error.errno, error.strerror, str(path)) from error


def _json_default(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def to_json(value: object) -> str:
    """Indented JSON text; NumPy numbers and arrays are converted, NaN and infinity refused."""
    return json.dumps(value, indent=2, default=_json_default, allow_nan=False) + "\n"


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; a missing and a damaged file each have their own error."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise RunCorruptError(f"{path}: is not a file")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunMissingError(f"{path}: no such file") from error
    except (ValueError, RecursionError) as error:
        raise RunCorruptError(f"{path}: not JSON ({error})") from error
    except OSError as error:
        raise RunCorruptError(f"{path}: cannot be read ({error.strerror})") from error
    if not isinstance(value, dict):
        raise RunCorruptError(f"{path}: not a JSON object")
    return value


def listed_files(path: Path) -> list[Path]:
    """Files that go into the manifest, sorted: those of a run, not what else a user keeps in the folder."""
    found = {file for pattern in (*OUR_FILES, RECORD, *SUBMITTED) for file in path.glob(pattern) if file.is_file()}
    return sorted(file for file in found if file.relative_to(path).parts[0] not in DERIVED)


def read_manifest(path: Path) -> dict[str, Any]:
    """Manifest of a run; `RunCorruptError` if it is damaged itself."""
    manifest = read_json(path / MANIFEST)
    files = manifest.get("files")
    whole = (
        manifest.get("format") == MANIFEST_FORMAT
        and (seal_holds(manifest) or manifest.get("format_version") == 1)  # the first version had no digest
        and isinstance(files, dict)
        and all(isinstance(e, dict) and {"bytes", "sha256"} <= e.keys() for e in files.values())
    )
    if not whole:
        raise RunCorruptError(f"{path / MANIFEST}: damaged: its content differs from its own digest")
    return manifest


def manifest_entry(path: Path) -> dict[str, Any]:
    """Size, sha256 and, for HDF5 files, counts."""
    entry: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    if path.suffix == ".h5":
        entry["counts"] = h5_counts(path)
    return entry


def h5_counts(path: Path) -> dict[str, int]:
    """Spikes per population, or frames and elements of a report."""
    with open_h5(path) as file:
        if "weights" in file:
            return {name: int(group["values"].size) for name, group in file["weights"].items()}
        if "nodes" in file:
            return {name: len(group["node_id"]) for name, group in file["nodes"].items()}
        if "spikes" in file:
            return {name: len(group["timestamps"]) for name, group in file["spikes"].items()}
        if "report" in file:
            (group,) = file["report"].values()
            return {"frames": int(group["data"].shape[0]), "elements": int(group["data"].shape[1])}
    return {}
