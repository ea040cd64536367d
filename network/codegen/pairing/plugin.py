"""Describe what NESTML has made of a cell and its synapses; runs in NESTML's own process, see ``worker.py``.

NESTML moves what a synapse keeps of the spikes of its target into the target: the cell gets another name and more
parameters. Those are known only after its transformers have run, when the worker has described the models as written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

RESULT = "pairs.json"
"""File in the working directory with the descriptions of all models that were made."""
BETWEEN = "__with_"


def install(options: dict[str, Any]) -> None:
    """Write down the models as they are when C++ is made of them."""
    from pynestml.frontend import pynestml_frontend as frontend

    transform = frontend.transform_models
    describe = sys.modules["__main__"].describe

    def transform_and_write(transformers: Any, models: Any) -> Any:
        made, metadata = transform(transformers, models)
        described = [describe(model) for model in made]
        Path(RESULT).write_text(json.dumps(described))
        return made, metadata

    frontend.transform_models = transform_and_write
