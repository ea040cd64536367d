"""Signals at random moments, and two commands at once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

from .commands import LONGEST, BrokenError, Command, Table, do, scratch, tidy
from .work import work


def kill(kind: str, tries: int, number: int, place: Path, rng: random.Random, table: Table) -> None:
    """Send a signal to a living command at a random moment; one that has ended before does not count."""
    name = f"{signal.Signals(number).name} {kind}"
    reference, whole, hit, missed = {}, 1.0, 0, 0
    while hit < tries and missed <= 20 + tries:
        folder, undisturbed = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=place)), not reference
        try:
            one = work(kind, place)
            one.ready(folder)
            command = Command(one.words, folder)
            code = command.ended(LONGEST if undisturbed else rng.uniform(0.0, whole))
            if undisturbed:
                reference, whole = one.sealed(folder), time.monotonic() - command.began
                if code != 0 or not one.names <= set(reference):
                    raise BrokenError(f"does not work undisturbed: {code} {sorted(reference)} {command.text()[-500:]}")
                continue
            if code is not None:  # quicker than the one before
                whole, missed = min(whole, time.monotonic() - command.began), missed + 1
                if code != 0:
                    raise BrokenError(f"ended with {code} by itself: {command.text()[-500:]}")
                continue
            os.kill(command.pid, number)
            code = command.ended(60.0)
            if code == 0 and number == signal.SIGKILL:
                missed += 1  # it ended in the same moment
                continue
            hit += 1
            command.check()
            before = one.sealed(folder)
            do(one.words, folder)
            tidy(folder)  # what was being written goes with the same command again
            after = one.sealed(folder)
            if lost := {key for key in before if after.get(key) != before[key]}:
                raise BrokenError(f"lost or changed: {lost}")
            if {key: after.get(key) for key in one.names} != {key: reference[key] for key in one.names}:
                raise BrokenError(f"another result: {sorted(after)}")
            table.note(name, "ended well again")
        except BrokenError as problem:
            table.note(name, "", f"try {hit}: {problem}")
            if undisturbed:
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if hit < tries:
        table.note(name, "", f"only {hit} of {tries} hit a living command")


def together(place: Path, tries: int, reference: str, table: Table) -> None:
    """Two processes with the same folder, or the same model."""
    for kind, n in (("run", tries), ("batch", tries // 2), ("build", 1)):
        for _ in range(n):
            with scratch(place) as folder:
                one = work(kind, place)
                one.ready(folder)
                both = [Command(one.words, folder), Command(one.words, folder)]
                try:
                    codes = sorted(command.wait() for command in both)
                    texts = [command.text() for command in both]
                    if (
                        codes[0] != 0
                        or codes[1] not in (0, 1)
                        or (codes[1] and not any("going on" in t for t in texts))
                    ):
                        raise BrokenError(f"codes {codes}: {texts}")
                    tidy(folder)
                    if not one.names <= set(one.sealed(folder)):
                        raise BrokenError(f"complete is only {sorted(one.sealed(folder))}")
                    table.note(
                        f"two of {kind} at once", "both ended well" if codes[1] == 0 else "one, the other refused"
                    )
                except BrokenError as problem:
                    table.note(f"two of {kind} at once", "", str(problem))
