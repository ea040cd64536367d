"""What is asked of installed files at every start, remembered beside the compiled models.

Reading all headers of NEST takes half a second, parsing our own code as long; whether one of the files has changed a
look at sizes and times tells.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from .refusals import cache_root

Answer = TypeVar("Answer", str, bool, list[str])


def remembered(question: str, files: Iterable[Path], work: Callable[[], Answer]) -> Answer:
    """Answer to a question about files: the one of before as long as the files are the same, else what ``work`` finds.

    Parameters
    ----------
    question : str
        Distinguishes answers about the same files; another word where ``work`` has changed.
    files : iterable of Path
        Everything that the answer depends on, told apart by place, size and time.
    work : callable
        Finds the answer.
    """
    digest = hashlib.sha256(question.encode())
    for file in files:
        status = file.stat()
        digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    note = cache_root() / "memo" / f"{digest.hexdigest()[:32]}.json"
    with contextlib.suppress(OSError, RuntimeError, ValueError, KeyError, TypeError):
        kept: Answer = json.loads(note.read_text(encoding="utf-8"))["answer"]
        return kept
    answer = work()
    with contextlib.suppress(OSError, RuntimeError):
        note.parent.mkdir(parents=True, exist_ok=True)
        part = note.with_suffix(f".{id(answer)}.tmp")
        part.write_text(json.dumps({"answer": answer}), encoding="utf-8")
        part.replace(note)
    return answer
