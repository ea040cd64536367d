"""Conductances."""

from __future__ import annotations

from typing import Literal

from ..quantities import Millivolts, PositiveMillivolts
from .base import ReceptorKind


class ConductanceReceptor(ReceptorKind):
    """A spike opens channels: the weight is a conductance, the reversal potential decides about its effect."""

    unit, signed, what = "nS", False, "a conductance"
    kind: Literal["conductance"] = "conductance"
    E_rev: Millivolts | None = None
    """Reversal potential."""
    V_act: Millivolts | None = None
    """Half-activation of the voltage-dependent block (NMDA)."""
    S_act: PositiveMillivolts | None = None
    """Slope of the block."""
