"""What a code generator has refused before: notes beside the compiled models, read again before anything is planned.

Most of what the vectorised target cannot do is told from the text of a model (`network.experiment.nestml_support`). The
rest shows only when the generator has analysed the equations. It then leaves a note here, under the digests of the
model and of the generator, so that the next plan knows as much as the text had told. A generator that has been changed
starts without notes.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
GENERATOR = ("codegen/vectorised", "codegen/templates/vectorised")
"""Folders whose files decide what the vectorised target can do."""


def cache_root() -> Path:
    """Folder of compiled models: ``$BGNEST_CACHE``, else ``bgnest`` in the user's cache folder."""
    if given := os.environ.get("BGNEST_CACHE"):
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(base).expanduser() / "bgnest").absolute()


@functools.cache
def _generator() -> str:
    digest = hashlib.sha256()
    for folder in GENERATOR:
        for path in sorted((PACKAGE / folder).iterdir()):
            if path.is_file():
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _note(text_digest: str, root: Path | None = None, kind: str = "refused") -> Path:
    return (root or cache_root()) / kind / _generator() / f"{text_digest[:32]}.json"


def scheme_before(text_digest: str, root: Path | None = None) -> tuple[str, str] | None:
    """How the generator integrates a model of this text, and why not by an expansion; None if it has not seen it."""
    try:
        note = json.loads(_note(text_digest, root, "scheme").read_text(encoding="utf-8"))
        return str(note["name"]), str(note["why"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None


def note_scheme(text_digest: str, scheme: dict[str, str], root: Path | None = None) -> None:
    """Note how the generator integrates a model."""
    path = _note(text_digest, root, "scheme")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(scheme), encoding="utf-8")


def refused_before(text_digest: str, root: Path | None = None) -> tuple[int, str] | None:
    """Line (0 if not known) and construct for which the generator refused a model of this text; None if it did not."""
    try:
        note = json.loads(_note(text_digest, root).read_text(encoding="utf-8"))
        return int(note["line"]), str(note["what"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None


def note_refusal(text_digest: str, line: int, what: str, root: Path | None = None) -> None:
    """Note that the generator refused a model."""
    path = _note(text_digest, root)
    with contextlib.suppress(OSError):  # a full disk, or a cache of others: it will be found out again
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"line": line, "what": what}), encoding="utf-8")
