"""What can be measured of a run: one class per measure, read by verdict, optimisation, tables of scans and figures.

Every module of this folder is read. A measure is added by a file with a class: see `base.PopulationMeasure`,
`pairs.PairMeasure` and `zones.ZoneMeasure` for what it has to say.
"""

from __future__ import annotations

import importlib
import pkgutil

from .base import Measure, NotMeasuredError, PopulationMeasure, RunData, family, find, known

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Measure", "NotMeasuredError", "PopulationMeasure", "RunData", "family", "find", "known"]
