"""Populations whose cells all fire at the same moments: identical cells that start alike and get the same input do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...runs import Run

FEWEST_CELLS, FEWEST_VOLLEYS = 5, 3
TOGETHER = 0.9
"""Mean share of a population that fires in the steps in which any of it does; assumed. In a rhythm that a network
makes by itself spikes spread over milliseconds."""


def in_lockstep(run: Run) -> Iterator[str]:
    """Say of populations that nearly all of their cells fire in the same steps, and what makes cells differ.

    Parameters
    ----------
    run : Run
    """
    for name, n_cells in run.populations.items():
        if n_cells < FEWEST_CELLS or name not in run.recorded:
            continue
        times = run.spikes(name).times
        n_volleys = len(np.unique(times))
        if n_volleys >= FEWEST_VOLLEYS and len(times) >= TOGETHER * n_volleys * n_cells:
            yield (
                f"warning: the {n_cells:,} cells of {name} fire at the same moments, {n_volleys} times; cells that "
                "are alike and start alike do. `heterogeneity` and `initial` make them differ"
            )
