"""``bgnest submit``: a Slurm job for one run, with times and memory from its plan."""

from __future__ import annotations

import logging
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from .. import program
from ..cluster import launch, slurm
from ..cluster.job import note_submission, submission_ended
from ..errors import ClusterError
from ..experiment import dump_experiment
from ..experiment.bibliography import FILE as SOURCES
from ..experiment.bibliography import dump_sources
from ..plans import make_plan
from ..runs.folder import RunFolder
from ..runs.layout import run_status
from .options import (
    DEFAULT_EXPERIMENT,
    Account,
    Changes,
    ExperimentArgument,
    NewRun,
    Partition,
    Sbatch,
    Setup,
    TakeOver,
    Threads,
    with_changes,
)


@with_changes
def submit(
    changes: Changes,
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    nodes: Annotated[int, typer.Option(min=1, help="Nodes of the job.")] = 1,
    ranks_per_node: Annotated[int, typer.Option(min=1, help="MPI ranks per node: one per NUMA domain is best.")] = 1,
    threads: Threads = 1,
    time: Annotated[
        str | None,
        typer.Option(help="Wall time: minutes, 2:30:00 or 1-12:00; by default three times what the plan predicts."),
    ] = None,
    mem: Annotated[
        str | None,
        typer.Option(
            help="Memory per node, e.g. 64G; by default 1.3 times what simulating, compiling or plotting takes."
        ),
    ] = None,
    partition: Partition = None,
    account: Account = None,
    sbatch: Sbatch = None,
    setup: Setup = None,
    launcher: Annotated[
        str,
        typer.Option(
            help="What starts ranks: srun (by the interface of their MPI), mpirun, "
            "or a command with {ranks}, {ranks_per_node}, {threads}."
        ),
    ] = "srun",
    template: Annotated[
        Path, typer.Option(help="Template of the job script.", show_default="the one of bgnest")
    ] = slurm.TEMPLATE,
    out: NewRun = None,
    take_over: TakeOver = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the script; write and submit nothing.")] = False,
) -> None:
    """Write a Slurm job script into the run folder and hand it in.

    The folder gets the complete experiment, so that later changes of your files do not matter. Submitting again
    does nothing to a complete run and starts an incomplete one from the beginning.
    """
    spec = changes.load(experiment).spec
    plan = make_plan(spec, threads=threads, ranks=nodes * ranks_per_node)
    names = {"--partition": partition, "--account": account}
    directives = [f"{option}={slurm.one_line(name, option)}" for option, name in names.items() if name]
    job = slurm.Job(
        nodes=nodes,
        ranks_per_node=ranks_per_node,
        threads=threads,
        wall_time=None if time is None else slurm.parse_time(time),
        memory=None if mem is None else slurm.parse_memory(mem),
        launcher=launcher,
        directives=(*directives, *(sbatch or ())),
        setup=tuple(setup or ()),
        bgnest=shlex.join(program.command(python=_python(plan.ranks))),
    )
    # not network.engine.run.default_folder: a login node may have no NEST
    folder = (out or Path("runs") / f"{plan.name}-{plan.simulation_hash[:8]}").absolute()
    script, frozen = folder / "job.sh", folder / "experiment.yaml"
    text = slurm.job_script(plan, job, folder, frozen, script, template=template)
    if dry_run:
        print(text)
        return
    if run_status(folder) == "complete":
        print(f"{folder}: complete already, nothing to do")
        return
    if run_status(folder) == "queued" and not take_over and not submission_ended(folder):
        raise ClusterError(
            f"{folder}: a job for this run is queued already; if it was cancelled, or you have cancelled it (scancel), "
            "submit with --take-over"
        )
    with RunFolder.create(folder, take_over=take_over, record={"threads": threads, "ranks": plan.ranks}) as run:
        frozen.write_text(dump_experiment(spec), encoding="utf-8")
        (folder / SOURCES).write_text(dump_sources(spec), encoding="utf-8")
        script.write_text(text, encoding="utf-8")
        (folder / "log").mkdir(exist_ok=True)
        run.queue()  # before Slurm has it: the job may start at once
        try:
            answer = slurm.hand_in(script)
            note_submission(folder, answer)
        except ClusterError as error:
            run.fail(f"not submitted: {error}")
            raise
    print(f"{answer}\nrun folder: {folder}")


def _python(ranks: int) -> Path:
    """Python for the job: one whose NEST has MPI if there is one; a login node may have no NEST at all."""
    try:
        return launch.mpi_python() if ranks > 1 else Path(sys.executable)
    except ClusterError as error:
        logging.getLogger(__name__).warning("%s", error)
        return Path(sys.executable)
