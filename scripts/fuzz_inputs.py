"""Feed damaged input to bgnest: every case must end valid or with a message, quickly and in little memory.

Valid parameter files, overrides, scan and optimisation files and command lines are changed at random: keys and values
are replaced, removed, repeated and inserted from a pool of nasty ones, text is cut and re-encoded; bombs of aliases,
depth and length are made. A case fails if it raises anything but the errors that the command line explains, takes
longer than --seconds, needs more than --memory in all, starts a program, or writes, changes or removes a file. What is
refused must say where: a file, the command line, or an option.

    python scripts/fuzz_inputs.py --cases 5000             all kinds in turn, in batches of one process each
    python scripts/fuzz_inputs.py --kind scan --cases 500
    python scripts/fuzz_inputs.py --show 4711              input and outcome of case 4711, with its traceback

A case is its number: the same number gives the same input. Exit code 1 if any case failed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz.mutate import EXPERIMENTS, POOL, SCANS, SEARCH, bomb, damage, mutate, override

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "unit" / "experiment" / "data"
BATCH = 1000
WAITING = 12.0
"""So many times the processor time that a case may take it may last, on a machine that has other work to do."""


# --- cases ------------------------------------------------------------------------------------------------------------


def whole() -> str:
    """Experiment that stands on nothing."""
    text_ = (DATA / "base.yaml").read_text() + "\n" + (DATA / "cells.yaml").read_text()
    return text_.replace("include: cells\n", "")


def experiment(rng: random.Random) -> Callable[[], str]:
    """Return an experiment file, with a variant or an overlay now and then."""
    file = Path("mine.yaml")
    file.write_bytes(damage(rng, mutate(rng, rng.choice([*EXPERIMENTS, whole()]), rng.choice([1, 1, 1, 2, 5]))))
    name = "mine.yaml@a" if rng.randrange(8) == 0 else "mine.yaml"
    return lambda: loaded(name)


def overlay(rng: random.Random) -> Callable[[], str]:
    """Return an overlay file and overrides on top of an experiment."""
    Path("mine.yaml").write_bytes(damage(rng, mutate(rng, rng.choice(EXPERIMENTS), rng.choice([1, 2]))))
    given = [override(rng) for _ in range(rng.randrange(3))]
    return lambda: loaded("tiny/base", ["mine.yaml"], given)


def overrides(rng: random.Random) -> Callable[[], str]:
    """Return overrides alone."""
    given = [override(rng) for _ in range(rng.randrange(1, 4))]
    Path("overrides").write_text("\n".join(given), encoding="utf-8", errors="replace")
    return lambda: loaded("tiny/base", (), given)


def loaded(name: str, overlays: Any = (), given: Any = ()) -> str:
    """Load, plan and describe an experiment, as `bgnest plan --json` does."""
    from network.experiment import load_experiment
    from network.experiment.loading import dump_experiment, experiment_origins
    from network.plans import make_plan
    from network.plans.identity import hashes
    from network.plans.summary import plan_summary

    spec = load_experiment(name, overlays, given)
    plan = make_plan(spec, threads=2)
    hashes(plan, 2)
    return plan_summary(plan) + json.dumps(plan.to_dict()) + dump_experiment(spec) + str(experiment_origins(spec))


def scan(rng: random.Random) -> Callable[[], str]:
    """Return a scan file."""
    from network.scans import Scan

    Path("mine.yaml").write_text(EXPERIMENTS[-1])
    Path("scan.yaml").write_bytes(damage(rng, mutate(rng, rng.choice(SCANS), rng.choice([1, 1, 2, 3]))))

    def plan() -> str:
        from network.cli.scan import plan_text

        chosen = Scan.load("scan.yaml")
        made = chosen.plan()
        return plan_text(chosen, made) + json.dumps(made.to_dict())

    return plan


def search(rng: random.Random) -> Callable[[], str]:
    """Return an optimisation file; its corners are planned."""
    from network.scans.goal import goals_of, load_optimisation
    from network.scans.planning import Planner

    Path("search.yaml").write_bytes(damage(rng, mutate(rng, SEARCH, rng.choice([1, 1, 2, 3]))))

    def plan() -> str:
        spec, _ = load_optimisation("search.yaml")
        planner = Planner("search.yaml", spec.execution)
        for corner in spec.corners():
            for point in spec.points(corner):
                meta = planner.plan(point).meta
                goals_of(spec, meta["model"], meta["state"], "search.yaml")
        return ""

    return plan


def bombs(rng: random.Random) -> Callable[[], str]:
    """Return a file that is small, deep, long or wide, and grows when it is read."""
    Path("mine.yaml").write_bytes(bomb(rng).encode("utf-8", errors="surrogatepass"))
    if rng.randrange(2):
        return lambda: loaded("mine.yaml")
    return lambda: loaded("tiny/base", ["mine.yaml"])


def tables(rng: random.Random) -> Callable[[], str]:
    """Return a bibliography and targets of a params folder of the user's own."""
    from network.analysis.targets.windows import load_targets

    folder = Path(os.environ["BGNEST_PARAMS"])
    for name, file in (("sources.yaml", folder / "sources.yaml"), ("targets.yaml", folder / "tiny" / "targets.yaml")):
        changed = mutate(rng, (Path("..") / name).read_text(), rng.choice([0, 1, 2]))
        file.write_bytes(damage(rng, changed))
        shutil.copy(file, name)

    def read() -> str:
        load_targets("tiny", "rest")
        return loaded("tiny/base")

    return read


def command(rng: random.Random) -> Callable[[], str]:
    """Return a command line."""
    from network.cli.main import app

    Path("mine.yaml").write_bytes(damage(rng, mutate(rng, rng.choice(EXPERIMENTS), rng.choice([0, 1]))))
    Path("scan.yaml").write_bytes(damage(rng, mutate(rng, rng.choice(SCANS), rng.choice([0, 1]))))
    names = ["mine.yaml", "mine.yaml", "tiny/base", rng.choice(POOL["names"])]
    words = [
        *rng.choice(
            [
                *(["validate"], ["plan"], ["plan", "--json"], ["list"], ["submit", "--dry-run"], ["scan", "plan"]),
                *(["describe"], ["describe", "--format", "latex"], ["rates"], ["verdict"], ["runs"], ["compare", "a"]),
            ]
        )
    ]
    words.append(rng.choice(["scan.yaml", "scan.yaml", *POOL["names"]]) if words[0] == "scan" else rng.choice(names))
    values = ["1", "2", "0", "-5", "1e3", "1e400", "9" * 50, "nan", "", "x", "0.5", "100", "٣"]
    for _ in range(rng.randrange(3)):
        choice = rng.randrange(8)
        if choice < 3:
            words += ["--set", override(rng)]
        elif choice == 3:
            words += ["--overlay", rng.choice([*POOL["names"], "mine.yaml"])]
        elif choice == 4:
            words += ["--memory", rng.choice(["1G", "0G", "1e3G", "9" * 400 + "G", "-1G", "", "x"])]
        elif choice == 5:
            words += ["--show", rng.choice([*POOL["names"], "network", "network.dopamine.x"])]
        else:
            option = rng.choice(["--threads", "--ranks", "--seed", "--t-sim", "--t-presim", "--n-neurons", "--cores"])
            words += [option, rng.choice(values)]
    words = [word.replace("\0", "") for word in words]
    Path("command.json").write_text(json.dumps(words))

    def call() -> str:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            try:
                app(words, standalone_mode=True)
            except SystemExit as end:
                if end.code not in (0, 1, 2, None):
                    raise RuntimeError(f"exit code {end.code}") from end
        return out.getvalue()

    return call


KINDS: dict[str, Callable[[random.Random], Callable[[], str]]] = {
    "experiment": experiment,
    "overlay": overlay,
    "overrides": overrides,
    "scan": scan,
    "search": search,
    "tables": tables,
    "bombs": bombs,
    "command": command,
}


# --- running ----------------------------------------------------------------------------------------------------------


class TooSlow(BaseException):
    """The alarm went off."""


class Watch:
    """What a case does to the world: audit events of Python for programs and files, while it is on."""

    WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pty.spawn")
    SLURM = ("scontrol", "sacct", "sacctmgr", "srun")  # a job script follows what this cluster has
    CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod")

    def __init__(self) -> None:
        self.on, self.seen = False, list[str]()
        sys.addaudithook(self._event)

    def _event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "subprocess.Popen" and Path(str(arguments[0])).name in self.SLURM:
            return
        wrote = event == "open" and isinstance(arguments[2], int) and arguments[2] & self.WRITES
        if event in self.PROGRAMS or event in self.CHANGES or (wrote and str(arguments[0]) != os.devnull):
            self.seen.append(f"{event} {arguments[:1]!r}"[:200])


def state(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def peak(*, forget: bool = False) -> float:
    """Largest resident size of this process in MB; since the last call with ``forget``."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1000.0 if found else 0.0


PLACE = re.compile(r"\.ya?ml|\.nestml|command line|--\w|targets|folder|no [a-z]+ ['\"]|no such|/dev/|\w+\.\w+: ", re.I)
"""What a message names: a file, the command line, an option, or a key path."""


def ring(*_: Any) -> None:
    raise TooSlow


def prepare(folder: Path) -> None:
    """Params folder with the tiny model of the tests, found through the environment."""
    params = folder / "params"
    (params / "tiny" / "overlays").mkdir(parents=True)
    for name in ("base.yaml", "cells.yaml"):
        shutil.copy(DATA / name, params / "tiny" / name)
    (folder / "sources.yaml").write_text((DATA / "sources.yaml").read_text())
    (folder / "targets.yaml").write_text(
        "report_order: [P, Q]\nstates: {rest: {acceptance: {source: book, n_neurons: 100, populations: {P: {low: 1.0, "
        "high: 9.0}}}, references: {paper: {source: paper, populations: {P: {rate: 5.0, cv: 0.5}}}}}}\n"
    )
    os.environ["BGNEST_PARAMS"], os.environ["BGNEST_MODELS"] = str(params), str(DATA / "models")


def run_case(number: int, kind: str | None, folder: Path, limits: tuple[float, float], watch: Watch) -> dict[str, Any]:
    """Outcome of one case; the folder ``case`` holds its input afterwards. Limits are seconds and MB."""
    names = list(KINDS)
    kind = kind or names[number % len(names)]
    place, params = folder / "case", Path(os.environ["BGNEST_PARAMS"])
    shutil.rmtree(place, ignore_errors=True)
    (place / "folder.yaml").mkdir(parents=True)
    os.chdir(place)
    for name, file in (("sources.yaml", params / "sources.yaml"), ("targets.yaml", params / "tiny" / "targets.yaml")):
        shutil.copy(folder / name, file)
    call = KINDS[kind](random.Random(number))
    from network.errors import Error, spelled_out

    before = state(folder)
    peak(forget=True)
    watch.seen, watch.on = [], True
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, limits[0])
    signal.setitimer(signal.ITIMER_REAL, WAITING * limits[0])
    try:
        call()
        outcome, detail = "valid", ""
    except Error as error:
        outcome, detail = "refused", spelled_out(str(error), keep="\n")  # as the command prints it
        if any(not line.isprintable() for line in detail.splitlines()) or not PLACE.search(detail):
            outcome, detail = "failed", f"a message without a place, or not printable:\n{detail}"
    except OSError as error:
        outcome, detail = ("refused" if error.filename is not None else "failed"), repr(error)
    except (Exception, TooSlow, MemoryError):  # noqa: BLE001 - what is to be found
        outcome, detail = "failed", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        watch.on = False
    seconds, size = time.process_time() - began, peak()
    if watch.seen:
        outcome, detail = "failed", f"programs or files: {watch.seen[0]}"
    elif state(folder) != before:
        outcome, detail = "failed", "a file was made, changed or removed"
    elif size > limits[1]:
        outcome, detail = "failed", f"{size:.0f} MB\n{detail}"
    return {"case": number, "kind": kind, "outcome": outcome, "detail": detail, "seconds": seconds, "memory": size}


def batch(numbers: range, kind: str | None, seconds: float, memory: float) -> None:
    """Run cases in this process and print a line of JSON for each."""
    signal.signal(signal.SIGALRM, ring)
    signal.signal(signal.SIGPROF, ring)
    watch = Watch()
    with tempfile.TemporaryDirectory(prefix="bgnest-fuzz-") as name:
        folder = Path(name).resolve()
        prepare(folder)
        for number in numbers:
            print(json.dumps({"case": number, "outcome": "begun"}), flush=True)
            print(json.dumps(run_case(number, kind, folder, (seconds, memory), watch)), flush=True)
        os.chdir(ROOT)


def show(number: int, kind: str | None, limits: tuple[float, float]) -> None:
    """Print the input and the outcome of one case."""
    signal.signal(signal.SIGALRM, ring)
    signal.signal(signal.SIGPROF, ring)
    with tempfile.TemporaryDirectory(prefix="bgnest-fuzz-") as name:
        folder = Path(name).resolve()
        prepare(folder)
        result = run_case(number, kind, folder, limits, Watch())
        for file in sorted(path for path in Path().iterdir() if path.is_file()):
            print(f"--- {file}\n{file.read_bytes().decode('utf-8', errors='backslashreplace')}")
        print(f"--- {result['kind']}: {result['outcome']}\n{result['detail']}")
        os.chdir(ROOT)


def last_words(detail: str) -> str:
    """End of a traceback: where it happened and what."""
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    places_ = [line for line in lines if line.startswith("File") and "network" in line]
    return f"{lines[-1][:200]}   {places_[-1].replace(str(ROOT), '') if places_ else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--kind", choices=list(KINDS), help="only this kind of input")
    parser.add_argument("--seconds", type=float, default=5.0, help="longest processor time of a case")
    parser.add_argument("--memory", type=float, default=500.0, help="largest resident size, MB")
    parser.add_argument("--show", type=int, metavar="CASE", help="input and outcome of one case")
    parser.add_argument("--batch", type=int, metavar="START", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.show is not None:
        show(options.show, options.kind, (options.seconds, options.memory))
        return
    if options.batch is not None:
        batch(range(options.batch, options.batch + options.cases), options.kind, options.seconds, options.memory)
        return
    counts: Counter[tuple[str, str]] = Counter()
    slowest, largest = 0.0, 0.0
    failures: dict[str, list[int]] = {}
    only = ["--kind", options.kind] if options.kind else []
    for first in range(options.start, options.start + options.cases, BATCH):
        n = min(BATCH, options.start + options.cases - first)
        words = [sys.executable, __file__, "--batch", str(first), "--cases", str(n), *only]
        words += ["--seconds", str(options.seconds), "--memory", str(options.memory)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        for result in results:
            if result["outcome"] != "begun":
                counts[result["kind"], result["outcome"]] += 1
                slowest, largest = max(slowest, result["seconds"]), max(largest, result["memory"])
            if result["outcome"] == "failed":
                what = last_words(result["detail"])
                failures.setdefault(what, []).append(result["case"])
                if len(failures[what]) == 1:
                    print(f"case {result['case']}, {result['kind']}: {what}", flush=True)
        if done.returncode:
            last = results[-1]["case"] if results else first
            failures.setdefault(f"the process ended with code {done.returncode}: {done.stderr[-300:]}", []).append(last)
        print(f"{first + n - options.start:>7} cases, {sum(map(len, failures.values()))} failed", flush=True)
    for kind in KINDS:
        found = {outcome: n for (of, outcome), n in sorted(counts.items()) if of == kind}
        if found:
            print(f"{kind:>12}: " + ", ".join(f"{n} {outcome}" for outcome, n in found.items()))
    print(f"slowest case {slowest:.1f} s, largest {largest:.0f} MB")
    for what, cases in sorted(failures.items(), key=lambda item: -len(item[1])):
        print(f"\n{len(cases)} x {what}\n    python scripts/fuzz_inputs.py {' '.join(only)} --show {cases[0]}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
