"""What a run folder looks like: file names, the mark that makes it ours, its status, its manifest.

``record.json`` is written first and marks the folder as a run, with its status; ``manifest.json`` is
written last, with size, sha256 and counts of every file, so its presence means that all files are whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from network.results.errors import RunCorruptError, RunMissingError
from network.results.h5 import open_h5

FORMAT = "bgnest-run"
FORMAT_VERSION = 1
RECORD, MANIFEST, PROGRESS = "record.json", "manifest.json", "progress.json"
# what can be made again from the rest, or still grows when the run is sealed: not in the manifest
DERIVED = ("log.txt", "log", "progress.json", "rates.csv", "verdict.csv", "figures")
OUR_FILES = (
    *("params.yaml", "origin.json", "plan.json", "effective.json", "timers.json", "nodes.json"),
    *("progress.json", "log.txt", "log/rank-*.log", "rates.csv", "verdict.csv"),
    *("spikes.h5", "spikes.*.h5", "report_*.h5", "*.partial", ".*.tmp"),
)
OUR_FIGURES = ("figures/*.png", "figures/*.pdf")


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
    >>> report_filenames([("a", "STN", ["V_m"]), ("b", "STN", ["V_m", "w"])])
    [{'V_m': 'report_STN_V_m-a.h5'}, {'V_m': 'report_STN_V_m-b.h5', 'w': 'report_STN_w.h5'}]
    """
    plain = [{name: report_filename(population, name) for name in names} for _, population, names in traces]
    times = Counter(file for files in plain for file in files.values())
    return [
        {name: file if times[file] == 1 else f"{file.removesuffix('.h5')}-{trace}.h5" for name, file in files.items()}
        for (trace, _, _), files in zip(traces, plain, strict=True)
    ]


def run_status(path: str | Path) -> str:
    """Status of a run.

    One of ``missing``, ``empty``, ``foreign``, ``running``, ``failed``, ``interrupted``, ``exploded``, ``complete``.

    ``foreign`` is a folder or file that is no run of ours, ``interrupted`` a run whose process is gone from
    this machine, ``exploded`` one that was stopped because of runaway activity, with all files whole. A run
    that says it is going on elsewhere is believed.
    """
    path = Path(path)
    if not path.exists():
        return "missing"
    if not path.is_dir():
        return "foreign"
    if not any(path.iterdir()):
        return "empty"
    try:
        record = json.loads((path / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "foreign"
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        return "foreign"
    if (path / MANIFEST).is_file():
        return "exploded" if record.get("status") == "exploded" else "complete"
    if record.get("status") == "failed":
        return "failed"
    return "running" if _alive(record.get("process", {})) else "interrupted"


def this_process() -> dict[str, Any]:
    """Identify this process, so that a later one can tell whether it still runs."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "created": psutil.Process().create_time()}


def _alive(process: Mapping[str, Any]) -> bool:
    if process.get("host") != socket.gethostname():
        return True
    try:  # the creation time tells a process from a later one that got the same number
        return abs(psutil.Process(int(process["pid"])).create_time() - float(process["created"])) < 2.0
    except (psutil.Error, KeyError, ValueError):
        return False


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write to a temporary name in the same folder, then rename."""
    temporary = path.with_name(f".{path.name}.tmp")
    data = content.encode("utf-8") if isinstance(content, str) else content
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


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
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunMissingError(f"{path}: no such file") from error
    except ValueError as error:
        raise RunCorruptError(f"{path}: not JSON ({error})") from error


def listed_files(path: Path) -> list[Path]:
    """Files that go into the manifest, sorted."""
    return sorted(
        p for p in path.rglob("*") if p.is_file() and p.name != MANIFEST and p.relative_to(path).parts[0] not in DERIVED
    )


def manifest_entry(path: Path) -> dict[str, Any]:
    """Size, sha256 and, for HDF5 files, counts."""
    entry: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    if path.suffix == ".h5":
        entry["counts"] = h5_counts(path)
    return entry


def sha256(path: Path) -> str:
    """Digest of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def h5_counts(path: Path) -> dict[str, int]:
    """Spikes per population, or frames and elements of a report."""
    with open_h5(path) as file:
        if "spikes" in file:
            return {name: len(group["timestamps"]) for name, group in file["spikes"].items()}
        if "report" in file:
            (group,) = file["report"].values()
            return {"frames": int(group["data"].shape[0]), "elements": int(group["data"].shape[1])}
    return {}
