"""Options that several commands share, and how they become an experiment and a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from network.spec import Experiment, load_experiment

ExperimentArgument = Annotated[
    str,
    typer.Argument(
        help="Experiment: a name such as lindahl2016/activation_depleted (see `bgnest list`) or a YAML file.",
        show_default=True,
    ),
]
Overlays = Annotated[
    list[str] | None,
    typer.Option("--overlay", "-o", help="Overlay laid over the experiment: a name or a YAML file. Repeatable."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one parameter, e.g. --set projections.FSN_to_MSN_D2.weight=18.5 (keeps the unit), "
        "--set network.dopamine=0.4, --set 'projections.*.enabled=false'. Repeatable.",
    ),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads per process.")]
Ranks = Annotated[int, typer.Option(min=1, help="MPI processes.")]
Seed = Annotated[int | None, typer.Option(help="Short for --set simulation.seed=…")]
TSim = Annotated[float | None, typer.Option("--t-sim", help="Recorded time in ms, after the warm-up.")]
TPresim = Annotated[float | None, typer.Option("--t-presim", help="Warm-up before the recording in ms.")]
NNeurons = Annotated[
    int | None,
    typer.Option("--n-neurons", help="Size of the network; in-degrees are kept, populations scale."),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Also a run that is not complete, for instance one that was stopped.")
]
RunArgument = Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")]

DEFAULT_EXPERIMENT = "lindahl2016/activation_control"


def read_experiment(
    name: str,
    overlays: list[str] | None,
    overrides: list[str] | None,
    *,
    seed: int | None = None,
    t_sim: float | None = None,
    t_presim: float | None = None,
    n_neurons: int | None = None,
) -> Experiment:
    """Load an experiment with everything the command line changes about it."""
    short = {
        "simulation.seed": seed,
        "simulation.t_sim": t_sim,
        "simulation.t_presim": t_presim,
        "network.n_neurons": n_neurons,
    }
    more = [f"{key}={value}" for key, value in short.items() if value is not None]
    return load_experiment(name, overlays or (), [*(overrides or ()), *more])
