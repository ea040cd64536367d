"""Short-term plasticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..kinds import written
from ..quantities import Fraction, NonNegativeMilliseconds, PositiveMilliseconds
from .base import Synapse


@dataclass(frozen=True)
class Tsodyks(Synapse):
    """Short-term plasticity after Tsodyks, Uziel and Markram (2000), doi 10.1523/JNEUROSCI.20-01-j0003.2000.

    The weight of the projection is the absolute efficacy: a rested synapse makes a step of ``U`` times it.
    """

    TAG: ClassVar[dict[str, str]] = {"kind": "tsodyks"}
    nest_model = "tsodyks_synapse"
    lane_class = "bgnest::TsodyksLaneSynapse"
    small_variant = True
    in_rows = True
    bytes = (48, 96)

    U: float = written(Fraction)
    """Share of the recovered transmitter that a spike releases."""
    tau_rec: float = written(PositiveMilliseconds)
    """Time constant of recovery (depression)."""
    tau_fac: float = written(NonNegativeMilliseconds)
    """Time constant of facilitation; 0 is none."""
    tau_psc: float = written(PositiveMilliseconds)
    """Time constant in which what was released becomes inactive."""

    @property
    def constants(self) -> dict[str, Any]:
        """Parameters; at first all transmitter is recovered, so that the first spike releases the fraction U."""
        parameters = {"U": self.U, "tau_rec": self.tau_rec, "tau_fac": self.tau_fac, "tau_psc": self.tau_psc}
        return {**parameters, "x": 1.0, "y": 0.0, "u": 0.0}

    @property
    def rested(self) -> float:  # noqa: D102
        return self.U

    def problem(self) -> tuple[str, str] | None:  # noqa: D102
        if self.tau_psc == self.tau_rec:
            return "tau_psc", f"{self.tau_psc:g} ms must differ from tau_rec (the exact solution divides by it)"
        return None

    def describe(self) -> str:  # noqa: D102
        return "plastic"
