"""Modules of users that hide others: ``numpy.py`` in a folder of ``PYTHONPATH`` is imported in place of NumPy.

What then fails is something far away. The command ends with one sentence that names the file.

Only what Python has in itself is imported here: modules of its library may be those that are hidden.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

OURS = ("bgnest", "network", "__main__")


def hiding() -> dict[str, str]:
    """File or folder by name of what was imported from ``PYTHONPATH`` or the current folder and hides a module."""
    given = {_real(folder) for folder in ("", *os.environ.get("PYTHONPATH", "").split(os.pathsep))}
    others = [folder for folder in sys.path if _real(folder) not in given]
    found = {}
    for name, module in sorted(sys.modules.items()):
        place = next(iter(getattr(module, "__path__", ())), None) or getattr(module, "__file__", None)
        if "." in name or name in OURS or place is None or _folder(place) not in given:
            continue
        if name in sys.stdlib_module_names or PathFinder.find_spec(name, others) is not None:
            found[name] = place
    return found


def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _folder(place: str) -> str:
    return _real(os.path.dirname(os.path.abspath(place)))  # noqa: PTH100, PTH120 – pathlib needs much that may be hidden


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


def refuse(error: Exception) -> None:
    """Raise an ImportError that says what hides what, if that is why the package cannot be imported."""
    if not (found := hiding()):
        return
    if os.path.basename(sys.argv[0]) in ("bgnest", "-m"):  # noqa: PTH119 – the command, not a program that imports it
        explain()
    raise ImportError(told(found)) from error
