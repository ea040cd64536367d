"""Bytes that are flipped or missing, in every file of a run and of the cache."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from .commands import BrokenError, Table, do, scratch
from .work import work


def damage(place: Path, rng: random.Random, table: Table) -> None:
    """Flip a bit and cut the end of every file of a run and of the cache: the file is named, or it does not matter."""
    from network.errors import RunError
    from network.runs import Run
    from network.runs.layout import DERIVED

    for file in sorted(path for path in (place / "run").rglob("*") if path.is_file()):
        name = file.relative_to(place / "run")
        for k in range(12):
            with scratch(place) as folder:
                copy = shutil.copytree(place / "run", folder / "out") / name
                spoil(copy, rng, cut=k % 2 == 1)
                kind = f"{'cut' if k % 2 else 'flipped'} byte of a run"
                try:
                    Run.open(folder / "out").verify()
                    harmless = name.parts[0] in DERIVED
                    table.note(kind, "does not matter", "" if harmless else f"{name}: nobody sees it")
                except RunError as error:
                    named = name.name in str(error) or name.name == "record.json"
                    table.note(kind, "named", "" if named else f"{name}: not named: {error}")


def spoil(file: Path, rng: random.Random, *, cut: bool) -> None:
    """Change a file."""
    content = bytearray(file.read_bytes()) or bytearray(b"x")
    at = rng.randrange(len(content))
    if cut:
        file.write_bytes(content[:at])
    else:
        content[at] ^= 1 << rng.randrange(8)
        file.write_bytes(content)


def damaged_cache(place: Path, rng: random.Random, table: Table) -> None:
    """The same in the cache: what is damaged is not used, and the next build mends it."""
    one = work("build", place)
    with scratch(place) as folder:
        one.ready(folder)
        do(one.words, folder)
        whole = one.sealed(folder)
        cache = folder / "cache"
        files = sorted(p for kind in ("modules", "objects") for p in (cache / kind).rglob("*") if p.is_file())
        for file in files:
            kept = file.read_bytes()
            for cut in (False, True):
                spoil(file, rng, cut=cut)
                try:
                    seen = one.sealed(folder) != whole if file.is_relative_to(cache / "modules") else True
                    table.note("damaged cache", "not used", "" if seen else f"{file.name}: used all the same")
                finally:
                    file.write_bytes(kept)
        spoil(next(file for file in files if file.suffix == ".so"), rng, cut=False)
        try:
            do(one.words, folder)
            table.note("damaged cache", "mended", "" if one.sealed(folder) == whole else "not mended")
        except BrokenError as problem:
            table.note("damaged cache", "", str(problem))
