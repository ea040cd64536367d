"""bgnest: spiking networks of the basal ganglia on NEST, from parameter files to figures.

The front door: `load` an experiment, change it, `plan` and `run` it, `open_run` what was recorded, `scan`
parameters, `fit` them to recorded traces.
Nothing is imported before it is asked for, so that ``import bgnest`` costs nothing.

The package lies in a folder called ``network``, and so are packages and scripts of many users. It therefore goes by
the name ``bgnest``, under which nothing of a user hides it; ``import network`` is the same package, module by module.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import door as door
    from .door import cells, characterise, compare, fit, list_experiments, load, open_run, plan, run, scan
    from .errors import Error

    __version__: str

__all__ = [
    "Error",
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
    if name in __all__:
        from importlib import import_module

        home = "errors" if name == "Error" else "door"
        value = getattr(import_module(f".{home}", __name__), name)
    elif name == "door":  # the classes, for annotations
        from importlib import import_module

        value = import_module(".door", __name__)
    elif name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            value = version("bgnest")
        except PackageNotFoundError:  # a folder on the path, not installed
            value = "0+unknown"
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if __name__ == "bgnest":
    from .names import allow_both_names

    allow_both_names()
else:  # imported as `network`: be the package that goes by its own name
    from importlib.util import module_from_spec, spec_from_file_location

    if "bgnest" not in sys.modules:
        _spec = spec_from_file_location("bgnest", __file__, submodule_search_locations=list(__path__))
        assert _spec is not None and _spec.loader is not None
        sys.modules["bgnest"] = module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules["bgnest"])
    sys.modules[__name__] = sys.modules["bgnest"]
