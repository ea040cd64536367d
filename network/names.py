"""One package under two names: a module that is imported as ``network.x`` is the module ``bgnest.x``.

Without this a program that uses both names would have every class twice, and an error of one would not be caught as
that of the other.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import CodeType, ModuleType

NAME, ALIAS = "bgnest", "network"


class _Same(Loader):
    """Hands out a module that is loaded under its own name."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Load the module under its own name."""
        module = importlib.import_module(NAME + spec.name.removeprefix(ALIAS))
        self._own = module.__spec__
        return module

    def get_code(self, name: str) -> CodeType | None:
        """Code of a module that is run as a program (``python -m network.cli.main``)."""
        found = find_spec(NAME + name.removeprefix(ALIAS))
        loader = None if found is None else found.loader
        return loader.get_code(NAME + name.removeprefix(ALIAS)) if isinstance(loader, InspectLoader) else None

    def exec_module(self, module: ModuleType) -> None:
        """Undo what the import system has noted meanwhile: the module keeps its own name."""
        module.__spec__ = self._own


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find ``network.x`` where ``network`` is this package and not one of a user's."""
        ours = fullname.startswith(f"{ALIAS}.") and fullname != f"{ALIAS}.__main__"  # which `-m` looks for itself
        if not ours or sys.modules.get(ALIAS) is not sys.modules.get(NAME):
            return None
        own = find_spec(NAME + fullname.removeprefix(ALIAS))
        return None if own is None else ModuleSpec(fullname, _Same(), origin=own.origin)


def allow_both_names() -> None:
    """Let submodules be imported under both names."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
