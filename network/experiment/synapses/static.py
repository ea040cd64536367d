"""Synapses that do not change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Synapse


@dataclass(frozen=True)
class Static(Synapse):
    """Every spike makes a step of the weight."""

    TAG: ClassVar[dict[str, str]] = {"kind": "static"}
    nest_model = "static_synapse"
    lane_class = "bgnest::StaticLaneSynapse"
    small_variant = True
    in_rows = True
    bytes = (16, 32)
