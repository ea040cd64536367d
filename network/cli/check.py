"""``bgnest check``: show on the user's own machine that the simulation does what it promises."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from .. import program
from ..cluster import launch
from ..cluster.ranks import without_launcher
from ..errors import ClusterError
from ..plans.summary import table
from ..runs.reader import Run
from ..sealing import sha256
from .options import DEFAULT_EXPERIMENT, Changes, ExperimentArgument, NNeurons, Overlays, Overrides, TSim

app = typer.Typer(no_args_is_help=True, help="Show on this machine that simulations do what they promise.")


@app.command("invariance")
def invariance(
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    overlay: Overlays = None,
    set_: Overrides = None,
    n_neurons: NNeurons = 2000,
    t_sim: TSim = 100.0,
    vps: Annotated[int, typer.Option(min=2, help="Virtual processes: ranks x threads.")] = 4,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the runs in this folder; by default they are removed.")
    ] = None,
) -> None:
    """Run a small network with every split of virtual processes into MPI ranks and threads; compare the files.

    The files of spikes and of recorded states must be the same byte for byte. Takes about a minute.
    """
    splits = [(ranks, vps // ranks) for ranks in range(1, vps + 1) if vps % ranks == 0]
    options = [experiment, "--n-neurons", str(n_neurons), "--t-sim", str(t_sim), "--t-presim", "50"]
    options += ["--no-figures", "--quiet", "--overwrite", "--set", "network.small_network=multapses"]
    options += [word for item in set_ or () for word in ("--set", item)]
    options += [word for item in overlay or () for word in ("--overlay", item)]
    _compile(experiment, overlay, set_)
    with _folder(keep) as folder:
        rows = []
        digests: list[dict[str, str]] = []
        for ranks, threads in splits:
            start = time.perf_counter()
            run = _run(folder / f"{ranks}x{threads}", ranks, threads, options)
            files = [run.path / "spikes.h5", *sorted(run.path.glob("report_*.h5"))]
            digests.append({file.name: sha256(file) for file in files})
            spikes = sum(len(run.spikes(name)) for name in run.recorded)
            seconds = f"{time.perf_counter() - start:.1f}"
            rows.append([f"{ranks} x {threads}", f"{spikes:,}", digests[-1]["spikes.h5"][:16], seconds])
            print(f"{ranks} rank(s) x {threads} thread(s): {spikes:,} spikes", file=sys.stderr)
    print(table(["ranks x threads", "spikes", "sha256 of spikes.h5", "seconds"], rows, "lrlr"))
    different = sorted({name for other in digests[1:] for name in digests[0] if other.get(name) != digests[0][name]})
    if different:
        print(f"\nFAIL: {', '.join(different)} depend on the split")
        raise typer.Exit(1)
    print(f"\npass: {len(digests[0])} files of spikes and states are the same for all {len(splits)} splits")


def _compile(experiment: str, overlay: list[str] | None, overrides: list[str] | None) -> None:
    """Compile the models for the NEST with MPI, so that it shows and is not part of the time of the first run."""
    spec = Changes(overlay=overlay, set_=overrides).load(experiment).spec
    models = sorted({population.model for population in spec.populations.values()})
    command = program.command("models", "build", *models, python=launch.mpi_python())
    done = subprocess.run([*command, "--target", spec.simulation.target], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="bgnest-check-") as folder:
        yield Path(folder)


def _run(out: Path, ranks: int, threads: int, options: list[str]) -> Run:
    """One run in processes of its own, all splits with the same NEST."""
    run = program.command("run", python=launch.mpi_python())
    command = [*run, *options, "--ranks", str(ranks), "--threads", str(threads), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=without_launcher(), check=False)
    if done.returncode:
        raise ClusterError(
            f"{ranks} rank(s) x {threads} thread(s) failed:\n{(done.stderr or done.stdout).strip()[-2000:]}"
        )
    return Run.open(out)
