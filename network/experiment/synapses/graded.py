"""Graded synapses: the receptor opens with the potential of the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from ...errors import SpecError, choices
from ..activations import DEFAULT, Activation, find_activation, labelled
from ..graded_cells import Gate, cells_of
from ..kinds import written
from ..nestml import spelled
from ..quantities import AnyQuantity, Fraction, Millivolts, PositiveMillivolts, RateConstant
from ..stimuli import Name
from ..units import UNITS, compatible
from .base import Synapse

if TYPE_CHECKING:
    from ..schema import Experiment, Projection


def _one_number(value: Any) -> Any:
    """Refuse a distribution: the open probability belongs to the source."""
    if isinstance(value, dict) and "distribution" in value:
        message = "belongs to the source cells, all of whose synapses share it: give one number, not a distribution"
        raise PydanticCustomError("per_sender", "{message}", {"message": message})
    return value


def _per_sender(form: Any) -> Any:
    return Annotated[form, BeforeValidator(_one_number)]


Values: Any = dict[Name, _per_sender(AnyQuantity)]  # type: ignore[misc]  # made when the program runs


@dataclass(frozen=True)
class Graded(Synapse):
    """The open probability s of the receptors follows the potential of the source by the equation of an activation.

    All synapses of a population with one ``label`` share its s. The current into the target is
    ``weight * s * (E_rev - V_m)``, the reversal potential is that of the receptor.
    """

    TAG: ClassVar[dict[str, str]] = {"kind": "graded"}
    in_rows = True
    bytes = (29, 0)
    measured_as = "static"

    activation: str = written(Name, default=DEFAULT)
    """Equation of the open probability, a NESTML file of that name."""
    k_minus: float | None = written(_per_sender(RateConstant), default=None)
    """Rate of closing."""
    v_th: float | None = written(_per_sender(Millivolts), default=None)
    """Potential at which half of the receptors are open."""
    delta: float | None = written(_per_sender(PositiveMillivolts), default=None)
    """Slope of the activation."""
    s0: float | None = written(_per_sender(Fraction), default=None)
    """Open probability at the start."""
    parameters: dict[str, float] = written(Values, default_factory=dict)  # noqa: RUF009 - makes a field
    """Of other activations, by their own names."""
    label: str = written(Name, default="")
    """Synapses of one population with one label share their open probability; by default that of the activation."""
    digest: str = ""
    """SHA-256 of the activation's file."""

    @property
    def gate(self) -> Gate:
        """What it needs of its source."""
        return Gate(self.label or self.activation, self.activation)

    @property
    def given(self) -> dict[str, float]:
        """Parameters of the activation that have a value."""
        short = {key: value for key in ("k_minus", "v_th", "delta") if (value := getattr(self, key)) is not None}
        return {**self.parameters, **short}

    @property
    def of_source(self) -> dict[str, float]:
        """Parameters of the source cells."""
        return {labelled(key, self.gate.label): value for key, value in self.given.items()}

    @property
    def constants(self) -> dict[str, Any]:
        """For those who describe a circuit; NEST has no such synapse."""
        return {**self.given, **({} if self.s0 is None else {"s0": self.s0})}

    def resolved(self) -> Synapse:
        """With the digest of the file, which is identity."""
        return replace(self, digest=find_activation(self.activation).digest)

    def describe(self) -> str:  # noqa: D102
        return f"graded, {self.activation}"

    def problem(self) -> tuple[str, str] | None:  # noqa: D102
        try:
            activation = find_activation(self.activation)
        except SpecError as error:
            return "activation", error.problems[0]
        for key in self.given:
            where = f"parameters.{key}" if key in self.parameters else key
            if key not in activation.interface.parameters:
                valid = choices(key, activation.interface.parameters, "parameters")
                return where, f"not a parameter of the activation {self.activation}; {valid}"
            if key in self.parameters and getattr(self, key, None) is not None:
                return where, f"has a value in synapse.{key}, too"
        return None

    def misfits(self, experiment: Experiment, projection: Projection) -> Iterator[tuple[str, str]]:
        """What does not fit to the rest of the experiment."""
        yield from self._wrong_units(find_activation(self.activation), projection)
        for name, other in experiment.projections.items():
            if other is projection:
                break  # of two that differ the later one is told
            synapse = other.synapse_in_use
            if other.source != projection.source or not isinstance(synapse, Graded):
                continue
            if synapse.gate.label == self.gate.label and replace(synapse, label="") != replace(self, label=""):
                message = (
                    f"the s called {self.gate.label} differs from that of {name}, which begins at {other.source}, too"
                )
                yield "label", f"{message}; give one of them another label"
        for population in dict.fromkeys((projection.source, projection.target)):
            if problem := cells_of(experiment, population).problem():
                yield "kind", f"{population}: {problem}"

    def _wrong_units(self, activation: Activation, projection: Projection) -> Iterator[tuple[str, str]]:
        for key, quantity in (getattr(projection.synapse, "parameters", None) or {}).items():
            unit = activation.interface.unit(key) or spelled(activation.interface.parameters.get(key, ""))
            unit = "1" if unit == "real" else unit
            if unit in UNITS and not compatible(quantity.unit, unit):
                yield f"parameters.{key}", f"wrong unit {quantity.unit!r}; accepted: {unit} and its multiples"
