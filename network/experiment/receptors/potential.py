"""Steps of the potential."""

from __future__ import annotations

from typing import Literal

from .base import ReceptorKind


class PotentialReceptor(ReceptorKind):
    """A spike moves the membrane potential by its weight at once (delta synapse)."""

    unit, signed, what = "mV", True, "a step of the potential"
    kind: Literal["potential"]
