"""Numbers that are drawn: one spelling wherever they occur (weights, delays, parameters of cells, initial values).

Every kind is two small classes: what is written (pydantic, told apart by ``distribution:``, in `written`) and what is
drawn from (plain numbers in NEST's units, as a plan keeps them, in `drawn`).  A new kind is such a pair, and its entry
in `written.Written`. What must hold of a distribution where it stands is in `places`.
"""

from .drawn import (
    Bounds,
    Clamped,
    Drawn,
    Listed,
    LogNormal,
    TruncatedNormal,
    Uniform,
    bounds,
    drawn_from_dict,
    mean,
    mirrored,
    scaled,
)
from .places import DrawnDelay, DrawnWeight, Heterogeneity, Initial, Place, constant_or_drawn, drawn_around, plain
from .written import NAMES, WrittenFromFile, WrittenLogNormal, WrittenNormal, WrittenUniform

__all__ = [
    "NAMES",
    "Bounds",
    "Clamped",
    "Drawn",
    "DrawnDelay",
    "DrawnWeight",
    "Heterogeneity",
    "Initial",
    "Listed",
    "LogNormal",
    "Place",
    "TruncatedNormal",
    "Uniform",
    "WrittenFromFile",
    "WrittenLogNormal",
    "WrittenNormal",
    "WrittenUniform",
    "bounds",
    "constant_or_drawn",
    "drawn_around",
    "drawn_from_dict",
    "mean",
    "mirrored",
    "plain",
    "scaled",
]
