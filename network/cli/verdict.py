"""``bgnest verdict``: does a run hit the target windows of its state; needs no NEST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..door import open_run
from .options import AsJson, RunArgument
from .output import print_json, records
from .rates import show_verdict

if TYPE_CHECKING:
    from ..analysis.targets.judge import Judgement


def verdict(
    run: RunArgument,
    state: Annotated[
        str | None, typer.Option(help="Judge by the targets of this state; by default the run's own.")
    ] = None,
    pairs: Annotated[bool, typer.Option(help="Also coherence and phases, where there are targets.")] = True,
    any_size: Annotated[
        bool, typer.Option("--any-size", help="Also judge a network that is smaller than the windows hold for.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare rates, CVs, coherence and phases of a run with target windows.

    Exit code 0 if everything is inside its window, 1 if not, 2 if there is nothing to compare with: no window, or only
    windows that hold for a larger network, which this one is not inside of.
    """
    opened = open_run(run)
    if as_json:
        judgement = opened.verdict(state, pairs=pairs).judgement
        print_json({"run": opened.path, **verdict_of(judgement, any_size=any_size)})
    else:
        judgement = show_verdict(opened, state=state, pairs=pairs, any_size=any_size)
    if code := {"PASS": 0, "FAIL": 1}.get(judgement.outcome(any_size=any_size), 2):
        raise typer.Exit(code)


def verdict_of(judgement: Judgement, *, any_size: bool = False) -> dict[str, Any]:
    """Verdict as a program reads it."""
    judged = judgement.judged
    return {
        "outcome": judgement.outcome(any_size=any_size),
        "inside": judgement.n_good,
        "judged": len(judged),
        "smaller_than_the_windows_hold_for": judgement.too_small,
        "notes": judgement.notes,
        "quantities": records(judged[["quantity", "value", "low", "high", "verdict"]]),
    }
