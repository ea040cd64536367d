"""Kill, starve and damage bgnest at random, and see that nothing finished is lost and the same command ends well.

Each try runs a command in a process of its own and lets one thing go wrong; then the command is given again. A try
fails if that does not end well, if what was complete is lost or changed, if a process or a lock is left, or if the
terminal shows a traceback. Networks are played, not simulated (`simulation.mock`); models are compiled by a compiler
that remembers.

    python scripts/faults.py                              all kinds; about half an hour of one core
    python scripts/faults.py --only kill-run,signal --tries 20
    python scripts/faults.py --out faults.json            also writes the table for docs

Full and read-only disks need the right to mount (root) and are left out without it. Exit code 1 if any try failed.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fault.commands import Table
from fault.damage import damage, damaged_cache
from fault.kills import kill, together
from fault.scarce import disks, limits
from fault.work import prepare

KILLS = {"run": 120, "batch": 60, "scan": 60, "plot": 30, "report": 40, "build": 20}
"""Times that a living command of each kind of work gets SIGKILL."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", help="kinds, with commas: kill-run, kill-batch, ..., signal, limits, disks, damage, ..."
    )
    parser.add_argument("--tries", type=int, help="of each kind of kill, in place of the usual numbers")
    parser.add_argument("--out", type=Path, help="file for the table as JSON")
    options = parser.parse_args()
    table, rng = Table(), random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="bgnest-faults-") as name:
        place = Path(name).resolve()
        reference = prepare(place)
        tasks: dict[str, Callable[[], None]] = {
            "limits": lambda: limits(place, reference, table),
            "disks": lambda: disks(place, reference, table),
            "damage": lambda: damage(place, rng, table),
            "together": lambda: together(place, options.tries or 20, reference, table),
            "signal": lambda: (
                [
                    kill("run", options.tries or 20, number, place, rng, table)
                    for number in (signal.SIGTERM, signal.SIGHUP)
                ]
                and None
            ),
        }
        for kind, tries in KILLS.items():
            tasks[f"kill-{kind}"] = lambda kind=kind, tries=tries: kill(  # type: ignore[misc]
                kind, options.tries or tries, signal.SIGKILL, place, rng, table
            )
        tasks["cache"] = lambda: damaged_cache(place, rng, table)
        for task, run in tasks.items():
            if options.only is None or task in options.only.split(","):
                began = time.monotonic()
                run()
                print(f"{task}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"\n{'fault':<40} {'tries':>5}  outcomes")
    for kind, outcomes in table.rows.items():
        told = ", ".join(f"{n} {what}" for what, n in outcomes.most_common())
        print(f"{kind:<40} {sum(outcomes.values()):>5}  {told}")
    if options.out is not None:
        options.out.write_text(json.dumps({kind: dict(outcomes) for kind, outcomes in table.rows.items()}, indent=1))
    sys.exit(1 if table.failures else 0)


if __name__ == "__main__":
    main()
