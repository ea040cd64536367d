"""``bgnest run``: from an experiment to a run folder with a table of rates and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from network.cli.options import (
    DEFAULT_EXPERIMENT,
    ExperimentArgument,
    NNeurons,
    Overlays,
    Overrides,
    Ranks,
    Seed,
    Threads,
    TPresim,
    TSim,
    read_experiment,
)
from network.cli.progress import TerminalReporter


def run(
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    overlay: Overlays = None,
    set_: Overrides = None,
    threads: Threads = 1,
    ranks: Ranks = 1,
    seed: Seed = None,
    t_sim: TSim = None,
    t_presim: TPresim = None,
    n_neurons: NNeurons = None,
    target: Annotated[
        str | None,
        typer.Option(help="Code of the cells: vectorised, plain or reference (see `bgnest models build`)."),
    ] = None,
    drive: Annotated[
        str | None,
        typer.Option(help="Poisson input: internal (drawn by the cells) or device (NEST's generators)."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/NAME-HASH.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a complete run in that folder.")
    ] = False,
    figures: Annotated[bool, typer.Option(help="Draw the standard figures.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Build and simulate an experiment; print the rates beside their targets; draw the figures.

    The published size takes about a minute and 4 GB on a laptop; try `--n-neurons 10000` first.
    """
    changes = list(set_ or ())
    changes += [f"simulation.target={target}"] if target else []
    changes += [f"simulation.drive={drive}"] if drive else []
    spec = read_experiment(
        experiment, overlay, changes, seed=seed, t_sim=t_sim, t_presim=t_presim, n_neurons=n_neurons
    )
    from network.cli.analyse import draw, show_rates
    from network.engine.run import run as run_experiment

    done = run_experiment(
        spec,
        threads=threads,
        ranks=ranks,
        out=out,
        overwrite=overwrite,
        reporter=TerminalReporter(quiet),
    )
    print()
    show_rates(done)
    if figures:
        draw(done)
    print(f"\nrun folder: {done.path}")
