"""``bgnest doctor``: what this machine has for simulations, and what to do about what is missing."""

from __future__ import annotations

import typer

from .options import AsJson
from .output import print_json


def doctor(as_json: AsJson = False) -> None:
    """Look at what simulations need: NEST, NESTML, compiler, MPI, Slurm, memory, disk; say what to do.

    Simulates nothing and takes some seconds. Exit code 0 if simulations are possible here, 1 if something is missing
    without which none is.
    """
    from ..door.doctor import examine

    found = examine()
    if as_json:
        print_json({"ready": bool(found), "findings": found.findings})
    else:
        print(found)
    if not found:
        raise typer.Exit(1)
