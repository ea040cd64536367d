"""No memory, no open files, no room, no right to write."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from .commands import RUN, BrokenError, Command, Table, again, clean_end, digest, do, scratch


def limits(place: Path, reference: str, table: Table) -> None:
    """No open files, no memory, no large files, no terminal: first with the limit, then without."""

    def set_to(what: int, value: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(what, (value, value))

    def memory(more: int) -> Callable[[], None]:
        return lambda: set_to(resource.RLIMIT_AS, psutil.Process().memory_info().vms + more)()

    def closed(*numbers: int) -> Callable[[], None]:
        return lambda: [os.close(number) for number in numbers] and None

    cases = [(f"no more than {n} open files", set_to(resource.RLIMIT_NOFILE, n)) for n in (3, 5, 8, 12, 16, 24, 32)]
    cases += [(f"{n:,} bytes of memory left", memory(n)) for n in (10**6, 2 * 10**6, 4 * 10**6, 8 * 10**6, 3 * 10**7)]
    cases += [(f"files up to {n:,} bytes", set_to(resource.RLIMIT_FSIZE, n)) for n in (400, 1000, 5000, 20_000)]
    cases += [("standard output closed", closed(1)), ("all output closed", closed(1, 2))]
    for name, limit in cases:
        with scratch(place) as folder:
            words = [*RUN, "--out", "out", "--resume"]
            guarded(table, name.split(" ", 1)[1] if name[0].isdigit() else name, words, folder, reference, limit)


def guarded(table: Table, name: str, words: list[str], folder: Path, reference: str, limit: Callable[[], None]) -> None:
    """One try with a limit, one without."""
    try:
        outcome = clean_end(Command(words, folder, limit), may_crash="memory" in name)
        again(words, folder, reference)
        table.note(name, outcome)
    except BrokenError as problem:
        table.note(name, "", str(problem))


@contextmanager
def disk(folder: Path, options: str) -> Iterator[bool]:
    """A small file system in a folder; False without the right to mount."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield made.returncode == 0
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=False)


def disks(place: Path, reference: str, table: Table) -> None:
    """Full and read-only disks: of the run, of the temporary folder, of the cache."""
    for size in (4, 8, 16, 24, 32, 48, 64, 80):
        with scratch(place) as folder, disk(folder / "d", f"size={size}k") as there:
            if not there:
                print("full and read-only disks are left out: no right to mount")
                return
            words = [*RUN, "--out", "d/out", "--resume", "--regardless"]
            try:
                outcome = clean_end(Command(words, folder))
                subprocess.run(["mount", "-o", "remount,size=20m", str(folder / "d")], check=True)
                do(words, folder)
                if digest(folder / "d" / "out") != reference:
                    raise BrokenError("another result")
                table.note("full disk of the run", outcome)
            except BrokenError as problem:
                table.note("full disk of the run", "", f"{size} kB: {problem}")
    for name, variable, words in (
        ("full temporary folder", "TMPDIR", [*RUN, "--out", "out", "--resume"]),
        ("full temporary folder", "TMPDIR", ["plot", "out"]),
        ("full disk of the cache", "BGNEST_CACHE", [*RUN, "--out", "out", "--resume"]),
        ("full disk of the cache", "BGNEST_CACHE", ["models", "build", "tiny", "--target", "plain"]),
        ("read-only cache", "BGNEST_CACHE", ["models", "build", "tiny", "--target", "plain"]),
        ("read-only run", "", ["plot", "out"]),
        ("read-only run", "", [*RUN, "--out", "out/new"]),
        ("read-only run", "", ["rates", "out"]),
    ):
        with scratch(place) as folder, disk(folder / "out", "size=20m"), disk(folder / "d", "size=12k"):
            shutil.copytree(place / "run", folder / "out", dirs_exist_ok=True)
            fill = "ro" if "read-only" in name else ""
            if fill:
                target = folder / ("d" if variable else "out")
                subprocess.run(["mount", "-o", f"remount,{fill}", str(target)], check=True)
            else:
                (folder / "d" / "filling").write_bytes(b"x" * 8000)
            change = {variable: str(folder / "d")} if variable else {}
            before = {key: os.environ.get(key) for key in change}
            os.environ.update(change)
            tempfile.tempdir = None
            try:
                table.note(name, clean_end(Command(words, folder)))
            except BrokenError as problem:
                table.note(name, "", f"{words[0]}: {problem}")
            finally:
                for key, value in before.items():
                    os.environ.pop(key) if value is None else os.environ.update({key: value})
                tempfile.tempdir = None
