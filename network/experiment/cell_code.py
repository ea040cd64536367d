"""Which code the cells of each model get: the fast one where it can express the model, else NESTML's per-cell code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .nestml import ModelInterface

AUTO, FAST, GENERAL = "auto", "vectorised", "plain"
"""What ``auto`` chooses from: the first that can express a model."""
TARGETS = (AUTO, FAST, GENERAL, "reference")
DEFAULT_TARGET = AUTO
DRAWING_TARGETS = (FAST,)
"""Targets whose cells can draw Poisson input themselves."""


@dataclass(frozen=True)
class CellCode:
    """Code generation target of every model of a network.

    Attributes
    ----------
    target : str
        That of all models but those in ``others``.
    others : dict of str to str
        Models that have another one.
    reasons : dict of str to str
        Why a model does not have the fast code where that was to be taken if possible: file, line and construct.
    """

    target: str
    others: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def of(self, model: str) -> str:
        """Target of a model."""
        return self.others.get(model, self.target)

    def draws(self, model: str) -> bool:
        """Whether cells of a model can draw their Poisson input."""
        return self.of(model) in DRAWING_TARGETS


def cell_code(
    target: str,
    models: Iterable[str],
    interfaces: Mapping[str, ModelInterface],
    paired: Mapping[str, str] | None = None,
) -> CellCode:
    """Targets of the models of a network, ``target`` being what was asked for.

    Parameters
    ----------
    target : str
        One of :data:`TARGETS`.
    models : iterable of str
        Models in use.
    interfaces : mapping of str to ModelInterface
        A model that is not here is taken for one that everything can express.
    paired : mapping of str to str, optional
        Models with NESTML synapses onto them, which the fast code does not have, and which synapses.
    """
    if target != AUTO:
        return CellCode(target)
    used = list(dict.fromkeys(models))
    reasons = {
        name: interfaces[name].unsupported[0].place(interfaces[name].file)
        for name in used
        if name in interfaces and interfaces[name].unsupported
    }
    reasons = {**{name: f"synapses {what} onto it" for name, what in (paired or {}).items()}, **reasons}
    if reasons and len(reasons) == len(used):
        return CellCode(GENERAL, {}, reasons)
    return CellCode(FAST, dict.fromkeys(reasons, GENERAL), reasons)
