"""Synapses that are written in NESTML: those that NESTML installs, and those of a user."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ... import resources
from ...errors import SpecError, choices
from ..kinds import written
from ..nestml import ModelInterface, parse_nestml, read_nestml
from ..quantities import AnyQuantity
from ..stimuli import Name
from ..units import compatible
from .base import Synapse

if TYPE_CHECKING:
    from ..schema import Experiment, Projection

TARGETS = ("auto", "plain", "reference")
"""Code generation targets whose cells keep a history of spikes for such synapses."""
Values = dict[Name, AnyQuantity]
WEIGHTS = ("w", "weight")
"""Names of the variable that is the weight."""


@dataclass(frozen=True)
class NestmlSynapse(Synapse):
    """A synapse by the name of its NESTML file, with values for its parameters and first values of its states.

    Spikes of the target come to its ports ``post...``; spikes of the population ``modulator`` come to its port
    ``mod...`` through a volume transmitter, all of them to every synapse.
    """

    TAG: ClassVar[dict[str, str]] = {"kind": "nestml"}
    bytes = (0, 160)
    measured_as = "tsodyks"

    model: str = written(Name)
    parameters: dict[str, float] = written(Values, default_factory=dict)  # noqa: RUF009 - makes a field
    modulator: str | None = written(Name, default=None)
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
    def weight(self) -> str:
        """Variable that is the weight."""
        known = {**self.interface.states, **self.interface.parameters}
        return next((name for name in WEIGHTS if name in known), "")

    @property
    def constants(self) -> dict[str, Any]:  # noqa: D102
        return dict(self.parameters)

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
        if not self.post_ports:
            return "model", f"{self.path}: no port post... for spikes of the target, which a synapse of this kind needs"
        if not self.weight:
            return "model", f"{self.path}: no variable {' or '.join(WEIGHTS)} that is the weight"
        if found := re.search(r"^\s+(\w+)[^#\n]*<-\s*continuous", read_nestml(self.path), re.MULTILINE):
            return "model", f"{self.path}: the continuous port {found[1]!r} cannot be connected"
        known = {**model.parameters, **model.states}
        for name in self.parameters:
            if name not in known or name == self.weight:
                usable = choices(name, [one for one in known if one != self.weight], "names")
                return f"parameters.{name}", f"not a parameter or state of {self.model}; {usable}"
        if self.modulator_ports and self.modulator is None:
            port = self.modulator_ports[0]
            return "modulator", f"is missing: the population whose spikes come to the port {port!r} of {self.model}"
        if self.modulator is not None and not self.modulator_ports:
            return "modulator", f"{self.model} has no port mod... for its spikes"
        return None

    def misfits(self, experiment: Experiment, projection: Projection) -> Iterator[tuple[str, str]]:
        """What does not fit to the rest of the experiment."""
        target = experiment.simulation.target
        if target not in TARGETS:
            message = f"cells of simulation.target {target!r} keep no history of spikes for it; choose"
            yield "kind", f"{message} {' or '.join(map(repr, TARGETS))}"
        if self.modulator is not None and self.modulator not in experiment.populations:
            known = choices(self.modulator, experiment.populations, "populations")
            yield "modulator", f"no population {self.modulator!r}; {known}"
        for name, given in getattr(projection.synapse, "parameters", {}).items():
            unit = self.interface.unit(name)
            if unit is not None and not compatible(given.unit, unit):
                yield f"parameters.{name}", f"wrong unit {given.unit!r}; accepted: {unit} and its multiples"
        for name, other in experiment.projections.items():
            if other is projection:
                break  # of two that differ the later one is told
            synapse = other.synapse_in_use
            if other.target != projection.target or not isinstance(synapse, NestmlSynapse):
                continue
            if synapse.model == self.model and synapse.parameters != self.parameters:
                message = f"differ from those of {name}: cells of {projection.target} keep one trace for {self.model}"
                yield "parameters", message


@lru_cache(maxsize=64)
def _interface(path: Path) -> ModelInterface:
    return parse_nestml(read_nestml(path), str(path))


def paired(synapses: Iterable[Synapse]) -> list[NestmlSynapse]:
    """Synapses that are made together with their cells, each model once, by name."""
    found = {s.model: s for s in synapses if isinstance(s, NestmlSynapse)}
    return [found[name] for name in sorted(found)]
