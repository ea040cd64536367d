"""What may be written of a wiring rule: one class per rule, told apart by ``rule:``.

It follows from the class of the rule in :mod:`network.experiment.rules`; only what cannot be said there (the kernels of
``distance``) is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from . import derive, space
from .kinds import form_of, kind_named, kinds_of, plain_fields, union_of
from .modulators import Effects, factor
from .quantities import Count, Fraction, Fractions, Length, Lengths, Number, Positive, Spec, Velocity
from .rules import Rule, distance
from .rules.from_file import FromFile


class _Form(Spec):
    KIND: ClassVar[type[Rule]]
    """The rule that is meant."""

    def plain(self, phis: Mapping[str, float]) -> Rule:
        """Rule in plain numbers at these deviations of modulators."""
        return self.KIND(**plain_fields(self.KIND, self))


class Effective(_Form):
    """A rule of which modulators change the degree, number or probability."""

    beta: Number | None = None
    """Dopamine: the degree, number or probability becomes x (1 + beta * phi)."""
    effects: Effects = ()
    """Effects of modulators on it."""

    def plain(self, phis: Mapping[str, float]) -> Rule:  # noqa: D102
        given = plain_fields(self.KIND, self)
        acted_on = {one.name for one in fields(self.KIND) if one.metadata.get("modulated")}
        return self.KIND(**{key: self.acted(v, phis) if key in acted_on else v for key, v in given.items()})

    def acted(self, value: float, phis: Mapping[str, float]) -> float:
        """Value with the effects of the modulators."""
        return value * self.factor(phis)

    def factor(self, phis: Mapping[str, float]) -> float:
        """What the modulators multiply the degree, number or probability with."""
        return factor(self.effects, self.beta, phis)


class _Counted(Effective):
    rounding: Literal["nearest", "down"] = "nearest"
    """How ``beta`` makes a whole number."""

    def acted(self, value: float, phis: Mapping[str, float]) -> int:
        """Whole number with the effects of the modulators."""
        return derive.scaled_in_degree(value, self.factor(phis), self.rounding)


def _form(rule: type[Rule]) -> type[_Form]:
    """What may be written of a rule; whole numbers stay whole under the effects of modulators."""
    acted_on = [one.metadata["written"] for one in fields(rule) if one.metadata.get("modulated")]
    base = _Form if not acted_on else _Counted if any(form is Count for form in acted_on) else Effective
    made: Any = form_of(rule, base)
    made.KIND = rule
    return made


class ExponentialKernel(Spec):
    """exp(-d / length)."""

    kind: Literal["exponential"]
    length: Length
    """Distance over which the probability falls to 1/e."""

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.Exponential(self.length.value)


class GaussianKernel(Spec):
    """exp(-d^2 / (2 sd^2))."""

    kind: Literal["gaussian"]
    sd: Length
    """Standard deviation."""

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.Gaussian(self.sd.value)


class GeneralisedGaussianKernel(Spec):
    """exp(-(d / length)^exponent)."""

    kind: Literal["generalised_gaussian"]
    length: Length
    """Distance at which the probability is 1/e."""
    exponent: Positive
    """2 is a Gaussian, 1 an exponential."""

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.GeneralisedGaussian(self.length.value, self.exponent.value)


class BoxKernel(Spec):
    """1 up to a radius, 0 beyond."""

    kind: Literal["box"]
    radius: Length
    """Distance up to which cells are connected."""

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.Within(self.radius.value)


class TableKernel(Spec):
    """Straight lines between values at distances; 0 after the last."""

    kind: Literal["table"]
    distances: Lengths
    """They grow."""
    values: Fractions
    """Of the kernel at these distances."""

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.Table(tuple(self.distances.value), tuple(self.values.value))

    @model_validator(mode="after")
    def _consistent(self) -> TableKernel:
        at, values = self.distances.value, self.values.value
        if len(at) != len(values) or len(at) < 2:
            message = f"distances and values must be of one length, at least 2, not {len(at)} and {len(values)}"
            raise PydanticCustomError("table", "{message}", {"message": message})
        if any(first >= second for first, second in pairwise(at)):
            raise PydanticCustomError("table", "distances must increase")
        return self


Kernel = Annotated[
    ExponentialKernel | GaussianKernel | GeneralisedGaussianKernel | BoxKernel | TableKernel,
    Field(discriminator="kind"),
]


class Distance(_Counted):
    """By the distance between cells, whose populations have ``positions``.

    Every pair with ``probability`` times the kernel, or ``in_degree`` sources per target cell in proportion to it.
    """

    rule: Literal["distance"]
    kernel: Kernel
    """Probability by distance, 1 at its largest."""
    probability: Fraction | None = None
    """Of a connection where the kernel is 1."""
    in_degree: Count | None = None
    """Synapses onto every target cell instead, whose sources are drawn in proportion to the kernel."""
    max_distance: Length | None = None
    """Nothing is connected beyond."""
    velocity: Velocity | None = None
    """The delay is that of the projection plus the distance over this."""

    def plain(self, phis: Mapping[str, float]) -> Rule:  # noqa: D102
        return distance.Distance(
            self.kernel.plain(),
            None if self.probability is None else self.probability.value * self.factor(phis),
            None if self.in_degree is None else self.acted(self.in_degree.value, phis),
            None if self.max_distance is None else self.max_distance.value,
            None if self.velocity is None else self.velocity.value,
        )

    @model_validator(mode="after")
    def _one_number(self) -> Distance:
        if (self.probability is None) == (self.in_degree is None):
            raise PydanticCustomError("exactly_one", "give exactly one of 'probability' and 'in_degree'")
        return self


OWN_FORMS: dict[type[Rule], type[_Form]] = {distance.Distance: Distance}
"""What may be written of rules of which their fields do not tell it."""

if TYPE_CHECKING:
    Connect = _Form
else:
    Connect = union_of((OWN_FORMS.get(rule) or _form(rule) for rule in kinds_of(Rule)), "rule")


def edges_of(connect: Any) -> tuple[str, str | None] | None:
    """File and population of the edges that a rule as it is written takes, None if it takes none."""
    return (connect.file, connect.population) if getattr(connect, "KIND", None) is FromFile else None


def rule_from_dict(data: dict[str, Any]) -> Rule:
    """Rule from its JSON form in a plan."""
    rule: type[Rule] = kind_named(Rule, "rule", data["rule"])
    return rule.from_fields({key: value for key, value in data.items() if key != "rule"})
