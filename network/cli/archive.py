"""``bgnest archive``: a run or a scan as an RO-Crate for archives; needs no NEST."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..door import open_run
from ..door.archiving import Authorship


def archive(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_SCAN", help="Run folder, or the folder of a scan.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default FOLDER.crate.zip beside the folder.")
    ] = None,
    creator: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME [ORCID]", help="Who made it, with an ORCID iD where there is one. Repeatable."),
    ] = None,
    licence: Annotated[
        str, typer.Option("--licence", "--license", help="What others may do: an identifier of SPDX or an address.")
    ] = "",
    title: Annotated[str, typer.Option(help="By default the title of the experiment or scan.")] = "",
    citation: Annotated[
        Path | None, typer.Option(help="CITATION.cff with authors, licence and DOI, where the options are silent.")
    ] = None,
) -> None:
    """Write a run or a scan as one zip that archives and programs understand (RO-Crate, profile of a process run).

    It has all files with their digests, which program in which version made them from which parameters and seed, when,
    the sources of the parameters as citations, creators and licence. The files are compared with their manifests first.
    Of a scan all complete runs are described. Needs the package `rocrate` (pip install 'bgnest[archive]').

    Example: `bgnest archive runs/depleted --creator "Ada Lovelace 0000-0002-1825-0097" --licence CC-BY-4.0`.
    """
    given = Authorship() if citation is None else Authorship.of_citation(citation)
    given = replace(
        given, creators=tuple(creator or given.creators), licence=licence or given.licence, title=title or given.title
    )
    if (source / "points.json").is_file():
        from ..door.scans import scan

        print(scan(source).archive(out, given))
    else:
        print(open_run(source).archive(out, given))
