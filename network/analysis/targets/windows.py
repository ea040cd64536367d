"""Target rates: what the experiments, the publication and an independent re-simulation say per state."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import Field

from ... import resources
from ...errors import SpecError, choices
from ...experiment.messages import placed_problems
from ...experiment.quantities import Spec
from ...experiment.sources import load_sources
from ...experiment.yamlfile import read_yaml


class Band(Spec):
    """Accepted range of a rate, spikes/s."""

    low: float
    high: float


class Value(Spec):
    """Mean rate in spikes/s and mean coefficient of variation of the inter-spike intervals."""

    rate: float | None = None
    cv: float | None = None


class Reference(Spec):
    """Values of one source for one state."""

    source: str
    n_neurons: int | None = None
    note: str | None = None
    populations: dict[str, Value]


class PairBands(Spec):
    """Bands for pairs of units, by ``A/B``: peak coherence, magnitude of the phase difference, resultant."""

    coherence: dict[str, Band] = Field(default_factory=dict)
    phase: dict[str, Band] = Field(default_factory=dict)
    """Degrees, 0 to 180."""
    resultant: dict[str, Band] = Field(default_factory=dict)
    """Length of the mean over pairs of unit vectors at their phase difference."""


class ResponseBands(Spec):
    """Bands for the response of a population to a transient input, by zone (EE, EI, LE, LI)."""

    population: str
    latency: dict[str, Band] = Field(default_factory=dict)
    """Start of the zone after the onset, ms."""
    duration: dict[str, Band] = Field(default_factory=dict)
    """Length of the zone, ms."""
    area: dict[str, Band] = Field(default_factory=dict)
    """Sum over the bins of 1 ms of the zone of the rate averaged over trials, spikes/s x ms."""


class Acceptance(Spec):
    """Bands a simulation must hit."""

    source: str | None = None
    assumed: str | None = None
    n_neurons: int
    populations: dict[str, Band]
    cv: dict[str, Band] = Field(default_factory=dict)
    pairs: PairBands | None = None
    response: ResponseBands | None = None


class StateTargets(Spec):
    """All targets of one state; the order of ``references`` is the order of the columns in a table."""

    acceptance: Acceptance | None = None
    references: dict[str, Reference] = Field(default_factory=dict)


@dataclass(frozen=True)
class Targets:
    """Targets of one model and state.

    Attributes
    ----------
    bands : dict of str to (float, float)
        Accepted mean rate, spikes/s, by population or group; empty if nothing is proposed for the state.
    cv_bands : dict of str to (float, float)
        Accepted mean CV of the inter-spike intervals.
    pair_bands : dict of str to dict of str to (float, float)
        By ``coherence``, ``phase`` (magnitude in degrees) and ``resultant``, then by pair ``A/B``.
    response_bands : dict of str to dict of str to (float, float)
        By ``latency``, ``duration`` (ms) and ``area`` (spikes/s x ms), then by zone of the response of
        ``response_population`` to a transient.
    references : dict of str to Reference
        For instance ``mallet2008``, ``published_model``, ``resimulation_80000``.
    report_order : tuple of str
        Populations and groups in the order of a report.
    """

    model: str
    state: str
    bands: dict[str, tuple[float, float]]
    references: dict[str, Reference]
    report_order: tuple[str, ...]
    acceptance_source: str
    n_neurons: int | None
    """Size of the network that the bands hold for."""
    cv_bands: dict[str, tuple[float, float]] = field(default_factory=dict)
    pair_bands: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    response_bands: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    response_population: str = ""

    def rate(self, reference: str, population: str) -> float | None:
        """Rate of a reference in spikes/s, None where it says nothing."""
        entry = self.references.get(reference)
        value = entry.populations.get(population) if entry is not None else None
        return value.rate if value is not None else None

    def cv(self, reference: str, population: str) -> float | None:
        """Coefficient of variation of a reference, None where it says nothing."""
        entry = self.references.get(reference)
        value = entry.populations.get(population) if entry is not None else None
        return value.cv if value is not None else None


class _File(Spec):
    report_order: list[str]
    states: dict[str, StateTargets]


def load_targets(model: str, state: str) -> Targets:
    """Targets of a state from ``params/<model>/targets.yaml``.

    Raises
    ------
    SpecError
        If the model has no targets, the state is unknown, or the file is malformed.
    """
    from pydantic import ValidationError

    path = next(
        (d / model / "targets.yaml" for d in resources.params_dirs() if (d / model / "targets.yaml").is_file()),
        None,
    )
    if path is None:
        raise SpecError([f"no targets for the model {model!r}: no file {model}/targets.yaml"])
    label = f"{model}/targets.yaml"
    data, lines = read_yaml(path, label)
    try:
        content = _File.model_validate(data)
    except ValidationError as error:
        raise SpecError(placed_problems(error, label, lines)) from error
    known = load_sources(path.parent)
    problems = [
        f"{label}: states.{name}.references.{key}: unknown source {entry.source!r}; "
        + choices(entry.source, known, "sources")
        for name, targets in content.states.items()
        for key, entry in targets.references.items()
        if entry.source not in known
    ]
    if state not in content.states:
        problems.append(f"{label}: no state {state!r}; {choices(state, content.states, 'states')}")
    if problems:
        raise SpecError(problems)
    targets = content.states[state]
    acceptance = targets.acceptance
    bands = {} if acceptance is None else _limits(acceptance.populations)
    pairs = acceptance.pairs if acceptance is not None else None
    pair_bands = {
        quantity: _limits(given)
        for quantity in PairBands.model_fields
        if pairs is not None and (given := getattr(pairs, quantity))
    }
    response = acceptance.response if acceptance is not None else None
    response_bands = {
        quantity: _limits(given)
        for quantity in ("latency", "duration", "area")
        if response is not None and (given := getattr(response, quantity))
    }
    source = "" if acceptance is None else acceptance.source or acceptance.assumed or ""
    return Targets(
        model,
        state,
        bands,
        dict(targets.references),
        tuple(content.report_order),
        source,
        acceptance.n_neurons if acceptance else None,
        {} if acceptance is None else _limits(acceptance.cv),
        pair_bands,
        response_bands,
        response.population if response is not None else "",
    )


def _limits(bands: dict[str, Band]) -> dict[str, tuple[float, float]]:
    return {name: (band.low, band.high) for name, band in bands.items()}
