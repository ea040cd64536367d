"""The folder of compiled models: one folder per content, made once by one process while others wait.

Layout: ``objects/<key>`` holds the C++, the object file and the description of one model file,
``modules/<key>`` a module linked from such objects, ``ready`` notes for machines without a compiler
(`network.codegen.prebuilt`), ``locks`` one lock per key. A folder appears under its
final name only when it is complete, so that what is there can be used without asking for the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import BuildError


def root() -> Path:
    """Folder of the cache: ``$BGNEST_CACHE``, else ``bgnest`` in the user's cache folder."""
    if given := os.environ.get("BGNEST_CACHE"):
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(base).expanduser() / "bgnest").absolute()


class Cache:
    """Folders by content below one root."""

    def __init__(self, folder: Path | None = None) -> None:
        self.root = (folder or root()).absolute()
        try:
            for name in ("objects", "modules", "ready", "locks", "tmp", "logs"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BuildError(
                f"the cache folder {self.root} cannot be written ({error.strerror}). Name another one in the "
                "variable BGNEST_CACHE."
            ) from error

    def entry(self, kind: str, key: str) -> Path:
        """Return the final place of a folder; it exists only when complete."""
        return self.root / kind / key

    def failure_log(self, key: str) -> Path:
        """Where the log of a build that failed is kept."""
        return self.root / "logs" / f"{key}.txt"

    @contextlib.contextmanager
    def lock(self, key: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock of a key; ``waiting`` is called once if another process or thread has it."""
        with (self.root / "locks" / key).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file frees the lock, also when this process dies

    @contextlib.contextmanager
    def building(self, kind: str, key: str) -> Iterator[Path]:
        """Folder to build an entry in; moved to its final place if nothing goes wrong, removed otherwise."""
        folder = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=self.root / "tmp"))
        try:
            yield folder
            folder.chmod(0o755)
            target = self.entry(kind, key)
            if target.exists():  # left over from something that was interrupted while it was removed
                shutil.rmtree(target)
            folder.rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
