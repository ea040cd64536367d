"""``bgnest export``: the synapses of a run or an experiment for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..door import open_run
from ..runs.layout import run_status
from .options import Changes, Quiet, Threads, with_changes


@with_changes
def export(
    changes: Changes,
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_EXPERIMENT", help="Run folder, or an experiment: a name (see `bgnest list`) or a file."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="New folder for the files; with --activity it may be a file.")
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            help="sonata: a circuit of nodes, edges, types and configurations, which `bgnest run "
            "DIR/circuit_config.json` simulates with the same spikes; parquet or csv: a table per projection with "
            "source, target, weight, delay."
        ),
    ] = "sonata",
    projection: Annotated[
        list[str] | None,
        typer.Option(help="Only this projection (parquet, csv). Repeatable."),
    ] = None,
    activity: Annotated[
        bool,
        typer.Option(
            "--activity",
            help="Spikes and traces of a run instead: csv, neo (--out FILE.mat, .nix, .pkl), nwb, or sonata: "
            "simulation_config.json in the run folder, for bluepysnap.",
        ),
    ] = False,
    threads: Threads = 1,
    quiet: Quiet = False,
) -> None:
    """Write who is connected to whom, with weights and delays, for analysis or for other simulators.

    The synapses follow from plan and seed and are made again by NEST, one projection after the other: that takes
    seconds for the published size, and less than 2 GB. Of a run the plan is taken as it was; the options that
    change values (`--set`, `--seed`, …) and `--threads` are for experiments.
    """
    if activity:
        print(open_run(source).export_activity(out, format=format))
        return
    if out is None:
        raise typer.BadParameter("a new folder is needed", param_hint="--out")
    if run_status(source) in ("missing", "empty", "foreign"):
        chosen = changes.load(source)
        written = chosen.export(out, format=format, projections=projection, threads=threads, progress=not quiet)
    else:
        if given := changes.given():
            raise typer.BadParameter(f"{', '.join(given)}: a run is what it is; export its experiment instead")
        written = open_run(source).export(out, format=format, projections=projection, progress=not quiet)
    print(written)
