"""Currents."""

from __future__ import annotations

from typing import Literal

from .base import ReceptorKind


class CurrentReceptor(ReceptorKind):
    """A spike injects a current, whatever the potential; negative weights inhibit."""

    unit, signed, what = "pA", True, "a current"
    kind: Literal["current"]
