"""Kinds of synapses, one class each: what a spike becomes on its way, and whether the weight changes.

``synapse: {kind: tsodyks, U: ..., tau_rec: ...}`` in a projection; ``static`` if nothing is said, and ``plasticity: {U:
..., tau_rec: ...}`` is short for ``tsodyks``. Every module of this folder is read: a kind is added by a file with a
class, see `base.Synapse` for what it has to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..kinds import form_of, kind_named, kinds_of, plain_fields, read_folder, union_of
from ..quantities import Spec
from .base import Synapse
from .static import Static
from .tsodyks import Tsodyks

read_folder(__name__, __path__)


class SynapseForm(Spec):
    """What may be written of a kind; the fields follow from its class."""

    KIND: ClassVar[type[Synapse]]

    def plain(self) -> Synapse:
        """Synapse in plain numbers."""
        return self.KIND(**plain_fields(self.KIND, self))


def _form(kind: type[Synapse], *, tagged: bool = True) -> type[SynapseForm]:
    made: Any = form_of(kind, SynapseForm, tagged=tagged)
    made.KIND = kind
    return made


FORMS = {kind.TAG["kind"]: _form(kind) for kind in kinds_of(Synapse)}

if TYPE_CHECKING:
    SynapseSpec = SynapseForm
    Plasticity = SynapseForm
else:
    SynapseSpec = union_of(FORMS.values(), "kind")
    Plasticity = _form(Tsodyks, tagged=False)


def synapse_from_dict(data: dict[str, Any] | None) -> Synapse:
    """Synapse from its JSON form in a plan; plans of before the kinds have the parameters of ``tsodyks``, or None."""
    if data is None:
        return Static()
    kind: type[Synapse] = kind_named(Synapse, "kind", data.get("kind", "tsodyks"))
    return kind.from_fields({key: value for key, value in data.items() if key != "kind"})


__all__ = ["FORMS", "Plasticity", "Static", "Synapse", "SynapseForm", "SynapseSpec", "Tsodyks", "synapse_from_dict"]
