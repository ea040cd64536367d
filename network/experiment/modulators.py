"""Modulators: levels of substances, such as dopamine, that change parameters, gains, weights and degrees.

A network has any number of them, or none. What one does is an *effect* ``{of: dopamine, beta: 0.5, form: linear}``: the
value is multiplied by 1 + beta * phi, where phi is the level less the reference level. Several effects on one value
multiply. The fields ``network.dopamine*`` and ``*beta`` are short forms for the modulator ``dopamine``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from .quantities import Fraction, Number, Quantity, Spec
from .stimuli import DopamineSchedule, Name

SHORT = "dopamine"
"""The modulator that the short forms are about."""


class Modulator(Spec):
    """Level of one substance; everything that it modulates follows it, but for the wiring."""

    level: Fraction
    """At the beginning."""
    reference: Fraction
    """Level at which every factor is 1."""
    schedule: DopamineSchedule | None = None
    """How the level changes during the run."""

    @property
    def phi(self) -> float:
        """Deviation from the reference."""
        return self.level.value - self.reference.value


class LinearEffect(Spec):
    """Factor 1 + beta * phi."""

    PHRASE: ClassVar[str] = "1 + beta * phi"

    of: Name
    """Modulator."""
    beta: Number
    """Relative change of the value per unit of the level."""
    form: Literal["linear"] = "linear"
    """How the value follows the level."""

    def factor(self, phis: Mapping[str, float]) -> float:
        """Factor on the value at deviations from the reference levels; without the modulator it is 1."""
        return 1.0 + self.beta.value * phis.get(self.of, 0.0)


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, dict | LinearEffect) else given


Effect = LinearEffect
"""Union of the forms; a further form is a further class."""
Effects = Annotated[tuple[Effect, ...], Field(strict=False), BeforeValidator(_listed)]
"""One effect, or a list of them."""


def factor(effects: Iterable[Effect], beta: Quantity | None, phis: Mapping[str, float], *, sign: float = 1.0) -> float:
    """Product of all effects on a value and of the short form, ``beta`` of dopamine; ``sign`` belongs to the latter."""
    product = 1.0 if beta is None else 1.0 + sign * beta.value * phis.get(SHORT, 0.0)
    for effect in effects:
        product *= effect.factor(phis)
    return product


def raw_levels(data: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Level and reference of every modulator in the tree of an experiment, in both ways to write them."""
    network, given = data.get("network"), data.get("modulators")
    levels: dict[str, tuple[Any, Any]] = {}
    if isinstance(network, dict) and network.get(SHORT) is not None:
        levels[SHORT] = (network[SHORT], network.get(f"{SHORT}_reference"))
    for name, modulator in given.items() if isinstance(given, dict) else ():
        if isinstance(modulator, dict):
            levels[str(name)] = (modulator.get("level"), modulator.get("reference"))
    return levels
