"""What NEST 3.10 limits, so that validation can say it before anything is built.

NEST checks some of this itself, late and in words of its own; beyond the width of its fields it goes on with wrong
numbers (a delay of 300 s in steps of 0.1 ms is accepted). From ``nest_types.h``.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import derive
from .distributions import bounds, plain
from .schema import Experiment
from .yamlfile import KeyPath

TIC = 0.001
"""Unit of NEST's clock in ms; the resolution is a multiple of it."""
MAX_DELAY_STEPS = 2**21 - 1
"""A delay has 21 bits."""
MAX_SLICE_STEPS = 2**14 - 1
"""Steps between two exchanges of spikes, the shortest delay: the place of a spike within them has 14 bits."""
MAX_CELLS = {"nest": 2**61 - 2, "compact": 2**32 - 1}
"""Cells of one population, by the wiring of its synapses: NEST's ids have 61 bits, those of rows 32."""
MAX_SYNAPSE_MODELS = 420
"""Copies of synapse models, one for each projection: there are 511 in all, 77 of NEST and some of ours."""
MAX_SYNAPSES_PER_VP = {"nest": 2**27 - 1, "compact": 2**32 - 1}
"""Synapses of one projection on one virtual process, by wiring: NEST's index has 27 bits, that of rows 32."""
MAX_THREADS = 511
MAX_RANKS = 2**18 - 1
MAX_DRAWN_PER_STEP = 100.0
"""Spikes per step that a cell of the vectorised target can draw on average (``poisson_drive.h``)."""

Problem = tuple[KeyPath, str]


def check_experiment(experiment: Experiment) -> Iterator[Problem]:
    """Whatever of an experiment NEST cannot take, as (key path, message)."""
    resolution = experiment.simulation.resolution.value
    longest = MAX_DELAY_STEPS * resolution
    for section in ("projections", "inputs", "spike_inputs"):
        for name, entry in getattr(experiment, section).items():
            spread = getattr(entry, "delay_spread", None)
            longest_given = bounds(plain(entry.delay))[1] * (1.0 + (0.0 if spread is None else spread.value))
            high = derive.on_grid(resolution, longest_given, resolution)[1] if longest_given < 1e18 else 0.0
            if high > longest:
                message = f"{high:g} ms is longer than NEST can keep, {longest:g} ms at this resolution"
                yield (section, name, "delay"), message
    n = sum(projection.enabled for projection in experiment.projections.values())
    if n > MAX_SYNAPSE_MODELS:
        yield ("projections",), f"{n} projections; NEST has room for {MAX_SYNAPSE_MODELS} kinds of synapses"
