"""How long compiling will take: as long as models took before, in this cache; else as the cost model says."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence

from ..errors import SpecError
from ..plans.cost import load_cost_model
from ..text import duration
from .cache import Cache

MEMORY = 8
"""About so many models of the past count."""


def note_seconds(store: Cache, target: str, seconds: float) -> None:
    """Remember how long a model took."""
    known = _measured(store, target)
    mean = seconds if known is None else known + (seconds - known) / MEMORY
    with contextlib.suppress(OSError):
        (store.root / "seconds").mkdir(exist_ok=True)
        (store.root / "seconds" / f"{target}.json").write_text(json.dumps({"seconds": mean}), encoding="utf-8")


def _measured(store: Cache, target: str) -> float | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads((store.root / "seconds" / f"{target}.json").read_text(encoding="utf-8"))["seconds"])
    return None


def announcement(store: Cache, target: str, models: Sequence[str], jobs: int) -> str:
    """Say which models will be compiled, and how long that will take with so many at a time."""
    measured = _measured(store, target)
    names = ", ".join(sorted(models)) if len(models) <= 4 else f"{len(models)} models"
    try:
        each = load_cost_model().compile_per_model.value if measured is None else measured
    except SpecError:  # a user's own folder of parameters without one
        return f"compiling {names} ({target})"
    rounds = math.ceil(len(models) / jobs)
    how = "as before" if measured is not None else "by the cost model"
    return f"compiling {names} ({target}): about {duration(rounds * each)}, {duration(each)} each {how}"
