"""Target rates: what the experiments, the publication and an independent re-simulation say per state."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError

from ... import resources
from ...errors import SpecError, choices
from ...experiment.messages import placed_problems
from ...experiment.presentation import load_presentation
from ...experiment.quantities import Spec
from ...experiment.sources import load_sources
from ...experiment.yamlfile import read_yaml
from .measures import PopulationMeasure, family, known
from .measures.pairs import PairMeasure
from .measures.zones import ZoneMeasure

SMALLER = 0.99
"""Part of the size that windows hold for from which on a network counts as one of that size."""


class Band(Spec):
    """Accepted range of a value, limits included."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Band:
        if not self.low <= self.high:
            raise PydanticCustomError("order", f"low must not be above high, not {self.low:g} and {self.high:g}")
        return self


def _sections() -> dict[str, Any]:
    """Fields of `Acceptance` for the windows of all measures, by the key under which they are written."""
    fields: dict[str, Any] = {}
    below: dict[str, dict[str, Any]] = {}
    bands: Any = (dict[str, Band], Field(default_factory=dict))
    for measure in known().values():
        (below.setdefault(measure.section, {}) if measure.section else fields)[measure.key] = bands
    for section, keys in below.items():
        own: dict[str, Any] = {"population": (str, ...)} if section == ZoneMeasure.section else {}
        fields[section] = (create_model(section, __base__=Spec, **own, **keys) | None, None)
    return fields


class _Acceptance(Spec):
    """Bands a simulation must hit: of populations by measure (``populations`` are rates), pairs and responses."""

    source: str | None = None
    assumed: str | None = None
    n_neurons: Annotated[int, Field(ge=1)]
    """Size of the network that they hold for."""


_VALUES: dict[str, Any] = dict.fromkeys(family(PopulationMeasure), (float | None, None))
Value: Any = create_model("Value", __base__=Spec, **_VALUES)
"""Values of a population in a reference, by measure."""
Acceptance: Any = create_model("Acceptance", __base__=_Acceptance, **_sections())


class Reference(Spec):
    """Values of one source for one state."""

    source: str
    n_neurons: int | None = None
    note: str | None = None
    populations: dict[str, Value]


class StateTargets(Spec):
    """All targets of one state; the order of ``references`` is the order of the columns in a table."""

    acceptance: Acceptance | None = None
    references: dict[str, Reference] = Field(default_factory=dict)


@dataclass(frozen=True)
class Targets:
    """Targets of one model and state.

    Attributes
    ----------
    windows : dict of str to dict of str to (float, float)
        Accepted values by measure (`network.analysis.targets.measures`), then by population or group, by pair ``A/B``,
        or by population and zone ``A EE``; empty if nothing is proposed for the state.
    references : dict of str to Reference
        For instance an experiment, the published model, a re-simulation.
    report_order : tuple of str
        Populations and groups in the order of a report.
    n_neurons : int or None
        Size of the network that the windows hold for.
    """

    model: str
    state: str
    windows: dict[str, dict[str, tuple[float, float]]]
    references: dict[str, Reference]
    report_order: tuple[str, ...]
    acceptance_source: str
    n_neurons: int | None

    def holds_for(self, n_neurons: int) -> bool:
        """Whether the windows hold for a network of that size: small ones scatter more, and their means are others."""
        return self.n_neurons is None or n_neurons >= SMALLER * self.n_neurons

    @property
    def bands(self) -> dict[str, tuple[float, float]]:
        """Accepted mean rates in spikes/s, by population or group."""
        return self.windows.get("rate", {})

    def value(self, reference: str, measure: str, population: str) -> float | None:
        """Value of a reference, None where it says nothing."""
        entry = self.references.get(reference)
        found = entry.populations.get(population) if entry is not None else None
        return getattr(found, measure, None)

    def rate(self, reference: str, population: str) -> float | None:
        """Rate of a reference in spikes/s, None where it says nothing."""
        return self.value(reference, "rate", population)

    def cv(self, reference: str, population: str) -> float | None:
        """Coefficient of variation of a reference, None where it says nothing."""
        return self.value(reference, "cv", population)


class _File(Spec):
    report_order: list[str] = Field(default_factory=list)
    """By default what has a window, in the order of `presentation.yaml`."""
    states: dict[str, StateTargets]


def targets_file(model: str) -> Path | None:
    """File of the targets of a model, if it has one."""
    files = (folder / model / "targets.yaml" for folder in resources.params_dirs())
    return next((file for file in files if file.is_file()), None)


def load_targets(model: str, state: str) -> Targets:
    """Targets of a state from ``params/<model>/targets.yaml``.

    Raises
    ------
    SpecError
        If the model has no targets, the state is unknown, or the file is malformed.
    """
    path = targets_file(model)
    if path is None:
        raise SpecError([f"no targets for the model {model!r}: no file {model}/targets.yaml"])
    label = f"{model}/targets.yaml"
    content = _read(path, label)
    if state not in content.states:
        raise SpecError([f"{label}: no state {state!r}; {choices(state, content.states, 'states')}"])
    targets = content.states[state]
    windows = _windows(targets.acceptance)
    order = content.report_order or load_presentation(model).sorted(windows.get("rate", {}))
    source = targets.acceptance.source or targets.acceptance.assumed if targets.acceptance else None
    size = targets.acceptance.n_neurons if targets.acceptance else None
    return Targets(model, state, windows, dict(targets.references), tuple(order), source or "", size)


def unknown_populations(targets: Targets, names: Collection[str]) -> list[tuple[str, str]]:
    """Where targets name something that is neither a population nor a group of the network, and what."""
    found = [(f"references.{key}", name) for key, entry in targets.references.items() for name in entry.populations]
    for measure, windows in targets.windows.items():
        if isinstance(kind := known()[measure], PairMeasure):
            found += [(measure, name) for pair in windows for name in pair.split("/")]
        elif isinstance(kind, PopulationMeasure):
            found += [(measure, name) for name in windows]
        elif isinstance(kind, ZoneMeasure):
            found += [(measure, zone.partition(" ")[0]) for zone in windows]
    return list(dict.fromkeys((where, name) for where, name in found if name not in names))


def states_with_targets(model: str) -> list[str]:
    """States in the targets of a model, none if it has no targets; SpecError if the file is malformed."""
    path = targets_file(model)
    return [] if path is None else list(_read(path, f"{model}/targets.yaml").states)


def _read(path: Path, label: str) -> _File:
    data, lines = read_yaml(path, label)
    try:
        content = _File.model_validate(data)
    except ValidationError as error:
        raise SpecError(placed_problems(error, _File, label, lines)) from error
    known_sources = load_sources(path.parent)
    problems = [
        f"{label}: states.{name}.acceptance: unknown source {source!r}; {choices(source, known_sources, 'sources')}"
        for name, targets in content.states.items()
        if (source := getattr(targets.acceptance, "source", None)) is not None and source not in known_sources
    ]
    problems += [
        f"{label}: states.{name}.references.{key}: unknown source {entry.source!r}; "
        + choices(entry.source, known_sources, "sources")
        for name, targets in content.states.items()
        for key, entry in targets.references.items()
        if entry.source not in known_sources
    ]
    if problems:
        raise SpecError(problems)
    return content


def _windows(acceptance: Any) -> dict[str, dict[str, tuple[float, float]]]:
    """Windows by measure, of those that have any."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    if acceptance is None:
        return found
    for name, measure in known().items():
        written = getattr(acceptance, measure.section) if measure.section else acceptance
        bands: dict[str, Band] = getattr(written, measure.key, {})
        of = f"{written.population} " if isinstance(measure, ZoneMeasure) and bands else ""
        if bands:
            found[name] = {f"{of}{key}": (band.low, band.high) for key, band in bands.items()}
    return found
