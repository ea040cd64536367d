"""``bgnest runs``: the runs in a folder and how far they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..door.costs import costs_of, list_costs
from ..door.listing import list_runs
from .options import AsJson
from .output import print_json


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder that holds run folders, or one of them.")] = Path("runs"),
    cost: Annotated[
        bool, typer.Option("--cost", help="Memory, disk and time instead: predicted and measured.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder: queued, running, complete, or why they are not."""
    if as_json:
        found = list_runs(folder)
        costs = {entry.path: costs_of(entry.path) for entry in found} if cost else {}
        print_json([{**vars(entry), **costs.get(entry.path, {})} for entry in found])
        return
    print(repr(list_costs(folder) if cost else list_runs(folder)))
