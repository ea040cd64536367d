"""Wiring rules in plain numbers, one class each; a plan holds one per projection.

Every module of this folder is read. A rule is added by a file with a class, see `base.Rule` for what it has to say;
how rules are written in YAML is in :mod:`network.experiment.connect`.
"""

from ..kinds import read_folder
from .base import Ends, Rule, spread_of
from .standard import (
    AllToAll,
    FixedInDegree,
    FixedOutDegree,
    FixedTotalNumber,
    OneToOne,
    PairwiseBernoulli,
)

read_folder(__name__, __path__)

__all__ = [
    "AllToAll",
    "Ends",
    "FixedInDegree",
    "FixedOutDegree",
    "FixedTotalNumber",
    "OneToOne",
    "PairwiseBernoulli",
    "Rule",
    "spread_of",
]
