"""``bgnest describe``: a network as the tables and the diagram of a paper, and how a run was made; no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..door import open_run
from ..errors import RunError, SpecError, choices
from ..runs.layout import run_status
from .options import DEFAULT_EXPERIMENT, Changes, with_changes


@with_changes
def describe(
    changes: Changes,
    experiment: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|FOLDER",
            help=f"Experiment: a name such as {DEFAULT_EXPERIMENT} (see `bgnest list`), a YAML file, a folder of "
            "parameters (its `base.yaml`, or its only experiment), or the folder of a run.",
        ),
    ] = DEFAULT_EXPERIMENT,
    format: Annotated[
        str, typer.Option(help="Language of the tables: markdown, latex (a file that compiles), json.")
    ] = "markdown",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the text and the circuit (PNG, SVG, PDF); without it the text is printed."),
    ] = None,
) -> None:
    """Describe a network: tables after Nordlie et al. (2009), all parameters with sources, a diagram. Needs no NEST.

    The tables are those in which papers describe networks (doi 10.1371/journal.pcbi.1000456): summary, populations,
    connectivity, neuron and synapse models with their equations, input, measurements. After them comes every number
    as it is written, with unit, source, file and line, and the bibliography. Of a complete run it tells first how that
    was made: code, versions, machine, seed, ranks, times, costs, digests of its files.

    Examples: `bgnest describe my_network --format latex --out paper`.
    """
    from ..door.describing import FORMATS

    if format not in FORMATS:
        raise SpecError([f"--format: no {format!r}; {choices(format, FORMATS, 'formats')}"])
    source = source_of(experiment)
    if source == experiment or changes.given() or run_status(experiment) != "complete":
        found = changes.load(source).describe()
    else:
        found = open_run(experiment).describe()
    if out is None:
        print(found.text(format), end="")
        return
    print("\n".join(map(str, found.write(out, format))))


def source_of(given: str) -> str:
    """What to load: the resolved parameters of a run where its folder is given, else what is given.

    Raises
    ------
    RunError
        If a run has no parameters yet.
    """
    folder = Path(given)
    if run_status(folder) in ("missing", "empty", "foreign"):
        return given
    if not (params := folder / "params.yaml").is_file():
        raise RunError(f"{folder}: this run ({run_status(folder)}) has no params.yaml, which a description is made of")
    return str(params)
