"""``bgnest plan``: what would be built, and what it would cost; needs no NEST."""

from __future__ import annotations

import json
import sys

from ..door.planned import Plan
from ..plans.cost import beyond_machine
from .options import DEFAULT_EXPERIMENT, AsJson, Changes, ExperimentArgument, Ranks, Threads, tell_code, with_changes


@with_changes
def plan(
    changes: Changes,
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    threads: Threads = 1,
    ranks: Ranks = 1,
    as_json: AsJson = False,
) -> None:
    """Show what would be built: neurons, synapses per projection, memory, expected time. Needs no NEST."""
    chosen = changes.load(experiment)
    made = chosen.plan(threads=threads, ranks=ranks)
    tell_code(made, chosen.spec)
    show_plan(made, as_json=as_json)


def show_plan(made: Plan, *, as_json: bool) -> None:
    """Print a plan, and on the side if a run of it would be refused here."""
    if problem := beyond_machine(made):
        print(f"bgnest: {problem}; a run would be refused here", file=sys.stderr)
    print(json.dumps(made.to_dict(), indent=1) if as_json else made.summary())
