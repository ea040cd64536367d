"""Values that no cell can have: what a parameter may be by its name or unit, and why.

The tables :data:`RULES` and :data:`ORDER` are the whole knowledge; they hold for every model, NEST's own models refuse
mostly the same.  What counts is what cells get in the end: the values as written, at every level of dopamine that
occurs, and the ends of the distributions that they are drawn from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import product
from typing import Any

from ..errors import SpecError
from . import derive
from .distributions import bounds
from .levels import effective_params, modulator_levels
from .nestml import ModelInterface
from .quantities import Quantity
from .receptors import port_of
from .schema import Experiment, Population
from .yamlfile import KeyPath

Problem = tuple[KeyPath, str]


@dataclass(frozen=True)
class Rule:
    """Lower limit of the parameters and states with certain names or a unit, and the reason."""

    names: tuple[str, ...]
    limit: float
    exclusive: bool
    reason: str
    unit: str | None = None
    """The rule is about every quantity in this unit, whose name none of the rules before knows."""

    def broken_by(self, value: float) -> bool:
        """Whether the value is beyond the limit."""
        return value <= self.limit if self.exclusive else value < self.limit

    @property
    def text(self) -> str:
        """What must hold, in words."""
        return f"must be {'greater than' if self.exclusive else 'at least'} {self.limit:g} ({self.reason})"


RULES = (
    Rule(("C_m", "C_m_*"), 0.0, True, "a membrane is a capacitor"),
    Rule(("g_L",), 0.0, True, "a membrane without a leak has no rest"),
    Rule(("g_*", "gbar_*"), 0.0, False, "a conductance; its sign is in the reversal potential"),
    Rule(("gain",), 0.0, False, "dopamine does not turn excitation into inhibition"),
    Rule(("tau", "tau_*"), 0.0, True, "a time constant"),
    Rule(("t_ref", "t_ref_*", "refr_*"), 0.0, False, "a refractory period"),
    Rule(("Delta_T",), 0.0, True, "the exponential divides by it"),
    Rule(("k",), 0.0, True, "the parabola must open upwards, or no spike rises"),
    Rule(("S_act",), 0.0, True, "width of a voltage-dependent block"),
    Rule(("p1", "p2"), 0.0, False, "an exponent"),
    Rule(("*offset*", "*shift*", "*phase*"), float("-inf"), False, "may have any sign"),
    Rule((), 0.0, True, "a capacitance", unit="pF"),
    Rule((), 0.0, False, "a duration", unit="ms"),
    Rule((), 0.0, False, "a rate", unit="1/ms"),
    Rule((), 0.0, False, "a rate", unit="spikes/s"),
    Rule((), 0.0, False, "a frequency", unit="Hz"),
)
"""The first rule that knows a name holds, then the first for its unit."""

ORDER = (
    (("V_reset", "reset_max_*"), ("V_peak",), "or a spike never ends"),
    (("V_th",), ("V_peak",), "a spike begins at the threshold and ends at the peak"),
    (("V_reset",), ("V_th",), "or a cell fires in every step"),
)
"""The first of these must be below the second. Without a peak the threshold ends a spike; with one, V_reset may be
above the threshold, as in bursting cells of the adaptive exponential kind."""


@cache  # the same few names come again in every experiment
def rule_for(name: str, unit: str | None) -> Rule | None:
    """Limit of a parameter or state with this name and unit; None if it can have any value."""
    for rule in RULES:
        if _fits(name, rule.names) or (unit is not None and rule.unit == unit):
            return rule
    return None


@dataclass(frozen=True)
class _Value:
    """Range of a parameter over the cells of a population, where it is written, and what widens or moves it."""

    path: KeyPath
    name: str
    unit: str
    low: float
    high: float
    how: str = ""

    @property
    def text(self) -> str:
        return f"{self.low:g} {self.unit}".removesuffix(" 1")

    @property
    def highest(self) -> str:
        return f"{self.high:g} {self.unit}".removesuffix(" 1")


def check_physiology(experiment: Experiment, models: Mapping[str, ModelInterface]) -> list[Problem]:
    """All values of an experiment that no cell or synapse can have, as (key path, message)."""
    situations = list(_situations(experiment))
    problems: dict[KeyPath, str] = {}
    for name, population in experiment.populations.items():
        model = models.get(population.model, ModelInterface(population.model))
        for phis, at in situations:
            values = list(_values(("populations", name), population, model, phis, at))
            for value, message in (*_beyond(values), *_out_of_order(values)):
                # a wrong mean is said once, not again for the distribution around it
                if not any(
                    (*value.path[:2], section, value.name) in problems for section in ("neuron", "dopamine", "effects")
                ):
                    problems.setdefault(value.path, message)
        for path, message in _initial(("populations", name), population, model):
            problems.setdefault(path, message)
    for name, projection in experiment.projections.items():
        synapse = projection.synapse_in_use
        written = "plasticity" if projection.plasticity is not None else "synapse"
        wrong = synapse.problem()
        for key, message in [wrong] if wrong is not None else synapse.misfits(experiment, projection):
            problems["projections", name, written, *key.split(".")] = message
    return list(problems.items())


def _situations(experiment: Experiment) -> Iterator[tuple[dict[str, float], str]]:
    """Deviations of all modulators, and how to call them: the present ones, then the corners of what schedules do.

    Every value is linear in the level of each modulator: the lowest and the highest level are enough.
    """
    modulators = experiment.all_modulators
    levels: dict[str, list[float]] = {}
    for name, modulator in modulators.items():
        base = modulator.level.value
        try:
            found = sorted({base, *modulator_levels(experiment, name).values()})
        except SpecError:  # a schedule that cannot be followed: the plan says so
            found = [base]
        levels[name] = list(dict.fromkeys((base, found[0], found[-1])))
    for corner in product(*levels.values()):
        phis = {
            name: derive.dopamine_phi(level, modulators[name].reference.value)
            for name, level in zip(levels, corner, strict=True)
        }
        moved = [f"{name} {level:g}" for name, level in zip(levels, corner, strict=True) if phis[name]]
        yield phis, f" at {', '.join(moved)}" if moved else ""


def _values(
    path: KeyPath, population: Population, model: ModelInterface, phis: dict[str, float], at: str
) -> Iterator[_Value]:
    """Every parameter of the cells and their ports, with the range that heterogeneity gives it."""
    params = effective_params(population, phis, model)
    for key, quantity in population.neuron.items():
        value = float(params[key])
        where, how = (*path, "neuron", key), ""
        if value != quantity.value:
            where, how = (*path, "dopamine" if key in population.dopamine else "effects", key), at
        yield _Value(where, key, quantity.unit, value, value, how)
        if (spread := population.heterogeneity.get(key)) is not None:
            where = (*path, "heterogeneity", key)
            if spread.distribution == "lognormal" and value <= 0.0:
                continue  # that is said by the check of distributions
            low, high = bounds(spread.plain(centre=value))
            if spread.distribution == "lognormal":
                low = max(low, math.ulp(0.0))  # 0 is never drawn
            yield _Value(where, key, quantity.unit, low, high, f"{at}{_reach(spread)}")
    for name, receptor in population.receptors.items():
        for key, quantity in receptor.parameters.items():
            where = (*path, "receptors", name, "parameters", key)
            yield _Value(where, key, quantity.unit, quantity.value, quantity.value)
        port = port_of(name, receptor)
        if (gain := params.get(f"gain_{port}")) is not None:
            yield _Value(
                (*path, "receptors", name, "effects" if receptor.effects else "beta"),
                "gain",
                "1",
                gain,
                gain,
                f"{at} (1 + beta * phi)",
            )


def _reach(spread: Any) -> str:
    """Where in a distribution the end of its range is."""
    reach = getattr(spread, "clamp_sd", None) or getattr(spread, "truncate_sd", None)
    if reach is not None:
        return f" at {reach.value:g} standard deviations from the mean"
    return f" at the end of the {spread.distribution} distribution"


def _beyond(values: Iterable[_Value]) -> Iterator[tuple[_Value, str]]:
    for value in values:
        rule = rule_for(value.name, value.unit)
        if rule is not None and rule.broken_by(value.low):
            yield value, f"{value.name} = {value.text}{value.how} {rule.text}"


def _out_of_order(values: Iterable[_Value]) -> Iterator[tuple[_Value, str]]:
    given = list(values)
    has_peak = any(value.name == "V_peak" for value in given)
    for lower, upper, reason in ORDER:
        if has_peak and upper == ("V_th",):
            continue
        for low in (value for value in given if _named(value, lower)):
            for high in (value for value in given if _named(value, upper)):
                if low.high >= high.low:
                    # the range of one that is drawn is blamed, not the table value of the other
                    blamed = high if len(high.how) > len(low.how) else low
                    above = f"{high.name} = {high.text}{high.how}"
                    yield blamed, f"{low.name} = {low.highest}{low.how} must be below {above} ({reason})"


def _named(value: _Value, patterns: tuple[str, ...]) -> bool:
    return _fits(value.name, patterns)


@cache
def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _initial(path: KeyPath, population: Population, model: ModelInterface) -> Iterator[Problem]:
    """Initial values: an interval has an order, and what limits a state limits its beginning."""
    ends = [population.neuron[key].value for key in ("V_peak", "V_th") if key in population.neuron][:1]
    for key, given in population.initial.items():
        where = (*path, "initial", key)
        if isinstance(given, Quantity):
            low = high = given.value
            unit = given.unit
        else:
            if given.relative_to is not None and given.relative_to not in population.neuron:
                continue
            origin = population.neuron[given.relative_to].value if given.relative_to is not None else 0.0
            low, high = bounds(given.plain(origin))
            unit = given.quantities()[0].unit
            if low > high:
                yield where, f"low = {low - origin:g} {unit} must not be above high = {high - origin:g}"
                continue
        unit = model.unit(key) or unit
        rule = rule_for(key, unit)
        if rule is not None and rule.broken_by(low):
            yield where, f"{key} = {low:g} {unit} {rule.text}".replace(" 1 must", " must")
        if key == "V_m" and ends and high > ends[0]:
            yield where, f"V_m = {high:g} mV must not be above {ends[0]:g} mV, where a spike ends"
