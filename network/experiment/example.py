"""A small experiment with any NESTML model, as a file to start from: every port is used, every value can be changed."""

from __future__ import annotations

from .nestml import ModelInterface
from .receptors import KINDS, kind_of

WEIGHTS = {"nS": 1.5, "pA": 60.0, "mV": 0.8}
"""Small steps in most cells, by unit of the weight."""
TRACES = 4
WHY = "example"


def example_of(name: str, model: ModelInterface) -> str:
    """Text of an experiment with two populations of a model.

    Parameters
    ----------
    name : str
        By which experiments know the model.
    model : ModelInterface
    """
    weights = {port: _weight(port, model) for port in model.ports}
    lines = [
        f"# Two populations of {name}: the first gets Poisson spikes and excites the second.",
        f"meta: {{model: own, title: {name}}}",
        "network: {}",
        "populations:",
        *(line for label in ("source", "target") for line in _population(label, name, model)),
        "projections:",
        *(
            f"  source_to_target_{port}: {{source: source, target: target, receptor: {port}, "
            f"in_degree: {_quantity(2, '1')}, weight: {weight}, delay: {_quantity(1.5, 'ms')}}}"
            for port, weight in weights.items()
        ),
    ]
    if weights:
        port = min(weights, key=lambda port: model.qualifiers.get(port) == "inhibitory")
        lines += [
            "inputs:",
            f"  spikes: {{target: source, rate: {_quantity(2000, 'spikes/s')}, delay: {_quantity(1.5, 'ms')}, "
            f"weights: {{{port}: {weights[port]}}}}}",
        ]
    lines += _currents(model)
    times = {"resolution": 0.1, "t_presim": 0.0, "t_sim": 200.0}
    lines += ["simulation:", *(f"  {key}: {_quantity(value, 'ms')}" for key, value in times.items())]
    if model.recordables:
        variables = ", ".join(model.recordables[:TRACES])
        lines += [
            "recording:",
            "  traces:",
            f"    target: {{population: target, cells: 2, variables: [{variables}], interval: {_quantity(0.5, 'ms')}}}",
        ]
    return "\n".join(lines) + "\n"


def _quantity(value: float, unit: str) -> str:
    return f"{{value: {value:g}, unit: {unit}, assumed: {WHY}}}"


def _population(label: str, name: str, model: ModelInterface) -> list[str]:
    undecided = ", ".join(f"{port}: {{kind: current}}" for port in model.ports if kind_of(port, {}, model) is None)
    receptors = [f"    receptors: {{{undecided}}}"] if undecided else []
    return [
        f"  {label}:",
        f"    label: {label}",
        f"    model: {name}",
        f"    n_neurons: {_quantity(4, '1')}",
        "    defaults: model   # parameters that are not given under `neuron` or `receptors` are those of its file",
        *receptors,
    ]


def _weight(port: str, model: ModelInterface) -> str:
    kind = KINDS[kind_of(port, {}, model) or "current"]
    negative = kind.signed and model.qualifiers.get(port) == "inhibitory"
    return _quantity(-WEIGHTS[kind.unit] if negative else WEIGHTS[kind.unit], kind.unit)


def _currents(model: ModelInterface) -> list[str]:
    """Steps of a current onto ``I_e``, where the model has it, and onto every continuous port."""
    ways = {"step": "", **{f"into_{port}": f"port: {port}, " for port in model.currents}}
    if "I_e" not in model.defaults:
        del ways["step"]
    times = f"{{value: [50, 150], unit: ms, assumed: {WHY}}}"
    steps = f"{{value: [200, 0], unit: pA, assumed: {WHY}}}"
    lines = [f"  {name}: {{target: target, {way}times: {times}, amplitudes: {steps}}}" for name, way in ways.items()]
    return ["currents:", *lines] if lines else []
