"""End a run whose threads have all stopped for good: NEST cannot say so itself.

NEST 3.10 lets a thread that ends with an error leave the simulation, while the others wait for it at the end of the
slice, for ever. What cells throw is caught (`network.engine.nest.guarded`), but devices and synapses can throw, too.
Nothing in that process can act then, as NEST keeps Python's lock. So a process beside it looks at what the kernel knows
of the threads: while NEST advances, at least one of them computes.

The process is started as a file and imports nothing of this package.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

LOOKS = 10
"""Looks, a second apart, at which no thread has done anything; of several ranks ten times as many, as one may wait for
a slower one. Assumed: NEST's slices take milliseconds. A process that is stopped (SIGSTOP, a debugger, a machine
asleep) is not looked at."""
_BEGIN, _END = b"b", b"e"


class Watch:
    """Watches one process while it advances."""

    def __init__(self, pipe: int | None = None) -> None:
        self._pipe = pipe

    @contextlib.contextmanager
    def advancing(self) -> Iterator[None]:
        """Look at the threads until the block ends."""
        self._tell(_BEGIN)
        try:
            yield
        finally:
            self._tell(_END)

    def _tell(self, what: bytes) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):  # the watching process was ended: then nobody watches
                os.write(self._pipe, what)


@contextlib.contextmanager
def watched(folder: Path, *, threads: int, ranks: int = 1, looks: int = LOOKS) -> Iterator[Watch]:
    """Watch this process in the block. With one thread there is nothing to watch: NEST then tells its errors.

    Parameters
    ----------
    folder : Path
        Of the run, in whose record the reason is written.
    threads, ranks : int
    looks : int
        Seconds for which nothing moves until the process is ended (SIGKILL: it cannot act).
    """
    if threads == 1 or not Path("/proc/self/task").is_dir():
        yield Watch()
        return
    words = [str(os.getpid()), str(Path(folder).absolute()), str(looks if ranks == 1 else 10 * looks)]
    watching = subprocess.Popen(
        [sys.executable, "-P", __file__, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the run alone
    )
    assert watching.stdin is not None
    try:
        yield Watch(watching.stdin.fileno())
    finally:
        with contextlib.suppress(OSError):
            watching.stdin.close()
        watching.wait()


# --- in the process beside it -----------------------------------------------------------------------------------------


def moved(process: int) -> tuple[bool, int]:
    """Whether threads of a process compute, wait for a disk, or are stopped from outside; and their time in ticks."""
    busy, ticks = False, 0
    for task in os.scandir(f"/proc/{process}/task"):
        with contextlib.suppress(OSError):
            fields = Path(task.path, "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            busy |= fields[0] != "S"
            ticks += int(fields[11]) + int(fields[12])
    return busy, ticks


def main() -> None:
    """Look once a second while the run says that it advances; until it ends."""
    process, folder, looks = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    advancing, still, before = False, 0, -1
    while True:
        if select.select([sys.stdin.fileno()], [], [], 1.0)[0]:
            if not (said := os.read(sys.stdin.fileno(), 4096)):
                return
            advancing, still = said.endswith(_BEGIN), 0
            continue
        if not advancing:
            continue
        try:
            busy, ticks = moved(process)
        except OSError:
            return
        still, before = (0 if busy or ticks != before else still + 1), ticks
        if still >= looks:
            give_up(process, folder, still)
            return


def give_up(process: int, folder: Path, seconds: int) -> None:
    """End the process, and say why on the terminal and in the record of the run."""
    reason = (
        f"NEST stands still: none of its threads has done anything for {seconds} s. Most likely one has ended with an "
        "error, which NEST cannot tell with several threads; --threads 1 tells it"
    )
    os.kill(process, signal.SIGKILL)
    file, written = folder / "record.json", folder / ".record.json.tmp"
    with contextlib.suppress(OSError, ValueError):
        record = json.loads(file.read_text(encoding="utf-8"))
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        written.write_text(json.dumps(record | {"status": "failed", "error": reason, "finished": finished}, indent=2))
        written.replace(file)
    print(f"bgnest: {reason}; the run in {folder} is marked failed", file=sys.stderr)


if __name__ == "__main__":
    main()
