"""``bgnest verdict``: does a run hit the target windows of its state; needs no NEST."""

from __future__ import annotations

from typing import Annotated

import typer

from ..runs.reader import Run
from .options import RunArgument
from .rates import show_verdict


def verdict(
    run: RunArgument,
    state: Annotated[
        str | None, typer.Option(help="Judge by the targets of this state; by default the run's own.")
    ] = None,
    pairs: Annotated[bool, typer.Option(help="Also coherence and phases, where there are targets.")] = True,
) -> None:
    """Compare rates, CVs, coherence and phases of a run with target windows.

    Exit code 0 if everything is inside its window, 1 if not, 2 if there is nothing to compare with.
    """
    judgement = show_verdict(Run.open(run), state=state, pairs=pairs)
    if not judgement.passed:
        raise typer.Exit(1 if len(judgement.judged) else 2)
