"""The command as ``python -m bgnest``, and as the path of this file, which finds the package whatever is installed."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

if __name__ == "__main__":
    folder = Path(__file__).resolve().parent
    if "bgnest" not in sys.modules:
        spec = spec_from_file_location("bgnest", folder / "__init__.py", submodule_search_locations=[str(folder)])
        assert spec is not None and spec.loader is not None
        sys.modules["bgnest"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["bgnest"])
    import_module("bgnest.cli.main").main()
