"""Entry point of ``bgnest``: its subcommands, and one readable line for every error that a user can mend."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..cluster import job
from ..errors import Error, RunawayError, spelled_out
from ..names import NAME
from ..patience import limit
from . import (
    archive,
    batch,
    cells,
    check,
    compare,
    describe,
    doctor,
    export,
    fit,
    interrupts,
    measure,
    models,
    new,
    optimise,
    plan,
    plot,
    rates,
    report,
    run,
    runs,
    scan,
    schema,
    serve,
    submit,
    terminal,
    validate,
    verdict,
    verify,
)
from . import list as listing
from .options import DEFAULT_EXPERIMENT


class Commands(TyperGroup):
    """The subcommands; Ctrl-C, SIGTERM and SIGHUP end each of them with one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run a subcommand."""
        interrupts.quieten()  # here, as typer has a hook of its own
        try:
            with job.terminated_as_exit():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            if job.present().size == 1:  # of a job with several ranks the process that started it tells
                print("; ".join(["\nbgnest: interrupted", *getattr(error, "__notes__", ())]), file=sys.stderr)
            raise typer.Exit(130) from None
        except job.Terminated as error:
            message = "; ".join([f"bgnest: {error}", *getattr(error, "__notes__", ())])
            if job.present().size > 1:
                job.end(message, error.number, shared=True)
            print(message, file=sys.stderr)
            raise typer.Exit(error.number) from None


app = typer.Typer(
    name="bgnest",
    cls=Commands,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Build and simulate large spiking networks of the basal ganglia with NEST.

    An *experiment* is a YAML file: a network, its input, and what to record. Published ones are built in
    (`bgnest list`); a file of your own may change a few values of one of them (`overlay_of:`).
    """,
    epilog=f"""**Examples**

    `bgnest plan` – what the 80,000-neuron network needs, in a second, without NEST

    `bgnest run --n-neurons 10000 --threads 2` – a small version, in under a minute

    `bgnest run {DEFAULT_EXPERIMENT} --set network.dopamine=0.2 --out runs/da02`

    `bgnest rates runs/da02` and `bgnest plot runs/da02` – look again at what was recorded
    """,
)

app.command("run")(run.run)
app.command("batch")(batch.batch)
app.command("plan")(plan.plan)
app.command("validate")(validate.validate)
app.command("describe")(describe.describe)
app.command("new")(new.new)
app.command("schema")(schema.schema)
app.command("doctor")(doctor.doctor)
app.command("list")(listing.list_all)
app.add_typer(models.app, name="models")
app.command("cells")(cells.cells)
app.command("characterise")(cells.characterise)
app.command("submit")(submit.submit)
app.command("runs")(runs.runs)
scan.app.command("optimise")(optimise.optimise)
app.add_typer(scan.app, name="scan")
app.command("fit")(fit.fit)
app.add_typer(check.app, name="check")
app.command("rates")(rates.rates)
app.command("measure")(measure.measure)
app.command("plot")(plot.plot)
app.command("report")(report.report)
app.command("verdict")(verdict.verdict)
app.command("compare")(compare.compare)
app.command("verify")(verify.verify)
app.command("rerun")(verify.rerun)
app.command("export")(export.export)
app.command("archive")(archive.archive)


def _version(wanted: bool) -> None:
    """Print the version."""
    if wanted:
        from .. import __version__

        print(f"bgnest {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
    log_level: str = typer.Option("WARNING", help="What to tell on the terminal: DEBUG, INFO, WARNING, ERROR."),
) -> None:
    """Set up logging; the text above is the help."""
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        raise typer.BadParameter(f"{log_level!r}; levels: DEBUG, INFO, WARNING, ERROR", param_hint="--log-level")
    handler = logging.StreamHandler()
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger(NAME).addHandler(handler)


@app.command("serve", hidden=True)
def serve_commands() -> None:
    """Run commands in forked processes; started by searches, not by people."""
    serve.serve(main)


SCARCE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
"""Errors of disks and of open files that Python cannot always ascribe to a file."""
OUT_OF_MEMORY = (
    b"bgnest: out of memory; `bgnest plan` says what a network needs, `ulimit -v` and the job what there may be\n"
)


def no_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is a want of memory."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        error = error.__cause__ or error.__context__
    return False


def _has_working_directory() -> bool:
    try:
        return Path.cwd().is_dir()
    except FileNotFoundError:
        return False


def main() -> None:
    """Run the command line; exit code 1 for a mistake that the message explains, 130 for Ctrl-C.

    3 means that activity exploded, or the state of a cell was not finite, and the run was stopped, 143 and 129 that
    SIGTERM or SIGHUP ended it.
    """
    os.environ["MPLBACKEND"] = "agg"  # no command opens a window; a name that Matplotlib does not know ends its import
    os.environ.setdefault("PATH", os.defpath)  # without one g++ does not find its own parts
    limit()
    terminal.secure()
    interrupts.keep()
    job.silence_other_ranks()
    try:
        app(standalone_mode=True)
    except SystemExit:
        if problem := terminal.flushed():
            job.end(f"bgnest: {problem}", 1)
        raise
    except Exception as error:
        if no_memory(error):
            os.write(2, OUT_OF_MEMORY)  # nothing that has to be made first
            os._exit(1)
        if isinstance(error, Error):
            message = spelled_out(f"bgnest: {error}", keep="\n")
            job.end(message, error.exit_code, shared=isinstance(error, RunawayError))  # all ranks end so
        if isinstance(error, FileNotFoundError) and not _has_working_directory():
            job.end("bgnest: the working directory is gone; change to one that there is", 1)
        if isinstance(error, OSError) and error.filename is not None:
            job.end(spelled_out(f"bgnest: {error.filename}: {error.strerror}"), 1)
        if isinstance(error, OSError) and error.errno in SCARCE:
            job.end(f"bgnest: {error.strerror}", 1)
        if job.present().size == 1:
            raise
        job.end(traceback.format_exc(), 1)


if __name__ == "__main__":
    main()
