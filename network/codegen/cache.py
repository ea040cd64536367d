"""The folder of compiled models: one folder per content, made once by one process while others wait.

Layout: ``objects/<key>`` holds the C++, the object file and the description of one model file, ``parts/<key>`` what
all modules of a target share, ``modules/<key>`` a module linked from such objects, ``ready`` notes for machines without
a compiler (`network.codegen.prebuilt`), ``locks`` one lock per key. A folder appears under its final name only when it
is complete, so that what is there can be used without asking for the lock. Its manifest, written last, has the digest
of every file and one of its own: what has been damaged since is found before it is used, and is built again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..refusals import cache_root
from ..sealing import damage, seal_holds, sealed, sha256

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
FORMAT = "sealed"
"""Part of every key; another word where entries of before cannot be used, such as those without digests."""


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM, errno.EFBIG}
LEFT_OVER = 86_400.0
"""Seconds after which a build under way is taken for one of a killed process, where locks cannot tell."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Name of this start of this machine, the same in all its containers."""
BORN = 10.0
"""Seconds that a process has for taking that lock."""


class Cache:
    """Folders by content below one root."""

    def __init__(self, folder: Path | None = None) -> None:
        self.root = (folder or cache_root()).absolute()
        try:
            for name in ("objects", "parts", "modules", "ready", "locks", "tmp", "logs"):
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
        place = self.root / "locks" / key
        with full_disk_said(place):
            if place.is_dir():  # nothing of ours
                place.rename(Path(tempfile.mkdtemp(prefix="lock-", dir=self.root / "tmp")) / key)
            file = place.open("w")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file frees the lock, also when this process dies

    @contextlib.contextmanager
    def building(self, kind: str, key: str) -> Iterator[Path]:
        """Folder to build an entry in; moved to its final place if nothing goes wrong, removed otherwise."""
        with full_disk_said(self.root):
            folder = Path(tempfile.mkdtemp(prefix=f"{key}-", suffix=held_mark(), dir=self.root / "tmp"))
        try:
            with _held(folder):
                with full_disk_said(self.root):
                    yield folder
                folder.chmod(0o755)
                target = self.entry(kind, key)
                if os.path.lexists(target):  # damaged; a process that has loaded it keeps what it has loaded
                    target.rename(folder.with_name(f"{folder.name}.old"))
                folder.rename(target)
        finally:
            _remove(folder)
            _remove(folder.with_name(f"{folder.name}.old"))

    def clean(self) -> None:
        """Remove what killed processes have left in the folder of builds under way.

        Of this machine that is what nobody holds; of others, whose locks may not be seen here, what is a day old.
        """
        mark = held_mark()
        for folder in (self.root / "tmp").iterdir():
            with contextlib.suppress(OSError):
                age = time.time() - folder.lstat().st_mtime
                if age > LEFT_OVER or (age > BORN and mark in folder.name and _is_free(folder)):
                    _remove(folder)


def held_mark() -> str:
    """End of the name of a folder that a process of this machine, since its start, holds as long as it builds in it."""
    try:
        return f".held-{BOOT.read_text(encoding='ascii')[:8]}"
    except OSError:
        return ".held-unknown"


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder; it ends with this process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _is_free(folder: Path) -> bool:
    """Whether it is known that no process holds a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def full_disk_said(place: Path) -> Iterator[None]:
    """Say of an error of the disk where it was; other errors pass."""
    try:
        yield
    except OSError as error:
        number, where = error.errno, error.filename or place
        if isinstance(error, shutil.Error):  # several files at once: texts only
            number = next((n for n in _DISK if f"[Errno {n}]" in str(error)), None)
        if number not in _DISK:
            raise
        raise BuildError(
            f"{where}: cannot be written: {os.strerror(number)}. Make room or mend it, or name another cache folder in "
            "the variable BGNEST_CACHE."
        ) from error


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Complete a folder: describe it, with the digest of every file that is in it."""
    files = {
        file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    (folder / MANIFEST).write_text(json.dumps(sealed({**content, "files": files}), indent=1))


def read_manifest(
    folder: Path, needed: Callable[[str], bool] = lambda name: True, *, quiet: bool = False
) -> dict[str, Any] | None:
    """Description of a folder whose files are what they were; None if there is no such folder, or it is damaged.

    Damage is told in the log, unless ``quiet``.

    Parameters
    ----------
    folder : Path
    needed : callable
        Whether a file of this name is about to be used; others are not compared.
    """
    if not os.path.lexists(folder):
        return None
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        problem = None if seal_holds(manifest) else f"{MANIFEST}: content differs from its own digest"
    except (OSError, ValueError, RecursionError) as error:
        problem = f"{MANIFEST}: {getattr(error, 'strerror', None) or 'not JSON'}"
    if problem is None:
        for name, entry in manifest["files"].items():
            if needed(name) and (wrong := damage(folder / name, size=entry["bytes"], digest=entry["sha256"])):
                problem = f"{name}: {wrong}"
                break
        else:
            return dict(manifest)
    if not quiet:
        logger.warning("%s is damaged (%s) and not used", folder, problem)
    return None


def read_module(folder: Path, *, quiet: bool = False) -> dict[str, Any] | None:
    """`read_manifest` of a module, of which the shared object alone is used."""
    return read_manifest(folder, lambda name: name.endswith(".so"), quiet=quiet)
