"""``bgnest verdict``: does a run hit the target windows of its state; needs no NEST."""

from __future__ import annotations

from typing import Annotated

import typer

from ..door import open_run
from .options import RunArgument
from .rates import show_verdict


def verdict(
    run: RunArgument,
    state: Annotated[
        str | None, typer.Option(help="Judge by the targets of this state; by default the run's own.")
    ] = None,
    pairs: Annotated[bool, typer.Option(help="Also coherence and phases, where there are targets.")] = True,
    any_size: Annotated[
        bool, typer.Option("--any-size", help="Also judge a network that is smaller than the windows hold for.")
    ] = False,
) -> None:
    """Compare rates, CVs, coherence and phases of a run with target windows.

    Exit code 0 if everything is inside its window, 1 if not, 2 if there is nothing to compare with: no window, or only
    windows that hold for a larger network, which this one is not inside of.
    """
    judgement = show_verdict(open_run(run), state=state, pairs=pairs, any_size=any_size)
    if code := {"PASS": 0, "FAIL": 1}.get(judgement.outcome(any_size=any_size), 2):
        raise typer.Exit(code)
