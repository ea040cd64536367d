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
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "unit" / "experiment" / "data"
REMEMBERING = ROOT / "tests" / "nestml" / "remembering_compiler.py"
MARK = "BGNEST_FAULT_TRY"
PATIENCE = 20.0
"""Seconds in which processes of a killed command have to end."""
CHANGES = ["simulation.mock={rate: 40, pace: 0.5}", "simulation.t_presim=0", "simulation.t_sim=600"]
RUN = ["run", "tiny/base", *[word for change in CHANGES for word in ("--set", change)], "--no-figures", "--quiet"]


@dataclass
class Table:
    """Tries and outcomes of every kind of fault."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def note(self, kind: str, outcome: str, problem: str = "") -> None:
        """Count a try; a problem is told at once."""
        self.rows.setdefault(kind, Counter())["failed" if problem else outcome] += 1
        if problem:
            self.failures.append(f"{kind}: {problem}")
            print(f"FAILED {kind}: {problem}", flush=True)


class BrokenError(Exception):
    """Something is not as it should be."""


# --- processes --------------------------------------------------------------------------------------------------------


class Command:
    """A command line in a forked process, leader of a session; libraries are loaded already."""

    def __init__(self, words: list[str], cwd: Path, limit: Callable[[], None] = lambda: None) -> None:
        self.words, self.log = words, cwd / f"log-{time.monotonic_ns()}.txt"
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.began = time.monotonic()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(cwd, limit)

    def _become(self, cwd: Path, limit: Callable[[], None]) -> None:
        from network.cli.main import main

        code = 1
        try:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
            output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for number in (1, 2):
                os.dup2(output, number)
            os.environ[MARK] = self.mark
            os.chdir(cwd)
            sys.argv = ["bgnest", *self.words]
            limit()
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - what a user would see
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def ended(self, seconds: float) -> int | None:
        """Exit code, negative for a signal; None if it goes on for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        return None

    def wait(self) -> int:
        """Exit code, with no process left and no traceback shown."""
        code = self.ended(240.0)
        if code is None:
            self.end()
            raise BrokenError(f"{self.words[0]} hangs: {self.text()[-300:]}")
        self.check()
        return code

    def end(self) -> None:
        """SIGKILL to all of it."""
        for process in [psutil.Process(self.pid), *self.left()]:
            if process.is_running():
                process.kill()
        self.ended(10.0)

    def left(self) -> list[psutil.Process]:
        """Living processes of the session, or with its mark."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = os.getsid(process.pid) == self.pid or process.environ().get(MARK) == self.mark
                if ours and process.pid not in (self.pid, os.getpid()) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def check(self) -> None:
        """BrokenError if a process is left, or a traceback was shown."""
        until = time.monotonic() + PATIENCE
        while left := self.left():
            if time.monotonic() > until:
                names = [" ".join(process.cmdline())[:80] for process in left]
                for process in left:
                    process.kill()
                raise BrokenError(f"left behind by {self.words[0]}: {names}")
            time.sleep(0.05)
        if "Traceback" in self.text():
            raise BrokenError(f"a traceback: {self.text()[-700:]}")

    def text(self) -> str:
        """What it has said."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def do(words: list[str], cwd: Path, *, code: int = 0) -> str:
    """Run a command to its end; BrokenError unless it ends with that code."""
    command = Command(words, cwd)
    if (found := command.wait()) != code:
        raise BrokenError(f"{words[:2]} ended with {found}, not {code}: {command.text()[-500:]}")
    return command.text()


def digest(path: Path) -> str:
    """Digest of the spikes of a run whose files are all as its manifest says."""
    from network.runs import Run
    from network.sealing import sha256

    run = Run.open(path)
    run.verify()
    left = [p.name for p in path.rglob("*") if p.name.endswith((".partial", ".tmp"))]
    if left:
        raise BrokenError(f"{path.name}: left behind: {left}")
    return sha256(path / "spikes.h5")


# --- kinds of work that is killed -------------------------------------------------------------------------------------


@dataclass
class Work:
    """A command, what makes it ready, and what must hold when it has ended well."""

    words: list[str]
    ready: Callable[[Path], None]
    sealed: Callable[[Path], dict[str, str]]
    """What is complete by now: digest by name."""
    names: set[str]


def manifests(folder: Path) -> dict[str, str]:
    """Digests of the spikes of all complete runs below a folder."""
    from network.runs.layout import run_status

    found = sorted(path.parent for path in folder.rglob("record.json"))
    return {path.name: digest(path) for path in found if run_status(path) == "complete"}


def work(kind: str, place: Path) -> Work:
    """Return the work of a kind; ``place`` has what is common to all tries."""
    os.environ |= {"BGNEST_MODELS": str(DATA / "models"), "BGNEST_CACHE": str(place / "cache")}
    nothing: Callable[[Path], None] = lambda folder: None  # noqa: E731
    if kind == "run":
        return Work([*RUN, "--out", "out", "--resume"], nothing, manifests, {"out"})
    if kind == "batch":
        return Work(["batch", "a.yaml", "b.yaml", "c.yaml", "--out", "out", "-q"], batch_files, manifests, set("abc"))
    if kind in ("plot", "report"):

        def copy(folder: Path) -> None:
            shutil.copytree(place / "run", folder / "out")

        if kind == "report":
            return Work(["report", "out"], copy, page, {"report.html"})
        return Work(["plot", "out"], copy, figures, {"raster.png", "rates.png", "spectra.png", "intervals.png"})
    if kind == "scan":

        def scan_files(folder: Path) -> None:
            batch_files(folder)
            text = "scan_of: a.yaml\ntitle: x\naxes: {simulation.seed: [1, 2, 3]}\nexecution: {cores: 1, memory: 2G}\n"
            (folder / "scan.yaml").write_text(text)

        return Work(["scan", "run", "scan.yaml", "--out", "out", "-q"], scan_files, scanned, {"1", "2", "3"})

    def model(folder: Path) -> None:
        shutil.copy(place / "leaky.nestml", folder)
        os.environ["BGNEST_CACHE"] = str(folder / "cache")
        os.environ["BGNEST_MODELS"] = str(folder)

    return Work(["models", "build", "leaky", "--target", "plain"], model, modules, {"module"})


def batch_files(folder: Path) -> None:
    """Three experiments of different length."""
    for k, name in enumerate("abc"):
        mock = "simulation:\n  mock: {rate: 40, pace: 0.3}\n  t_presim: 0 ms\n"
        (folder / f"{name}.yaml").write_text(f"overlay_of: tiny/base\n{mock}  t_sim: {300 + 100 * k} ms\n")


def scanned(folder: Path) -> dict[str, str]:
    """Digests by seed."""
    return {name.partition("seed-")[2].partition("_")[0]: value for name, value in manifests(folder).items()}


def figures(folder: Path) -> dict[str, str]:
    """Pictures that are whole; the run beside them must be, too."""
    digest(folder / "out")
    pictures = sorted((folder / "out" / "figures").glob("*.png"))
    return {path.name: "whole" for path in pictures if path.read_bytes().endswith(b"IEND\xaeB`\x82")}


def page(folder: Path) -> dict[str, str]:
    """The page of a run, which is whole if it is there; the run beside it must be, too."""
    digest(folder / "out")
    text = (folder / "out" / "report.html").read_text() if (folder / "out" / "report.html").exists() else ""
    if text and not text.rstrip().endswith("</html>"):
        raise BrokenError("half a report")
    return {"report.html": "whole"} if text else {}


def modules(folder: Path) -> dict[str, str]:
    """The module, if it is in the cache and as its manifest says."""
    from network.codegen.cache import read_manifest

    found = [path for path in (folder / "cache" / "modules").glob("*") if read_manifest(path) is not None]
    return {"module": found[0].name} if found else {}


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
            code = command.ended(240.0 if undisturbed else rng.uniform(0.0, whole))
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


# --- other faults -----------------------------------------------------------------------------------------------------


def clean_end(command: Command, *, may_crash: bool = False) -> str:
    """Outcome of a command that may fail, but with a message; where no memory is left libraries may crash it."""
    code, text = command.wait(), command.text()
    if code == 0:
        return "completed"
    if code < 0 and may_crash:
        return f"crashed in a library ({signal.Signals(-code).name}), and ended well again"
    if code < 0 or "bgnest: " not in text:
        raise BrokenError(f"ended with {code} and without a message: {text[-500:]}")
    return "refused with a message"


def again(words: list[str], folder: Path, reference: str) -> None:
    """Without the fault the same command ends well."""
    do(words, folder)
    if digest(folder / "out") != reference:
        raise BrokenError("another result")


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
def scratch(place: Path) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="try-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
                    if not one.names <= set(one.sealed(folder)):
                        raise BrokenError(f"complete is only {sorted(one.sealed(folder))}")
                    table.note(
                        f"two of {kind} at once", "both ended well" if codes[1] == 0 else "one, the other refused"
                    )
                except BrokenError as problem:
                    table.note(f"two of {kind} at once", "", str(problem))


# --- all of it --------------------------------------------------------------------------------------------------------


def prepare(place: Path) -> str:
    """Parameters, a complete run, a model and a compiler that remembers; digest of the spikes of the run."""
    params = place / "params"
    (params / "tiny").mkdir(parents=True)
    for name in ("base.yaml", "cells.yaml"):
        shutil.copy(DATA / name, params / "tiny" / name)
    shutil.copy(DATA / "sources.yaml", params / "tiny" / "sources.yaml")
    os.environ |= {"BGNEST_PARAMS": str(params), "BGNEST_MODELS": str(DATA / "models")}
    os.environ |= {"BGNEST_CACHE": str(place / "cache"), "PYTHONPATH": f"{ROOT}:{ROOT / 'packaging'}"}
    os.environ["CXX"] = f"{sys.executable} -IS {REMEMBERING} {place / 'objects'} salt"
    (place / "objects").mkdir()
    shutil.copy(DATA / "models" / "tiny.nestml", place / "leaky.nestml")
    text = (place / "leaky.nestml").read_text()
    (place / "leaky.nestml").write_text(text.replace("model tiny", "model leaky"))
    import matplotlib.pyplot
    import pandas

    from network.analysis import plots  # loaded once for all forks
    from network.engine import batch

    del matplotlib.pyplot, pandas, plots, batch
    do([*RUN, "--out", "run"], place)
    return digest(place / "run")


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
