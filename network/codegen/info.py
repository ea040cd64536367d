"""What a compiled model offers, as plain data: ports, parameters, states, recordables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..sealing import damage


@dataclass(frozen=True)
class ModelInfo:
    """Interface of one compiled neuron model.

    Attributes
    ----------
    name : str
        Name under which NEST knows the model.
    ports : dict of str to int
        Spike input ports (receptors) and the ``receptor_type`` that ``nest.Connect`` wants for them.
    parameters : dict of str to str
        Type of every parameter: its unit (``mV``), ``real``, ``integer``, ``boolean``. NEST takes only Python
        ``int`` for an ``integer``.
    states : dict of str to str
        State variables that can be set, with their type.
    recordables : tuple of str
        What a multimeter can record: state variables and recordable inline expressions.
    continuous_ports : dict of str to int
        Ports for currents and the ``receptor_type`` of each.
    extra : dict
        Whatever a target has to say about the model beyond this.
    """

    name: str
    ports: Mapping[str, int]
    parameters: Mapping[str, str]
    states: Mapping[str, str]
    recordables: tuple[str, ...]
    continuous_ports: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def integer_parameters(self) -> tuple[str, ...]:
        """Parameters that NEST takes as whole numbers only."""
        return tuple(name for name, kind in self.parameters.items() if kind == "integer")

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModelInfo:
        """Inverse of :meth:`to_json`."""
        return cls(**{**data, "recordables": tuple(data["recordables"])})


@dataclass(frozen=True)
class BuiltModule:
    """A NEST extension module, ready for ``nest.Install(str(module.path))``.

    Attributes
    ----------
    path : Path
        Absolute path of the shared object without its suffix, as ``nest.Install`` wants it.
    name : str
        Name of the module; contains a digest, so that modules of other models can be loaded besides.
    models : dict of str to ModelInfo
    key : str
        Digest of everything the module was made from: sources, target, flags, NEST, NESTML, compiler, CPU.
    target : str
        Code generation target.
    log : Path
        What the tools printed when the module was made.
    compiled : tuple of str
        Models that this call compiled; empty when everything was found in the cache.
    synapses : dict of str to str
        NEST's synapse models for which the module has a faster one for its own cells, and the name of that.
    sha256 : str
        Digest of the shared object.
    carrier : str, optional
        Synapse of NEST by which the rows of compact wiring get spikes, where the module has them.
    """

    path: Path
    name: str
    models: Mapping[str, ModelInfo]
    key: str
    target: str
    log: Path
    compiled: tuple[str, ...] = ()
    synapses: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    carrier: str | None = None

    @property
    def parts(self) -> tuple[BuiltModule, ...]:
        """Itself, as the only one: see `Modules`."""
        return (self,)

    def of(self, model: str) -> BuiltModule:
        """Itself, which has all models: see `Modules`."""
        return self

    @property
    def library(self) -> Path:
        """The shared object."""
        return self.path.with_name(f"{self.name}.so")

    def check(self) -> None:
        """See that the shared object is what was compiled: loading half of one ends the process with a bus error.

        Raises
        ------
        BuildError
            If it is not, or is not there.
        """
        problem = damage(self.library, size=None, digest=self.sha256)
        if problem is not None:
            raise BuildError(f"{self.library}: {problem}. The next command builds it again.")


@dataclass(frozen=True)
class Modules:
    """The modules of one network, of which each has some of the models; one that has all is a `BuiltModule`, too.

    Attributes
    ----------
    parts : tuple of BuiltModule
    """

    parts: tuple[BuiltModule, ...]

    @property
    def key(self) -> str:
        """Digest of everything that they were made from."""
        return "+".join(part.key for part in self.parts)

    @property
    def models(self) -> dict[str, ModelInfo]:
        """Models of all of them."""
        return {name: info for part in self.parts for name, info in part.models.items()}

    @property
    def compiled(self) -> tuple[str, ...]:
        """Models that had to be compiled."""
        return tuple(name for part in self.parts for name in part.compiled)

    def of(self, model: str) -> BuiltModule:
        """Module that has a model."""
        return next(part for part in self.parts if model in part.models)

    def check(self) -> None:
        """See that all shared objects are what was compiled; BuildError if not."""
        for part in self.parts:
            part.check()


Compiled = BuiltModule | Modules
"""What a network needs compiled."""
