"""How a run was made: versions, state of the code, machine, seeds, processes, times, digests of what it left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..text import duration, human_bytes
from .document import Code, Section, Table, Text


def run_section(record: Mapping[str, Any], seed: int, files: Mapping[str, Mapping[str, Any]]) -> Section:
    """Section for the front of the description of a network.

    Parameters
    ----------
    record : mapping
        ``record.json`` of the run.
    seed : int
        Of the simulation.
    files : mapping
        Entries of its manifest by name, with ``bytes`` and ``sha256``; empty for a run that is not complete.
    """
    facts = Table(("item", "value"), tuple(_facts(record, seed)), "Provenance")
    blocks: list[Table | Text | Code] = [facts]
    if rows := tuple(_costs(record)):
        blocks.append(Table(("", "predicted", "measured"), rows, "Costs"))
    listed = tuple((name, f"{entry['bytes']:,}", str(entry["sha256"])) for name, entry in files.items())
    if listed:
        blocks.append(Table(("file", "bytes", "SHA-256"), listed, "Files"))
    if command := record.get("command"):
        blocks.append(Code((" ".join(["bgnest", *map(str, command[1:])]),), "Started as"))
    return Section("How it was run", tuple(blocks))


def _facts(record: Mapping[str, Any], seed: int) -> Iterator[tuple[str, str]]:
    git, machine = record.get("git") or {}, record.get("machine") or {}
    if commit := git.get("commit"):
        yield "commit of the code", f"{commit}{', with changes that are in no commit' if git.get('dirty') else ''}"
    for item, value in (
        ("digest of the code", record.get("code")),
        *((f"version of {name}", version) for name, version in (record.get("versions") or {}).items()),
        ("digest of the compiled models (sources, options, compiler, CPU)", record.get("module")),
        ("machine", machine.get("host")),
        ("system", machine.get("system")),
        ("CPU", machine.get("cpu")),
        ("cores", machine.get("cores")),
        ("memory of the machine", human_bytes(machine["memory_bytes"]) if "memory_bytes" in machine else None),
        ("seed", seed),
        ("ranks", record.get("ranks")),
        ("threads of each", record.get("threads")),
        *((f"job of {kind}", job) for kind, job in (record.get("job") or {}).items()),
        ("started", record.get("started")),
        ("finished", record.get("finished")),
        ("neurons", record.get("n_neurons")),
        ("synapses", record.get("n_synapses")),
        ("hash of the network", record.get("network_hash")),
        ("hash of the simulation", record.get("simulation_hash")),
    ):
        if value is not None:
            yield item, f"{value:,}" if item in ("neurons", "synapses") else str(value)


def _costs(record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    predicted, measured = (record.get(key) or {} for key in ("predicted", "measured"))
    for item, key in (("memory", "memory_bytes"), ("disk", "disk_bytes")):
        if key in measured:
            expected = predicted.get(key)
            yield item, "-" if expected is None else human_bytes(expected), human_bytes(measured[key])
    for phase, seconds in measured.get("seconds", {}).items():
        before = predicted.get("seconds", {}).get(phase)
        yield phase, "-" if before is None else _time(before), _time(seconds)


def _time(seconds: float) -> str:
    return duration(seconds) if seconds >= 10.0 else f"{seconds:.2g} s"
