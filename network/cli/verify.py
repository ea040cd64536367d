"""``bgnest verify`` and ``bgnest rerun``: whether a run is what it says, and can be had again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..door import open_run
from .options import AsJson, Quiet
from .output import plain, print_json


def verify(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    files: Annotated[bool, typer.Option("--files", help="Compare the files only; needs no NEST.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Read back every cell and synapse, not a sample of them.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Verify a finished run: its files against their digests, and its network, built again, against its plan.

    Parameters of cells, who is connected, weights, delays, receptors, plasticity, input, recorders, threads and seed
    are read back from NEST. A run does so with a sample before time begins (`audit.json` in its folder); here all can
    be read. Nothing is simulated; `bgnest rerun` does that. The exit code is 1 if anything differs.

    Examples: `bgnest verify runs/a`, `bgnest verify runs/a --all`.
    """
    opened = open_run(run).verify()
    n_files = len(opened.reader.manifest["files"])
    if not as_json:
        print(f"files: all {n_files} as they were written")
    found = {} if files else opened.audit(exhaustive=everything, progress=not (quiet or as_json))
    if as_json:
        print_json({"run": run, "files": n_files, "network": found or None})
    if files or as_json:
        return
    if "note" in found:
        print(f"network: {found['note']}")
        return
    print(f"network: as planned; {found['cells_read']:,} cells and {found['synapses_read']:,} synapses read back")
    if left := found["projections_only_counted"]:
        print(f"synapses that were only counted (--all reads them): {', '.join(left)}")
    if hidden := found["parameters_not_read"]:
        print(f"parameters that NEST does not answer for: {', '.join(hidden)}")


def rerun(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path | None, typer.Option(help="New folder; by default that of the run with `-again`.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a complete run in the new folder.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Repeat a run from its folder alone, with its seed and threads, and say whether all spikes are the same.

    The exit code is 0 if they are identical, to the last digit of every time, and 1 if not. Versions and processors
    that are not those of before are named.

    Example: `bgnest rerun runs/a --out runs/a2`.
    """
    found = open_run(run).rerun(out, overwrite=overwrite, progress=not (quiet or as_json))
    if as_json:
        print_json({"identical": bool(found), **plain(found)})
    else:
        print(f"{found!r}\nrun folder: {found.path}")
    if not found:
        raise typer.Exit(1)
