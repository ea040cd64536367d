"""What connects to what, as it is written: one class per wiring rule, told apart by ``rule:``.

``in_degree: 9`` in a projection is short for ``connect: {rule: fixed_in_degree, in_degree: 9}``.  ``autapses``,
``multapses`` and ``within_action`` stand beside ``connect`` and modify every rule.  What may be written of a rule
follows from its class in :mod:`network.experiment.rules`; only what cannot be said there (the kernels of
``distance``) is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from . import derive, space
from .distributions import Listed, WrittenFromFile, bounds, plain
from .edge_files import EdgeFileError
from .kinds import form_of, kind_named, kinds_of, plain_fields, union_of
from .limits import MAX_DELAY
from .modulators import Effects, factor
from .quantities import (
    Coordinates,
    Count,
    Fraction,
    Fractions,
    Length,
    Lengths,
    Number,
    Quantity,
    Spec,
    Velocity,
)
from .rules import Ends, FixedInDegree, Rule, distance
from .rules.from_file import FromFile
from .yamlfile import KeyPath

if TYPE_CHECKING:
    from .schema import Experiment, Projection

MAX_SYNAPSES = 1e15
"""Synapses of a projection: a human brain has some 1e14 in all."""


class _Form(Spec):
    KIND: ClassVar[type[Rule]]
    """The rule that is meant."""

    def plain(self, phis: Mapping[str, float]) -> Rule:
        """Rule in plain numbers at these deviations of modulators."""
        return self.KIND(**plain_fields(self.KIND, self))


class _Connect(_Form):
    beta: Number | None = None
    """Dopamine: the degree, number or probability becomes x (1 + beta * phi)."""
    effects: Effects = ()
    """Effects of modulators on it."""

    def plain(self, phis: Mapping[str, float]) -> Rule:
        given = plain_fields(self.KIND, self)
        acted_on = {one.name for one in fields(self.KIND) if one.metadata.get("modulated")}
        return self.KIND(**{key: self.acted(v, phis) if key in acted_on else v for key, v in given.items()})

    def acted(self, value: float, phis: Mapping[str, float]) -> float:
        """Value with the effects of the modulators."""
        return value * self.factor(phis)

    def factor(self, phis: Mapping[str, float]) -> float:
        return factor(self.effects, self.beta, phis)


class _Counted(_Connect):
    rounding: Literal["nearest", "down"] = "nearest"
    """How ``beta`` makes a whole number."""

    def acted(self, value: float, phis: Mapping[str, float]) -> int:
        """Whole number with the effects of the modulators."""
        return derive.scaled_in_degree(value, self.factor(phis), self.rounding)


def _form(rule: type[Rule]) -> type[_Form]:
    """What may be written of a rule; whole numbers stay whole under the effects of modulators."""
    acted_on = [one.metadata["written"] for one in fields(rule) if one.metadata.get("modulated")]
    base = _Form if not acted_on else _Counted if any(form is Count for form in acted_on) else _Connect
    made: Any = form_of(rule, base)
    made.KIND = rule
    return made


class ExponentialKernel(Spec):
    """exp(-d / length)."""

    kind: Literal["exponential"]
    length: Length

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.Exponential(self.length.value)


class GaussianKernel(Spec):
    """exp(-d^2 / (2 sd^2))."""

    kind: Literal["gaussian"]
    sd: Length

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.Gaussian(self.sd.value)


class BoxKernel(Spec):
    """1 up to a radius, 0 beyond."""

    kind: Literal["box"]
    radius: Length

    def plain(self) -> space.Kernel:  # noqa: D102
        return space.Within(self.radius.value)


class TableKernel(Spec):
    """Straight lines between values at distances; 0 after the last."""

    kind: Literal["table"]
    distances: Lengths
    values: Fractions

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


class Distance(_Counted):
    """By the distance between cells, whose populations have ``positions``.

    Every pair with ``probability`` times the kernel, or ``in_degree`` sources per target cell in proportion to it.
    """

    rule: Literal["distance"]
    kernel: Annotated[ExponentialKernel | GaussianKernel | BoxKernel | TableKernel, Field(discriminator="kind")]
    probability: Fraction | None = None
    in_degree: Count | None = None
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


class _Placed(Spec):
    arrangement: Literal["random", "even"] = "random"
    """At random, or as regular as can be."""


class BoxShape(_Placed):
    """Line, rectangle or box, by the number of its extents."""

    shape: Literal["box"]
    extent: Lengths
    centre: Coordinates | None = None
    periodic: bool = False
    """Opposite sides are neighbours."""

    def plain(self) -> space.Shape:  # noqa: D102
        extent = tuple(self.extent.value)
        centre = (0.0,) * len(extent) if self.centre is None else tuple(self.centre.value)
        return space.Box(extent, centre, self.periodic, self.arrangement == "even")

    @model_validator(mode="after")
    def _consistent(self) -> BoxShape:
        n = len(self.extent.value)
        if not 1 <= n <= 3 or min(self.extent.value) <= 0.0:
            raise PydanticCustomError("shape", "extent must have 1 to 3 lengths greater than 0")
        if self.centre is not None and len(self.centre.value) != n:
            raise PydanticCustomError("shape", "centre must have as many coordinates as extent")
        return self


class SphereShape(Spec):
    """Ball, or a disc where the centre has two coordinates; cells are anywhere within."""

    shape: Literal["sphere"]
    radius: Length
    centre: Coordinates | None = None
    """(0, 0, 0) if not given."""

    def plain(self) -> space.Shape:  # noqa: D102
        return space.Sphere(self.radius.value, (0.0,) * 3 if self.centre is None else tuple(self.centre.value))

    @model_validator(mode="after")
    def _consistent(self) -> SphereShape:
        if self.centre is not None and len(self.centre.value) not in (2, 3):
            raise PydanticCustomError("shape", "centre must have 3 coordinates, or 2 for a disc")
        return self


class RingShape(_Placed):
    """Circle, along which distances are measured."""

    shape: Literal["ring"]
    radius: Length

    def plain(self) -> space.Shape:  # noqa: D102
        return space.Ring(self.radius.value, self.arrangement == "even")


Positions = Annotated[BoxShape | SphereShape | RingShape, Field(discriminator="shape")]


def shape_from_dict(data: dict[str, Any] | None) -> space.Shape | None:
    """Shape of a population from its JSON form in a plan."""
    if data is None:
        return None
    (kind,) = (kind for kind in space.SHAPES if kind.TAG["shape"] == data["shape"])
    fields: Any = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key != "shape"
    }
    return kind(**fields)


def planned_rule(projection: Projection, phis: Mapping[str, float]) -> Rule:
    """Rule of a projection in plain numbers, from either spelling."""
    if projection.connect is not None:
        return projection.connect.plain(phis)
    assert projection.in_degree is not None
    degree = factor(projection.effects.get("in_degree", ()), projection.in_degree_beta, phis)
    rounding = projection.in_degree_rounding or "nearest"
    return FixedInDegree(derive.scaled_in_degree(projection.in_degree.value, degree, rounding))


def population_sizes(experiment: Experiment) -> dict[str, int]:
    """Work out the number of neurons of every population of an experiment."""
    counts = {n: p.n_anatomical.value for n, p in experiment.populations.items() if p.n_anatomical is not None}
    scaled = {}
    if counts and experiment.network.n_neurons is not None:
        scaled = derive.population_sizes(counts, int(experiment.network.n_neurons.value))
    fixed = {n: int(p.n_neurons.value) for n, p in experiment.populations.items() if p.n_neurons is not None}
    return {name: (scaled | fixed)[name] for name in experiment.populations if name in scaled | fixed}


def n_actions(experiment: Experiment, population: str) -> int:
    """Look up into how many interleaved sets a population is split."""
    actions = experiment.network.actions
    return int(actions.n.value) if actions is not None and population in actions.populations else 1


def ends_of(experiment: Experiment, projection: Projection, sizes: dict[str, int], phis: Mapping[str, float]) -> Ends:
    """Populations and modifiers of a projection; sources repeat where they must and a small network allows it."""
    ends = Ends(
        sizes[projection.source],
        sizes[projection.target],
        same=projection.source == projection.target,
        autapses=projection.autapses,
        multapses=projection.multapses,
        n_sets=n_actions(experiment, projection.source) if projection.within_action else 1,
        source=_layout(experiment, projection.source, sizes),
        target=_layout(experiment, projection.target, sizes),
    )
    rule = planned_rule(projection, phis)
    if experiment.network.small_network == "multapses" and rule.takes_multapses and rule.problem(ends):
        return Ends(**{**vars(ends), "multapses": True})
    return ends


def _layout(experiment: Experiment, name: str, sizes: dict[str, int]) -> space.Layout | None:
    positions = experiment.populations[name].positions
    if positions is None:
        return None
    return space.Layout(name, positions.plain(), sizes[name], int(experiment.simulation.seed))


Problem = tuple[KeyPath, str]


def file_problems(experiment: Experiment) -> Iterator[Problem]:
    """Whatever is wrong with weights and delays from files; all other checks need those that are there."""
    for name, projection in experiment.projections.items():
        target = experiment.populations.get(projection.target)
        receptor = None if target is None else target.receptors.get(projection.receptor)
        for key in ("weight", "delay"):
            value = getattr(projection, key)
            if not isinstance(value, WrittenFromFile):
                continue
            try:
                drawn = value.plain()
                empty = isinstance(drawn, Listed) and not drawn.n
            except EdgeFileError as error:
                yield ("projections", name, key), str(error)
                break  # the other one cannot be read either
            if empty:
                yield (
                    ("projections", name, "connect"),
                    "no edges in the file; leave it out with enabled: false",
                )
                break
            low, _ = bounds(drawn)
            if key == "weight" and low < 0.0 and receptor is not None and not receptor.signed:
                yield ("projections", name, key), f"down to {low:g} {receptor.unit}; {receptor.what} cannot be negative"


def wiring_problems(experiment: Experiment) -> Iterator[Problem]:
    """Whatever does not fit of wiring rules and distributions, as (key path, message)."""
    phis = experiment.phis
    sizes = population_sizes(experiment)
    for name, population in experiment.populations.items():
        for key, spread in population.heterogeneity.items():
            value = population.neuron.get(key)
            if value is not None and spread.distribution == "lognormal" and value.value <= 0.0:
                message = f"a lognormal distribution needs a mean greater than 0, not {value.value:g} {value.unit}"
                yield ("populations", name, "heterogeneity", key), message
    for name, projection in experiment.projections.items():
        path = ("projections", name)
        yield from _drawn(path, projection, experiment.simulation.resolution.value)
        known = projection.source in sizes and projection.target in sizes
        if projection.enabled and known and min(sizes[projection.source], sizes[projection.target]) > 0:
            yield from _rule(path, experiment, projection, sizes, phis)


def _rule(
    path: KeyPath, experiment: Experiment, projection: Projection, sizes: dict[str, int], phis: Mapping[str, float]
) -> Iterator[Problem]:
    if projection.connect is None:
        return  # in-degrees in the short form are checked all at once, with the smallest network that has room
    rule, where = planned_rule(projection, phis), (*path, "connect")
    made = projection.connect.factor(phis) if isinstance(projection.connect, _Connect) else 1.0
    if made < 0.0:
        yield (*where, "beta"), f"makes less than nothing: 1 + beta * phi = {made:g}"
        return
    if (probability := getattr(rule, "probability", None)) is not None and probability > 1.0:
        yield (*where, "beta"), f"makes the probability {probability:g}, more than 1"
        return
    if projection.multapses and not rule.takes_multapses:
        message = f"{rule.name} makes at most one synapse per pair; multapses are for rules with a number of synapses"
        yield (*path, "multapses"), f"{message} (fixed_in_degree, fixed_out_degree, fixed_total_number)"
        return
    ends = ends_of(experiment, projection, sizes, phis)
    if ends.n_sets > min(ends.n_source, ends.n_target):
        yield (*path, "within_action"), f"{ends.n_sets} actions, but only {min(ends.n_source, ends.n_target)} cells"
    elif problem := rule.problem(ends):
        yield where, f"{rule.name} does not fit from {projection.source} to {projection.target}: {problem}"
    elif rule.expected(ends) > MAX_SYNAPSES:
        yield where, f"{rule.expected(ends):.3g} synapses; a projection has at most {MAX_SYNAPSES:g}"
    elif (longest := bounds(plain(projection.delay))[1] + rule.longest_lag(ends)) > MAX_DELAY:
        yield (*where, "velocity"), f"makes delays up to {longest:g} ms; they may be {MAX_DELAY:g} ms long"


def _drawn(path: KeyPath, projection: Projection, resolution: float) -> Iterator[Problem]:
    """Distributions beside the spreads of before, and delays that NEST cannot have."""
    for name in ("weight", "delay"):
        value = getattr(projection, name)
        if isinstance(value, Quantity):
            continue
        if getattr(projection, f"{name}_spread") is not None:
            yield (*path, f"{name}_spread"), f"{name} is a distribution already; give one of the two"
    if not isinstance(projection.delay, Quantity):
        low, high = bounds(projection.delay.plain())
        if low < resolution * (1.0 - 1e-9):
            yield (*path, "delay"), f"delays down to {low:g} ms are shorter than the resolution of {resolution:g} ms"
        if MAX_DELAY < high < float("inf"):
            yield (*path, "delay"), f"delays up to {high:g} ms; they may be {MAX_DELAY:g} ms long"
        if high == float("inf"):
            yield (*path, "delay"), "delays have no upper limit; add clamp or truncate with 'high'"
