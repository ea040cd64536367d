"""Modules of users that hide others: ``numpy.py`` in a folder of ``PYTHONPATH`` is imported in place of NumPy.

What then fails is something far away. The command ends with one sentence that names the file.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import TracebackType

from .names import ALIAS, NAME


def hiding() -> dict[str, str]:
    """File or folder by name of what was imported from ``PYTHONPATH`` or the current folder and hides a module."""
    given = {Path(folder).resolve() for folder in ("", *os.environ.get("PYTHONPATH", "").split(os.pathsep))}
    others = [folder for folder in sys.path if Path(folder).resolve() not in given]
    found = {}
    for name, module in sorted(sys.modules.items()):
        place = next(iter(getattr(module, "__path__", ())), None) or getattr(module, "__file__", None)
        if (
            "." in name
            or name in (NAME, ALIAS, "__main__")
            or place is None
            or Path(place).parent.resolve() not in given
        ):
            continue
        if name in sys.stdlib_module_names or PathFinder.find_spec(name, others) is not None:
            found[name] = place
    return found


def told(found: dict[str, str]) -> str:
    """What hides what, and what to do."""
    what = "; ".join(f"{name} is hidden by {place}" for name, place in found.items())
    return f"{what}. Rename it, or take its folder off PYTHONPATH"


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, ImportError | AttributeError) and (found := hiding()):
        print(f"bgnest: {told(found)}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def explain() -> None:
    """From now on say in one sentence what hides what, where this process would end with a traceback because of it."""
    sys.excepthook = _hook
