"""``bgnest scan``: many simulations over axes of parameters."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..plans.summary import table
from ..text import duration, human_bytes
from .options import Account, AsJson, Partition, Quiet, Sbatch, Setup
from .output import print_json, records

if TYPE_CHECKING:
    from ..scans import Scan
    from ..scans.planning import ScanPlan

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""Run an experiment over axes of parameters: plan, run, watch, collect.

    A *scan* is a short YAML file (docs/howto/scans.md); ready ones are built in (`bgnest scan list`):

    `bgnest scan plan NETWORK/SCAN` – points, memory and time, without NEST

    `bgnest scan run NETWORK/SCAN --cores 2 --memory 8G` – call it again and only what is missing is done

    `bgnest scan status scans/SCAN`, `bgnest scan collect scans/SCAN`
    """,
)

ScanArgument = Annotated[
    str, typer.Argument(metavar="SCAN", help="Scan: a name (see `bgnest scan list`), a YAML file, or its folder.")
]
Out = Annotated[Path | None, typer.Option(help="Folder of the scan; by default scans/NAME.")]
Cores = Annotated[int | None, typer.Option(min=1, help="Cores for all jobs together.")]
Memory = Annotated[str | None, typer.Option(help="Memory for all jobs together, e.g. 16G.")]
SHOWN_POINTS = 12


@app.command("list")
def list_scans(as_json: AsJson = False) -> None:
    """List the built-in scans."""
    from ..scans import list_scans

    if as_json:
        print_json([{"name": name, "title": title} for name, title in list_scans().items()])
        return
    for name, comment in list_scans().items():
        print(f"  {name:<36} {comment}")


@app.command("plan")
def plan(
    scan: ScanArgument,
    cores: Cores = None,
    memory: Memory = None,
    as_json: AsJson = False,
) -> None:
    """Show the points, their cost, and what fits at the same time; refuse what makes no sense. Needs no NEST."""
    from ..door.scans import open_points

    chosen = open_points(scan).limited(cores=cores, memory=memory)
    made = chosen.plan()
    print(json.dumps(made.to_dict(), indent=1) if as_json else plan_text(chosen, made))


def plan_text(scan: Scan, plan: ScanPlan) -> str:
    """Summary of a planned scan for the terminal."""
    points, axes = plan.points, list(scan.spec.leaves)
    head = [
        f"{scan.spec.title or scan.label}: {len(points):,} points of {scan.spec.scan_of}",
        *(f"  {axis}: {_few(list(dict.fromkeys(str(p.values.get(axis)) for p in points)))}" for axis in axes),
    ]
    shown = points[:SHOWN_POINTS]
    rows = [
        [
            p.label,
            f"{p.n_neurons:,}",
            f"{p.n_synapses:,}",
            f"{p.t_total:g}",
            human_bytes(p.memory_bytes),
            f"{p.seconds:.0f}",
        ]
        for p in shown
    ]
    lines = [table(["point", "neurons", "synapses", "ms", "memory", "s"], rows, "lrrrrr")]
    lines += [f"... and {len(points) - len(shown):,} more"] if len(points) > len(shown) else []
    execution = plan.execution
    costs = [
        f"each: {execution.ranks} rank(s) x {execution.threads} thread(s), up to "
        f"{human_bytes(plan.job_memory_bytes)} with reserve",
        f"at once: {plan.n_jobs} of them in {plan.cores} cores and {human_bytes(plan.memory_bytes)}",
        f"in all: {duration(plan.core_seconds)} of one core, {duration(plan.wall_seconds)} of wall time, "
        f"{human_bytes(plan.disk_bytes)} on disk in {scan.folder}",
    ]
    return "\n".join([*head, "", *lines, "", *costs])


def _few(values: Sequence[str]) -> str:
    return ", ".join(values) if len(values) <= 12 else f"{', '.join(values[:5])}, ..., {values[-1]} ({len(values)})"


@app.command("run")
def run(
    scan: ScanArgument,
    out: Out = None,
    cores: Cores = None,
    memory: Memory = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads per process of a point.")] = None,
    ranks: Annotated[int | None, typer.Option(min=1, help="MPI processes of a point.")] = None,
    keep_going: Annotated[bool, typer.Option(help="Go on with other points after a failure.")] = True,
    redo_stale: Annotated[
        bool, typer.Option("--redo-stale", help="Run points of other code again; the old runs are kept aside.")
    ] = False,
    leave_stale: Annotated[
        bool, typer.Option("--leave-stale", help="Leave points of other code as they are and out of the table.")
    ] = False,
    redo_exploded: Annotated[bool, typer.Option("--redo-exploded", help="Run exploded points again.")] = False,
    slurm: Annotated[bool, typer.Option("--slurm", help="Hand the points to Slurm.")] = False,
    partition: Partition = None,
    account: Account = None,
    jobs: Annotated[int, typer.Option(min=1, help="Slurm jobs in the queue at a time.")] = 100,
    sbatch: Sbatch = None,
    setup: Setup = None,
    snakemake: Annotated[
        list[str] | None,
        typer.Option(help="One more option of Snakemake, e.g. --snakemake='--slurm-qos short'. Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what Snakemake would do; run nothing.")] = False,
    quiet: Quiet = False,
) -> None:
    """Run what is missing, by Snakemake, within the given cores and memory. Ctrl-C loses nothing that is finished.

    A point that fails leaves its log and does not stop the others; the exit code is then 1.
    """
    from ..door.scan_progress import ScanProgress
    from ..door.scans import open_points
    from ..scans.status import DONE, EXPLODED, STALE, counts, problems_table
    from ..scans.workflow import Slurm

    chosen = open_points(scan, out).limited(cores=cores, memory=memory, threads=threads, ranks=ranks)
    cluster = None
    if slurm:
        cluster = Slurm(partition, account, jobs, tuple(sbatch or ()), tuple(setup or ()))
    if dry_run:
        print(chosen.dry_run(cluster, snakemake or ()))
        return
    redo = [*([STALE] if redo_stale else []), *([EXPLODED] if redo_exploded else [])]
    progress = ScanProgress(chosen.plan(local=not slurm).n_jobs)
    try:
        chosen.run(
            keep_going=keep_going,
            redo=redo,
            leave_stale=leave_stale,
            slurm=cluster,
            show=None if quiet else progress,
            tell=progress.tell,
            options=snakemake or (),
        )
    except KeyboardInterrupt:
        print(f"\nbgnest: interrupted; {counts(chosen.status())}. The same command goes on", file=sys.stderr)
        raise typer.Exit(130) from None
    statuses = chosen.status()
    print(f"{counts(statuses)} of {len(statuses)} points in {chosen.folder}")
    if problems := problems_table(statuses):
        print(f"\n{problems}")
    else:
        print(f"table: bgnest scan collect {chosen.folder}")
    if any(status.state != DONE for status in statuses):
        raise typer.Exit(1)


@app.command("status")
def status(
    scan: ScanArgument,
    out: Out = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show again every two seconds until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far the points are; may be called while the scan runs. Needs no NEST."""
    from ..door.scan_progress import progress_line
    from ..door.scans import Scan as Points
    from ..door.scans import open_points
    from ..scans.status import code_remark, problems_table

    chosen = open_points(scan, out)
    if as_json:
        print_json(records(Points(chosen).status()))
        return
    n_jobs = chosen.plan(local=False).n_jobs
    while True:
        statuses = chosen.status()
        parts = (progress_line(statuses, n_jobs), problems_table(statuses), code_remark(statuses), _others(chosen))
        text = "\n\n".join(part for part in parts if part)
        print(f"\x1b[2J\x1b[H{text}" if watch and sys.stdout.isatty() else text, flush=True)
        if not watch:
            return
        time.sleep(2.0)


def _others(scan: Scan) -> str:
    """Say how many run folders belong to no point: the scan or its parameters were others when they were made."""
    known = {point.label for point in scan.plan(local=False).points}
    others = [path for path in scan.folder.glob("runs/*/record.json") if path.parent.name not in known]
    return f"{len(others)} run folders in {scan.folder / 'runs'} belong to no point (any more)" if others else ""


@app.command("collect")
def collect(
    scan: ScanArgument,
    out: Out = None,
    to: Annotated[
        Path | None, typer.Option(help="Name of the files without suffix; by default table in the scan's folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the table of all points (CSV and Parquet): parameters, rates, CVs, spectra, verdicts. Needs no NEST."""
    from ..door.scans import open_points
    from ..scans.collect import write_table
    from ..scans.status import counts

    chosen = open_points(scan, out)
    made = chosen.collect()
    files = write_table(made, to or chosen.folder / "table")
    if as_json:
        print_json(records(made))
        return
    print(f"{len(made):,} rows: {counts(chosen.status())}")
    for path in files:
        print(f"  {path}")


@app.command("verdict")
def verdict(scan: ScanArgument, out: Out = None, as_json: AsJson = False) -> None:
    """Compare what the scan shows as a whole (crossings of curves, differences) with its windows. Needs no NEST.

    A scan file names such features (docs/howto/scans.md). Exit code 0 if all is inside its window, 1 if not, 2 if
    there is nothing to compare with.
    """
    from ..analysis.targets.verdict import NONE, PASS
    from ..door.scans import open_points
    from ..scans.verdict import verdict_text

    chosen = open_points(scan, out)
    if not chosen.spec.features:
        print("the scan names no features; see docs/howto/scans.md")
        raise typer.Exit(2)
    judged = chosen.verdict()
    if as_json:
        print_json(records(judged))
    else:
        print(verdict_text(judged))
    held = judged[judged["verdict"] != NONE]
    if not len(held) or (held["verdict"] != PASS).any():
        raise typer.Exit(1 if len(held) else 2)


@app.command("plot")
def plot(
    scan: ScanArgument,
    x: Annotated[str | None, typer.Option(help="Axis along the figure; by default the first one.")] = None,
    y: Annotated[str | None, typer.Option(help="Second axis: draw maps instead of lines.")] = None,
    group: Annotated[str | None, typer.Option(help="Axis whose values are lines of their own colour.")] = None,
    quantity: Annotated[
        str, typer.Option(help="Column to draw: rate, cv, synchrony, beta_power, beta_share, peak_frequency, ...")
    ] = "rate",
    band: Annotated[str, typer.Option(help="Axis over which means are taken and bands drawn.")] = "seed",
    population: Annotated[list[str] | None, typer.Option(help="Only this population. Repeatable.")] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Populations share panels as presentation.yaml of the network says.")
    ] = False,
    out: Out = None,
    to: Annotated[Path | None, typer.Option(help="File of the figure; by default in the folder of the scan.")] = None,
) -> None:
    """Draw a quantity of every population over one axis (lines, seeds as bands) or two (maps). Needs no NEST.

    Values from elsewhere that the scan file has (`references`) are drawn as open marks.
    """
    from ..analysis.plots.base import save
    from ..analysis.plots.scan import scan_lines, scan_map
    from ..analysis.plots.style import presented
    from ..door.scans import open_points

    chosen = open_points(scan, out)
    made = chosen.collect()
    x = x or next((axis for axis in chosen.spec.leaves if axis not in (y, group, band)), None)
    if x is None:
        raise typer.BadParameter(f"no axis is left; axes: {', '.join(chosen.spec.leaves)}", param_hint="--x")
    title, names = chosen.spec.title, population or None
    found = chosen.presentation()
    labels = {name: axis.text(name) for name, axis in chosen.spec.leaves.items()}
    try:
        with presented(found):
            if y is None:
                figure = scan_lines(
                    made,
                    x=x,
                    quantity=quantity,
                    group=group,
                    band=band,
                    populations=names,
                    title=title,
                    panels=found.panels if together else None,
                    marks=chosen.marks(x, quantity, made) if group is None else None,
                    labels=labels,
                )
            else:
                figure = scan_map(
                    made, x=x, y=y, quantity=quantity, band=band, populations=names, labels=labels, title=title
                )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="scan plot") from error
    path = to or chosen.folder / f"{quantity}_{'_'.join(axis for axis in (x, y, group) if axis)}.png"
    print(*save(figure, path))
