"""Synapses that are written in NESTML: those that NESTML installs, and those of a user."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ... import resources
from ...errors import SpecError, choices
from ..derive import is_multiple
from ..kinds import written
from ..nestml import ModelInterface, model_interfaces, parse_nestml, read_nestml, spelled
from ..quantities import AnyQuantity, PositiveMilliseconds
from ..receptors import of_the_model
from ..stimuli import Name
from ..units import UNITS, compatible
from .base import Synapse

if TYPE_CHECKING:
    from ..schema import Experiment, Projection

TARGETS = ("auto", "plain", "reference")
"""Code generation targets whose cells keep a history of spikes for such synapses."""
Values = dict[Name, AnyQuantity]
WEIGHTS = ("w", "weight")
"""Names of the variable that is the weight."""


def with_units(projections: dict[str, Any]) -> dict[str, Any]:
    """Projections whose NESTML synapses have bare numbers that a user wrote in the units of the model."""
    return {name: _with_units(entry) for name, entry in projections.items()}


def _with_units(entry: Any) -> Any:
    synapse = entry.get("synapse") if isinstance(entry, dict) else None
    if not isinstance(synapse, dict) or synapse.get("kind") != "nestml" or not isinstance(synapse.get("model"), str):
        return entry
    if not isinstance(given := synapse.get("parameters"), dict):
        return entry
    try:
        model = NestmlSynapse(model=synapse["model"]).interface
    except (FileNotFoundError, SpecError):  # told where the synapse is checked
        return entry
    return {**entry, "synapse": {**synapse, "parameters": of_the_model(given, model)}}


@dataclass(frozen=True)
class NestmlSynapse(Synapse):
    """A synapse by the name of its NESTML file, with values for its parameters and first values of its states.

    Spikes of the target come to its ports ``post...``; spikes of the population ``modulator`` come to its port
    ``mod...`` through a volume transmitter, all of them to every synapse, after ``modulator_delay``. A continuous port
    sees the variable of the target that ``reads`` gives for it.
    """

    TAG: ClassVar[dict[str, str]] = {"kind": "nestml"}
    bytes = (0, 160)
    measured_as = "tsodyks"

    model: str = written(Name)
    """NESTML file without suffix."""
    parameters: dict[str, float] = written(Values, default_factory=dict)  # noqa: RUF009 - makes a field
    """Values of its parameters, first values of its states."""
    modulator: str | None = written(Name, default=None)
    """Population whose spikes come to its port ``mod…``."""
    modulator_delay: float = written(PositiveMilliseconds, default=1.0)
    """Of these spikes, ms."""
    reads: dict[str, str] = written(dict[Name, Name], default_factory=dict)  # noqa: RUF009 - makes a field
    """Variable of the target's cells for each continuous port."""
    digest: str = ""
    """SHA-256 of the file."""

    @property
    def path(self) -> Path:
        """The NESTML file."""
        return resources.find_synapse(self.model)

    @property
    def interface(self) -> ModelInterface:
        """Ports, parameters and states."""
        return _interface(self.path)

    @property
    def post_ports(self) -> tuple[str, ...]:
        """Ports for spikes of the target."""
        return tuple(port for port in self.interface.ports if port.startswith("post"))

    @property
    def modulator_ports(self) -> tuple[str, ...]:
        """Ports for spikes of a population that modulates."""
        return tuple(port for port in self.interface.ports if port.startswith("mod"))

    @property
    def sees_target(self) -> bool:
        """Whether it is made together with the cells of its target; if not, it fits to cells of every kind."""
        return bool(self.post_ports or self.modulator_ports or self.interface.currents)

    @property
    def weight(self) -> str:
        """Variable that is the weight."""
        known = {**self.interface.states, **self.interface.parameters}
        return next((name for name in WEIGHTS if name in known), "")

    @property
    def constants(self) -> dict[str, Any]:
        """What is given, and states that begin with the value of a parameter that is given."""
        begin = {state: self.parameters[name] for state, name in _begin_as(self.path) if name in self.parameters}
        return {**begin, **self.parameters}

    @property
    def modulated_by(self) -> str | None:  # noqa: D102
        return self.modulator

    def resolved(self) -> Synapse:
        """With the digest of the file, which is identity."""
        return replace(self, digest=hashlib.sha256(self.path.read_bytes()).hexdigest())

    def describe(self) -> str:  # noqa: D102
        by = f" by {self.modulator}" if self.modulator else ""
        return f"{self.model}{by}"

    def problem(self) -> tuple[str, str] | None:  # noqa: D102
        try:
            model = self.interface
        except FileNotFoundError as error:
            return "model", str(error)
        except SpecError as error:
            return "model", "; ".join(error.problems)
        if model.name != self.model:
            return "model", f"{self.path}: its model is called {model.name!r}; call the file so, too"
        if not self.weight:
            return "model", f"{self.path}: no variable {' or '.join(WEIGHTS)} that is the weight"
        known = {**model.parameters, **model.states}
        for name in self.parameters:
            if name not in known or name == self.weight:
                usable = choices(name, [one for one in known if one != self.weight], "names")
                return f"parameters.{name}", f"not a parameter or state of {self.model}; {usable}"
            if name in _idle(self.path):
                return f"parameters.{name}", f"{self.path} declares it and never uses it: leave it out"
        if self.modulator_ports and self.modulator is None:
            port = self.modulator_ports[0]
            return "modulator", f"is missing: the population whose spikes come to the port {port!r} of {self.model}"
        if self.modulator is not None and not self.modulator_ports:
            return "modulator", f"{self.model} has no port mod... for its spikes"
        for port in model.currents:
            if port not in self.reads:
                return "reads", f"{port}: is missing: the variable of the target's cells that {self.model} sees there"
        for port in self.reads:
            if port not in model.currents:
                return f"reads.{port}", f"no continuous port of {self.model}; {choices(port, model.currents, 'ports')}"
        return None

    def misfits(self, experiment: Experiment, projection: Projection) -> Iterator[tuple[str, str]]:
        """What does not fit to the rest of the experiment."""
        target = experiment.simulation.target
        if target not in TARGETS and self.sees_target:
            message = f"cells of simulation.target {target!r} keep no history of spikes for it; choose"
            yield "kind", f"{message} {' or '.join(map(repr, TARGETS))}"
        if self.modulator is not None and self.modulator not in experiment.populations:
            known = choices(self.modulator, experiment.populations, "populations")
            yield "modulator", f"no population {self.modulator!r}; {known}"
        resolution = experiment.simulation.resolution.value
        if self.modulator is not None and not is_multiple(self.modulator_delay, resolution):
            message = f"{self.modulator_delay:.12g} ms is not a multiple of the resolution of {resolution:g} ms"
            yield "modulator_delay", message
        yield from self._misread(experiment, projection)
        for name, given in (getattr(projection.synapse, "parameters", None) or {}).items():
            unit = self.interface.unit(name)
            if unit is not None and not compatible(given.unit, unit):
                yield f"parameters.{name}", f"wrong unit {given.unit!r}; accepted: {unit} and its multiples"
        for name, other in experiment.projections.items():
            if other is projection:
                break  # of two that differ the later one is told
            synapse = other.synapse_in_use
            if other.target != projection.target or not isinstance(synapse, NestmlSynapse):
                continue
            if synapse.model == self.model and self.sees_target and synapse.parameters != self.parameters:
                message = f"differ from those of {name}: cells of {projection.target} keep one trace for {self.model}"
                yield "parameters", message
            if synapse.model == self.model and synapse.reads != self.reads:
                message = f"differs from that of {name}: cells of {projection.target} show one variable to {self.model}"
                yield "reads", message

    def _misread(self, experiment: Experiment, projection: Projection) -> Iterator[tuple[str, str]]:
        """Variables of the target that there are not, or that have another unit than the port."""
        cell = model_interfaces().get(experiment.populations[projection.target].model)
        if cell is None:
            return  # told elsewhere
        for port, variable in self.reads.items():
            if variable not in cell.recordables:
                valid = choices(variable, cell.recordables, "variables")
                yield f"reads.{port}", f"{cell.name} has no variable {variable!r}; {valid}"
            else:
                wanted, given = spelled(self.interface.currents[port]), cell.recorded_unit(variable)
                if wanted in UNITS and given in UNITS and not compatible(given, wanted):
                    yield f"reads.{port}", f"{variable} of {cell.name} is in {given}, the port {port!r} wants {wanted}"


@lru_cache(maxsize=64)
def _begin_as(path: Path) -> tuple[tuple[str, str], ...]:
    """States that begin with the value of a parameter, and which: ``u real = U``."""
    model = _interface(path)
    found = re.findall(r"^\s+(\w+)\s+[^=#\n]+=\s*(\w+)\s*(?:\[\[.*)?(?:#.*)?$", read_nestml(path), re.MULTILINE)
    return tuple((state, name) for state, name in found if state in model.states and name in model.parameters)


@lru_cache(maxsize=64)
def _idle(path: Path) -> frozenset[str]:
    """Parameters that stand in no line but that of their declaration."""
    lines = [line.split("#", 1)[0] for line in read_nestml(path).splitlines()]
    words = Counter(word for line in lines for word in set(re.findall(r"\w+", line)))
    return frozenset(name for name in _interface(path).parameters if words[name] == 1)


@lru_cache(maxsize=64)
def _interface(path: Path) -> ModelInterface:
    return parse_nestml(read_nestml(path), str(path))


def paired(synapses: Iterable[Synapse]) -> list[NestmlSynapse]:
    """Synapses that are made together with their cells, each model once, by name."""
    found = {s.model: s for s in synapses if isinstance(s, NestmlSynapse) and s.sees_target}
    return [found[name] for name in sorted(found)]
