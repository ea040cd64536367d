"""The hooks that ``worker.py`` calls in the process that runs NESTML."""

from typing import Any

from .describer import lane_model
from .inputs import elements
from .model import LaneModel
from .solvers import mend

DRIVE_PARAMETERS = (
    "drive_rate",
    "drive_seed",
    "drive_delay",
    "drive_times",
    "drive_values",
    "drive_period",
)


GRADED = "bgnest_graded"
"""Option that says what graded synapses have added to the model; NESTML does not know it."""


def install(options: dict[str, Any]) -> None:
    """Make NESTML's code generator for NEST hand a ``LaneModel`` named ``model`` to its templates."""
    from pynestml.codegeneration.nest_code_generator import NESTCodeGenerator

    mend()
    graded = options.pop(GRADED, None)
    original = NESTCodeGenerator._get_neuron_model_namespace

    def with_lane_model(self: Any, neuron: Any, metadata: Any) -> dict[str, Any]:
        namespace = original(self, neuron, metadata)
        namespace["model"] = _made[neuron.get_name()] = lane_model(neuron, metadata, namespace, graded)
        return namespace

    NESTCodeGenerator._get_neuron_model_namespace = with_lane_model


_made: dict[str, LaneModel] = {}
"""Models of this process."""


def conclude(info: dict[str, Any]) -> None:
    """Add what is known only when the code of a model has been generated: how its equations are integrated, and why."""
    if (model := _made.get(info["name"])) is not None:
        info["extra"]["scheme"] = {"name": model.scheme, "why": model.why}


def describe(model: Any, info: dict[str, Any]) -> None:
    """Add to the description of a model what this target adds to every model."""
    info["recordables"].append("drive_count")
    info["extra"]["drive"] = {
        "weights": {port: f"drive_weight_{port}" for port in info["ports"]},
        "parameters": list(DRIVE_PARAMETERS),
        # what such a port is told by a negative weight is, within the cell, a positive one
        "inhibitory": [
            name
            for port in model.get_spike_input_ports()
            if port.is_inhibitory() and not port.is_excitatory()
            for name in elements(port)
        ],
    }
