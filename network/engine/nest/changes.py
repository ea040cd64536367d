"""Change parameters of populations during a run: dopamine schedules and current steps of a plan.

NEST accepts new parameters only outside a run, so each change costs a ``Cleanup``, one ``set`` per population
(about 30 us per cell) and a ``Prepare``. States, synapses and spikes under way stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import EngineError
from ...plans.parts import Segment
from . import kernel
from .network import Network


def set_parameters(network: Network, segment: Segment) -> None:
    """Set what a segment changes on all cells of the populations it names: one value for all, or one for each.

    Raises
    ------
    EngineError
        If NEST refuses a value; the message names population and time.
    """
    nest = kernel.import_nest()
    of_cells: dict[str, dict[str, Any]] = {
        name: {key: np.array(values) for key, values in params.items()} for name, params in segment.cells.items()
    }
    for name, params in (*segment.params.items(), *of_cells.items()):
        try:
            network.set(name, slice(None), dict(params))
        except (nest.NESTError, EngineError) as error:
            raise EngineError(f"change of {name} at {segment.time:g} ms: NEST refused it: {error}") from error
