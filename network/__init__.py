"""bgnest: spiking networks of the basal ganglia on NEST, from parameter files to figures.

The package lies in a folder called ``network``, and so are packages and scripts of many users. It therefore goes by
the name ``bgnest``, under which nothing of a user hides it; ``import network`` is the same package, module by module.
"""

from __future__ import annotations

import sys

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
