"""Receptors that the potential of the source opens, without spikes."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from ..quantities import Millivolts
from ..stimuli import Name
from .base import ReceptorKind


class GradedReceptor(ReceptorKind):
    """The potential of the source acts all the time: the weight is the conductance of a receptor that is open.

    It is no port of the model. What cells gain for it is in :mod:`network.experiment.graded_cells`.
    """

    unit, signed, what = "nS", False, "the conductance of an open receptor"
    kind: Literal["graded"]
    E_rev: Millivolts
    """Reversal potential."""
    current: Name | None = None
    """Parameter or continuous port that the current is added to; ``I_e``, else the model's only continuous port."""

    @model_validator(mode="after")
    def _no_port(self) -> GradedReceptor:
        for key in ("port", "tau_syn", "beta", "effects", "parameters"):
            if getattr(self, key):
                message = f"{key}: a graded receptor has E_rev and current; what else there is, the projection says"
                raise PydanticCustomError("graded", "{message}", {"message": message})
        return self
