"""``bgnest check``: show on the user's own machine that the simulation does what it promises."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .. import program
from ..cluster import launch
from ..cluster.ranks import without_launcher
from ..errors import ClusterError
from ..plans import Plan
from ..plans.split import split_reasons
from ..plans.summary import table
from ..runs.reader import Run
from ..sealing import sha256
from .options import DEFAULT_EXPERIMENT, AsJson, Changes, ExperimentArgument, NNeurons, Overlays, Overrides, TSim
from .output import print_json

app = typer.Typer(no_args_is_help=True, help="Show on this machine that simulations do what they promise.")


@dataclass(frozen=True)
class _Split:
    """Virtual processes as ranks x threads; runs of one split are told apart by ``again``."""

    ranks: int
    threads: int
    again: bool = False

    @property
    def folder(self) -> str:
        """Name of the folder of its run."""
        return f"{self.ranks}x{self.threads}" + ("-again" if self.again else "")

    def __str__(self) -> str:
        return f"{self.ranks} x {self.threads}" + (" again" if self.again else "")


@app.command("invariance")
def invariance(
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    overlay: Overlays = None,
    set_: Overrides = None,
    n_neurons: NNeurons = 2000,
    t_sim: TSim = 100.0,
    vps: Annotated[int, typer.Option(min=2, help="Largest number of virtual processes: ranks x threads.")] = 4,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the runs in this folder; by default they are removed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a small version of an experiment with several numbers of threads and MPI ranks; compare the files.

    The files of spikes and of recorded states must be the same byte for byte. Where the experiment has parts that NEST
    draws by virtual process (its generators, `simulation.wiring: nest`) that holds for equal numbers of virtual
    processes only: the command says which parts, and compares the splits of one number.

    Takes about a minute. Exit code 0 if all files are the same, 1 if not. MPI ranks are tried if a NEST with MPI is
    there (`make mpi`).
    """
    small = [f"network.n_neurons={n_neurons}", f"simulation.t_sim={t_sim}", "simulation.t_presim=50"]
    changes = Changes(overlay=overlay, set_=["network.small_network=multapses", *small, *(set_ or ())])
    chosen = changes.load(experiment)
    python, ranks_too = _python()
    _compile(sorted({p.model for p in chosen.spec.populations.values()}), chosen.spec.simulation.target, python)
    plan = chosen.plan()
    reasons = split_reasons(plan)
    splits = _splits(vps, ranks_too, independent=not reasons)
    if not as_json:
        _tell(plan, reasons, ranks_too, vps)
    options = [experiment, "--no-figures", "--quiet", "--overwrite"]
    options += [word for item in changes.set_ or () for word in ("--set", item)]
    options += [word for item in overlay or () for word in ("--overlay", item)]
    with _folder(keep) as folder:
        runs, rows, facts = [], [], []
        for split in splits:
            start = time.perf_counter()
            runs.append(run := _run(folder / split.folder, split, options, python))
            spikes = sum(len(run.spikes(name)) for name in run.recorded)
            seconds = f"{time.perf_counter() - start:.1f}"
            digests = _digests(run)
            same = "" if len(runs) == 1 else "yes" if digests == _digests(runs[0]) else "NO"
            about = {"ranks": split.ranks, "threads": split.threads, "spikes": spikes, "seconds": float(seconds)}
            facts.append(about | {"sha256": digests["spikes.h5"], "same": same != "NO"})
            rows.append([str(split), f"{spikes:,}", digests["spikes.h5"][:16], same, seconds])
            print(f"{split.ranks} rank(s) x {split.threads} thread(s): {spikes:,} spikes", file=sys.stderr)
        problem, n_files = _difference(runs, splits), len(_names(runs[0]))
    if as_json:
        print_json({"same": problem is None, "why_not": problem, "depends_on_split": reasons, "runs": facts})
        raise typer.Exit(0 if problem is None else 1)
    print(table(["ranks x threads", "spikes", "sha256 of spikes.h5", "same", "seconds"], rows, "lrllr"))
    if problem is not None:
        print(f"\nFAIL: {problem}")
        raise typer.Exit(1)
    print(f"\npass: {n_files} file(s) of spikes and states are the same byte for byte in all {len(runs)} runs")


def _python() -> tuple[Path, bool]:
    """Python of all runs, and whether its NEST has MPI."""
    try:
        return launch.mpi_python(), True
    except ClusterError:
        return Path(sys.executable), False


def _splits(vps: int, ranks_too: bool, *, independent: bool) -> list[_Split]:
    """Splits that must give the same; where the number of virtual processes matters, those of one number."""
    numbers = [n for n in range(1, vps + 1) if vps % n == 0 and (independent or n == vps)]
    splits = [_Split(r, n // r) for n in numbers for r in range(1, n + 1) if n % r == 0 and (ranks_too or r == 1)]
    return splits if len(splits) > 1 else [_Split(1, vps), _Split(1, vps, again=True)]


def _tell(plan: Plan, reasons: list[str], ranks_too: bool, vps: int) -> None:
    """Say what is compared, and why no more."""
    size = f"{plan.name}: {plan.n_neurons:,} neurons, {plan.t_presim:g} + {plan.t_sim:g} ms"
    if not reasons:
        print(f"{size}; nothing of it depends on the number of virtual processes")
    else:
        print(f"{size}; depends on the number of virtual processes (ranks x threads):")
        print("\n".join(f"  {reason}" for reason in reasons))
        what = "splits of" if ranks_too else "two runs with"
        print(f"what is compared: {what} {vps} virtual processes")
    if not ranks_too:
        print("threads only: there is no NEST with MPI (`make mpi`)")


def _compile(models: list[str], target: str, python: Path) -> None:
    """Compile the models for the NEST of the runs, so that it shows and is not part of the time of the first run."""
    command = program.command("models", "build", *models, python=python)
    done = subprocess.run([*command, "--target", target], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="bgnest-check-") as folder:
        yield Path(folder)


def _run(out: Path, split: _Split, options: list[str], python: Path) -> Run:
    """One run in processes of its own, all splits with the same NEST."""
    run = program.command("run", python=python)
    numbers = ["--ranks", str(split.ranks), "--threads", str(split.threads)]
    command = [*run, *options, *numbers, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=without_launcher(), check=False)
    if done.returncode:
        raise ClusterError(
            f"{split.ranks} rank(s) x {split.threads} thread(s) failed:\n{(done.stderr or done.stdout).strip()[-2000:]}"
        )
    return Run.open(out)


def _names(run: Run) -> list[str]:
    return ["spikes.h5", *sorted(file.name for file in run.path.glob("report_*.h5"))]


def _digests(run: Run) -> dict[str, str]:
    return {name: sha256(run.path / name) for name in _names(run)}


def _difference(runs: list[Run], splits: list[_Split]) -> str | None:
    """What differs between the first run and the others, or why nothing can be said; None if all is the same."""
    expected = _digests(runs[0])
    for run, split in zip(runs[1:], splits[1:], strict=True):
        found = _digests(run)
        different = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
        if different:
            return f"{', '.join(different)} of {splits[0]} and {split} differ{_first_spike(runs[0], run)}"
    if not any(len(runs[0].spikes(name)) for name in runs[0].recorded):
        return "there are no spikes to compare; take a longer --t-sim or a larger --n-neurons"
    return None


def _first_spike(one: Run, other: Run) -> str:
    """Where the spikes of two runs part."""
    parted = []
    for name in one.recorded:
        ours, theirs = one.spikes(name), other.spikes(name)
        n = min(len(ours), len(theirs))
        unequal = (ours.times[:n] != theirs.times[:n]) | (ours.node_ids[:n] != theirs.node_ids[:n])
        if unequal.any() or len(ours) != len(theirs):
            at = int(np.argmax(unequal)) if unequal.any() else n
            parted.append((min(float(spikes.times[at]) for spikes in (ours, theirs) if at < len(spikes)), name))
    return "; the first spike that differs is of {1} at {0:g} ms".format(*min(parted)) if parted else ""
