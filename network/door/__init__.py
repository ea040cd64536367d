"""The front door: what ``import bgnest`` gives, as objects for scripts and notebooks; the command line uses it, too.

Each is imported when it is asked for: who plans need not wait for what scans need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalogue import Catalogue, Characteristics, cells, characterise
    from .comparing import Comparison, compare
    from .describing import Description
    from .experiment import Experiment, load, open_run, plan, run
    from .fits import Fit, fit
    from .listing import Listing, list_experiments
    from .planned import Plan
    from .runs import Run
    from .scans import Scan, scan
    from .verdicts import Verdict

_HOMES = {
    "catalogue": ("Catalogue", "Characteristics", "cells", "characterise"),
    "comparing": ("Comparison", "compare"),
    "describing": ("Description",),
    "experiment": ("Experiment", "load", "open_run", "plan", "run"),
    "fits": ("Fit", "fit"),
    "listing": ("Listing", "list_experiments"),
    "planned": ("Plan",),
    "runs": ("Run",),
    "scans": ("Scan", "scan"),
    "verdicts": ("Verdict",),
}

__all__ = [
    "Catalogue",
    "Characteristics",
    "Comparison",
    "Description",
    "Experiment",
    "Fit",
    "Listing",
    "Plan",
    "Run",
    "Scan",
    "Verdict",
    "cells",
    "characterise",
    "compare",
    "fit",
    "list_experiments",
    "load",
    "open_run",
    "plan",
    "run",
    "scan",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
