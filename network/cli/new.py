"""``bgnest new``: a folder of parameters to start from; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new(
    name: Annotated[str, typer.Argument(help="Of the network and its folder: letters, digits and underscores.")],
    of: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="NETWORK", help="Copy this network (see `bgnest list`) or folder, to change it."
        ),
    ] = None,
) -> None:
    """Start a network of your own: a folder of commented parameters in the working directory, which runs at once.

    The example has two populations, projections, Poisson input, two experiments, targets and a bibliography; its
    comments say what else can be written. Nothing is overwritten.

    Examples: `bgnest new my_striatum`; `bgnest new my_circuit --from OTHER`.
    """
    from ..door.starting import new_network

    folder = new_network(name, of)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml"))
    runnable = name if (folder / "base.yaml").is_file() else f"{name}/{Path(files[0]).stem}"
    print(f"{folder}: {len(files)} files ({', '.join(files[:8])}{', ...' if len(files) > 8 else ''})")
    print("export BGNEST_PARAMS=$PWD   # its targets, colours and name are known then, wherever you are")
    print(f"bgnest validate {runnable}\nbgnest run {runnable}")
