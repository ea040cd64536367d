"""Graded synapses."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from .base import ReceptorKind


class GradedReceptor(ReceptorKind):
    """The potential of the source acts all the time; a name for what does not exist yet."""

    unit, signed, what = "nS", False, "a graded synapse"
    usable = False
    kind: Literal["graded"]

    @model_validator(mode="before")
    @classmethod
    def _not_yet(cls, data: Any) -> Any:
        usable = ", ".join(kind.name() for kind in ReceptorKind.__subclasses__() if kind.usable)
        raise PydanticCustomError("graded", "graded receptors are not supported yet; kinds: {kinds}", {"kinds": usable})
