"""Compiled models for machines without a compiler: compute nodes often have none, or not the one of the login node.

A build is kept under a digest of everything that decides what it makes, the compiler and the CPU among it
(`network.codegen.builder`). Each build also leaves a note under a digest of what it is *about* (target, NEST,
NESTML), with its models and the instruction sets that its code uses. Where there is no compiler such a note leads to
a module that has the models, and perhaps others, and fits the processor.
"""

from __future__ import annotations

import contextlib
import functools
import json
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import BuildError
from .cache import Cache, read_module

# Words in /proc/cpuinfo that name instructions a compiler may use; the others describe the system.
_INSTRUCTIONS = re.compile(
    r"(s?sse|ssse|avx|amx|fma|xop|tbm|f16c|bmi|abm|popcnt|movbe|v?aes|v?pclmul|sha|gfni|adx|rdrand|rdseed|clflushopt"
    r"|clwb|movdir|fsgsbase|xsave|asimd|sve|sme|neon|crc32|atomics|lrcpc|bf16|i8mm)\w*"
)
_PORTABLE = frozenset({"sse4_2", "popcnt", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"})  # x86-64-v3
_CPUINFO = Path("/proc/cpuinfo")


@functools.cache
def instruction_sets() -> frozenset[str]:
    """Instruction sets of this processor, by their names in Linux; empty where Linux does not tell."""
    try:
        text = _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    words = found.group(1).split() if found else []
    return frozenset(word for word in words if _INSTRUCTIONS.fullmatch(word))


def needs(march: str) -> frozenset[str] | None:
    """Instruction sets that code may use which is compiled here for a CPU; None if that is not known."""
    if march == "native":
        return instruction_sets() or None
    if march == "portable":
        return _PORTABLE if platform.machine() in ("x86_64", "AMD64") else frozenset()
    return None


def about(models: Sequence[str], march: str) -> dict[str, Any]:
    """What a module is about, for its manifest: digests of its models, and the processor that its code needs."""
    needed = needs(march)
    return {
        "sources": sorted(models),
        "march": march,
        "machine": platform.machine(),
        "needs": None if needed is None else sorted(needed),
    }


def leave_note(store: Cache, kind: str, key: str, manifest: Mapping[str, Any]) -> None:
    """Note which module is of a kind, for machines without a compiler; what it has is in the module's manifest."""
    note = store.entry("ready", kind) / f"{key}.json"
    if manifest["needs"] is None or note.is_file():
        return
    with contextlib.suppress(OSError):  # a full disk, or a cache that only others write: this machine needs no note
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"module": key}))


def find(store: Cache, kind: str, models: Sequence[str], march: str, problem: BuildError) -> tuple[str, dict[str, Any]]:
    """Key and description of a module with these models and the fewest others whose code this processor understands.

    Of several the newest.

    Parameters
    ----------
    store : Cache
    kind : str
        Digest of target, NEST and NESTML.
    models : sequence of str
        Digests of their sources.
    march : str
        CPU that was asked for; modules compiled for it come first.
    problem : BuildError
        Why nothing can be compiled here.

    Raises
    ------
    BuildError
        The problem, and what the cache has that does not fit.
    """
    lacking: set[str] = set()
    fitting: list[tuple[bool, int, float, str]] = []
    described: dict[str, dict[str, Any]] = {}
    for file in store.entry("ready", kind).glob("*.json"):
        module = read_module(store.entry("modules", file.stem))
        if module is None or module["machine"] != platform.machine() or not set(models) <= set(module["sources"]):
            continue
        missing = set(module["needs"]) - instruction_sets()
        lacking |= missing
        if not missing:
            described[file.stem] = module
            fitting.append((module["march"] == march, -len(module["sources"]), file.stat().st_mtime, file.stem))
    if fitting:
        key = max(fitting)[3]
        return key, described[key]
    if lacking:
        raise BuildError(
            f"{problem}\nThe cache {store.root} has these models, but compiled for a processor with "
            f"{', '.join(sorted(lacking))}, which this one lacks. Compile them once where there is a compiler with "
            "`bgnest models build --march portable`."
        ) from problem
    raise BuildError(
        f"{problem}\nModels compiled elsewhere are found, too, where this machine sees the same cache ({store.root}): "
        "`bgnest models build` on a machine with a compiler puts them there."
    ) from problem
