"""What decides what a build makes, and the calls of the compiler."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BuildError
from . import headers, toolchain
from .cache import FORMAT
from .targets import Target

WORKER = Path(__file__).resolve().parent / "worker.py"
SHOWN_LINES = 12  # of a compiler's complaint

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """Everything but the models themselves that decides what a build makes."""

    target: Target
    nest: toolchain.Nest
    compiler: toolchain.Compiler
    flags: tuple[str, ...]
    key: str
    environment: Mapping[str, str] = field(default_factory=dict)  # of the programs that it starts

    @classmethod
    def find(cls, target: Target, nest: toolchain.Nest, march: str) -> Recipe:
        """Find the tools; BuildError says what is missing."""
        nestml = toolchain.nestml_fingerprint()
        compiler = toolchain.find_compiler()
        cpu = toolchain.march_flags(march)
        flags = (*toolchain.nest_flags(nest), *target.flags, *cpu)
        parts = [
            FORMAT,
            target.fingerprint(),
            nest.fingerprint,
            nestml,
            compiler.version,
            *(flag for flag in flags if not flag.startswith("-I")),  # headers count by content, not by place
            toolchain.resolved_cpu(compiler, cpu),
            WORKER.read_text(),
        ]
        all_flags = (*flags, *target.include_flags(), *headers.environment_flags())
        return cls(target, nest, compiler, all_flags, digest_of(*parts))


def digest_of(*parts: str) -> str:
    """Digest of texts; their borders count."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:24]


def call_compiler(recipe: Recipe, command: list[str], complaint: str, log: Path) -> None:
    """Run a command, written to the log; BuildError shows the complaint and the first errors."""
    answer = toolchain.run(command, recipe.environment)
    append(log, command, answer.stdout + answer.stderr)
    if answer.returncode:
        errors = [line for line in answer.stderr.splitlines() if "error" in line or "undefined" in line]
        shown = "\n".join(errors[:SHOWN_LINES]) or tail(answer.stderr)
        raise BuildError(f"{complaint}:\n{shown}\nThe command was: {shlex.join(command)}")


def append(log: Path, command: Sequence[str], output: str) -> None:
    """Write a command and its output to the log."""
    with log.open("a") as file:
        file.write(f"$ {shlex.join(command)}\n{output}\n")


def tail(text: str) -> str:
    """Last lines of a text."""
    return "\n".join(text.strip().splitlines()[-SHOWN_LINES:])
