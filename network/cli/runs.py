"""``bgnest runs``: the runs in a folder and how far they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..door.costs import list_costs
from ..door.listing import list_runs


def runs(
    folder: Annotated[Path, typer.Argument(help="Folder that holds run folders, or one of them.")] = Path("runs"),
    cost: Annotated[
        bool, typer.Option("--cost", help="Memory, disk and time instead: predicted and measured.")
    ] = False,
) -> None:
    """List the runs in a folder: queued, running, complete, or why they are not."""
    print(repr(list_costs(folder) if cost else list_runs(folder)))
