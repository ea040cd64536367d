"""Run the network in other processes and read back what it cost: for benchmarks and the cost model."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import program
from ..cluster import launch
from ..cluster.ranks import without_launcher
from ..errors import ClusterError
from ..experiment import load_experiment
from ..plans import make_plan
from ..plans.cost import Estimate, estimate
from ..runs.reader import Run
from ..sealing import sha256

PHASES = ("create", "connect", "prepare", "presimulate", "simulate")


@dataclass(frozen=True)
class Measurement:
    """Cost of one run.

    Attributes
    ----------
    n_neurons, n_synapses, ranks, threads : int
    t_presim, t_sim : float
        Biological time in ms.
    n_spikes : int
        In the recorded part.
    digest : str
        sha256 of the spike file.
    seconds : dict of str to float
        Per phase, slowest rank.
    memory : list of dict
        Bytes per rank: base, network, prepared, simulated, peak.
    nest_timers : dict of str to float
        NEST's own timers, largest over ranks and threads; processor time (``_cpu``) of all of them together.
    load : float
        Load of the machine over a minute before the run; above 1 the times mean little.
    """

    n_neurons: int
    n_synapses: int
    ranks: int
    threads: int
    t_presim: float
    t_sim: float
    n_spikes: int
    digest: str
    seconds: dict[str, float]
    memory: list[dict[str, int]]
    nest_timers: dict[str, float]
    load: float

    @property
    def peak(self) -> int:
        """Largest resident memory of a rank in bytes."""
        return max(rank["peak"] for rank in self.memory)

    @property
    def real_time_factor(self) -> float:
        """Wall time over biological time of the recorded part."""
        return self.seconds["simulate"] * 1000.0 / self.t_sim

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def run(
    experiment: str,
    overrides: Sequence[str],
    *,
    ranks: int,
    threads: int,
    out: Path,
) -> Measurement:
    """Run an experiment with the NEST that has MPI, whatever the split, and return what it cost.

    Raises
    ------
    ClusterError
        If the run fails.
    """
    load = os.getloadavg()[0]
    run = program.command("run", experiment, python=launch.mpi_python())
    options = [word for item in overrides for word in ("--set", item)]
    options += ["--ranks", str(ranks), "--threads", str(threads), "--out", str(out)]
    options += ["--quiet", "--overwrite", "--no-figures"]
    done = subprocess.run([*run, *options], capture_output=True, text=True, env=without_launcher(), check=False)
    if done.returncode:
        raise ClusterError(f"{ranks} x {threads}: {(done.stderr or done.stdout).strip()[-2000:]}")
    finished = Run.open(out)
    timers, plan = finished.timers, finished.plan
    return Measurement(
        n_neurons=int(finished.record["n_neurons"]),
        n_synapses=int(finished.record["n_synapses"]),
        ranks=ranks,
        threads=threads,
        t_presim=float(plan["t_presim"]),
        t_sim=float(plan["t_sim"]),
        n_spikes=sum(finished.record["n_spikes"].values()),
        digest=sha256(out / "spikes.h5"),
        seconds={name: timers["seconds"][name] for name in PHASES},
        memory=[rank["memory_bytes"] for rank in timers["ranks"]],
        nest_timers={
            name: (sum if name.endswith("_cpu") else max)(rank["nest_timers"][name] for rank in timers["ranks"])
            for name in timers["nest_timers"]
        },
        load=load,
    )


def predict(experiment: str, overrides: Sequence[str], *, ranks: int, threads: int) -> Estimate:
    """Return what the cost model predicts for the same run."""
    return estimate(make_plan(load_experiment(experiment, (), overrides), ranks=ranks, threads=threads))


def save(measurements: Sequence[Measurement], path: Path) -> None:
    """Write measurements as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([measurement.to_dict() for measurement in measurements], indent=1) + "\n")


def load(path: Path) -> list[Measurement]:
    """Read measurements back."""
    return [Measurement(**data) for data in json.loads(path.read_text())]
