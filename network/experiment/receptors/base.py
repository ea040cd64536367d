"""What a kind of receptor says: unit and sign of its weights, and the parameters of its port that have short forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from ..modulators import Effects
from ..quantities import AnyQuantity, Number, PositiveMilliseconds, Quantity, Spec, WeightCheck
from ..stimuli import Name

SHORT = ("tau_syn", "E_rev", "V_act", "S_act")
"""Parameters of ports that may be written beside the receptor's other keys."""


class ReceptorKind(Spec):
    """Base of all kinds: a kind adds its name (``kind``), the unit of its weights, and parameters with short forms."""

    unit: ClassVar[str]
    """Unit of the weight."""
    signed: ClassVar[bool]
    """Whether weights may be negative."""
    what: ClassVar[str]
    """What a spike is, for messages."""
    usable: ClassVar[bool] = True
    """Whether it can be built yet."""

    port: Name | None = None
    """Input port of the model; the one with the name of the receptor if not given."""
    tau_syn: PositiveMilliseconds | None = None
    """Decay time constant."""
    beta: Number | None = None
    """Dopamine: the current is multiplied by 1 + beta * phi."""
    effects: Effects = ()
    """Effects of modulators on the current."""
    parameters: dict[Name, AnyQuantity] = Field(default_factory=dict)
    """Parameters of the port by the model's own names, or ``<key>`` for ``<key>_<port>``."""
    effect: Literal["excitatory", "inhibitory"] | None = None
    """What a positive weight does, for figures, where the model does not tell."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Weights may have the unit of every kind."""
        super().__pydantic_init_subclass__(**kwargs)
        if cls.usable:
            WeightCheck.SIGNED.setdefault(cls.unit, cls.signed)

    @classmethod
    def name(cls) -> str:
        """Name of the kind as it is written."""
        (name,) = get_args(cls.model_fields["kind"].annotation)
        return str(name)

    def named(self) -> Iterator[tuple[str, Quantity]]:
        """Every parameter with the key it was written under."""
        for key in SHORT:
            if (value := getattr(self, key, None)) is not None:
                yield key, value
        yield from self.parameters.items()
